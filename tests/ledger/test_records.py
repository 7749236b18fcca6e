"""Plans, records, counts, and what retry and clean do."""

import json
import os

import pytest

from affectlens.core.errors import UsageError
from affectlens.core.failures import Failure
from affectlens.ledger import DONE, FAILED, Item, Ledger, Plan, key_of_work, ledger_of
from affectlens.ledger.journal import Journal


def test_a_record_is_read_back_and_a_torn_one_is_none(tmp_path):
    records = Ledger(tmp_path).records
    item = Item("in/caf\\udce9.mp4", DONE, "k", "caf-1", 3, 1.5)
    records.record(item)
    assert records.item(item.file) == item and list(records.items()) == [item]
    (file,) = records.items_in.iterdir()
    before = file.stat().st_mtime_ns
    records.record(item)
    assert file.stat().st_mtime_ns == before  # the same is not written again
    for torn in ("", "{", "[]", '{"file": 1', '{"state": "done"}'):
        file.write_text(torn)
        assert records.item(item.file) is None and list(records.items()) == []
    records.record(item)
    assert records.item(item.file) == item


def test_fields_of_a_later_version_are_passed_over(tmp_path):
    records = Ledger(tmp_path).records
    records.record(Item("a", DONE))
    (file,) = records.items_in.iterdir()
    file.write_text(json.dumps(json.loads(file.read_text()) | {"mood": 1}))
    assert records.item("a") == Item("a", DONE)


def test_names_that_are_alike_have_records_of_their_own(tmp_path):
    records = Ledger(tmp_path).records
    for file in ("a/x.mp4", "b/x.mp4", "x.mp4", "ü" * 200 + ".mp4", "ü" * 200 + "1.mp4"):
        records.record(Item(file, DONE))
    assert len(list(records.items())) == 5
    assert all(len(os.fsencode(path.name)) < 200 for path in records.items_in.iterdir())


def test_plans_add_up_and_begin_anew(tmp_path):
    records = Ledger(tmp_path).records
    first = Plan("explain", ("a", "b"), (Failure("c", "reading", "no file matches"),))
    records.plan(first)
    records.plan(first)
    records.plan(Plan("explain", ("b", "d")))
    assert records.files() == ["a", "b", "d"] and len(records.plans()) == 2 and records.plans()[0] == first
    records.record(Item("a", DONE))
    (records.plans_in / "torn.json").write_text("{")
    assert len(records.plans()) == 2
    records.plan(Plan("explain", ("e",)), anew=True)
    assert records.files() == ["e"] and records.item("a") is None


def test_counts_retry_and_clean(tmp_path):
    ledger = Ledger(tmp_path / ".affectlens")
    ledger.records.plan(Plan("explain", ("a", "b", "c", "d")))
    ledger.records.record(Item("a", DONE))
    ledger.records.record(Item("b", FAILED, what="reading", reason="no such file", tries=2))
    dead = ledger.claims.folder / "d-1.0"
    with ledger.claims.take("c-1"):
        dead.write_text((ledger.claims.folder / "c-1.0").read_text().replace(f'"process": {os.getpid()}', '"process": 4194999'))
        counts = ledger.counts()
        assert counts.to_frame().inputs.tolist() == [1, 1, 1, 1, 0]
        assert [item.file for item in counts.failures] == ["b"]
        for name in ("c-1.0", "d-1.0", "e-1.2"):
            (ledger.scratch / name).mkdir(parents=True)
        assert ledger.clean() == ["d-1", "d-1.0", "e-1.2"]
        assert [path.name for path in ledger.scratch.iterdir()] == ["c-1.0"] and not dead.exists()
    assert ledger.retry() == ["b"] and ledger.counts().failed == 0
    assert ledger_of(tmp_path).counts().done == 1
    with pytest.raises(UsageError, match="no run is recorded there"):
        ledger_of(tmp_path / "elsewhere")


def test_keys():
    key = key_of_work("c", {"a": 1, "b": [2]}, {"weights": {"x": "1"}})
    assert key == key_of_work("c", {"b": [2], "a": 1}, {"weights": {"x": "1"}}) and len(key) == 64
    others = {
        key_of_work("d", {"a": 1, "b": [2]}, {"weights": {"x": "1"}}),
        key_of_work("c", {"a": 1, "b": [3]}, {"weights": {"x": "1"}}),
        key_of_work("c", {"a": 1, "b": [2]}, {"weights": {"x": "2"}}),
    }
    assert len(others | {key}) == 4


def test_the_journal_is_lines_of_json_that_are_added(tmp_path):
    for number in range(2):
        with Journal(tmp_path / "log.jsonl") as journal:
            journal.write("begin", inputs=number)
            journal.outcome(Item("caf\udce9\n.mp4", FAILED, what="reading", reason="x"), "new")
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["begin", "new"] * 2 and lines[1]["state"] == "failed"
    with Journal(None) as journal:
        journal.write("begin")
