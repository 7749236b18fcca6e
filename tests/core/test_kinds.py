"""What kinds of evidence carry: typed records that become JSON and come back."""

import json
from dataclasses import dataclass, fields

import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.core.kinds import EVIDENCE, Detail, EvidenceKind, evidence_kind


@dataclass(frozen=True)
class Everything(Detail):
    number: float
    count: int
    word: str
    sure: bool | None
    words: tuple[str, ...]
    span: tuple[float, float]
    shares: dict[str, float]
    sets: dict[str, tuple[str, ...]]
    perhaps: float | None = None


def test_a_record_becomes_json_and_comes_back():
    for given in (
        Everything(0.1, 3, "x", None, ("a", "b"), (0.5, 1.0), {"k": 1 / 3}, {"a": ("b",)}),
        Everything(2.0, -1, "", True, (), (1e-9, 1e9), {}, {}, 4.0),
    ):
        assert Everything.from_dict(json.loads(json.dumps(given.to_dict()))) == given
    strange = Everything(np.float32(0.5), np.int64(2), "x", np.bool_(True), ("a",), (np.float64(1), 2.0), {}, {})
    assert json.loads(json.dumps(strange.to_dict()))["number"] == 0.5


@pytest.mark.parametrize(("given", "says"), [({"number": 1.0}, "missing"), ({"strange": 1}, "unknown fields strange")])
def test_records_with_other_fields_are_refused(given, says):
    with pytest.raises(UsageError, match=f"is no Everything .*{says}.*its fields are number, count"):
        Everything.from_dict(given)


def test_every_kind_is_declared_whole():
    for kind in EVIDENCE.values():
        assert kind.section and issubclass(kind.detail, Detail)
        assert all(f.type for f in fields(kind.detail))


def test_a_kind_is_declared_by_the_words_for_it(monkeypatch):
    monkeypatch.setattr(EVIDENCE, "_entries", dict(EVIDENCE._entries))

    @evidence_kind("blink", Everything, unit="1/s", section="face")
    def blink(e):
        return "blinks"

    kind = EVIDENCE.get("blink")
    assert (kind.detail, kind.unit, kind.level, kind.section, kind.clause) == (Everything, "1/s", "instance", "face", blink)
    with pytest.warns(UserWarning, match="the kind of evidence 'blink' .* is replaced"):
        EVIDENCE.add("blink", EvidenceKind("blink"))
    with pytest.raises(UsageError, match="level 'magic'"):
        EvidenceKind("blink", level="magic")
