"""People's work on a run: nothing of the run changes, nothing of anybody's is lost, everything can be undone."""

import json
import threading

import pandas as pd
import pytest

from affectlens.core.errors import OutputError, UsageError
from affectlens.workbench.notes.changes import state_of
from affectlens.workbench.notes.derived import derived, summary
from affectlens.workbench.notes.edits import Edits, StaleError, UnreadableEditsError


def post(client, name, action, values, author="eva", **more):
    return client.post(f"/api/runs/{name}/edits", json={"author": author, "action": action, "values": values, **more})


def test_nothing_of_the_run_changes(own):
    client, name, folder = own
    before = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    post(client, name, "rename", {"person": 0, "name": "Anna"})
    post(client, name, "merge", {"people": [1], "into": 0})
    after = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    assert {*after} - {*before} == {"edits.json"} and all(after[part] == content for part, content in before.items())


def test_renaming_is_seen_everywhere_and_taken_back(own):
    client, name, _ = own
    assert post(client, name, "rename", {"person": 0, "name": "Anna"}).json()["names"] == {"0": "Anna"}
    assert client.get(f"/api/runs/{name}").json()["people"][0]["name"] == "Anna"
    assert client.get(f"/api/runs/{name}/evidence?segment=0:fused:0").json()["answer"]["text"].startswith("Anna ")
    client.post("/api/library/refresh")
    assert (
        client.get("/api/library?person=Anna").json()["total"] == 1 and client.get("/api/library?q=anna").json()["total"] == 1
    )
    assert post(client, name, "rename", {"person": 0, "name": ""}).json()["names"] == {}


def test_merging_joins_lanes_and_the_surer_of_two_counts(own):
    client, name, folder = own
    table = pd.read_parquet(folder / "table.parquet")
    post(client, name, "merge", {"people": [1], "into": 0})
    run = client.get(f"/api/runs/{name}").json()
    assert [person["id"] for person in run["people"]] == [0] and run["people"][0]["from"] == [0, 1]
    told = client.get(f"/api/runs/{name}/derived").json()
    assert told["overlaps"] == 6 and told["people"][0]["readable"] == 6
    fused = table[(table.modality == "fused") & table.person.ge(0)]
    surest = fused.sort_values("confidence").groupby("start").tail(1).label.value_counts(normalize=True)
    assert told["people"][0]["labels"] == pytest.approx(surest.round(4).to_dict())
    frames = client.get(f"/api/runs/{name}/frames?start=0&end=1").json()
    assert [entry["person"] for entry in frames["people"]] == [0]
    lane = next(lane for lane in client.get(f"/api/runs/{name}/lanes").json()["lanes"] if lane["modality"] == "fused")
    assert len(lane["start"]) == 12 and sum(lane["excluded"]) == 6
    plain = client.get(f"/api/runs/{name}/lanes?derived=0").json()["lanes"]
    assert {lane["person"] for lane in plain} == {-1, 0, 1}


def test_splitting_gives_a_number_that_nobody_has(own):
    client, name, _ = own
    state = post(client, name, "split", {"person": 0, "at": 2.0, "end": 4.0}).json()
    assert state["splits"][0]["into"] == 2
    again = post(client, name, "split", {"person": 1, "at": 3.0}).json()
    assert [split["into"] for split in again["splits"]] == [2, 3]
    people = {person["id"]: person for person in client.get(f"/api/runs/{name}").json()["people"]}
    assert people[2]["first"] == 2.0 and people[2]["last"] == 4.0 and people[2]["from"] == [0]
    assert people[3]["first"] == 3.0 and people[0]["segments"] == 4


def test_a_split_of_a_merged_person_splits_all_of_them():
    entries = [
        entry("1", "merge", {"people": [1], "into": 0}),
        entry("2", "split", {"person": 0, "at": 2.0, "end": None, "into": 5}),
    ]
    table = pd.DataFrame({"person": [0, 1, 0, 1], "start": [0.0, 0.0, 3.0, 3.0], "end": [1.0, 1.0, 4.0, 4.0], "modality": "face",
                          "status": "ok", "confidence": 0.5, "label": "anger", "valence": 0.0, "arousal": 0.0})  # fmt: skip
    assert derived(table, state_of(entries)).person.tolist() == [0, 0, 5, 5]
    assert derived(table, state_of(entries[::-1])).person.tolist() == [0, 0, 5, 0]


