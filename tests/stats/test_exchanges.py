"""Exchanges within strata, counted by hand and listed."""

import math
from itertools import permutations

import numpy as np
import pytest

from affectlens.stats.exchanges import all_exchanges, count_exchanges, drawn_exchanges, members_of


def test_a_stratum_of_one_row_has_nobody_to_change_places_with():
    members = members_of(np.array([4, 1, 4, 2, 4, 1]))
    assert [rows.tolist() for rows in members] == [[1, 5], [0, 2, 4]]


def test_large_numbers_are_counted_whole_and_the_largest_are_endless():
    """16! / 2! is just below e^30; strata of 133 and 55 rows have e^689.1 orders, of 130 and 59 e^690.7."""
    assert count_exchanges(np.array([0, *range(15)]), np.zeros(16, int)) == math.factorial(16) // 2
    below = count_exchanges(np.arange(188), np.repeat([0, 1], [133, 55]))
    assert math.log(below) == pytest.approx(math.lgamma(134) + math.lgamma(56))
    assert count_exchanges(np.arange(189), np.repeat([0, 1], [130, 59])) == math.inf


def test_every_arrangement_is_listed_once():
    codes, strata = np.array([2, 0, 0, 1, 5, 5, 3]), np.array([0, 0, 0, 0, 1, 1, 1])
    listed = {tuple(codes[order]) for order in all_exchanges(codes, strata)}
    by_hand = {(*a, *b) for a in permutations(codes[:4]) for b in permutations(codes[4:])}
    assert listed == by_hand and len(all_exchanges(codes, strata)) == len(by_hand) == count_exchanges(codes, strata) == 36


def test_drawn_orders_stay_within_strata_and_are_all_as_likely():
    strata = np.array([0, 1, 0, 1, 0, 2])
    orders = drawn_exchanges(members_of(strata), 6, 6000, 0)
    assert (strata[orders] == strata).all() and (np.sort(orders, axis=1) == np.arange(6)).all()
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 12 and np.abs(counts - 500).max() < 100  # more than four deviations
