"""Tables and sentences of an audit of concepts by hand, and which concepts are tested at all."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.concepts.choice import choose, with_pairs
from affectlens.audits.concepts.findings import layer_name, reason
from affectlens.audits.concepts.pool import with_enough_examples
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.concepts.tables import (
    CONFOUNDED,
    association,
    direction_cosines,
    example_table,
    layer_agreement,
    pair_table,
    support_table,
)
from affectlens.core.errors import UsageError
from affectlens.corpora.dialogues.base import dialogue_set


def _set(n, labels=("no", "yes")):
    rows = pd.DataFrame(
        {"key": [f"u{i}" for i in range(n)], "dialogue": [f"d{i // 10}" for i in range(n)], "turn": np.arange(n) % 10,
         "speaker": "a", "text": [f"t{i}" for i in range(n)], "label": [labels[i % 2] for i in range(n)]}
    )  # fmt: skip
    return dialogue_set("made", labels, rows, {"text": np.zeros((n, 1))})


def test_ten_examples_in_three_dialogues_are_enough():
    dialogues = np.repeat(["a", "b", "c", "d"], 10)

    def concept(*rows):
        y = np.zeros(40)
        y[list(rows)] = 1
        return y

    ten = concept(*range(4), *range(10, 14), 20, 21)
    enough, why = with_enough_examples(
        {"ten": ten, "nine": concept(*range(4), *range(10, 14), 20), "two": concept(*range(5), *range(10, 15)),
         "one": concept(*range(10)), "all but nine": 1 - concept(*range(9))}, dialogues
    )  # fmt: skip
    assert set(enough) == {"ten"} and why.keys() == {"nine", "two", "one", "all but nine"}
    assert why["nine"].startswith("9 examples and 31 counterexamples") and "31 examples and 9 counter" in why["all but nine"]
    assert "lie in 2 dialogues; at least 3" in why["two"] and "lie in 1 dialogue;" in why["one"]
    unknown = np.where(np.arange(40) < 35, ten, np.nan)
    assert "unknown" in with_enough_examples({"unknown": unknown}, dialogues)[0]


def test_support_by_hand():
    data = _set(40)
    labels = data.labels
    rare = np.isin(np.arange(40), [0, 2, 4, 9, 21]).astype(float)
    targets = {"label": (labels == 1).astype(float), "rare": np.where(np.arange(40) < 30, rare, np.nan)}
    table = support_table(targets, labels, data, {"label": "it is yes"}).set_index("concept")
    assert list(table.examples) == [20, 5] and list(table.of) == [40, 30] and list(table.dialogues) == [4, 2]
    assert list(table.most_with) == ["yes", "no"] and list(table.meaning) == ["it is yes", ""]
    assert list(table.confounded_with_label) == [True, False] and table.label_association["label"] == pytest.approx(1)
    assert pair_table(targets).empty
    pairs = pair_table({"a": targets["label"], "b": 1 - targets["label"], "c": rare})
    assert pairs[["concept", "other"]].to_numpy().tolist() == [["a", "b"]]


def test_examples_by_hand():
    data = _set(6)
    y = np.array([1, 1, 1, 0, 0, np.nan])
    value = np.array([[0.1], [0.9], [0.5], [0.7], [-1], [5]])
    table = example_table({"c": y}, data, value, np.array([0, 1, 0, 1, 0, 1]), data.classes, most=2)
    assert list(table.key) == ["u1", "u2", "u3", "u4"] and list(table.kind) == ["example"] * 2 + ["taken for one"] * 2
    assert list(table.read_as) == ["yes", "no", "yes", "no"] and list(table.label) == ["yes", "no", "yes", "no"]
    np.testing.assert_allclose(table.typicality, np.array([0.9, 0.5, 0.7, -1]) / value.std())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("concept 'loud' needs voice_x, which this corpus does not have", "needs recordings, to measure the voice"),
        ("concept 'smile' needs face_smile, which this corpus does not have", "needs faces: video, action units or markers"),
        ("concept 'overlap' needs start, end, which this corpus does not have", "needs times"),
        ("concept 'arousing words' needs norm_arousal, which this corpus does not have", "needs affect norms"),
        ("concept 'x' needs colour, which this corpus does not have", "needs colour"),
        ("9 examples and 31 counterexamples in the pool", "9 examples and 31 counterexamples in the pool"),
    ],
)
def test_reasons_in_words(text, words):
    assert reason(text) == words


def test_layers_have_short_names():
    assert layer_name("branches.text.context") == "text context" and layer_name("dense") == "joined dense"


def test_concepts_are_chosen(tmp_path):
    (tmp_path / "waving").mkdir()
    assert len(choose(ConceptSettings())) > 35
    assert [c.name for c in choose(ConceptSettings(concepts=("smile", "negation")))] == ["smile", "negation"]
    own = choose(ConceptSettings(query=("long=text.str.len() > 3",), examples=(tmp_path / "waving",)))
    assert [c.name for c in own] == ["long", "waving"] and own[0].meaning == "query: text.str.len() > 3"
    a, b = np.array([1.0, 0, 1]), np.array([0.0, 1, 1])
    out = with_pairs({"a": a, "b": b}, ("a : b",), {})
    np.testing.assert_array_equal(out["a against b"], [1, 0, np.nan])
    with pytest.raises(UsageError, match="it needs voice"):
        with_pairs({"a": a}, ("a:loud",), {"loud": "it needs voice"})


def test_four_examples_of_each_kind_are_shown():
    data = _set(12)
    table = example_table(
        {"c": (np.arange(12) < 6).astype(float)}, data, np.arange(12.0)[:, None], np.zeros(12, int), data.classes
    )
    assert list(table.key) == ["u5", "u4", "u3", "u2", "u11", "u10", "u9", "u8"]


def test_a_concept_goes_most_with_the_label_that_has_it_most_often():
    """Six of thirty are fewer than four of ten."""
    data, labels = _set(40), (np.arange(40) >= 30).astype(int)
    y = np.isin(np.arange(40), [0, 1, 2, 3, 4, 5, 30, 31, 32, 33]).astype(float)
    assert support_table({"c": y}, labels, data).most_with[0] == "yes"


def test_a_label_without_utterances_goes_with_nothing():
    data = _set(20, ("no", "yes"))
    labels = np.zeros(20, int)
    table = support_table({"c": (np.arange(20) < 6).astype(float)}, labels, data).set_index("concept")
    assert table.most_with["c"] == "no" and table.label_association["c"] == 0
    none = support_table({"c": np.ones(20)}, np.full(20, 5), data)
    assert none.most_with[0] == ""


def test_a_half_is_no_example_and_the_threshold_itself_is_pointed_out(monkeypatch):
    data = _set(4)
    table = example_table({"c": np.array([1, 0.6, 0.5, 0.3])}, data, np.zeros((4, 1)), np.zeros(4, int), data.classes)
    assert table.kind.tolist() == ["example"] * 2 + ["taken for one"] * 2 and table.key.tolist() == ["u0", "u1", "u2", "u3"]
    for strength, told in ((CONFOUNDED, True), (CONFOUNDED - 0.001, False)):
        monkeypatch.setattr("affectlens.audits.concepts.tables.association", lambda a, b, v=strength: v)
        support = support_table({"c": np.array([1, 0.6, 0.5, 0.3])}, data.labels, data)
        assert support.confounded_with_label.tolist() == [told] and support.examples.tolist() == [2]


def test_association_is_cramers_with_bergsmas_correction(rng):
    a, b = rng.integers(0, 3, 60).astype(float), rng.integers(0, 2, 60).astype(float)
    b[:30] = a[:30] > 0
    a[3], b[5] = np.nan, np.nan
    known = np.isfinite(a) & np.isfinite(b)
    n, table = 58, np.array([[((a == i) & (b == j) & known).sum() for j in (0, 1)] for i in (0, 1, 2)], float)
    expected = np.outer(table.sum(1), table.sum(0)) / n
    phi = max(0, ((table - expected) ** 2 / expected).sum() / n - 2 * 1 / (n - 1))
    k = min(3 - 4 / (n - 1), 2 - 1 / (n - 1)) - 1
    assert association(a, b) == pytest.approx(np.sqrt(phi / k)) and association(b, a) == pytest.approx(association(a, b))
    assert association(np.array([1.0, np.nan]), np.array([1.0, 0])) == 0
    assert association(np.array([0.0, 1]), np.array([0.0, 1])) >= 0  # two rows are the fewest


def test_pairs_are_told_from_a_threshold_on_strongest_first(monkeypatch):
    strength = {("a", "b"): CONFOUNDED, ("a", "c"): 0.29, ("b", "c"): 0.8}
    monkeypatch.setattr("affectlens.audits.concepts.tables.association", lambda x, y: strength[x, y])
    pairs = pair_table({"a": "a", "b": "b", "c": "c"})
    assert pairs.to_numpy().tolist() == [["b", "c", 0.8], ["a", "b", CONFOUNDED]] and pairs.index.tolist() == [0, 1]


def test_layers_are_compared_by_what_they_say_of_utterances(rng):
    points = {layer: rng.normal(size=(20, 3)) for layer in ("l", "m", "n")}
    spaces = {layer: SimpleNamespace(points=p) for layer, p in points.items()}
    tests = {
        layer: SimpleNamespace(directions=rng.normal(size=(2, 3)), cosines=np.array([[1, 0.25], [0.25, 1]])) for layer in points
    }
    found = layer_agreement(spaces, tests, ["c", "d"])
    assert list(zip(found.layer, found.other_layer, found.concept, strict=True)) == [
        (a, b, c) for a, b in (("l", "m"), ("l", "n"), ("m", "n")) for c in "cd"
    ]  # fmt: skip
    one, two = (points[m] @ tests[m].directions[1] for m in ("l", "n"))
    assert found.correlation[3] == pytest.approx(np.corrcoef(one, two)[0, 1])
    cosines = direction_cosines(tests, ["c", "d"])
    assert cosines.to_numpy().tolist() == [[layer, "c", "d", 0.25] for layer in "lmn"]
