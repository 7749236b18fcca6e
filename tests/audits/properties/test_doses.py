"""Interventions of an audit of properties: which texts are changed, and what is noted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.properties import doses as module
from affectlens.audits.properties.doses import measure_doses
from affectlens.explainers.interventions.registry import intervention


class Texts:
    """A corpus of texts and a model that counts female words, in the one form that the pass asks for."""

    modality, name = "words", "female words"
    labels = ("a", "b")
    can_be_asked_again = True
    units = ()

    def __init__(self, texts):
        self.texts = texts
        self.corpus = self.model = self
        self.people = None

    def items(self):
        return [SimpleNamespace(key=f"k{i}", data=t) for i, t in enumerate(self.texts)]

    def people_of(self, keys):
        return None

    def data(self, keys):
        return [self.texts[int(k[1:])] for k in keys]

    def answers_to(self, texts):
        female = np.array([t.split().count("she") for t in texts]) / 10
        return np.column_stack([female, 1 - female])


def measured(texts, keys, rng, names=("him to her",)):
    return measure_doses(Texts(texts), [intervention(n, "words") for n in names], keys, rng, lambda *_: None)


def test_a_swap_is_made_on_the_texts_of_the_sample_that_it_changes(rng):
    texts = ["he is here", "nobody is here", "he was he", "he goes", "he sings", "he reads", "it rains"]
    found, notes = measured(texts, [f"k{i}" for i in range(7)], rng)
    dose = found["him to her"]
    assert notes == [] and dose.n == 5 and dose.flips.dose.tolist() == [0, 1]
    changed = dose.curve[(dose.curve.dose == 1) & (dose.curve["class"] == "a")].iloc[0]
    assert changed.change == pytest.approx((0.1 + 0.2 + 0.1 + 0.1 + 0.1) / 5) and dose.unit == "swapped"
    assert dose.samples[0] in texts and "she" in dose.samples[1] and dose.clean is None


def test_where_the_sample_has_few_the_whole_corpus_is_asked(rng, monkeypatch):
    texts = ["it rains"] * 3 + [None] + ["he sings"] * 9
    found, notes = measured(texts, ["k0", "k1", "k4"], rng)
    assert found["him to her"].n == 9 and notes == []
    monkeypatch.setattr(module, "MOST_TEXTS", 6)
    assert measured(texts, ["k0"], rng)[0]["him to her"].n == 6
    four = ["he sings"] * 4 + ["it rains"] * 9
    found, notes = measured(four, ["k0"], rng, ("him to her", "names"))
    assert found == {} and notes == [
        "Intervention him to her was left out: only 4 texts hold words that it swaps.",
        "Intervention names was left out: only 0 texts hold words that it swaps.",
    ]
    assert measured(["he sings"] * 5, [f"k{i}" for i in range(5)], rng)[0]["him to her"].n == 5


def test_without_interventions_or_of_a_table_nothing_is_asked(rng):
    made = Texts(["he sings"] * 9)
    assert measure_doses(made, [], ["k0"], rng, lambda *_: None) == ({}, [])
    made.can_be_asked_again = False
    found, notes = measure_doses(made, [intervention("names", "words")], ["k0"], rng, lambda *_: None)
    assert found == {} and notes == ["Interventions need a model that can be asked again; a table has none."]
    other = Texts(["he sings"] * 9)
    other.model = SimpleNamespace(modality="scene", name="the scene's")
    assert (
        "they change the words, and the scene's reads something else"
        in measure_doses(other, [intervention("names", "words")], ["k0"], rng, lambda *_: None)[1][0]
    )


def test_what_is_measured_of_a_face(monkeypatch):
    """Words, truths and what cannot be measured are no numbers; guesses of age and gender are left out."""
    kinds = {
        "light": lambda v: 3,
        "word": lambda v: "x",
        "none": lambda v: None,
        "age": lambda v: 40.0,
        "gender": lambda v: 1.0,
    }
    monkeypatch.setattr(module, "properties", lambda modality: [SimpleNamespace(name=n, measure=m) for n, m in kinds.items()])
    monkeypatch.setattr(
        "affectlens.features.properties.face.FaceViewer", lambda: lambda picture: picture if picture.any() else None
    )
    measure = module._face_measure()
    seen = pd.Series(measure(np.ones((2, 2))))
    assert seen.light == 3.0 and seen[["word", "none"]].isna().all() and set(seen.index) == {"light", "word", "none"}
    assert pd.Series(measure(np.zeros((2, 2)))).isna().all()


def test_where_the_sample_has_enough_nothing_else_is_asked(rng):
    found, _ = measured(["he sings"] * 6 + ["he reads"] * 6, [f"k{i}" for i in range(5)], rng)
    assert found["him to her"].n == 5 and len(found["him to her"].samples) == 2


@pytest.mark.parametrize("modality", ["face", "voice"])
def test_each_intervention_has_its_doses_and_only_faces_are_measured(rng, monkeypatch, modality):
    asked = []
    monkeypatch.setattr(module, "dose_response", lambda *given, **more: asked.append((given, more)) or given[0])
    monkeypatch.setattr(module, "_face_measure", lambda: "measure")
    made = Texts(["one", "two", "three"])
    made.modality, made.people_of = modality, lambda keys: [f"of {k}" for k in keys]
    chosen = module.chosen_interventions(("all",), modality)[:2]
    doses, notes = measure_doses(made, chosen, ["k2", "k0"], rng, "progress")
    assert doses == {i.name: i.name for i in chosen} and notes == [] and len(asked) == 2
    given, more = asked[1]
    assert given == (chosen[1].name, chosen[1].unit, ["three", "one"], chosen[1].doses, chosen[1].change, made.answers_to,
                     ("a", "b"), rng)  # fmt: skip
    measured = modality == "face"
    assert more == {"people": ["of k2", "of k0"], "measure": "measure" if measured else None,
                    "meant": chosen[1].moves if measured else "", "progress": "progress"}  # fmt: skip
    assert not measured or chosen[1].moves
