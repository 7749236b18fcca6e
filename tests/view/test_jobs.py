"""The queue: what waits, works, ends, is called off and goes on; and that its numbers are those of the command line."""

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectlens.workbench.bench import ALLOWED, Bench, described_options
from affectlens.workbench.settings import ViewSettings
from affectlens.workbench.work.jobs import Job, Queue, Worker
from tests.view.conftest import TOKEN, client_of
from tests.view.made import recording, run_folder


class Slow(Worker):
    """A worker that copies a run and can be held; what the queue does with it is looked at."""

    def __init__(self, source=None):
        super().__init__()
        self.source, self.hold, self.ended, self.orders = source, False, False, []

    def do(self, order, tell):
        self.orders.append(order)
        self.ended = False
        tell({"kind": "progress", "stage": "watching", "done": 1.0, "of": 4.0})
        while self.hold and not self.ended:
            time.sleep(0.005)
        if self.ended:
            return {"error": "ended", "ended": True}
        if "bad" in order["recording"]:
            return {"error": "nothing in it can be read", "notes": []}
        target = Path(order["out"]) / f"made-{len(self.orders)}"
        if self.source:
            shutil.copytree(self.source, target)
        return {"folder": str(target), "notes": ["a note"]}

    def end(self, patience=3.0):
        self.ended = True


