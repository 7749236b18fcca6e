"""Which of many rows each section tells: the strongest, clearest, surest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from affectlens.core.kinds import EVIDENCE
from affectlens.report.narrative import narrative
from tests.report.clauses import KINDS, generated


def row(kind, i, value=1.0, start=0.0, subject=None, **detail):
    """A generated row of a kind, with a value, a time and fields of its detail set."""
    (made,) = [generated(np.random.default_rng(3), i, [entry]) for entry in KINDS if entry[0] == kind][:1]
    more = {"p_value": detail.pop("p_value")} if "p_value" in detail else {}
    return replace(made, person=0, value=value, start=start, end=start + 1, target="anger",
                   subject=made.subject if subject is None else subject, detail=replace(made.detail, **detail), **more)  # fmt: skip


def told(*rows):
    return [part.evidence for line in narrative(rows) for part in line.clauses]


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("region", {"relevance_share": 0.2}, {"relevance_share": 0.6}),
        ("movement", {"value": 2.0}, {"value": -3.0}),
        ("object", {"value": 0.5}, {"value": 2.0}),
        ("gait", {"probability": 0.5}, {"probability": 0.9}),
        ("posture relevance", {"probability": 0.5}, {"probability": 0.9}),
        ("voice", {"deviations": 1.0}, {"deviations": -2.0}),
        ("conflict", {"value": 0.1}, {"value": 0.4}),
        ("share", {"value": 0.3}, {"value": -0.9}),
        ("word", {"value": 0.3}, {"value": -0.9}),
        ("no counterpart", {"value": 0.3}, {"value": 0.9}),
    ],
)
def test_the_strongest_row_is_told_whatever_the_order(kind, low, high):
    def made(i, given, start):
        value = given["value"] if "value" in given and kind != "movement" else 1.0
        if kind == "movement":
            return row(kind, i, given["value"], start)
        return row(kind, i, value, start, **{key: value for key, value in given.items() if key != "value"})

    first, second = made(1, low, 0.0), made(2, high, 5.0)
    assert told(first, second) == told(second, first) == ["e00002"]


def test_of_the_strongest_words_utterance_two_words_and_two_sure_concepts_are_told():
    rows = [row("word", 1, 0.2), row("word", 2, -0.9), row("word", 3, 0.5), row("word", 4, 0.8, start=9.0),
            row("speaker", 5), row("speaker", 6, start=9.0),
            row("concept", 7, p_value=0.05), row("concept", 8, p_value=0.01), row("concept", 9, p_value=0.02),
            row("concept", 10, p_value=0.2), row("concept", 11, p_value=0.001, start=9.0)]  # fmt: skip
    assert told(*rows) == ["e00005", "e00002", "e00003", "e00008", "e00009"]
    assert told(*rows[:7]) == ["e00005", "e00002", "e00003", "e00007"]  # sure enough at five in a hundred


def test_the_best_group_of_the_told_turn_and_its_nearest_neighbour_follow():
    rows = [row("voice", 1, deviations=2.0), row("voice", 2, deviations=1.0, start=4.0), row("relevance", 3, 0.1),
            row("relevance", 4, 0.6), row("relevance", 5, 0.9, start=4.0), row("sounds like", 6), row("sounds like", 7)]  # fmt: skip
    assert told(*rows) == ["e00001", "e00004", "e00006"]


def test_three_measurements_of_the_gait_and_the_best_group():
    rows = [row("gait", i, probability=0.8) for i in range(1, 6)]
    rows += [row("gait relevance", 6, -0.5), row("gait relevance", 7, 0.2)]
    assert told(*rows) == ["e00001", "e00002", "e00003", "e00007"]


def test_shares_of_the_strongest_segment_are_told_with_what_would_be_without():
    rows = [row("share", 1, 0.5), row("share", 2, -1.5), row("share", 3, 0.7, start=5.0), row("what if", 4),
            row("what if", 5, start=5.0), row("what if", 6)]  # fmt: skip
    assert told(*rows) == ["e00001", "e00002", "e00004"]


def test_sections_are_told_in_their_order():
    kinds = ("faithfulness", "share", "conflict", "object", "region", "posture relevance", "gait", "voice", "word",
             "usual elsewhere", "usual", "not read", "changes", "share of time")  # fmt: skip
    rows = [row(kind, i) for i, kind in enumerate(kinds)]
    order = [EVIDENCE.get(kinds[int(row[1:])]).section for row in told(*rows)]
    assert list(dict.fromkeys(order)) == [
        "summary", "usual", "words", "voice", "gait", "posture", "face", "background", "fusion", "tests"
    ]  # fmt: skip


def test_things_looks_and_pairs_of_the_surroundings():
    rows = [row("place", 1), *(row("thing", i, i / 10) for i in range(2, 8)), *(row("look", i) for i in range(10, 15)),
            row("look", 15, word=""), *(row("pair", i) for i in range(20, 26))]  # fmt: skip
    first, second = narrative(rows)
    assert [part.evidence for part in first.clauses] == ["e00001", "e00007", "e00006", "e00005", "e00004"]
    assert [part.evidence for part in second.clauses] == ["e00010", "e00011", "e00012", "e00020", "e00021", "e00022", "e00023"]


def test_the_clearest_posture_is_told_by_the_part_that_speaks_for_it_most():
    rows = [row("posture relevance", 1, 0.9, probability=0.4), row("posture relevance", 2, -0.3, 5.0, probability=0.8),
            row("posture relevance", 3, 0.2, 5.0, probability=0.8)]  # fmt: skip
    (sentence,) = narrative(rows)
    assert [part.evidence for part in sentence.clauses] == ["e00003"]
    assert sentence.text.startswith("At 5.0 s the posture probably expresses anger: trunk speaks for anger (+0.20")


def test_a_sentence_about_gait_or_voice_opens_with_what_is_expressed():
    rows = [row("gait", i, 30.0, probability=0.7, deviations=2.0) for i in (1, 2)] + [row("gait relevance", 3, 0.2)]
    assert [part.text for part in narrative(rows)[0].clauses] == [
        "at 0.0 s the gait probably expresses anger: head down 30 degrees (+2.0 SD)", "head down 30 degrees (+2.0 SD)",
        "arms speak for anger (+0.20 log probability)",
    ]  # fmt: skip
    rows = [row("voice", i, 4.0, deviations=2.0, own=False, against="training speakers", probability=0.5) for i in (1, 2)]
    assert [part.text for part in narrative(rows)[0].clauses] == [
        "at 0.0 s the voice perhaps expresses anger: higher pitch by 4.0 semitones than the training speakers",
        "higher pitch by 4.0 semitones",
    ]


def test_a_movement_is_told_with_its_time_and_what_has_no_words_is_not():
    (sentence,) = narrative([row("movement", 1, 2.4, 3.0)])
    assert sentence.text == "At 3.0 s jaw open more than usual for person 0 (+2.4 SD)."
