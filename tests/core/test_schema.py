"""Rows and evidence: what is possible, and that nothing is lost on the way to a table and back."""

import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.core.labels import SCHEMES
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.core.tables import evidence_frame, evidence_of, rows_frame, rows_of
from affectlens.modalities.face.evidence import RegionDetail
from affectlens.modalities.scene.evidence import PairDetail, PlaceDetail

P = (0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1)


def test_row_knows_its_label_and_confidence():
    row = Row("a.mp4", 0, 1, 0, "face", probabilities=P)
    assert (row.label, row.confidence) == ("happiness", 0.4)
    assert Row("a", 0, 1, 0, "face", "missing", "no face in view").label == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "fine"}, "not one of"),
        ({"status": "missing"}, "must give a reason"),
        ({"probabilities": (0.5, 0.5)}, "2 probabilities"),
        ({"probabilities": (0.5,) * 7}, "must be a distribution"),
    ],
)
def test_impossible_rows_are_refused(change, says):
    with pytest.raises(UsageError, match=says):
        Row("a", 0, 1, 0, "face", **change)


@pytest.mark.parametrize("name", list(SCHEMES))
def test_rows_of_every_scheme_come_back_without_loss(name, rng):
    labels = SCHEMES[name]
    p = tuple(float(v) for v in rng.dirichlet(np.ones(len(labels.labels))))
    row = Row("a b.mp4", 0.1, 1 / 3, SCENE, "words", probabilities=p, valence=-0.25, arousal=0.5, conformal=labels.labels[:2],
              quality=0.7, typical=0.2, weight=0.4, conflict=True, text="1 | 2", language="en", scheme=labels)  # fmt: skip
    assert Row.from_record(row.to_record()) == row
    lost = Row("a", 0, 1, 0, "face", "missing", "no face", scheme=labels)
    back = Row.from_record(lost.to_record())
    assert back.probabilities is None and back.conformal == () and back.reason == "no face" and back.scheme == labels
    (again,) = rows_of(rows_frame([row]))
    assert again == row


def test_evidence_comes_back_without_loss():
    for e in (
        Evidence("e1", "a", 0.5, 1.0, 0, "instance", "face", "anger", "region", "mouth", 2.0, "x", "cam", 1.5, 2.5, 0.04, "rank",
                 RegionDetail("join", "hirescam", 0.3, 0.1), "figures/a.svg"),
        Evidence("e2", "a", 0, 1, -1, "situation", "scene", "", "place", "", 0.5, "p", "m", 0, 1, 1.0, "",
                 PlaceDetail("", None, "nothing", {"office": 0.5})),
        Evidence("e3", "a", 0, 1, -1, "situation", "scene", "", "pair", "dark_street", 1.0, "p", "m", 0, 1, 1.0, "",
                 PairDetail("why", ("A", "B"), 0.5)),
        Evidence("e4", "a", 0, 1, 0, "situation", "fused", "fear", "changes", "", 3.0, "n", "count", 0, 1, 1.0),
    ):  # fmt: skip
        assert evidence_of(evidence_frame([e])) == [e]


def test_impossible_evidence_is_refused():
    with pytest.raises(UsageError, match="level 'magic'"):
        Evidence("e1", "a", 0, 1, 0, "magic", "face", "anger", "region", "mouth", 1.0, "u", "m")
    with pytest.raises(UsageError, match="unknown kind of evidence 'regions'; did you mean region"):
        Evidence("e1", "a", 0, 1, 0, "instance", "face", "anger", "regions", "mouth", 1.0, "u", "m")
    with pytest.raises(UsageError, match="was given Detail; its detail is RegionDetail"):
        Evidence("e1", "a", 0, 1, 0, "instance", "face", "anger", "region", "mouth", 1.0, "u", "m")
    e = Evidence("e1", "a", 0, 1, 0, "situation", "fused", "fear", "changes", "", 3.0, "n", "count")
    with pytest.raises(UsageError, match="is Detail, not RegionDetail"):
        e.detail_as(RegionDetail)