def wait(get, wanted, seconds=10.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (got := get()) and wanted(got):
            return got
        time.sleep(0.01)
    raise AssertionError(f"it did not come: {get()}")


@pytest.fixture
def working(tmp_path, monkeypatch):
    folder = run_folder(tmp_path / "runs")
    worker = Slow(folder)
    bench = Bench([folder.parent], ViewSettings(token=TOKEN, upload_limit=0.001), worker)
    monkeypatch.setattr(bench, "can_explain", lambda: "")
    bench.library.refresh()
    yield client_of(bench), worker, folder, bench
    worker.hold = False
    bench.close()


def job_of(client, name):
    return client.get(f"/api/jobs/{name}").json()


def test_a_file_that_is_dropped_is_explained(working, tmp_path):
    client, worker, folder, _ = working
    content = recording(tmp_path / "new.mp4", 1.0).read_bytes()
    made = client.post("/api/jobs/upload", params={"name": "new.mp4", "options": json.dumps({"window": 2.0})}, content=content)
    assert made.status_code == 201 and made.json()["options"] == {"window": 2.0}
    done = wait(lambda: job_of(client, made.json()["id"]), lambda job: job["state"] == "done")
    assert done["share"] == 1.0 and done["notes"] == ["a note"] and done["run"]
    assert client.get(f"/api/runs/{done['run']}").status_code == 200 and client.get("/api/library").json()["total"] == 2
    (order,) = worker.orders
    assert order["options"] == {"window": 2.0} and (folder.parent / "recordings" / "new.mp4").read_bytes() == content
    again = client.post("/api/jobs/upload", params={"name": "new.mp4"}, content=content)
    assert again.json()["name"] == "new (2).mp4"
    assert not any(name in json.dumps(client.get("/api/jobs").json()) for name in (str(folder.parent), "order"))


@pytest.mark.parametrize(("name", "content", "code"), [
    ("note.exe", b"x", 400), ("", b"x", 400), ("clip.mp4", b"", 400), ("clip.mp4", b"x" * 1_100_000, 413), ("../../clip", b"x", 400),
])  # fmt: skip
def test_what_is_not_taken_leaves_nothing(working, name, content, code):
    client, worker, folder, _ = working
    assert client.post("/api/jobs/upload", params={"name": name}, content=content).status_code == code
    kept = folder.parent / "recordings"
    assert (not kept.exists() or not list(kept.iterdir())) and not worker.orders


def test_a_name_cannot_lead_out(working):
    client, _, folder, _ = working
    client.post("/api/jobs/upload", params={"name": "../../../up.mp4"}, content=b"x")
    client.post("/api/jobs/upload", params={"name": "..\\..\\down.mp4"}, content=b"x")
    assert sorted(file.name for file in (folder.parent / "recordings").iterdir()) == ["down.mp4", "up.mp4"]


def test_a_stream_without_a_length_is_cut_at_the_limit(working):
    client, _, folder, _ = working

    def parts():
        for _ in range(40):
            yield b"x" * 50_000

    assert client.post("/api/jobs/upload", params={"name": "clip.mp4"}, content=parts()).status_code == 413
    assert not list((folder.parent / "recordings").iterdir())


@pytest.mark.parametrize("options", [
    {"model": ["face=evil.onnx"]}, {"model_preprocess": "os:system"}, {"store": "/tmp/x.db"}, {"device": "cuda"}, {"window": 1000.0},
    {"modalities": ["aura"]}, {"modalities": []}, [], "x",
])  # fmt: skip
def test_options_that_a_page_may_not_set(working, options):
    client, _, folder, _ = working
    answer = client.post("/api/jobs/upload", params={"name": "c.mp4", "options": json.dumps(options)}, content=b"x")
    assert answer.status_code == 400 and not (folder.parent / "recordings").exists()
    assert client.post("/api/jobs/upload", params={"name": "c.mp4", "options": "{"}, content=b"x").status_code == 400


def test_no_option_names_a_file_or_code():
    from dataclasses import fields

    from affectlens.core.options import Options

    risky = {"device", "threads", "store", "prior", "use_usual", "anonymous", "keep_words", "places", "pairs", "model", "model_labels", "model_scores", "model_preprocess", "background",
             "transcript", "cover"}  # fmt: skip
    assert {field.name for field in fields(Options)} == risky | set(ALLOWED)
    assert {option["name"] for option in described_options()} == set(ALLOWED)
    assert all(option["help"] for option in described_options())


def test_one_job_at_a_time_with_progress_cancel_and_retry(working):
    client, worker, _, _ = working
    worker.hold = True
    first, second = (client.post("/api/jobs/upload", params={"name": f"{n}.mp4"}, content=b"x").json()["id"] for n in "ab")
    running = wait(lambda: job_of(client, first), lambda job: job["state"] == "running" and job["done"])
    assert (running["stage"], running["share"]) == ("watching", 0.25) and job_of(client, second)["state"] == "queued"
    assert client.delete(f"/api/jobs/{first}").status_code == 400
    assert client.post(f"/api/jobs/{second}/cancel").json()["state"] == "cancelled"
    client.post(f"/api/jobs/{first}/cancel")
    wait(lambda: job_of(client, first), lambda job: job["state"] == "cancelled")
    assert client.post(f"/api/jobs/{first}/cancel").status_code == 400
    worker.hold = False
    assert client.post(f"/api/jobs/{first}/retry").json()["state"] in ("queued", "running", "done")
    wait(lambda: job_of(client, first), lambda job: job["state"] == "done")
    assert client.post(f"/api/jobs/{first}/retry").status_code == 400
    revision = client.get("/api/jobs").json()["revision"]
    assert client.get(f"/api/jobs?since={revision}").json()["jobs"] is None
    assert client.delete(f"/api/jobs/{first}").status_code == 200 and client.get(f"/api/jobs/{first}").status_code == 404


def test_a_file_that_fails_is_told_and_the_next_goes_on(working):
    client, _, _, _ = working
    bad, good = (
        client.post("/api/jobs/upload", params={"name": f"{n}.mp4"}, content=b"x").json()["id"] for n in ("bad", "good")
    )
    assert wait(lambda: job_of(client, bad), lambda job: job["state"] == "failed")["error"] == "nothing in it can be read"
    wait(lambda: job_of(client, good), lambda job: job["state"] == "done")


def test_what_the_server_left_is_interrupted_and_can_go_on(tmp_path):
    worker = Slow()
    worker.hold = True
    queue = Queue(tmp_path / "jobs.json", lambda folder, job: "x", worker)
    queue.add(Job("j1", "upload", "a.mp4", {"recording": "a.mp4", "out": str(tmp_path), "options": {}}))
    wait(lambda: queue.get("j1"), lambda job: job.state == "running")
    queue.close()
    again = Queue(tmp_path / "jobs.json", lambda folder, job: "0123", Slow())
    assert again.get("j1").state == "interrupted"
    again.retry("j1")
    assert wait(lambda: again.get("j1"), lambda job: job.state == "done").run == "0123"
    again.close()


def test_a_damaged_list_of_jobs_is_no_obstacle(tmp_path):
    (tmp_path / "jobs.json").write_text("{")
    assert Queue(tmp_path / "jobs.json", lambda folder, job: "x").jobs() == []


def test_a_rerun_changes_one_thing_stands_beside_and_can_be_kept(working):
    client, worker, folder, _ = working
    name = client.get("/api/library").json()["items"][0]["id"]
    body = {
        "run": name, "without": ["words"], "options": {"window": 2.0}, "transcript": [{"start": 0.5, "end": 2.5, "text": "Today we are sad"}],
        "cover": [{"region": "mouth", "person": 0}, {"left": 0.1, "top": 0.1, "width": 0.2, "height": 0.2, "start": 0, "end": 2}],
    }  # fmt: skip
    job = client.post("/api/jobs/rerun", json=body).json()
    done = wait(lambda: job_of(client, job["id"]), lambda job: job["state"] == "done")
    (order,) = worker.orders
    assert order["options"]["modalities"] == ["face", "voice", "scene"] and order["options"]["window"] == 2.0
    assert order["options"]["cover"] == ["mouth#0", "0.1:0.1:0.2:0.2@0-2"]
    words = json.loads(Path(order["options"]["transcript"]).read_text())["utterances"][0]["words"]
    assert [word["text"] for word in words] == ["Today", "we", "are", "sad"] and words[0]["start"] == 0.5
    assert "store" in job["notes"][0] and done["changes"]["without"] == ["words"]
    assert client.get("/api/library").json()["total"] == 1 and client.get(f"/api/runs/{done['run']}").status_code == 200
    told = client.get(f"/api/compare?first={name}&second={done['run']}").json()
    assert told["same_recording"] and told["matched"] == 12 and told["text"][0].startswith("0 of 12")
    kept = client.post(f"/api/jobs/{job['id']}/save", json={"name": "without words"}).json()["run"]
    card = next(card for card in client.get("/api/library").json()["items"] if card["id"] == kept)
    assert card["what_if"] and card["name"] == "talk.mp4: without words" and (folder.parent / card["path"]).is_dir()
    assert client.get(f"/api/runs/{kept}").json()["what_if_of"] == name
    assert client.post(f"/api/jobs/{job['id']}/save", json={}).json()["run"] == kept  # only once
    assert client.delete(f"/api/jobs/{job['id']}").status_code == 200 and (folder.parent / card["path"]).is_dir()


def test_a_rerun_that_is_not_kept_goes_with_its_job(working):
    client, _, _, bench = working
    name = client.get("/api/library").json()["items"][0]["id"]
    job = client.post("/api/jobs/rerun", json={"run": name, "without": ["voice"]}).json()["id"]
    done = wait(lambda: job_of(client, job), lambda job: job["state"] == "done")
    client.delete(f"/api/jobs/{job}")
    assert client.get(f"/api/runs/{done['run']}").status_code == 404 and not list((bench.scratch / "reruns").iterdir())


@pytest.mark.parametrize("body", [
    {}, {"run": "x"}, {"without": "words"}, {"without": ["nope"]}, {"without": ["face", "words", "voice", "scene"]}, {"options": {"store": "x"}},
    {"cover": [{"region": "ear"}]}, {"cover": [{"left": 2, "top": 0, "width": 1, "height": 1}]}, {"cover": "mouth"}, {"cover": [{"left": "x"}]},
    {"transcript": [{"start": 2, "end": 1, "text": "x"}]}, {"transcript": [{"text": "x"}]}, {"transcript": ["x"]},
])  # fmt: skip
def test_reruns_that_cannot_be(working, body):
    client, worker, _, _ = working
    name = client.get("/api/library").json()["items"][0]["id"]
    answer = client.post("/api/jobs/rerun", json={"run": name, **body} if body else {})
    assert answer.status_code in (400, 404) and answer.json()["error"]["message"] and not worker.orders


def test_a_copy_is_a_job(tmp_path):
    folder = run_folder(tmp_path / "runs", with_recording=False)
    clip = recording(folder.parent / "talk.mp4", 1.0, codec="libx264")  # in colours that browsers do not play
    from affectlens.core.disk.files import sha256_of

    file = folder / "provenance.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sha256": sha256_of(clip)}))
    bench = Bench([folder.parent], ViewSettings(token=TOKEN))
    client = client_of(bench)
    name = client.get("/api/library").json()["items"][0]["id"]
    assert client.get(f"/api/runs/{name}").json()["media"]["copy"] == "needed"
    assert client.get(f"/api/runs/{name}/media").status_code == 404
    from affectlens.workbench.reading.playable import make_copy

    make_copy(clip)
    media = client.get(f"/api/runs/{name}").json()["media"]
    assert media["copy"] == "ready" and media["playable"] and media["type"] == "video/mp4"
    assert client.get(f"/api/runs/{name}/media", headers={"range": "bytes=0-9"}).status_code == 206
    bench.close()


