"""Labels: aligned by name, and what the classes of one scheme are in another."""

import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.core.labels import (
    COUNTERPARTS,
    EKMAN7,
    EMOTIC26,
    IEMOCAP4,
    IEMOCAP6,
    SCHEMES,
    SENTIMENT3,
    align,
    canonical,
    counterparts,
    scheme,
    translate,
    translate_set,
    valence_arousal,
    widen,
)


def test_labels_are_aligned_by_name():
    other = tuple(reversed(EKMAN7.labels))
    p = np.arange(7.0)[None]
    assert align(p, other, EKMAN7.labels).tolist() == [[6, 5, 4, 3, 2, 1, 0]]
    with pytest.raises(UsageError, match="do not name"):
        align(p, other[:6] + ("joyful",), EKMAN7.labels)
    assert canonical(" Joy ") == "happiness"
    with pytest.raises(UsageError, match="did you mean"):
        scheme("ekman")


@pytest.mark.parametrize("name", list(SCHEMES))
def test_every_class_of_every_scheme_has_a_counterpart_or_none_by_name(name):
    given = SCHEMES[name]
    named = COUNTERPARTS.get(name, {})
    assert set(named) <= set(given.labels)
    for label, targets in counterparts(given, EKMAN7).items():
        assert set(targets) <= set(EKMAN7.labels)
        # Nothing is left out by accident: what is not among the seven is named in the table.
        assert label in EKMAN7.labels or label in named


@pytest.mark.parametrize("name", list(SCHEMES))
def test_no_probability_is_lost_unsaid(name, rng):
    given = SCHEMES[name]
    p = rng.dirichlet(np.ones(len(given.labels)))
    said = translate(p, given)
    assert said.probabilities.sum() == pytest.approx(1) and said.probabilities.min() >= 0
    where = counterparts(given, EKMAN7)
    assert said.lost == {c: pytest.approx(v) for c, v in zip(given.labels, p, strict=True) if not where[c]}
    assert said.lost_share == pytest.approx(sum(said.lost.values()))
    # Of the part that is kept, each class has what its counterparts had.
    kept = np.zeros(7)
    for c, v in zip(given.labels, p, strict=True):
        for target in where[c]:
            kept[EKMAN7.index(target)] += v / len(where[c])
    reached = [EKMAN7.index(c) for c in said.reached]
    np.testing.assert_allclose(said.probabilities[reached], kept[reached] / kept.sum() * len(reached) / 7)
    np.testing.assert_allclose(np.delete(said.probabilities, reached), 1 / 7)


def test_schemes_within_the_seven_are_only_widened(rng):
    p = rng.dirichlet(np.ones(4))
    np.testing.assert_array_equal(translate(p, IEMOCAP4).probabilities, widen(p, IEMOCAP4.labels, EKMAN7.labels))
    q = rng.dirichlet(np.ones(7))
    np.testing.assert_allclose(translate(q, EKMAN7).probabilities, q, rtol=1e-15)


def test_by_hand():
    p = dict.fromkeys(IEMOCAP6.labels, 0.0) | {"excitement": 0.3, "happiness": 0.2, "anger": 0.1, "frustration": 0.4}
    said = translate(np.array(list(p.values())), IEMOCAP6)
    assert said.lost == {"frustration": 0.4}
    assert said.probabilities[EKMAN7.index("happiness")] == pytest.approx(0.5 / 0.6 * 4 / 7)
    assert said.probabilities[EKMAN7.index("anger")] == pytest.approx(0.1 / 0.6 * 4 / 7)
    negative = translate(np.array([0.8, 0.1, 0.1]), SENTIMENT3)
    assert negative.probabilities[EKMAN7.index("fear")] == pytest.approx(0.2 * 6 / 7) and negative.lost == {}
    assert negative.divided == {"negative": ("anger", "disgust", "fear", "sadness")} and said.divided == {}
    calm = translate(np.eye(26)[EMOTIC26.index("peace")], EMOTIC26)
    assert EKMAN7.labels[int(calm.probabilities.argmax())] == "neutral"


def test_nothing_with_a_counterpart_is_no_answer():
    said = translate(np.eye(6)[IEMOCAP6.index("frustration")], IEMOCAP6)
    assert said.probabilities is None and said.lost_share == 1 and said.lost == {"frustration": 1.0}


def test_sets_hold_the_counterparts_and_what_the_scheme_does_not_know():
    assert translate_set(("anger", "excitement"), IEMOCAP6) == ("anger", "disgust", "fear", "happiness", "surprise")
    assert translate_set(("frustration",), IEMOCAP6) == EKMAN7.labels  # rules nothing out
    assert translate_set(("happiness",), EKMAN7) == ("happiness",)
    assert translate_set(("negative",), SENTIMENT3) == ("anger", "disgust", "fear", "sadness", "surprise")


def test_valence_and_arousal_only_of_classes_that_have_them():
    assert valence_arousal(np.array([0.5, 0.5, 0, 0]), IEMOCAP4.labels) == pytest.approx((0.15, 0.55))
    with pytest.raises(UsageError, match="of excitement, frustration; known: anger"):
        valence_arousal(np.full(6, 1 / 6), IEMOCAP6.labels)
