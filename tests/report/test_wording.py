"""Words for numbers: where each begins, and that higher is said of what is higher."""

from __future__ import annotations

import numpy as np
import pytest

from affectlens.modalities.telling import article, graded, says, speaks, times


@pytest.mark.parametrize(
    ("probability", "word"),
    [(1.0, "clearly"), (0.85, "clearly"), (0.849, "probably"), (0.76, "probably"), (0.65, "probably"), (0.649, "perhaps"),
     (0.45, "perhaps"), (0.449, "only weakly"), (0.0, "only weakly")],
)  # fmt: skip
def test_each_word_begins_at_its_probability(probability, word):
    assert graded(probability) == word


def test_words_grow_with_the_probability():
    order = ["only weakly", "perhaps", "probably", "clearly"]
    steps = [order.index(graded(probability)) for probability in np.linspace(0, 1, 101)]
    assert steps == sorted(steps) and set(steps) == {0, 1, 2, 3}


def test_nouns_and_their_verbs():
    assert [speaks(name) for name in ("words", "face", "head and neck", "legs")] == ["speak", "speaks", "speak", "speak"]
    assert says("words") == "the words say" and says("usual elsewhere") == "what is usual elsewhere says"
    assert (article("office"), article("street")) == ("an office", "a street")
    assert (times(1.0, "segment"), times(2, "segment"), times(0, "segment")) == ("1 segment", "2 segments", "0 segments")
