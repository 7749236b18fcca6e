"""Run folders that are not as they should be: each has a clear notice, nothing is lost, and the others go on."""

import json
import os
import shutil

import pandas as pd
import pytest

from affectlens.core.tables import write_frame
from affectlens.workbench.bench import Bench
from affectlens.workbench.reading.runs import UnreadableError, open_run
from affectlens.workbench.settings import ViewSettings
from tests.view.conftest import TOKEN, client_of
from tests.view.made import run_folder


def manifest(folder, **facts):
    file = folder / "provenance.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))


def codes(client, name):
    answer = client.get(f"/api/runs/{name}")
    if answer.status_code != 200:
        return [answer.json()["error"]["what"]]
    return [notice["code"] for notice in answer.json()["notices"]]


def truncated(file, size=100):
    file.write_bytes(file.read_bytes()[:size])


def linked(file):
    """What is not in the run, in the place of one of its files."""
    outside = file.parent.parent.parent / f"outside-{file.name}"
    shutil.move(file, outside)
    file.symlink_to(outside)


def piped(file):
    file.unlink()
    os.mkfifo(file)


def without_column(folder):
    write_frame(pd.read_parquet(folder / "table.parquet").drop(columns="label"), folder / "table.parquet")


BROKEN = {
    "half-written": lambda folder: (folder / "provenance.json").unlink(),
    "half-written ": lambda folder: (folder / "table.parquet").unlink(),
    "unreadable": lambda folder: (folder / "provenance.json").write_text("{"),
    "unreadable ": lambda folder: (folder / "provenance.json").write_text("[]"),
    "unreadable  ": lambda folder: truncated(folder / "table.parquet"),
    "unreadable   ": lambda folder: (folder / "table.parquet").write_bytes(b""),
    "unreadable    ": lambda folder: linked(folder / "table.parquet"),
    "unreadable     ": lambda folder: linked(folder / "narrative.json"),
    "unreadable      ": lambda folder: piped(folder / "table.csv"),
    "newer-version": lambda folder: manifest(folder, run_format=2),
    "newer-version ": lambda folder: manifest(folder, schema_version=99),
    "older-version": lambda folder: manifest(folder, schema_version=1),
    "edited-table": without_column,
}


@pytest.mark.parametrize("what", list(BROKEN))
def test_a_run_that_cannot_be_shown_says_why_and_the_others_are_listed(tmp_path, what):
    folder = run_folder(tmp_path / "runs", folder="broken")
    run_folder(tmp_path / "runs", folder="whole")
    BROKEN[what](folder)
    bench = Bench([tmp_path / "runs"], ViewSettings(token=TOKEN))
    bench.library.refresh()
    client = client_of(bench)
    cards = {card["path"]: card for card in client.get("/api/library").json()["items"]}
    assert set(cards) == {"broken", "whole"} and cards["whole"]["status"] == "ok"
    assert codes(client, cards["broken"]["id"]) == [what.strip()]
    if what not in ("half-written  ", "unreadable    ", "edited-table"):  # seen without opening the evidence
        assert cards["broken"]["status"] == "error" and cards["broken"]["notices"][0]["message"]
    assert client.get(f"/api/runs/{cards['whole']['id']}").status_code == 200
    for path in ("/lanes", "/evidence?segment=0:fused:0", "/narrative", "/thumbnail", "/curve"):
        assert client.get(f"/api/runs/{cards['broken']['id']}{path}").status_code == 422
    bench.close()


def test_a_table_that_was_edited_by_hand_is_shown_with_a_notice(own):
    client, name, folder = own
    table = pd.read_parquet(folder / "table.parquet")
    table.loc[0, "valence"] = 0.99
    write_frame(table, folder / "table.parquet")
    (notice,) = client.get(f"/api/runs/{name}").json()["notices"]
    assert notice["code"] == "edited-table" and "changed after the run was made" in notice["message"]
    (folder / "table.csv").write_text("now,something\nelse,1\n")
    assert len(codes(client, name)) == 2
    assert client.get(f"/api/runs/{name}/lanes").status_code == 200


def test_rows_that_cannot_be_are_left_out_and_counted(own):
    client, name, folder = own
    table = pd.read_parquet(folder / "table.parquet")
    table.loc[0, "start"], table.loc[1, "status"], table.loc[2, "person"], table.loc[3, "end"] = -5.0, "fine", -7, float("inf")
    write_frame(table, folder / "table.parquet")
    notices = client.get(f"/api/runs/{name}").json()["notices"]
    assert any("4 of" in notice["message"] and "left out" in notice["message"] for notice in notices)
    shown = client.get(f"/api/runs/{name}/lanes").json()["lanes"]
    assert sum(len(lane["start"]) for lane in shown) == len(table) - 4


def test_evidence_of_a_kind_that_nobody_knows_is_kept_out_and_counted(own):
    client, name, folder = own
    evidence = pd.read_parquet(folder / "evidence.parquet")
    evidence.loc[:2, "kind"] = "aura"
    write_frame(evidence, folder / "evidence.parquet")
    assert any(
        notice["code"] == "kept-out" and "3 rows" in notice["message"]
        for notice in client.get(f"/api/runs/{name}").json()["notices"]
    )