def entry(name, action, values, author="eva"):
    return {"id": name, "at": "2026-11-05T10:00:00Z", "author": author, "action": action, "values": values}


def test_excluding_leaves_rows_out_of_the_summary(own):
    client, name, _ = own
    before = client.get(f"/api/runs/{name}/derived").json()["people"]
    post(client, name, "exclude", {"start": 2.0, "end": 4.0, "person": None, "reason": "door"})
    after = client.get(f"/api/runs/{name}/derived").json()["people"]
    assert [person["excluded"] for person in after] == [2, 2]
    assert [person["readable"] for person in after] == [person["readable"] - 2 for person in before]
    assert after[0]["was"] == before[0]["labels"] != after[0]["labels"]
    post(client, name, "exclude", {"start": 0.0, "end": 1.0, "person": 1, "reason": ""})
    assert [person["excluded"] for person in client.get(f"/api/runs/{name}/derived").json()["people"]] == [2, 3]


def test_the_table_after_the_edits_as_a_file(own):
    client, name, folder = own
    post(client, name, "rename", {"person": 1, "name": "=Eva"})
    post(client, name, "exclude", {"start": 0.0, "end": 1.0})
    answer = client.get(f"/api/runs/{name}/derived?format=csv")
    from io import StringIO

    table = pd.read_csv(StringIO(answer.text))
    assert len(table) == len(pd.read_parquet(folder / "table.parquet"))
    assert set(table.person_name[table.person == 1]) == {"'=Eva"} and table.excluded[table.start == 0].any()
    assert "attachment" in answer.headers["content-disposition"]


def test_undo_and_redo_belong_to_their_author(own):
    client, name, _ = own
    post(client, name, "marker", {"time": 1.0, "text": "first"}, author="eva")
    post(client, name, "marker", {"time": 2.0, "text": "second"}, author="max")
    undo = lambda author, step="undo": client.post(f"/api/runs/{name}/edits/{step}", json={"author": author})  # noqa: E731
    assert [marker["text"] for marker in undo("eva").json()["markers"]] == ["second"]
    assert undo("eva").status_code == 400
    assert [marker["text"] for marker in undo("eva", "redo").json()["markers"]] == ["first", "second"]
    assert undo("eva", "redo").status_code == 400
    undo("max")
    state = post(client, name, "note", {"start": 0.0, "end": None, "text": "a note"}, author="max").json()
    assert state["redo"]["max"] is None and [note["text"] for note in state["notes"]] == ["a note"]
    assert [held["undone"] for held in state["history"]] == [False, True, False]


def test_taking_away_is_undone_too(own):
    client, name, _ = own
    state = post(client, name, "marker", {"time": 1.0, "text": "here"}).json()
    target = state["markers"][0]["entry"]
    assert post(client, name, "remove", {"entry": target}).json()["markers"] == []
    assert client.post(f"/api/runs/{name}/edits/undo", json={"author": "eva"}).json()["markers"][0]["entry"] == target
    assert post(client, name, "remove", {"entry": "nothing"}).status_code == 400


def test_whoever_comes_second_is_told_and_nothing_is_lost(own):
    client, name, _ = own
    first = post(client, name, "rename", {"person": 0, "name": "Anna"}, revision=0)
    second = post(client, name, "rename", {"person": 0, "name": "Bea"}, author="max", revision=0)
    assert first.status_code == 200 and second.status_code == 409
    told = second.json()
    assert told["state"]["names"] == {"0": "Anna"} and told["state"]["revision"] == 1
    assert post(client, name, "rename", {"person": 0, "name": "Bea"}, author="max", revision=1).json()["names"] == {"0": "Bea"}


def test_two_who_write_at_once_lose_nothing(own):
    """Through two objects, as two servers on one folder would."""
    _, _, folder = own
    failed = []

    def label(author):
        edits = Edits(folder, people=[0, 1])
        try:
            for number in range(15):
                edits.add(author, [("label", {"person": 0, "start": number, "end": number + 1, "label": "anger"})])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=label, args=(author,)) for author in ("eva", "max")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = Edits(folder).state()
    assert not failed and state.revision == 30 and len(state.labels) == 30 and state.raters == ["eva", "max"]


