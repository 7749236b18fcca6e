"""Skeletons of every source on the common one, and measurements of a body whose walk is known."""

import json

import numpy as np
import pytest

from affectlens.core.errors import MediaError
from affectlens.perception.body.bvh import _known, read_bvh
from affectlens.perception.body.formats import LAYOUTS, STEP, from_array, read_keypoints
from affectlens.perception.body.gait import FEATURES, NAMES, measure
from affectlens.perception.body.joints import JOINTS, Motion, heading, leg_length, normalised, resampled
from tests.perception.body.walker import BVH, mirrored, walker


def _of(motion):
    return dict(zip(NAMES, measure(motion), strict=True))


def test_known_walk():
    f = _of(walker(stride=1.0, speed=1.2, swing=25, knee=10, lean=8, head=15, elbow=30))
    assert f["speed"] == pytest.approx(1.2, abs=0.01) and f["forward speed"] == pytest.approx(1.2, abs=0.01)
    assert f["stride rate"] == pytest.approx(1.0, abs=0.05) and f["stride length"] == pytest.approx(1.2, abs=0.08)
    assert f["rhythm"] > 0.9 and f["symmetry"] > 0.95
    assert f["knee bend"] == pytest.approx(10, abs=0.1) and f["knee range"] == pytest.approx(0, abs=0.1)
    assert f["elbow bend"] == pytest.approx(30, abs=0.1)
    # 90th less 10th percentile of a sine of half range 25 degrees.
    assert f["arm swing"] == pytest.approx(2 * 25 * np.sin(0.4 * np.pi), rel=0.05)
    assert f["arm swing asymmetry"] < 0.02 and f["trunk lean"] == pytest.approx(8, abs=0.1)
    assert f["head down"] == pytest.approx(15, abs=0.1) and f["step width"] == pytest.approx(0.2, abs=0.01)
    assert f["pelvis height"] == pytest.approx(1.0, abs=0.1) and f["bounce"] == pytest.approx(0, abs=1e-6)
    assert all(np.isfinite(v) for v in f.values())


def test_standing_has_no_stride_length_but_a_posture():
    f = _of(walker(stride=1e-9, speed=0, swing=0))
    assert f["speed"] == pytest.approx(0, abs=1e-6) and f["energy"] == pytest.approx(0, abs=1e-3)
    assert f["elbow bend"] == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize("turn", [0.7, 2.5, -1.9])
def test_view_size_place_and_rate_change_nothing(turn):
    one = walker()
    c, s = np.cos(turn), np.sin(turn)
    x = one.points * 173
    x = np.stack([c * x[..., 0] + s * x[..., 2], x[..., 1], -s * x[..., 0] + c * x[..., 2]], axis=-1) + [5, 80, -3]
    other = Motion(x, one.rate, "cm")
    np.testing.assert_allclose(measure(one), measure(other), rtol=1e-6, atol=1e-6)
    faster = measure(walker(rate=60))
    smooth = [i for i, n in enumerate(NAMES) if "jerk" not in n and n not in ("hand acceleration",)]
    np.testing.assert_allclose(measure(one)[smooth], faster[smooth], rtol=0.03, atol=0.03)


def test_mirror_changes_no_feature():
    one = walker(swing=30)
    np.testing.assert_allclose(measure(one), measure(mirrored(one)), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(mirrored(mirrored(one)).points, one.points)


def test_missing_joints_stay_missing():
    m = walker()
    x = m.points.copy()
    x[:, [JOINTS.index(j) for j in ("left wrist", "right wrist")]] = np.nan
    f = _of(Motion(x, 30, "m"))
    assert np.isnan(f["hand height"]) and np.isnan(f["jerk"]) and np.isfinite(f["stride rate"])
    assert np.isnan(normalised(Motion(x, 30, "m")).of("left wrist")).all()
    x[:, [i for i, j in enumerate(JOINTS) if "knee" in j]] = np.nan
    with pytest.raises(MediaError, match="no leg"):
        measure(Motion(x, 30, "m"))
    half = m.points.copy()
    half[::2, JOINTS.index("left wrist")] = np.nan
    assert np.isfinite(_of(Motion(half, 30, "m"))["hand height"])


def test_short_and_flat_motion():
    f = _of(walker(seconds=0.2))
    assert np.isnan(f["stride rate"]) and np.isfinite(f["knee bend"])
    m = walker()
    flat = Motion(m.points * [1, 1, 0], 30, "px", "", True)
    found = _of(flat)
    assert np.isnan([found[f.name] for f in FEATURES if f.deep]).all()
    with pytest.raises(MediaError, match="rate"):
        Motion(m.points, 0, "m")
    with pytest.raises(MediaError, match="expected"):
        Motion(m.points[:, :5], 30, "m")


def test_resampling_is_linear_and_keeps_gaps():
    m = walker(rate=30)
    two = resampled(m, 60)
    np.testing.assert_allclose(two.points[::2], m.points, atol=1e-9)
    x = m.points.copy()
    x[4, 3] = np.nan
    assert np.isnan(resampled(Motion(x, 30, "m"), 60).points[7:10, 3]).all()


def test_heading_and_leg():
    assert leg_length(walker()) == pytest.approx(1.0)
    np.testing.assert_allclose(heading(walker()), [0, 1], atol=1e-9)


def test_bvh_by_hand(tmp_path):
    (tmp_path / "a.bvh").write_text(BVH)
    m = read_bvh(tmp_path / "a.bvh")
    assert m.rate == pytest.approx(20) and len(m) == 2
    np.testing.assert_allclose(m.of("head")[0], [1, 45, 3], atol=1e-9)
    # The chest turned by 90 degrees about z lays neck and head to the left of it.
    np.testing.assert_allclose(m.of("head")[1], [1 - 15, 30, 3], atol=1e-9)
    # The thigh turned by 90 degrees about x points to -z.
    np.testing.assert_allclose(m.of("left ankle")[1], [3, 20, 3 - 16], atol=1e-9)
    assert np.isnan(m.of("right ankle")).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "not a BVH file"), (BVH.replace("Frames: 2", "Frame 2"), "no number of frames"),
        (BVH.rsplit(" ", 3)[0], "cut short"), (BVH.replace("0.05", "0"), "no frame time"),
        (BVH.replace("Left", "Q").replace("Hips", "H1").replace("Chest", "C9").replace("Neck", "N").replace("Head", "K"), "no spelling"),
    ],
)  # fmt: skip
def test_bad_bvh(tmp_path, text, said):
    (tmp_path / "a.bvh").write_text(text)
    with pytest.raises(MediaError, match=said):
        read_bvh(tmp_path / "a.bvh")


