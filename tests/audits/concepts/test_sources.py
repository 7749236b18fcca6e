"""What is listed of concepts, and what a corpus supports."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.concepts import prepare as prepare_module
from affectlens.audits.concepts import sources as sources_module
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.concepts.sources import available, listed, open_dialogue_source
from affectlens.core.errors import UsageError
from tests.audits.concepts.cases import rows_of


def test_what_is_listed(monkeypatch):
    frame = pd.DataFrame({"concept": ["a", "b"], "group": ["words", "voice"], "meaning": ["means a", "means b"]})
    monkeypatch.setattr(sources_module, "available", lambda corpus, settings, progress: frame if corpus is None else frame.assign(
        examples=[3, 0], utterances=[9, 9], why=["", "needs voice"]))  # fmt: skip
    assert listed(None, settings=ConceptSettings()) == ["words     a: means a", "voice     b: means b"]
    assert listed("x", settings=ConceptSettings()) == ["words     a: 3 examples of 9 utterances", "voice     b: needs voice"]


def test_what_a_corpus_supports_is_counted(monkeypatch):
    source = SimpleNamespace(dialogues=lambda split: split)
    monkeypatch.setattr(sources_module, "open_dialogue_source", lambda corpus: source)
    monkeypatch.setattr(
        sources_module, "prepared", lambda s, data, wanted, **more: rows_of(4, texts=["not so", "well", "", "never"])
    )
    found = available("made", concepts=("negation", "loud")).set_index("concept")
    assert found.examples.to_dict() == {"negation": 2, "loud": 0} and (found.utterances == 4).all()
    assert found.why["negation"] == "" and "needs voice_" in found.why["loud"] and found.group["loud"] == "voice"
    with pytest.raises(UsageError, match="2 corpora were given; this audit looks at one at a time"):
        monkeypatch.undo()
        open_dialogue_source(["meld=a", "iemocap=b"])


def test_negative_is_the_sum_of_four_classes(monkeypatch):
    labels = ("joy", "anger", "disgust", "fear", "sadness")
    p = np.array([[0.5, 0.1, 0.1, 0.2, 0.1], [1.0, 0, 0, 0, 0]])
    asked = []
    model = SimpleNamespace(
        labels=labels,
        predict=lambda texts: asked.append(texts) or "logits",
        calibration=SimpleNamespace(probabilities=lambda logits: p),
    )
    monkeypatch.setattr(prepare_module, "load_model", lambda name: model if name == "words" else None)
    found = prepare_module._read_negative(rows_of(2, texts=["so sad", "  "]))
    assert found[0] == pytest.approx(0.5) and np.isnan(found[1]) and asked == [["so sad", "."]]