def test_with_a_revision_one_of_two_is_refused_each_time(own):
    _, _, folder = own
    done, refused = [], []

    def rename(author):
        edits = Edits(folder, people=[0, 1])
        for number in range(8):
            try:
                edits.add(author, [("rename", {"person": 0, "name": f"{author}{number}"})], edits.state().revision)
                done.append(author)
            except StaleError:
                refused.append(author)

    threads = [threading.Thread(target=rename, args=(author,)) for author in ("eva", "max")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Edits(folder).state().revision == len(done) and len(done) + len(refused) == 16


def test_a_full_disk_loses_nothing(own, monkeypatch):
    client, name, folder = own
    post(client, name, "marker", {"time": 1.0, "text": "kept"})
    before = (folder / "edits.json").read_bytes()

    def full(*_):
        raise OutputError("cannot write edits.json: No space left on device; free some space or give another --out")

    monkeypatch.setattr("affectlens.workbench.notes.edits.write_json", full)
    answer = post(client, name, "marker", {"time": 2.0, "text": "lost?"})
    assert answer.status_code == 507 and "No space left" in answer.json()["error"]["message"]
    assert (folder / "edits.json").read_bytes() == before
    monkeypatch.undo()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "other"}', '{"format": "affectlens-edits", "version": 2, "entries": []}',
                                     '{"format": "affectlens-edits", "version": 1, "entries": [{"id": 1}]}'])  # fmt: skip
def test_a_file_that_is_none_of_ours_is_left_as_it_is(own, content):
    client, name, folder = own
    (folder / "edits.json").write_text(content)
    assert post(client, name, "rename", {"person": 0, "name": "Anna"}).status_code == 422
    assert (folder / "edits.json").read_text() == content
    run = client.get(f"/api/runs/{name}").json()
    assert "edits-unreadable" in [notice["code"] for notice in run["notices"]] and len(run["people"]) == 2
    with pytest.raises(UnreadableEditsError, match="left as it is"):
        Edits(folder).state()


WRONG = [
    ("rename", {"person": "0", "name": "x"}, "number of a person"), ("rename", {"person": 0, "name": "x" * 81}, "at most 80"),
    ("merge", {"people": [0], "into": 0}, "other people"), ("merge", {"people": [], "into": 0}, "a list"),
    ("merge", {"people": [-1], "into": 0}, "nobody out of view"), ("split", {"person": -1, "at": 1.0}, "a person in view"),
    ("split", {"person": 0, "at": 3.0, "end": 2.0}, "does not lie after"), ("exclude", {"start": 3.0, "end": 2.0}, "before start"),
    ("exclude", {"start": True, "end": 2.0}, "seconds"), ("marker", {"time": -1.0}, "seconds"), ("marker", {}, "seconds"),
    ("note", {"start": 0.0, "text": ""}, "a text"), ("label", {"person": 0, "start": 0.0, "label": "anger"}, "seconds"),
    ("label", {"person": 0, "start": 0.0, "end": 1e9, "label": "anger"}, "seconds"), ("paint", {}, "one of rename"),
    ("rename", {"person": 99, "name": "x"}, "nobody of this run; -1, 0, 1 are"), ("merge", {"people": [1, 99], "into": 0}, "person 99"),
    ("merge", {"people": [1], "into": 98}, "person 98"), ("split", {"person": 99, "at": 1.0}, "person 99"),
    ("label", {"person": 99, "start": 0.0, "end": 1.0, "label": "anger"}, "person 99"),
    ("marker", "here", "a table of values"), ("remove", {"entry": None}, "none that can be taken away"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "values", "says"), WRONG)
def test_wrong_values_are_told_and_nothing_is_kept(own, action, values, says):
    client, name, folder = own
    answer = post(client, name, action, values)
    assert answer.status_code == 400 and says in answer.json()["error"]["message"]
    assert not (folder / "edits.json").exists()


