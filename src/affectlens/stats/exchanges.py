"""Exchanges of rows within strata: how many there are, all of them, or some drawn at random."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np

from affectlens.stats.generators import Rng, generator

ALL = 50_000  # exchanges up to which all are taken


def members_of(strata: np.ndarray) -> list[np.ndarray]:
    """Rows of each stratum of two or more rows.

    Parameters
    ----------
    strata : (n,) int array
        Stratum of each row.

    Returns
    -------
    list of int arrays
        Rows that can change places with each other.
    """
    order = np.argsort(strata, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(strata[order])) + 1)
    return [rows for rows in groups if len(rows) > 1]


def count_exchanges(codes: np.ndarray, strata: np.ndarray) -> float:
    """How many different arrangements there are of values within strata.

    Parameters
    ----------
    codes : (n,) int array
        Equal numbers are equal values: they change places without a difference.
    strata : (n,) int array
        Rows change places within a stratum only.

    Returns
    -------
    float
        Infinity above 1e300.

    Examples
    --------
    >>> count_exchanges(np.array([0, 0, 1, 1]), np.zeros(4, int))
    6.0
    """
    log = 0.0
    for rows in members_of(strata):
        counts = np.unique(codes[rows], return_counts=True)[1]
        log += math.lgamma(len(rows) + 1) - sum(math.lgamma(count + 1) for count in counts[counts > 1].tolist())
    return float(round(math.exp(log))) if log < 30 else (math.exp(log) if log < 690 else math.inf)


def all_exchanges(codes: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Every different arrangement of values within strata, once.

    Parameters
    ----------
    codes, strata : (n,) int array
        As in ``count_exchanges``, which says how many they are.

    Returns
    -------
    (exchanges, n) int array
        Orders of the rows: ``values[order]`` is an arrangement.
    """
    parts = []
    for rows in members_of(strata):
        arranged = _arrangements(codes[rows])
        stable = rows[np.argsort(codes[rows], kind="stable")]
        ranks = np.argsort(np.argsort(arranged, axis=1, kind="stable"), axis=1, kind="stable")
        parts.append((rows, stable[ranks]))
    out = []
    for chosen in product(*(range(len(orders)) for _, orders in parts)):
        order = np.arange(len(codes))
        for (rows, orders), number in zip(parts, chosen, strict=True):
            order[rows] = orders[number]
        out.append(order)
    return np.array(out)


def _arrangements(codes: np.ndarray) -> np.ndarray:
    """Different orders of ``codes``, ``(k, n)``."""
    n, value = len(codes), codes.min()
    count = int((codes == value).sum())
    if count == n:
        return codes[None]
    others = _arrangements(codes[codes != value])
    out = []
    for places in combinations(range(n), count):
        free = np.setdiff1d(np.arange(n), places)
        block = np.full((len(others), n), value)
        block[:, free] = others
        out.append(block)
    return np.concatenate(out)


def drawn_exchanges(members: list[np.ndarray], n: int, count: int, rng: Rng) -> np.ndarray:
    """Random orders of ``n`` rows in which rows change places with those of their own stratum.

    Parameters
    ----------
    members : list of int arrays
        Of ``members_of``.
    n, count : int
        Rows, and orders that are drawn.
    rng : int or numpy.random.Generator
        Source of the draws.

    Returns
    -------
    (count, n) int array
    """
    rng = generator(rng)
    orders = np.tile(np.arange(n), (count, 1))
    for rows in members:
        orders[:, rows] = rng.permuted(np.tile(rows, (count, 1)), axis=1)
    return orders
