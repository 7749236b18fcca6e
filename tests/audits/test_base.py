from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.base import Audit
from affectlens.audits.parts import Batch, digest
from affectlens.audits.result import AuditResult, Provenance
from affectlens.core.errors import UsageError
from affectlens.core.settings import Settings, setting

ITEMS = {f"i{n}": float(n) for n in range(10)}


@dataclass(frozen=True)
class MeanSettings(Settings):
    power: int = setting(1, "Power of every value.", least=1)


@dataclass(frozen=True)
class MeanResult(AuditResult):
    kind: ClassVar[str] = "mean"
    primary: ClassVar[str] = "table"
    table: pd.DataFrame
    missed: dict[str, str]
    provenance: Provenance

    def report(self, folder):
        return self.save(folder)


class MeanAudit(Audit[MeanSettings, MeanResult]):
    """The mean of powers; item i3 cannot be read."""

    kind, unit, part_size = "mean", "numbers", 4
    looked: ClassVar[list[str]] = []
    stop = ""

    def keys(self):
        return list(ITEMS)

    def columns(self):
        return {"items": ("key", "why", "sha256"), "values": ("key", "value")}

    def data_facts(self):
        return {"corpus": "ten numbers"}

    def measure(self, keys):
        for key in keys:
            if key == self.stop:
                raise KeyboardInterrupt
            self.looked.append(key)
            if key == "i3":
                yield Batch([{"key": key, "why": "not readable", "sha256": ""}])
                continue
            value = ITEMS[key] ** self.settings.power
            yield Batch([{"key": key, "why": "", "sha256": digest(str(value))}], {"values": [{"key": key, "value": value}]})

    def compute(self, progress=lambda *_: None):
        values = self.parts.table("values").value
        table = pd.DataFrame({"statistic": [values.mean()], "p_value": [1.0], "n": [len(values)]})
        return MeanResult(table, self.parts.missed, self.provenance())


@pytest.fixture(autouse=True)
def fresh():
    MeanAudit.looked.clear()


def test_a_pass_that_is_broken_off_goes_on_and_says_so(tmp_path):
    broken = MeanAudit(MeanSettings(), tmp_path)
    broken.stop = "i6"
    with pytest.raises(KeyboardInterrupt):
        broken.run()
    again = MeanAudit(MeanSettings(), tmp_path)
    plan = again.plan()
    assert (plan.items, plan.done, plan.left) == (10, 4, 6) and "6 to do" in str(plan)
    said = []
    result = again.run(lambda *what: said.append(what))
    assert said[0] == ("numbers", 4, 10) and said[-1] == ("numbers", 10, 10)
    assert MeanAudit.looked == [f"i{n}" for n in (0, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9)]
    whole = MeanAudit(MeanSettings()).run()
    pd.testing.assert_frame_equal(result.table, whole.table)
    assert result.missed == {"i3": "not readable"} and result.provenance.data == whole.provenance.data
    MeanAudit.looked.clear()
    assert MeanAudit(MeanSettings(), tmp_path).run().statistic == whole.statistic and not MeanAudit.looked


def test_two_halves_merged_are_the_whole(tmp_path):
    one, other = MeanAudit(MeanSettings(), tmp_path / "a"), MeanAudit(MeanSettings(), tmp_path / "b")
    one.collect(keys=list(ITEMS)[:6])
    other.collect(keys=list(ITEMS)[5:])  # one item is in both
    whole = MeanAudit(MeanSettings())
    whole.collect()
    found = one.merge(other).compute()
    pd.testing.assert_frame_equal(found.table, whole.compute().table)
    assert found.table.n[0] == 9 and found.provenance.data["sha256"] == whole.compute().provenance.data["sha256"]


def test_a_run_with_other_settings_or_data_is_refused(tmp_path, monkeypatch):
    MeanAudit(MeanSettings(), tmp_path).run()
    with pytest.raises(UsageError, match=r"other settings \(power: 1 before, 2 now\)"):
        MeanAudit(MeanSettings(power=2), tmp_path).run()
    with pytest.raises(UsageError, match="other settings"):
        MeanAudit(MeanSettings(power=2)).merge(MeanAudit(MeanSettings(), tmp_path))
    with pytest.raises(UsageError, match="no run of this audit"):
        MeanAudit(MeanSettings()).parts.merge_folder(tmp_path / "nothing")
    monkeypatch.setattr(MeanAudit, "data_facts", lambda self: {"corpus": "other numbers"})
    with pytest.raises(UsageError, match="other data"):
        MeanAudit(MeanSettings(), tmp_path).run()
    joined = MeanAudit(MeanSettings())
    joined.parts.merge_folder(tmp_path)  # other data with the same settings may be joined
    assert len(joined.parts.items) == 10


def test_a_part_without_its_items_is_looked_at_again(tmp_path):
    MeanAudit(MeanSettings(), tmp_path).run()
    (tmp_path / "parts" / "items-00002.parquet").unlink()  # as if the run had stopped between the two files
    result = MeanAudit(MeanSettings(), tmp_path).run()
    assert (
        MeanAudit.looked[-2:] == ["i8", "i9"] and result.table.n[0] == 9 and result.table.statistic[0] == pytest.approx(42 / 9)
    )


def test_a_digest_tells_contents_and_labels_apart():
    x = np.arange(6, dtype=np.uint8)
    assert digest(x) == digest(x.copy()) != digest(x.reshape(2, 3)) and digest(x) != digest(x.astype(float))
    assert digest("a", "joy") != digest("a", "fear") and digest(None) == ""


def test_settings_are_checked():
    with pytest.raises(UsageError, match="--power 0"):
        replace(MeanSettings(), power=0)
