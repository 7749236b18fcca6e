"""A saved page: it works without a server, asks nobody anything, and a de-identified one tells nobody who it was."""

import base64
import json
import re

import numpy as np
import pytest

from affectlens.media.frames import frames
from affectlens.workbench import page as page_module
from affectlens.workbench.page import embedded
from tests.conftest import asset_path


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A bundle with what could end a block early in it."""
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "assets" / "a.js").write_text('const hostile = "</script><!--"; document.title;')
    (static / "assets" / "a.css").write_text("body { content: '</style>' }")
    (static / "manifest-page.json").write_text('{"script": "assets/a.js", "style": "assets/a.css"}')
    monkeypatch.setattr(page_module, "STATIC", static)
    return static


def data_of(html):
    block = re.search(r'<script type="application/json" id="affectlens-data">(.*?)</script>', html, re.S)
    return json.loads(block[1])


def saved(client, name, **body):
    answer = client.post(f"/api/runs/{name}/page", json=body)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_page_holds_what_the_server_would_tell(built, client, run_id):
    html = saved(client, run_id, video=True)
    data = data_of(html)
    assert data["lanes"] == client.get(f"/api/runs/{run_id}/lanes").json()
    assert data["narrative"] == client.get(f"/api/runs/{run_id}/narrative").json()
    assert len(data["evidence"]) == 12 and data["left_out"] == 0
    told = client.get(f"/api/runs/{run_id}/evidence?segment=0:fused:1").json()
    held = data["evidence"]["0:fused:1"]
    assert held["rows"] == told["rows"] and held["face"]["map"] == told["face"]["map"]
    assert all(picture["address"].startswith("data:image/jpeg;base64,") for picture in held["face"]["pictures"])
    assert base64.b64decode(data["video"].partition(",")[2]) == client.get(f"/api/runs/{run_id}/media").content
    assert data["run"]["media"]["address"] is None and data["run"]["files"] == []
    assert [len(person["time"]) for person in data["frames"]["people"]] == [30, 30]


def test_a_page_asks_nobody(built, client, run_id):
    html = saved(client, run_id)
    assert "default-src 'none'" in html and "connect-src" not in html
    outside = re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.S)
    assert not re.search(r"""(src|href)=["'](?!data:)""", outside)
    assert html.count("</script>") == 2 and html.count("</style>") == 1 and "<!--" not in html
    assert data_of(html)["video"] is None


def test_nothing_in_the_data_ends_its_block(built, own):
    client, name, _ = own
    text = "</script><script>alert(1)</script><!--"
    client.post(f"/api/runs/{name}/edits", json={"author": "eva", "action": "rename", "values": {"person": 0, "name": text}})
    html = saved(client, name)
    assert data_of(html)["run"]["people"][0]["name"] == text and html.count("<script") == 2 + html.count("<script>alert")
    assert json.loads(embedded({"a": text}).replace("<\\/", "</"))["a"] == text and "</" not in embedded({"a": text})


def edited(client, name):
    for action, values in (
        ("rename", {"person": 0, "name": "Anna Example"}), ("note", {"start": 0, "end": 1, "text": "Anna's secret"}),
        ("marker", {"time": 1.0, "text": "secret"}), ("exclude", {"start": 5.0, "end": 6.0, "reason": "secret"}),
        ("label", {"person": 0, "start": 0.0, "end": 1.0, "label": "anger"}),
    ):  # fmt: skip
        body = {"author": "Eva Rater", "action": action, "values": values}
        assert client.post(f"/api/runs/{name}/edits", json=body).status_code == 200


def test_a_deidentified_page_tells_nobody_who_it_was(built, own):
    client, name, folder = own
    edited(client, name)
    html = saved(client, name, anonymous=True, words=False)
    data = data_of(html)
    for told in (
        "Anna",
        "secret",
        "Eva Rater",
        "talk",
        str(folder.parent),
        "somebody",
        name,
        "data:image",
        "Today",
        "glad",
        "2026-11-05",
    ):
        assert told not in html, told
    assert data["run"]["name"] == "recording" and data["run"]["edits"]["labels"][0]["rater"] == "rater 1"
    assert data["run"]["provenance"]["versions"] and "sha256" not in data["run"]["provenance"]
    assert all(moment["thumbnail"] is None for moment in data["moments"]["moments"])
    assert not any(found["face"]["pictures"] for found in data["evidence"].values() if found["face"])
    assert data["lanes"]["words"] == [] and data["evidence"]["0:fused:1"]["words"][0]["faithful"] is True
    lane = next(lane for lane in data["lanes"]["lanes"] if lane["modality"] == "fused")
    assert sum(lane["excluded"]) == 1  # what was excluded stays so


def test_words_can_be_kept(built, own):
    client, name, _ = own
    html = saved(client, name, anonymous=True, words=True)
    assert "glad" in html and saved(client, name, words=False).count("glad") == 0


def test_a_deidentified_video_has_no_sound_and_no_face(built, own, tmp_path):
    asset_path("yunet")
    client, name, folder = own
    images = {}
    for way in ("blur", "landmarks"):
        data = data_of(saved(client, name, anonymous=True, video=True, faces=way))
        file = tmp_path / f"{way}.mp4"
        file.write_bytes(base64.b64decode(data["video"].partition(",")[2]))
        from affectlens.media.frames import probe

        assert probe(file).audio_tracks == 0
        images[way] = [frame.image for frame in frames(file)]
    before = [frame.image for frame in frames(folder.parent / "talk.mp4")]
    assert len(images["blur"]) == len(before)
    across = np.s_[40, 20:50]  # over the edge of what stands for the face of person 0
    sharp, soft = (np.abs(np.diff(image[across].astype(int), axis=0)).max() for image in (before[3], images["blur"][3]))
    assert sharp > 60 and soft < sharp / 3
    box = np.s_[25:55, 30:48]
    assert np.median(np.abs(images["landmarks"][3][box].astype(int) - 70)) < 12
    assert np.abs(images["blur"][3][90:, 100:].astype(int) - before[3][90:, 100:]).mean() < 6  # elsewhere as it was


@pytest.mark.parametrize("body", [{"video": "yes"}, {"anonymous": 1}, {"faces": "hat"}, {"words": None}])
def test_wrong_values(built, client, run_id, body):
    assert client.post(f"/api/runs/{run_id}/page", json=body).status_code == 400


def test_without_the_bundle_it_says_so(client, run_id, tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "STATIC", tmp_path)
    answer = client.post(f"/api/runs/{run_id}/page", json={})
    assert answer.status_code == 404 and "bundle" in answer.json()["error"]["message"]


def test_without_the_recording_a_page_can_be_saved(built, own):
    client, name, folder = own
    (folder.parent / "talk.mp4").unlink()
    data = data_of(saved(client, name))
    assert len(data["evidence"]) == 12 and not data["evidence"]["0:fused:1"]["face"]["pictures"]
    assert client.post(f"/api/runs/{name}/page", json={"video": True}).status_code == 404
