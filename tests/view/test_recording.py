"""What the page is told of a recording: the same numbers as the tables hold, at their true times."""

import numpy as np
import pandas as pd
import pytest

from affectlens.media.frames import frames
from affectlens.workbench.reading.curves import thinned
from affectlens.workbench.reading.stills import frame_at
from tests.conftest import write_video
from tests.view.made import recording


def test_the_first_view(client, run_id):
    run = client.get(f"/api/runs/{run_id}").json()
    assert (run["name"], run["kind"], run["duration"], run["size"], run["status"]) == (
        "talk.mp4",
        "video",
        6.0,
        [128, 96],
        "ok",
    )
    assert [person["id"] for person in run["people"]] == [0, 1] and run["people"][0]["labels"]["neutral"] == 0.5
    assert run["media"] == {
        "there": True, "playable": True, "address": f"/api/runs/{run_id}/media", "copy": "none", "start_time": 0.0, "kind": "video",
        "type": "video/mp4",
    }  # fmt: skip
    assert run["modalities"] == ["face", "words", "voice", "scene"] and all(
        run["has"][name] for name in ("frames", "maps", "transcript")
    )


def test_no_path_of_this_machine_is_told(client, run_id, ready_run):
    for path in ("", "/lanes", "/evidence?segment=0:fused:1", "/narrative", "/edits"):
        assert str(ready_run.parent) not in client.get(f"/api/runs/{run_id}{path}").text
    assert "/home/somebody" not in client.get(f"/api/runs/{run_id}").text


def test_lanes_hold_the_table(client, run_id, ready_run):
    table = pd.read_parquet(ready_run / "table.parquet")
    told = client.get(f"/api/runs/{run_id}/lanes").json()
    assert sum(len(lane["start"]) for lane in told["lanes"]) == len(table)
    lane = next(lane for lane in told["lanes"] if lane["person"] == 1 and lane["modality"] == "fused")
    rows = table[(table.person == 1) & (table.modality == "fused")].sort_values("start")
    assert lane["start"] == rows.start.tolist() and lane["conflict"] == rows.conflict.astype(int).tolist()
    assert [lane["labels"][place] for place in lane["label"]] == rows.label.tolist()
    assert lane["probabilities"][3] == pytest.approx(rows.p_happiness.tolist(), abs=1e-4)
    assert [[lane["labels"][place] for place in held] for held in lane["set"]] == [held.split("|") for held in rows.conformal]
    assert told["words"][0] == {"person": 0, "start": 0.5, "end": 0.9, "text": "Today", "probability": 0.9, "utterance": 0}
    assert told["speakers"][0]["person"] == 0 and told["place"]["kind"] == "office" and told["things"][0]["name"] == "chair"
    assert told["conflicts"][0]["text"].startswith("at 3.0 s the face says")
    assert next(lane for lane in told["lanes"] if lane["modality"] == "words")["faithful"] == [1]
    assert next(lane for lane in told["lanes"] if lane["modality"] == "face")["faithful"][:2] == [0, None]


def test_evidence_of_a_segment(client, run_id):
    told = client.get(f"/api/runs/{run_id}/evidence?segment=0:fused:0").json()
    assert told["answer"]["label"] == "neutral" and told["answer"]["set"] == ["neutral"]
    assert told["shapley"] == [{"modality": "face", "value": 1.2, "weight": 0.7, "evidence": told["shapley"][0]["evidence"]}]
    face = told["face"]
    assert face["map"]["grid"] == [6, 6] and max(map(abs, face["map"]["values"])) == 1.0 and len(face["map"]["quad"]) == 8
    assert [region["name"] for region in face["regions"]] == ["mouth", "nose"] and face["movements"][0]["deviation"] == 2.5
    assert face["faithful"] is False  # deletion shows it, insertion does not
    tests = {test["modality"]: test for test in told["faithfulness"]}
    assert tests["face"]["shown"] is False and [test["shown"] for test in tests["face"]["tests"]] == [True, False]
    assert tests["words"]["shown"] is True and told["words"][0]["faithful"] is True
    assert told["words"][0]["concepts"][0]["shown"] and told["voice"][0]["differences"][0]["own"] is True
    assert told["voice"][0]["differences"][0]["text"] == "higher pitch by 4.1 semitones than person 0's other turns"
    assert told["scene"][0]["text"].startswith("place:")
    row = next(row for row in told["rows"] if row["kind"] == "region")
    assert row["faithful"] is False and row["text"] and row["detail"]["area_share"] == 0.1
    assert client.get(f"/api/runs/{run_id}/evidence?id={row['id']}").json()["id"] == row["id"]


