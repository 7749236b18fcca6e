"""Summaries of people by hand: shares, mean probability, changes, conflicts, and who comes first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from affectlens.context.summary import summarise
from affectlens.core.schema import SCENE, Row
from tests.fusion.clips import probabilities


def rows(person, *said, conflicts=()):
    """Fused rows of a person: a class with its probability each, or None for one that could not be read."""
    out = []
    for i, one in enumerate(said):
        if one is None:
            out.append(Row("talk.mp4", i, i + 1, person, "fused", "abstained", "face: too dark"))
        else:
            p = probabilities(**dict([one]))
            out.append(Row("talk.mp4", i, i + 1, person, "fused", probabilities=p, conflict=i in conflicts))
    return out


def test_shares_changes_and_conflicts_by_hand():
    said = [("fear", 0.9), ("anger", 0.8), ("fear", 0.7), None, ("fear", 0.5), ("anger", 0.6), ("neutral", 0.4)]
    (s,) = summarise(rows(0, *said, conflicts=(1, 4)))
    assert (s.person, s.windows, s.readable, s.label) == (0, 7, 6, "fear")
    assert s.shares == (("fear", 0.5), ("anger", pytest.approx(2 / 6)), ("neutral", pytest.approx(1 / 6)))
    assert s.mean_probability == pytest.approx((0.9 + 0.7 + 0.5) / 3)  # where fear was the most probable, and nowhere else
    assert s.changes == 4 and s.conflicts == 2  # fear anger fear | fear anger neutral
    low, high = binomtest(3, 6).proportion_ci(method="wilson")
    assert (s.share.value, s.share.low, s.share.high) == pytest.approx((0.5, low, high))


def test_somebody_who_was_never_read_has_no_share():
    (s,) = summarise(rows(2, None, None))
    assert (s.windows, s.readable, s.label, s.shares, s.changes, s.conflicts) == (2, 0, "", (), 0, 0)
    assert np.isnan(s.mean_probability) and set(vars(s.share).values()) == {0}


def test_a_row_that_is_not_readable_counts_for_nothing_whatever_it_holds():
    seen = rows(0, ("fear", 0.9), ("anger", 0.9))
    doubted = [seen[0], replace(seen[1], status="abstained", reason="too dark")]
    (s,) = summarise(doubted)
    assert (s.readable, s.changes, s.shares) == (1, 0, (("fear", 1.0),))


def test_only_fused_rows_are_summed_up():
    seen = rows(0, ("fear", 0.9))
    (s,) = summarise([*seen, replace(seen[0], modality="face"), replace(seen[0], modality="words")])
    assert s.windows == 1
    assert summarise([replace(seen[0], modality="face")]) == []


def test_the_longest_seen_comes_first_and_nobody_last():
    long, short = [("fear", 0.9)] * 3, [("fear", 0.9)]
    made = [*rows(SCENE, *long, ("fear", 0.9)), *rows(5, *short), *rows(3, *short), *rows(4, *long), *rows(0, None, None)]
    assert [s.person for s in summarise(made)] == [4, 0, 3, 5, SCENE]
