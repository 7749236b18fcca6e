"""A corpus split as the audit of properties meets it, from corpora made by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.properties import corpus as module
from affectlens.audits.properties.corpus import AuditedCorpus
from affectlens.audits.properties.model import AskedModel
from affectlens.core.errors import CorpusError, UsageError
from affectlens.core.labels import EKMAN7
from affectlens.corpora.base import CorpusInfo, Item
from affectlens.models.adapters import CallableModel


class Made:
    """A corpus with the given table, of which item ``b`` cannot be read."""

    scheme = EKMAN7

    def __init__(self, modality="face", splits=("train", "test"), path=None, data=None, **columns):
        self.info = CorpusInfo("made", "Made", modality, "own", "own", "none", splits)
        self.rows = pd.DataFrame({"key": ["a", "b", "c"], "label": ["fear", "anger", "fear"], **columns})
        self.data = data or {"a": np.zeros((48, 48), np.uint8), "c": np.zeros((60, 60, 3), np.uint8)}
        if path is not None:
            self.path = path

    def table(self, split):
        return self.rows

    def items(self, split):
        for row in self.rows.to_dict("records"):
            yield Item(
                row["key"], self.data.get(row["key"]), (row.get("label", ""),), "", row, "" if row["key"] != "b" else "broken"
            )


def test_the_split_is_the_test_one_or_that_of_the_modality_or_the_last():
    assert AuditedCorpus(Made()).split == "test" and AuditedCorpus(Made(), "train").split == "train"
    assert AuditedCorpus(Made(splits=("train", "all"))).split == "all"
    assert AuditedCorpus(Made("voice", splits=("test", "four", "all"))).split == "four"
    assert AuditedCorpus(Made("gait", splits=("test", "four", "all"))).split == "four"
    assert AuditedCorpus(Made("words", splits=("test", "four"))).split == "test"
    with pytest.raises(CorpusError, match="no split"):
        AuditedCorpus(Made(), "tst")


def test_scenes_are_looked_at_as_faces_and_what_has_no_properties_is_refused():
    assert AuditedCorpus(Made("scene")).modality == "face"
    with pytest.raises(UsageError, match="made holds motion; properties are known of"):
        AuditedCorpus(Made("motion"))


def test_keys_labels_and_where_it_lies(tmp_path):
    twice = Made(key=["a", "a", "c"], path=tmp_path)
    made = AuditedCorpus(twice)
    assert made.keys == ["a", "c"] and made.labels.to_dict() == {"a": "fear", "c": "fear"} and made.path == tmp_path
    assert AuditedCorpus(Made()).path is None
    unlabelled = Made()
    unlabelled.rows = unlabelled.rows.drop(columns="label")
    assert AuditedCorpus(unlabelled).labels is None
    (tmp_path / "t.csv").write_text("text,label\nso happy,joy\nso sad,sadness\n")
    assert AuditedCorpus(f"csv={tmp_path / 't.csv'}", "all").path == tmp_path / "t.csv"


@pytest.mark.parametrize(
    ("columns", "people"),
    [
        ({"speaker": ["x", "y", "x"], "person": ["1", "2", "3"]}, ["x", "y", "x"]),
        ({"speaker": ["x"] * 3, "person": ["1", "2", "3"]}, ["1", "2", "3"]),
        ({"group": ["1", "2", "3"]}, ["1", "2", "3"]),
        ({"group": ["1"] * 3}, None), ({}, None),
        ({"group": ["walk", "run", "run"], "motion": ["walk", "run", "run"]}, None),
        ({"group": ["x", "y", "y"], "motion": ["walk", "run", "run"]}, ["x", "y", "y"]),
    ],
)  # fmt: skip
def test_who_each_item_is_of(columns, people):
    made = AuditedCorpus(Made(**columns))
    if people is None:
        assert made.people is None and made.people_of(["a"]) is None
    else:
        assert made.people.tolist() == people and made.people_of(["c", "a"]).tolist() == [people[2], people[0]]


def light(pictures):
    """A model of pictures that answers with how light they are."""
    p = np.array([np.mean(x) / 255 for x in pictures])
    return np.column_stack([p, 1 - p])


def test_what_properties_and_models_look_at(monkeypatch):
    monkeypatch.setattr(module, "view_maker", lambda *_: lambda item: (SimpleNamespace(crop=np.full((9, 9), 51, np.uint8)), ""))
    made = AuditedCorpus(Made())
    asked = AskedModel(CallableModel(light, ("fear", "anger"), name="light"), made)
    a, b, c = made.items()
    assert made.view(b) == (None, "broken") and asked.input_of(b, None) is None
    np.testing.assert_allclose(asked.answers([asked.input_of(a, None)]), [[0, 1]])  # a grey picture of 48 goes in as it is
    assert asked.input_of(c, None) is None  # no face
    np.testing.assert_allclose(asked.answers([asked.input_of(c, made.view(c)[0])]), [[0.2, 0.8]])
    crops = asked.data(["c", "a"])
    assert [x.shape for x in crops] == [(9, 9), (48, 48)] and asked.can_be_asked_again
    np.testing.assert_allclose(asked.answers_to(crops), [[0.2, 0.8], [0, 1]])
    assert asked.labels == ("fear", "anger")