@pytest.mark.parametrize("query", ["segment=0", "segment=9:fused:0", "segment=0:fused:77", "id=e99999", "", "person=0"])
def test_evidence_that_is_not_there_is_a_clear_error(client, run_id, query):
    answer = client.get(f"/api/runs/{run_id}/evidence?{query}")
    assert answer.status_code == 400 and answer.json()["error"]["message"]


def test_every_clause_of_the_narrative_seeks_and_cites(client, run_id, ready_run):
    evidence = pd.read_parquet(ready_run / "evidence.parquet").set_index("id")
    sentences = client.get(f"/api/runs/{run_id}/narrative").json()["sentences"]
    clauses = [clause for sentence in sentences for clause in sentence["clauses"]]
    assert len(clauses) > 5
    for clause in clauses:
        row = evidence.loc[clause["evidence"]]
        assert (clause["start"], clause["end"], clause["kind"]) == (row.start, row.end, row.kind)
        assert clause["whole"] == (row.level == "situation")
    word = next(clause for clause in clauses if clause["kind"] == "word")
    region = next(clause for clause in clauses if clause["kind"] == "region")
    assert word["faithful"] is True and region["faithful"] in (False, None)


def test_moments_are_few_and_in_order(client, run_id):
    moments = client.get(f"/api/runs/{run_id}/moments").json()["moments"]
    assert 3 <= len(moments) <= 12 and [moment["time"] for moment in moments] == sorted(moment["time"] for moment in moments)
    assert {"clearest", "conflict"} <= {moment["kind"] for moment in moments}
    assert client.get(moments[0]["thumbnail"]).headers["content-type"] == "image/jpeg"


def test_a_curve_is_the_column(client, run_id, ready_run):
    table = pd.read_parquet(ready_run / "table.parquet")
    rows = table[(table.person == 0) & (table.modality == "fused")].sort_values("start")
    told = client.get(f"/api/runs/{run_id}/curve?column=p_happiness&person=0").json()
    assert told["people"][0]["time"] == ((rows.start + rows.end) / 2).tolist()
    assert told["people"][0]["value"] == pytest.approx(rows.p_happiness.tolist(), abs=1e-5) and told["drawn"] == told["rows"]
    few = client.get(f"/api/runs/{run_id}/curve?table=frames&column=jawOpen&person=1&points=6").json()
    assert few["drawn"] <= 6 < few["rows"] and all(low <= mean <= high for low, mean, high in zip(
        few["people"][0]["low"], few["people"][0]["value"], few["people"][0]["high"], strict=True))  # fmt: skip
    names = {
        table["name"]: [column["name"] for column in table["columns"]]
        for table in client.get(f"/api/runs/{run_id}/columns").json()["tables"]
    }
    assert "jawOpen" in names["frames"] and "valence" in names["segments"] and "person" not in names["segments"]


def test_thinning_keeps_peaks_and_every_row_counts():
    rng = np.random.default_rng(1)
    times, values = np.sort(rng.uniform(0, 100, 5000)), rng.normal(size=5000)
    values[1234] = 50.0
    thin = thinned(times, values, 40)
    assert len(thin["time"]) <= 40 and thin["high"].max() == 50.0 and thin["low"].min() == values.min()
    bins = np.minimum(((times - times[0]) / ((times[-1] - times[0]) / 40)).astype(int), 39)
    assert thin["value"] == pytest.approx([values[bins == number].mean() for number in np.unique(bins)])


