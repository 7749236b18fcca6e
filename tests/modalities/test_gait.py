"""Gait in the main job: recorded motion, bodies followed in pictures, and what is no gait."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from affectlens.media.frames import Frame
from affectlens.modalities.body import strip
from affectlens.models.typicality import LEAST_TYPICAL
from affectlens.perception.body.follow import follow, has_legs
from affectlens.perception.body.gait import NAMES, measure
from affectlens.perception.body.joints import JOINTS
from affectlens.perception.people.finder import Sighting
from affectlens.pipeline import Engine, explain, recognize
from tests.conftest import asset_path
from tests.perception.body.bodies import KINDS, body, walk
from tests.perception.body.walker import pose_of, walker, write_bvh


def recorded(motion):
    """With the small errors of a recording: joints that move by formula are smoother than any that were learnt from."""
    noise = np.random.default_rng(1).normal(0, 0.01, motion.points.shape)
    return replace(motion, points=motion.points + noise)


@pytest.fixture(scope="module")
def engine():
    from affectlens.core.options import Options

    asset_path("pose-landmarker")
    return Engine(Options(("gait",)))


def test_recorded_motion_is_explained(engine, tmp_path):
    path = write_bvh(recorded(walker(seconds=5, speed=1.1)), tmp_path / "walk.bvh")
    run = explain(path, tmp_path / "out", engine=engine)
    assert not run.failures
    rows = run.table[run.table.modality == "gait"]
    assert list(rows.status) == ["ok"] * len(rows) and list(rows.person) == [0] * len(rows) and len(rows) == 3
    assert (rows[["p_anger", "p_happiness", "p_neutral", "p_sadness"]].sum(axis=1) - 1).abs().max() < 1e-6
    evidence = run.evidence
    told = evidence[evidence.kind == "gait"]
    assert len(told) and told.detail.str.contains("deviations").all()
    page = run.results[0].report.read_text()
    assert "the gait" in page and "<line" in page and "bars of the sequence of joints" in page
    # Shapley values sum to the log probability less that of a person of whom nothing is known.
    first = evidence[(evidence.kind == "gait relevance") & (evidence.start == 0)]
    assert len(first) == 7
    again = recognize(path, engine=engine).table
    pd.testing.assert_frame_equal(
        again[again.modality == "gait"].drop(columns="weight").reset_index(drop=True),
        rows.drop(columns="weight").reset_index(drop=True),
    )


def test_standing_short_and_broken_motion(engine, tmp_path):
    standing = write_bvh(walker(seconds=3, stride=1e-9, speed=0), tmp_path / "stand.bvh")
    short = write_bvh(walker(seconds=0.3), tmp_path / "short.bvh")
    (tmp_path / "broken.bvh").write_text("HIERARCHY\nMOTION\n")
    run = recognize([standing, short, tmp_path / "broken.bvh"], engine=engine)
    assert list(run.failures) == [str(tmp_path / "broken.bvh")]
    rows = run.table[run.table.modality == "gait"]
    assert set(rows.status) == {"abstained"}
    assert any("does not walk" in reason for reason in rows.reason) and any("at least" in reason for reason in rows.reason)


def test_no_legs_in_view(engine):
    run = recognize(asset_path("sample-clip"), engine=engine)
    rows = run.table[run.table.modality == "gait"]
    assert list(rows.status) == ["missing"] and "no leg" in rows.reason.iloc[0]


def _pictures(count, rate=15.0):
    return [Frame(i / rate, np.zeros((240, 320, 3), np.uint8)) for i in range(count)]


def test_followed_body_walks_like_the_recorded_one():
    standing = walker(seconds=4, rate=15, speed=0.0, stride=1.0)
    side = replace(standing, points=standing.points[..., [2, 1, 0]] * [1, 1, -1])  # seen from the side, so the stride shows
    poses = iter([pose_of(x) for x in side.points])
    sight = [Sighting(tick / 5, 4, (0.0, 0.0, 1.0, 1.0)) for tick in range(21)]
    told = []
    (track,) = follow(_pictures(len(standing)), lambda _: [next(poses)], sight, told.append)
    assert track.person == 4 and len(told) == len(standing)
    motion = track.motion()
    assert len(motion) == len(standing) and motion.rate == 15
    front, turned = dict(zip(NAMES, measure(motion), strict=True)), dict(zip(NAMES, measure(side), strict=True))
    for name in ("stride rate", "knee bend", "elbow bend", "arm swing", "symmetry"):
        assert front[name] == pytest.approx(turned[name], rel=0.05, abs=0.05), name


def test_two_bodies_that_cross_are_kept_apart_and_one_hidden_is_missing():
    count = 30
    left = [pose_of(x, (60 + 6 * i, 200)) for i, x in enumerate(walker(seconds=2, rate=15, speed=0).points[:count])]
    right = [pose_of(x, (260, 200)) for x in walker(seconds=2, rate=15, speed=0).points[:count]]
    frames = iter(range(count))

    def find(_):
        i = next(frames)
        return [right[i], left[i]] if i % 2 else ([left[i]] if i == 10 else [left[i], right[i]])

    tracks = follow(_pictures(count), find, [])
    assert [len(track.poses) for track in sorted(tracks, key=lambda track: -len(track.poses))][:2] == [count, count - 1]
    hidden = next(track for track in tracks if len(track.poses) == count - 1).motion()
    assert np.isnan(hidden.points[10]).all() and np.isfinite(hidden.points[9]).any()
    assert tracks[0].person == -1


def test_legs():
    x = walker().points[0].copy()
    pose = pose_of(x)
    assert has_legs(pose)
    visible = pose.visible.copy()
    visible[[27, 28]] = 0.1
    assert not has_legs(replace(pose, visible=visible))


def test_strip_draws_every_bone(rng):
    x = walker().points[:3]
    assert strip(x).count("<line") == 3 * 17
    x = x.copy()
    x[:, JOINTS.index("left wrist")] = np.nan
    assert strip(x).count("<line") == 3 * 16


@pytest.fixture(scope="module")
def bodies_seen(tmp_path_factory):
    """Rows of gait and posture of recorded bodies that do not walk, and of others that do, by kind."""
    from affectlens.core.options import Options

    asset_path("pose-landmarker")
    folder, rng = tmp_path_factory.mktemp("bodies"), np.random.default_rng(3)
    made = {kind: [body(kind, rng) for _ in range(7)] for kind in KINDS} | {"walk": [walk(rng) for _ in range(20)]}
    files = {
        str(write_bvh(motion, folder / f"{kind}-{number}.bvh")): kind
        for kind, motions in made.items()
        for number, motion in enumerate(motions)
    }
    rows = recognize(list(files), engine=Engine(Options(("gait", "posture")))).table
    rows = rows[(rows.modality != "fused") & (rows.end - rows.start > 1)]
    return rows.assign(kind=[files[str(file)] for file in rows.file])


def test_bodies_that_do_not_walk_are_told_and_walkers_are_judged(bodies_seen):
    for modality, rows in bodies_seen.groupby("modality"):
        still = rows[rows.kind != "walk"]
        assert (still.status == "abstained").mean() >= 0.95 and len(still) == 42, modality
        assert still.reason.str.contains("does not walk").all() and still.label.eq("").all()
        walked = rows[rows.kind == "walk"]
        assert (walked.status == "ok").mean() >= 0.9, (modality, walked.reason.unique())
        assert (walked.typical[walked.status == "ok"] >= LEAST_TYPICAL).all()


def test_a_walk_unlike_all_that_was_learnt_is_not_judged(tmp_path):
    """Steps and way of a walk, hands held above the head: typicality tells, with its p-value in the row."""
    one = recorded(walker(seconds=2, speed=1.1))
    points = one.points.copy()
    for side in ("left", "right"):
        for number, joint in enumerate(("elbow", "wrist"), 1):
            points[:, JOINTS.index(f"{side} {joint}")] = points[:, JOINTS.index("neck")] + [0.0, 0.4 * number, -0.3 * number]
    file = write_bvh(replace(one, points=points), tmp_path / "odd.bvh")
    rows = recognize([file, write_bvh(one, tmp_path / "plain.bvh")], modalities=("posture",)).table
    odd, plain = rows[rows.modality == "posture"].itertuples()
    assert odd.status == "abstained" and "unlike all that the posture network has seen" in odd.reason
    assert odd.typical < LEAST_TYPICAL <= plain.typical and plain.status == "ok"


def test_posture_of_recorded_motion_and_of_faces(tmp_path):
    from affectlens.core.options import Options

    asset_path("pose-landmarker")
    both = Engine(Options(("face", "gait", "posture")))
    path = write_bvh(recorded(walker(seconds=4, speed=1.1)), tmp_path / "walk.bvh")
    run = explain(path, tmp_path / "out", engine=both)
    rows = run.table[run.table.modality == "posture"]
    assert list(rows.start) == [0, 2] and list(rows.status) == ["ok", "ok"]
    page = run.results[0].report.read_text()
    assert "the posture" in page and "Front view" in page
    fused = run.table[(run.table.modality == "fused") & (run.table.person == 0)]
    assert (fused.status == "ok").all() and (fused.start.diff().dropna() > 0).all()
    clip = recognize(asset_path("sample-clip"), engine=both)
    posture = clip.table[clip.table.modality == "posture"]
    # Both stand and speak, and the network has only seen people walking: it says nothing of them.
    assert set(posture.person) == {0, 1} and set(posture.status) == {"abstained"} and posture.reason.str.len().min() > 0
    assert posture.reason.str.contains("does not walk").sum() >= 5
    # Taking a module away takes its rows away and leaves the others as they were.
    alone = recognize(asset_path("sample-clip"), modalities=("face",)).table
    face = clip.table[clip.table.modality == "face"].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        face.drop(columns="weight"), alone[alone.modality == "face"].reset_index(drop=True).drop(columns="weight")
    )


def test_one_joint_and_a_body_upside_down_are_named(tmp_path):
    from dataclasses import replace as changed

    from affectlens.core.errors import MediaError
    from affectlens.models.shipped.gait import window

    walk = walker(3.0)
    lonely = np.full(walk.points.shape, np.nan)
    lonely[:, 0] = walk.points[:, 0]
    with pytest.raises(MediaError):
        window(changed(walk, points=lonely))
    with pytest.raises(MediaError, match="upside down"):
        window(changed(walk, points=walk.points * [1, -1, 1]))


def test_five_frames_a_second_are_too_few_for_a_stride(tmp_path):
    import subprocess
    import sys
    from pathlib import Path

    import av

    from affectlens.core.options import Options
    from affectlens.media.frames import frames
    from affectlens.pipeline import Engine
    from tests.conftest import asset_path, write_video

    asset_path("pose-landmarker"), asset_path("yunet"), asset_path("face-landmarker")
    script = Path(__file__).resolve().parents[2] / "scripts" / "render_walk.py"
    subprocess.run([sys.executable, str(script), str(tmp_path / "walk.mp4")], check=True, capture_output=True)
    assert av.open(str(tmp_path / "walk.mp4")).streams.video[0].average_rate == 30
    engine = Engine(Options(modalities=("face", "gait"), threads=1))
    _, found, _ = engine.run(tmp_path / "walk.mp4", explaining=False)
    walked = [finding.row for finding in found if finding.row.modality == "gait"]
    assert any(row.status == "ok" for row in walked)
    few = [frame.image for frame in frames(tmp_path / "walk.mp4", 5.0)]
    slow = write_video(tmp_path / "slow.mp4", few, rate=5)
    _, found, _ = engine.run(slow, explaining=False)
    rows = [finding.row for finding in found if finding.row.modality == "gait"]
    assert rows and all(row.status != "ok" and row.reason for row in rows)
