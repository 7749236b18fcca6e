"""Results are saved and read again without loss, and what cannot be read is refused with its reason."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from affectlens.audits import result as module
from affectlens.audits.result import SCHEMA_VERSION, AuditResult, Provenance, versions
from affectlens.core.errors import UsageError
from affectlens.core.results import packing


@dataclass(frozen=True)
class Inner:
    name: str
    points: np.ndarray
    more: tuple[float, ...] = ()


@dataclass(frozen=True)
class Everything(AuditResult):
    kind: ClassVar[str] = "everything"
    primary: ClassVar[str] = "table"

    table: pd.DataFrame
    by_name: dict[str, pd.DataFrame]
    inner: tuple[Inner, ...]
    some: list[int]
    numbers: dict[str, np.ndarray]
    maybe: Inner | None = None
    word: str = ""
    names: frozenset[str] = frozenset()
    single: Any = None
    objects: Any = None
    inner_by_name: dict[str, Inner] = field(default_factory=dict)
    plain: dict = field(default_factory=dict)  # type: ignore[type-arg]
    loose: list = field(default_factory=list)  # type: ignore[type-arg]
    provenance: Provenance = field(default_factory=Provenance)


def result(**more):
    table = pd.DataFrame(
        {"p_value": [0.5, 0.01], "statistic": [1.0, -2.0], "mixed": ["a", 3], "raw": [b"x", b"y"], "none": [None, "b"]}
    )
    inner = (Inner("one", np.eye(2)), Inner("two", np.arange(3.0), (1.0, 2.5)))
    return Everything(
        table, {"a b/c": pd.DataFrame({"x": [1, 2]}, pd.Index(["k", "l"], name="key")), "d": pd.DataFrame({"y": [1.5]})}, inner,
        [3, 1, 2], {"w": np.ones((2, 2), np.float32)},
        provenance=Provenance("everything", {"seed": 1}, {"name": "m"}, {"items": 2}), **more,
    )  # fmt: skip


def test_everything_comes_back(tmp_path):
    made = result(maybe=Inner("three", np.zeros(1)), word="so", names=frozenset("ba"), single=np.float64(2.5))
    read = Everything.load(made.save(tmp_path / "new" / "folder"))
    pd.testing.assert_frame_equal(read.table.drop(columns="mixed"), made.table.drop(columns="mixed"))
    assert read.table.mixed.tolist() == ["a", "3"]  # mixed types are kept as words
    for name, frame in made.by_name.items():
        pd.testing.assert_frame_equal(read.by_name[name], frame)
    assert [i.name for i in read.inner] == ["one", "two"] and isinstance(read.inner, tuple) and read.inner[1].more == (1.0, 2.5)
    np.testing.assert_array_equal(read.inner[0].points, np.eye(2))
    assert read.some == [3, 1, 2] and read.numbers["w"].dtype == np.float32 and read.maybe.name == "three"
    assert read.word == "so" and sorted(read.names) == ["a", "b"] and read.single == 2.5
    assert read.provenance == made.provenance
    assert read.pvalue.tolist() == [0.5, 0.01] and read.statistic.tolist() == [1.0, -2.0]
    again = Everything.load(result().save(tmp_path / "new" / "folder"))  # over an older result
    assert again.maybe is None and again.word == ""


def test_tables_can_be_looked_at(tmp_path):
    folder = result().save(tmp_path)
    csv = pd.read_csv(folder / "table.csv")
    assert "raw" not in csv and csv.p_value.tolist() == [0.5, 0.01] and "Unnamed: 0" not in csv
    assert list(pd.read_csv(folder / "by_name.a b%2Fc.csv").key) == ["k", "l"]
    facts = json.loads((folder / "provenance.json").read_text())
    assert facts["schema_version"] == SCHEMA_VERSION and facts["kind"] == "everything" and facts["settings"] == {"seed": 1}


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no finished audit in it"):
        Everything.load(tmp_path / "nothing")
    folder = result().save(tmp_path)
    facts = json.loads((folder / "provenance.json").read_text())
    (folder / "provenance.json").write_text(json.dumps(facts | {"schema_version": SCHEMA_VERSION - 1}))
    with pytest.raises(UsageError, match=f"has layout {SCHEMA_VERSION - 1}, this version of affectlens reads {SCHEMA_VERSION}"):
        Everything.load(folder)
    (folder / "provenance.json").write_text(json.dumps(facts | {"kind": "other"}))
    with pytest.raises(UsageError, match="holds an audit of 'other'; an audit of 'everything' was expected"):
        Everything.load(folder)
    (folder / "provenance.json").unlink()  # as if it was broken off
    with pytest.raises(UsageError, match="no finished audit"):
        Everything.load(folder)


def test_while_it_is_written_a_folder_is_not_whole(tmp_path, monkeypatch):
    folder = result().save(tmp_path)

    def full(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr("affectlens.core.results.saved.write_whole", full)
    with pytest.raises(OSError, match="full"):
        result().save(folder)
    with pytest.raises(UsageError, match="no finished audit"):
        Everything.load(folder)


def test_lists_of_arrays_of_unlike_shapes(tmp_path):
    ragged = np.empty(2, object)
    ragged[:] = [np.arange(2.0), np.arange(3.0)]
    read = Everything.load(result(objects=ragged).save(tmp_path))
    assert [len(v) for v in read.objects] == [2, 3]


def test_versions_name_what_computes():
    found = versions()
    assert {"python", "affectlens", "numpy", "torch"} <= set(found) and found["numpy"] == np.__version__


def test_versions_leave_out_what_is_not_installed(monkeypatch):
    monkeypatch.setattr(module, "_PACKAGES", ("no-such-package-at-all", "numpy"))
    assert list(versions()) == ["python", "numpy"]


def test_records_by_name_plain_dictionaries_and_paths_come_back(tmp_path):
    more = {"inner_by_name": {"a": Inner("one", np.eye(2)), "b": Inner("two", np.zeros(1), (1.5,))}}
    made = result(**more, plain={"x": [1, (2, "y")], 3: None}, loose=[{"k": 1}, (2,)], single=Path("a") / "b", objects={"q"})
    read = Everything.load(made.save(tmp_path))
    assert [i.name for i in read.inner_by_name.values()] == ["one", "two"] and read.inner_by_name["b"].more == (1.5,)
    np.testing.assert_array_equal(read.inner_by_name["a"].points, np.eye(2))
    assert read.plain == {"x": [1, (2, "y")], 3: None} and read.loose == [{"k": 1}, (2,)]
    assert read.single == str(Path("a") / "b") and read.objects == ("q",)  # what the type does not tell is plain


def test_what_a_newer_version_wrote_besides_is_passed_over(tmp_path):
    folder = result(word="so").save(tmp_path)
    packed = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps(packed | {"later": 1}))
    assert Everything.load(folder).word == "so"


def test_arrays_that_hold_objects_are_never_opened(tmp_path):
    folder = result().save(tmp_path)
    np.savez(folder / "arrays.npz", numbers=np.array([{"any": "thing"}], dtype=object))
    with pytest.raises(UsageError, match="it holds Python objects"):
        Everything.load(folder)


def test_a_result_without_arrays_has_no_file_of_them(tmp_path):
    made = Everything(pd.DataFrame({"p_value": [1.0]}), {}, (), [], {})
    folder = made.save(tmp_path)
    assert not (folder / "arrays.npz").exists() and Everything.load(folder).numbers == {}


def test_only_columns_of_several_types_become_words():
    frame = pd.DataFrame({"mixed": ["a", 3, None, float("nan")], "words": ["a", "b", None, "c"], "numbers": [1, 2, 3, 4],
                          "raw": [None, b"x", b"y", None]}, dtype=object).assign(numbers=[1, 2, 3, 4])  # fmt: skip
    flat = packing.writable(frame)
    assert flat.mixed[:2].tolist() == ["a", "3"] and flat.mixed[2:].isna().all() and frame.mixed[1] == 3
    assert flat.words.tolist() == ["a", "b", None, "c"] and flat.raw[1] == b"x"
    assert list(packing.readable(frame)) == ["mixed", "words", "numbers"]
    assert packing.named(frame.rename_axis("key")) and not packing.named(frame)


def test_charts_findings_and_page_are_those_beside_the_class(tmp_path, monkeypatch):
    charts = {"first": lambda: "the first", "second": lambda: "the second", "nothing": lambda: None}
    parts = {
        "findings": SimpleNamespace(findings=lambda audit: (audit.kind, "was found")),
        "page": SimpleNamespace(charts=lambda audit: charts, write=lambda audit, folder: f"{folder}/{audit.word}.html"),
    }
    monkeypatch.setattr(Everything, "_part", lambda self, name: parts[name])
    made = result(word="page")
    assert made.findings() == ["everything", "was found"] and made.plot() == "the first" and made.plot("second") == "the second"
    with pytest.raises(UsageError, match="unknown chart 'secnd'; did you mean second"):
        made.plot("secnd")
    with pytest.raises(UsageError, match="chart nothing: this audit has nothing to draw in it"):
        made.plot("nothing")
    assert made.report(tmp_path) == tmp_path / "page.html" and (tmp_path / "provenance.json").exists()


def test_the_parts_of_an_audit_are_modules_beside_its_result():
    from affectlens.audits.properties import findings
    from affectlens.audits.properties.result import PropertyAudit

    assert PropertyAudit._part(PropertyAudit.__new__(PropertyAudit), "findings") is findings