def test_frames_are_at_their_true_times(client, run_id):
    told = client.get(f"/api/runs/{run_id}/frames?start=1&end=2").json()
    assert told["people"][1]["time"] == [1.0, 1.2, 1.4, 1.6, 1.8, 2.0] and told["rate"] == 5.0
    assert told["people"][1]["box"][0] == [0.5, 0.2, 0.2, 0.4]
    points = np.array(told["people"][0]["marks"][0]).reshape(-1, 2)
    assert points == pytest.approx(np.tile([0.3, 0.4], (len(points), 1)), abs=1e-3)
    assert max(point for line in told["lines"] for point in line) == len(points) - 1


def test_the_video_comes_in_ranges(client, run_id, ready_run):
    whole = (ready_run.parent / "talk.mp4").read_bytes()
    assert client.get(f"/api/runs/{run_id}/media").content == whole
    part = client.get(f"/api/runs/{run_id}/media", headers={"range": "bytes=100-199"})
    assert (
        part.status_code == 206
        and part.content == whole[100:200]
        and part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    )
    assert client.get(f"/api/runs/{run_id}/media", headers={"range": "bytes=-50"}).content == whole[-50:]
    assert client.get(f"/api/runs/{run_id}/media", headers={"range": f"bytes={len(whole)}-"}).status_code == 416
    assert client.head(f"/api/runs/{run_id}/media").headers["accept-ranges"] == "bytes"


def test_pictures_of_a_face(client, run_id):
    for name in ("face", "map", "attention"):
        answer = client.get(f"/api/runs/{run_id}/pictures/0/1/{name}.jpg")
        assert answer.status_code == 200 and answer.content.startswith(b"\xff\xd8")
    assert client.get(f"/api/runs/{run_id}/pictures/0/1/other.jpg").status_code == 404
    assert client.get(f"/api/runs/{run_id}/pictures/7/1/face.jpg").status_code == 404


@pytest.mark.parametrize("times", [[0.0, 0.1, 0.15, 0.9, 1.0, 1.7], [0.5, 0.6, 0.8, 1.4, 1.6, 2.0]])
def test_a_frame_that_is_sought_is_the_one_that_is_shown(tmp_path, times):
    """Variable frame rate, and a first time stamp that is not zero."""
    pictures = [np.full((64, 96, 3), 30 + 35 * number, np.uint8) for number in range(len(times))]
    clip = write_video(tmp_path / "clip.mp4", pictures, times=times)
    every = list(frames(clip))
    for time in (0.0, 0.12, 0.5, 0.95, 1.3, 9.0):
        shown = [frame for frame in every if frame.time <= time + 1e-9] or every[:1]
        assert np.array_equal(frame_at(clip, time), shown[-1].image)


def test_a_recording_that_no_browser_plays_gets_a_copy(tmp_path):
    from affectlens.media.frames import probe
    from affectlens.workbench.reading.playable import copy_of, make_copy, plays

    times = [0.0, 0.1, 0.15, 0.9, 1.0]
    pictures = [np.full((64, 96, 3), 30 + 35 * number, np.uint8) for number in range(len(times))]
    clip = write_video(tmp_path / "clip.mkv", pictures, times=times, audio=np.zeros(16000, np.float32), codec="mpeg4")
    assert not plays(clip) and plays(recording(tmp_path / "fine.mp4")) and not copy_of(clip).exists()
    told = []
    made = make_copy(clip, lambda *facts: told.append(facts))
    assert plays(made) and told and probe(made).audio_tracks == 1
    assert [frame.time for frame in frames(made)] == pytest.approx([frame.time for frame in frames(clip)], abs=1e-3)
    assert make_copy(clip) == made  # used again


def test_a_copy_that_is_called_off_leaves_nothing(tmp_path):
    from affectlens.core.errors import OutputError
    from affectlens.workbench.reading.playable import copy_of, make_copy

    clip = write_video(tmp_path / "clip.mkv", [np.zeros((64, 96, 3), np.uint8)] * 5, codec="mpeg4")
    with pytest.raises(OutputError, match="called off"):
        make_copy(clip, stopped=lambda: True)
    assert not copy_of(clip).exists() and not list(copy_of(clip).parent.glob("*"))