@pytest.mark.parametrize(
    "names",
    [
        ["Hips", "Spine2", "Neck", "Head", "LeftArm", "LeftForeArm", "LeftHand", "RightUpLeg", "RightLeg", "RightFoot", "RightToeBase"],
        ["mixamorig:Hips", "mixamorig:Spine2", "mixamorig:Neck", "mixamorig:Head", "mixamorig:LeftArm", "mixamorig:LeftForeArm",
         "mixamorig:LeftHand", "mixamorig:RightUpLeg", "mixamorig:RightLeg", "mixamorig:RightFoot", "mixamorig:RightToeBase"],
        ["Hips", "Chest", "Neck", "Head", "UpperArm_L", "LowerArm_L", "Hand_L", "UpperLeg_R", "LowerLeg_R", "Foot_R", "Toes_R"],
        ["hip", "chest", "neck", "head", "lShldr_no", "lForeArm", "lHand", "rThigh", "rShin", "rFoot", "rToe"],
    ],
)  # fmt: skip
def test_vendors_names(names):
    found = _known(names)
    wanted = ["pelvis", "chest", "neck", "head", "left shoulder", "left elbow", "left wrist", "right hip", "right knee",
              "right ankle", "right toe"]  # fmt: skip
    for i, joint in enumerate(wanted):
        if names[i] != "lShldr_no":
            assert found[joint] == i, joint


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_keep_sides_apart(name, rng):
    layout = LAYOUTS[name]
    x = rng.normal(size=(4, layout.count, 2 if layout.flat else 3))
    out = from_array(x, layout, 25)
    assert out.points.shape == (4, 18, 3) and out.flat == layout.flat
    used = [i for v in layout.joints.values() for i in v if len(v) == 1]
    assert len(used) == len(set(used))
    gap = x.copy()
    gap[:, layout.joints["left knee"][0]] = np.nan
    assert np.isnan(from_array(gap, layout, 25).of("left knee")).all()
    with pytest.raises(MediaError, match=layout.name.split()[0]):
        layout(np.zeros((3, 4, 3)))


def test_step_rows(rng):
    x = rng.normal(size=(5, 48))
    m = from_array(x, STEP, 30)
    np.testing.assert_allclose(m.of("left elbow"), x[:, 15:18])
    np.testing.assert_allclose(m.of("right ankle"), x[:, 45:48])


def test_openpose_and_coco_files(tmp_path):
    people = [0.0] * 75
    people[3 * 13 : 3 * 13 + 3] = [10, 20, 0.9]
    people[3 * 10 : 3 * 10 + 3] = [11, 21, 0.01]
    for i, held in enumerate([[{"pose_keypoints_2d": people}], []]):
        (tmp_path / f"f{i}.json").write_text(json.dumps({"people": held}))
    m = read_keypoints(sorted(tmp_path.glob("f*.json")), 25)
    np.testing.assert_allclose(m.of("left knee")[0], [10, -20, 0])
    assert np.isnan(m.of("right knee")).all() and np.isnan(m.points[1]).all() and m.flat
    (tmp_path / "coco.json").write_text(json.dumps([{"keypoints": list(range(51))}]))
    np.testing.assert_allclose(read_keypoints([tmp_path / "coco.json"], 25).of("left ankle")[0], [45, -46, 0])
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(MediaError, match="neither"):
        read_keypoints([tmp_path / "bad.json"], 25)
    (tmp_path / "none.json").write_text(json.dumps({"people": []}))
    with pytest.raises(MediaError, match="nobody"):
        read_keypoints([tmp_path / "none.json"], 25)