def test_of_several_entries_all_or_none_are_kept(own):
    client, name, folder = own
    entries = [{"action": "marker", "values": {"time": 1.0}}, {"action": "marker", "values": {"time": "x"}}]
    body = {"author": "eva", "entries": entries}
    assert client.post(f"/api/runs/{name}/edits", json=body).status_code == 400 and not (folder / "edits.json").exists()
    body["entries"][1]["values"]["time"] = 2.0
    assert client.post(f"/api/runs/{name}/edits", json=body).json()["revision"] == 2


@pytest.mark.parametrize("author", [None, "", "  ", 3, "x" * 81])
def test_an_author_is_needed(own, author):
    client, name, _ = own
    assert post(client, name, "marker", {"time": 1.0}, author=author).status_code == 400


def test_the_file_is_the_whole_history(own):
    client, name, folder = own
    post(client, name, "marker", {"time": 1.0, "text": "a"})
    client.post(f"/api/runs/{name}/edits/undo", json={"author": "eva"})
    held = json.loads((folder / "edits.json").read_text())
    assert (held["format"], held["version"]) == ("affectlens-edits", 1) and len(held["run"]) == 64
    assert [held_entry["action"] for held_entry in held["entries"]] == ["marker", "undo"]
    assert all(held_entry["at"].endswith("Z") and held_entry["author"] == "eva" for held_entry in held["entries"])


def test_the_latest_label_of_a_rater_counts():
    entries = [entry(str(number), "label", {"person": 0, "start": 1.0, "end": 2.0, "label": label}, author)
               for number, (author, label) in enumerate([("eva", "anger"), ("max", "fear"), ("eva", "neutral")])]  # fmt: skip
    state = state_of(entries)
    assert {label["rater"]: label["label"] for label in state.labels} == {"max": "fear", "eva": "neutral"}


def test_merging_in_a_circle_ends():
    state = state_of([entry("1", "merge", {"people": [1], "into": 0}), entry("2", "merge", {"people": [0], "into": 1})])
    assert state.person(0) == state.person(1) == 0


def test_a_summary_by_hand():
    table = pd.DataFrame({
        "person": [0, 0, 0], "start": [0.0, 1.0, 2.0], "end": [1.0, 2.0, 3.0], "modality": "fused", "status": ["ok", "ok", "abstained"],
        "label": ["anger", "fear", ""], "confidence": [0.5, 0.6, float("nan")], "valence": [0.1, 0.3, float("nan")], "arousal": 0.0,
    })  # fmt: skip
    state = state_of([entry("1", "exclude", {"start": 0.0, "end": 1.0, "person": None, "reason": ""})])
    (told,) = summary(derived(table, state), state)["people"]
    assert (told["segments"], told["readable"], told["excluded"]) == (3, 1, 1)
    assert told["labels"] == {"fear": 1.0} and told["was"] == {"anger": 0.5, "fear": 0.5} and told["valence"] == 0.3


def test_a_usage_error_names_what_was_given():
    with pytest.raises(UsageError, match="there is nothing of eva to undo"):
        raise_from_step()


def raise_from_step():
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        Edits(Path(folder)).step("eva", "undo")


@pytest.mark.parametrize(("odd", "code"), [("\ud800", "D800"), ("A\x00", "0000"), ("A\nB", "000A")])
@pytest.mark.parametrize("where", ["author", "name"])
def test_text_that_cannot_be_written_is_refused_and_locks_nothing(own, where, odd, code):
    client, name, folder = own
    entry = {"author": "eva", "action": "rename", "values": {"person": 0, "name": "Anna"}}
    (entry if where == "author" else entry["values"])[where] = odd
    headers = {"content-type": "application/json"}
    answer = client.post(f"/api/runs/{name}/edits", content=json.dumps(entry), headers=headers)
    assert (
        answer.status_code == 400
        and f"U+{ord(odd[-1] if odd != 'A' + chr(10) + 'B' else odd[1]):04X}" in answer.json()["error"]["message"]
    )
    assert not (folder / "edits.json").exists() and client.get(f"/api/runs/{name}").status_code == 200


def test_longer_texts_have_lines(own):
    client, name, _ = own
    assert post(client, name, "note", {"start": 0.0, "text": "first\nsecond\tthird"}).status_code == 200