def test_without_its_recording_a_run_is_shown(own):
    client, name, folder = own
    (folder.parent / "talk.mp4").unlink()
    client.post("/api/library/refresh")
    run = client.get(f"/api/runs/{name}").json()
    assert run["media"]["there"] is False and [notice["code"] for notice in run["notices"]] == ["no-recording"]
    assert client.get(f"/api/runs/{name}/media").status_code == 404 and client.get(f"/api/runs/{name}/lanes").status_code == 200


def test_a_recording_that_moved_is_found_by_what_it_holds(own):
    client, name, folder = own
    (folder.parent / "elsewhere").mkdir()
    moved = (folder.parent / "talk.mp4").rename(folder.parent / "elsewhere" / "another name.mp4")
    run = client.get(f"/api/runs/{name}").json()
    assert run["media"]["there"] and [notice["code"] for notice in run["notices"]] == ["moved-recording"]
    assert client.get(f"/api/runs/{name}/media").content == moved.read_bytes()


def test_another_recording_of_the_same_name_is_not_taken_for_it(own):
    client, name, folder = own
    file = folder.parent / "talk.mp4"
    file.write_bytes(file.read_bytes() + b"more")
    run = client.get(f"/api/runs/{name}").json()
    assert not run["media"]["there"] and [notice["code"] for notice in run["notices"]] == ["other-recording"]


def test_a_run_folder_cannot_have_any_file_served(own, tmp_path):
    """What provenance.json names is served only if it is a recording with that content."""
    client, name, folder = own
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    from affectlens.core.disk.files import sha256_of

    (folder.parent / "talk.mp4").unlink()
    for facts in (
        {"file": str(secret), "sha256": sha256_of(secret)},
        {"file": str(secret), "sha256": "", "job": {}},
        {"file": "/etc/passwd"},
    ):
        manifest(folder, **facts)
        assert client.get(f"/api/runs/{name}/media").status_code == 404
    outside = tmp_path / "outside.mp4"
    outside.write_bytes(b"not of this run")
    manifest(folder, file=str(outside), sha256="", job={})
    assert client.get(f"/api/runs/{name}/media").status_code == 404


def test_a_run_can_be_carried_elsewhere(own, tmp_path):
    client, name, folder = own
    before = client.get(f"/api/runs/{name}/lanes").json()
    away = tmp_path / "usb" / "stick"
    shutil.move(folder.parent, away)
    bench = Bench([away], ViewSettings(token=TOKEN))
    bench.library.refresh()
    moved = client_of(bench)
    (card,) = moved.get("/api/library").json()["items"]
    assert moved.get(f"/api/runs/{card['id']}/lanes").json() == before
    assert moved.get(f"/api/runs/{card['id']}").json()["media"]["there"]
    bench.close()


def test_an_older_run_shows_what_there_is(own):
    client, name, folder = own
    for part in ("frames.parquet", "maps.parquet", "transcript.json", "narrative.json"):
        (folder / part).unlink()
    file = folder / "provenance.json"
    facts = json.loads(file.read_text())
    for part in ("run_format", "files"):
        del facts[part]
    file.write_text(json.dumps(facts))
    run = client.get(f"/api/runs/{name}").json()
    assert [notice["code"] for notice in run["notices"]] == ["older-version"] and run["status"] == "ok"
    assert not run["has"]["frames"] and client.get(f"/api/runs/{name}/frames").json()["people"] == []
    assert len(client.get(f"/api/runs/{name}/narrative").json()["sentences"]) > 3
    assert client.get(f"/api/runs/{name}/evidence?segment=0:fused:0").json()["face"]["map"] is None
    assert client.get(f"/api/runs/{name}/thumbnail").status_code == 200


@pytest.mark.parametrize("part", ["frames.parquet", "maps.parquet", "transcript.json", "narrative.json"])
@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_a_damaged_extra_file_costs_no_more_than_itself(own, part, content):
    client, name, folder = own
    (folder / part).write_bytes(content)
    for path in ("", "/lanes", "/frames", "/narrative", "/evidence?segment=0:fused:0", "/moments", "/columns"):
        assert client.get(f"/api/runs/{name}{path}").status_code == 200
    assert "unreadable" in codes(client, name)


def test_a_run_that_changes_is_read_anew(own):
    client, name, folder = own
    manifest(folder, duration=99.0)
    assert client.get(f"/api/runs/{name}").json()["duration"] == 99.0


def test_what_is_no_run_of_a_recording(tmp_path):
    (tmp_path / "provenance.json").write_text('{"schema_version": 2, "kind": "objects"}')
    with pytest.raises(UnreadableError, match="no run of a recording"):
        open_run(tmp_path)


@pytest.mark.parametrize("harm", [lambda file: file.unlink(), truncated, lambda file: file.write_bytes(b"")])
def test_without_its_evidence_a_run_is_shown_all_the_same_and_its_card_says_so(tmp_path, harm):
    folder = run_folder(tmp_path / "runs", folder="harmed")
    harm(folder / "evidence.parquet")
    bench = Bench([tmp_path / "runs"], ViewSettings(token=TOKEN))
    bench.library.refresh()
    (card,) = bench.library.query({})["items"]
    assert card["status"] == "warning" and "no reasons are shown" in card["notices"][0]["message"] and card["people"]
    client = client_of(bench)
    made = client.get(f"/api/runs/{card['id']}").json()
    assert any("shown without reasons" in notice["message"] for notice in made["notices"])
    assert client.get(f"/api/runs/{card['id']}/lanes").status_code == 200
    assert client.get(f"/api/runs/{card['id']}/edits").status_code == 200
    bench.close()
