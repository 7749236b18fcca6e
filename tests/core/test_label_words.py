import numpy as np
import pytest

from affectlens.core.errors import UsageError, unknown
from affectlens.core.labels import EKMAN7, SCHEMES, canonical, scheme, valence_arousal, widen


def test_schemes_have_each_label_once():
    for name, one in SCHEMES.items():
        assert one.name == name and len(set(one.labels)) == len(one.labels) > 1 and scheme(name) is one
        assert [one.index(label) for label in one.labels] == list(range(len(one.labels)))
    with pytest.raises(UsageError, match="'bliss' is not in scheme ekman7: anger"):
        EKMAN7.index("bliss")


def test_a_narrow_distribution_is_widened_without_evidence_for_the_rest():
    p = widen(np.array([0.75, 0.25]), ("a", "c"), ("a", "b", "c", "d"))
    np.testing.assert_allclose(p, [0.375, 0.25, 0.125, 0.25])
    np.testing.assert_allclose(widen(np.array([0.1, 0.9]), ("a", "b"), ("b", "a")), [0.9, 0.1])


def test_valence_and_arousal_are_means_of_published_numbers():
    assert valence_arousal(np.array([0.5, 0.5]), ("happiness", "neutral")) == pytest.approx((0.405, 0.255))
    assert valence_arousal(np.array([1.0]), ("sadness",)) == pytest.approx((-0.63, -0.27))


def test_words_of_corpora_become_ours():
    assert [canonical(w) for w in (" Happy", "AFRAID", "calm", "fury")] == ["happiness", "fear", "neutral", "fury"]


def test_an_unknown_name_has_near_ones_or_all():
    assert str(unknown("colour", "gren", ["green", "black"])) == "unknown colour 'gren'; did you mean green?"
    assert str(unknown("colour", "xyz", ["red", "green"])) == "unknown colour 'xyz'; known: green, red"
    assert str(unknown("colour", "xyz", [])).endswith("known: none")