def test_the_numbers_are_those_of_the_command_line(short_clip, face_engine, tmp_path, monkeypatch):
    """Through the real process, as the server starts it."""
    from affectlens.pipeline import explain

    (tmp_path / "runs").mkdir()
    wanted = explain(short_clip, tmp_path / "direct", engine=face_engine)
    bench = Bench([tmp_path / "runs"], ViewSettings(token=TOKEN))
    monkeypatch.setattr(bench, "can_explain", lambda: "")
    client = client_of(bench)
    options = json.dumps({"modalities": ["face"]})
    try:
        job = client.post(
            "/api/jobs/upload", params={"name": "short.mp4", "options": options}, content=short_clip.read_bytes()
        ).json()
        done = wait(lambda: job_of(client, job["id"]), lambda job: job["state"] in ("done", "failed"), 120)
        assert done["state"] == "done", done["error"]
        made = pd.read_parquet(bench.folder(done["run"]) / "table.parquet")
        pd.testing.assert_frame_equal(made.drop(columns="file"), wanted.table.drop(columns="file"))
        frames = pd.read_parquet(bench.folder(done["run"]) / "frames.parquet")
        assert np.allclose(frames.time, np.round(frames.time * 5) / 5) and set(frames.person) == set(
            made.person[made.modality == "face"]
        )
    finally:
        bench.close()
