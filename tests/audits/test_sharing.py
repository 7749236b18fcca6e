"""Audits in shards: any number, in any order, give the tables of the audit that was never divided."""

from __future__ import annotations

import inspect
import multiprocessing
import os

import numpy as np
import pandas as pd
import pytest

from affectlens import audit
from affectlens.audits.base import Audit
from affectlens.audits.objects.audit import ObjectAuditor
from affectlens.audits.objects.pictures import Pictures
from affectlens.audits.objects.settings import ObjectSettings
from affectlens.audits.parts import Batch, Parts
from affectlens.audits.sharing import Share, carried_out, shared_out
from affectlens.core.errors import UsageError
from affectlens.core.settings import Settings
from affectlens.dispatch import Running, Shard, ShareDoneError, processes, running
from tests.audits.objects.nets import redness, write_folder
from tests.audits.test_parts import COLUMNS, batch


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Fifty pictures, of which one cannot be read; settings."""
    folder = tmp_path_factory.mktemp("pictures") / "all"
    folder.mkdir()
    table, labels = write_folder(folder, 50, np.random.default_rng(3))
    (folder / "zz.png").write_bytes(b"no picture")
    return lambda: Pictures(folder, objects=str(table), labels=labels), ObjectSettings(
        methods=("hirescam", "eigencam"), effects=2
    )


@pytest.fixture(scope="module")
def whole(given, tmp_path_factory):
    made, settings = given
    auditor = ObjectAuditor(redness(), made(), settings, tmp_path_factory.mktemp("whole"))
    auditor.collect()
    return auditor


def test_one_three_and_seven_shards_in_any_order_give_equal_tables(given, whole, tmp_path):
    made, settings = given
    expected = whole.compute()
    for count, order in ((1, (1,)), (3, (2, 3, 1)), (7, (7, 1, 5, 3, 2, 6, 4))):
        out = tmp_path / str(count)
        missed = {}
        for number in order:
            with running(Running(shard=Shard(number, count))):
                if count == 1:
                    ObjectAuditor(redness(), made(), settings, out).collect()
                    continue
                with pytest.raises(ShareDoneError) as done:
                    ObjectAuditor(redness(), made(), settings, out).run()
                missed |= done.value.missed
        assert count == 1 or list(missed) == ["zz.png"]
        auditor = ObjectAuditor(redness(), made(), settings, out)
        assert auditor.plan().left == 0
        found = auditor.compute()
        for method in settings.methods:
            pd.testing.assert_frame_equal(found.objects[method], expected.objects[method], check_exact=True)
            pd.testing.assert_frame_equal(found.groups[method], expected.groups[method], check_exact=True)
            pd.testing.assert_frame_equal(auditor.table(method), whole.table(method), check_exact=True)
        pd.testing.assert_frame_equal(found.images, expected.images, check_exact=True)
        pd.testing.assert_frame_equal(found.effects.table, expected.effects.table, check_exact=True)
        assert found.provenance.data["sha256"] == expected.provenance.data["sha256"]


def test_shards_that_overlap_count_an_item_once(given, whole, tmp_path):
    made, settings = given
    for shard in (Shard(1, 2), Shard(2, 3), Shard(1, 3), Shard(3, 3)):
        with running(Running(shard=shard)), pytest.raises(ShareDoneError):
            ObjectAuditor(redness(), made(), settings, tmp_path).run()
    auditor = ObjectAuditor(redness(), made(), settings, tmp_path)
    assert len(auditor.parts.items) == 51 and auditor.parts.sha256 == whole.parts.sha256
    pd.testing.assert_frame_equal(auditor.table("hirescam"), whole.table("hirescam"))


def test_processes_that_write_parts_at_once_take_no_number_twice(tmp_path):
    def write(number):
        made = Parts(tmp_path, {"seed": 0}, {"corpus": "c"}, COLUMNS)
        for place in range(8):
            made.update(batch(f"{number}-{place}"))

    context = multiprocessing.get_context("fork")
    running_now = [context.Process(target=write, args=(number,)) for number in range(4)]
    for process in running_now:
        process.start()
    for process in running_now:
        process.join()
    assert [process.exitcode for process in running_now] == [0] * 4
    made = Parts(tmp_path, {"seed": 0}, {"corpus": "c"}, COLUMNS)
    assert len(made.done) == 32 and len(list(tmp_path.glob("part-*.json"))) == 32
    assert not list(tmp_path.glob("taken-*"))


class Squares(Audit):
    kind, together = "squares", 2

    def keys(self):
        return [str(number) for number in range(9)]

    def measure(self, keys):
        for key in keys:
            yield Batch([{"key": key, "why": "", "sha256": str(os.getpid())}])

    def compute(self, progress=None):
        return self


@pytest.fixture
def squares(monkeypatch):
    from affectlens.audits.registry import AUDITS, RegisteredAudit

    def function(model, corpus, *, out=None, progress=None, settings=None, **fields):
        auditor = Squares(Settings(), out)
        monkeypatch.setattr(Squares, "report", lambda self, folder: None, raising=False)
        return auditor.run(progress)

    AUDITS.add("squares", RegisteredAudit("squares", function, Settings, "Squares.", model=None))
    monkeypatch.setattr(processes, "START", "fork")
    yield
    AUDITS.remove("squares")


def test_workers_look_and_this_process_computes(squares, tmp_path):
    told = []
    fields = {"out": tmp_path, "progress": lambda *step: told.append(step)}
    found = shared_out("squares", (None, "corpus"), fields, workers=2)
    assert sorted(found.parts.done) == found.keys() and list(found.parts.items.key) == found.keys()
    looked = found.parts.items.set_index("key").sha256
    # Whole shares of what is computed together; on a busy machine one worker may have taken both before the other was there.
    assert 1 <= looked.nunique() <= 2 and str(os.getpid()) not in set(looked)
    assert looked["0"] == looked["1"] and looked["2"] == looked["3"]
    assert [step for step in told if step[0] == "shares of the items"][-1][1:] == (2, 2)
    share = shared_out("squares", (None, "corpus"), {"out": tmp_path / "b"}, shard="2/2")
    assert isinstance(share, Share) and share.unread == {} and "without --shard" in share.findings()[0]


def test_what_cannot_be_shared_is_said(squares, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="give out"):
        shared_out("squares", (None, "corpus"), {}, shard="1/2")
    with pytest.raises(UsageError, match="name the model and the corpus"):
        shared_out("squares", (object(), "corpus"), {"out": tmp_path}, workers=2)
    monkeypatch.setattr(Squares, "keys", lambda self: ())
    with pytest.raises(UsageError, match="leave out --shard"):
        carried_out("squares", (None, "corpus"), {"out": tmp_path}, Running(shard=Shard(1, 2)))
    assert {"workers", "shard", "on"} <= set(inspect.signature(audit.objects).parameters)
