"""What a recogniser writes that nobody said, by hand."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest

from affectlens.perception.words.invented import reason_against, spoken, summary_of
from affectlens.perception.words.transcript import Word


def words(text, probability=0.9):
    return [Word(w, i, i + 0.5, probability) for i, w in enumerate(text.split())]


def kept(given):
    left_out: Counter[str] = Counter()
    return " ".join(w.text for w in spoken(given, left_out)), left_out


def test_words_of_low_probability_or_absurd_length_are_none():
    given = [Word("I", 0, 0.2, 0.9), Word("um", 0.2, 0.4, 0.05), Word("see", 0.5, 8.5, 0.9), Word("you", 9, 9.3, 0.1)]
    text, left_out = kept(given)
    assert text == "I you"
    assert left_out == {
        "words of low probability": 1,
        "words longer than 3 s": 1,
        "words of phrases that repeat without end": 0,
    }
    assert summary_of(left_out).endswith("left out: words of low probability (1), words longer than 3 s (1)")
    assert summary_of(Counter()) == ""


@pytest.mark.parametrize(
    ("said", "stays"),
    [
        ("we went " + "Thank you. " * 6 + "and left", "we went and left"),
        ("thanks for watching " * 5, ""),
        ("Thank you. thank you, Thank you!", "Thank you. thank you, Thank you!"),  # three times can be said
        ("no " * 6, "no " * 6),
        ("ha " * 30, ""),
        ("I said I said that I said that yes", "I said I said that I said that yes"),
    ],
)
def test_phrases_that_repeat_without_end_are_none(said, stays):
    text, left_out = kept(words(said))
    assert text.split() == stays.split()
    assert left_out["words of phrases that repeat without end"] == len(said.split()) - len(stays.split())


@pytest.mark.parametrize(
    ("no_speech", "logprob", "ratio", "invented"),
    [(0.1, -0.3, 1.5, False), (0.9, -0.3, 1.5, False), (0.9, -0.8, 1.5, True), (0.1, -1.3, 1.5, True), (0.1, -0.3, 3, True)],
)
def test_segments_over_noise(no_speech, logprob, ratio, invented):
    segment = SimpleNamespace(no_speech_prob=no_speech, avg_logprob=logprob, compression_ratio=ratio)
    assert bool(reason_against(segment)) == invented
