"""Exact Shapley values: of any players, and of groups of features."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial
from typing import Any, TypeVar

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]
Worth = TypeVar("Worth", bound=float | np.ndarray)


def group_shapley(predict: Predict, x: np.ndarray, background: np.ndarray, groups: list[np.ndarray]) -> np.ndarray:
    """Share the log probability of each class out to groups of features (Shapley 1953; Lundberg & Lee 2017).

    Exact over all ``2^groups`` coalitions, interventional: a coalition's worth is the mean over the background with the
    coalition's columns taken from the row.

    Parameters
    ----------
    predict : callable
        Takes rows ``(k, f)`` and gives probabilities ``(k, classes)``.
    x : ndarray
        Rows ``(n, f)``.
    background : ndarray
        Rows ``(m, f)`` that stand for not knowing a feature.
    groups : list of ndarray
        Indices of the columns of each group.

    Returns
    -------
    ndarray
        ``(n, groups, classes)``; over groups they sum to the row's log probability less the background's mean.

    Examples
    --------
    >>> def predict(rows):
    ...     odds = np.exp(rows[:, 0])
    ...     return np.column_stack([odds, np.ones(len(rows))]) / (odds + 1)[:, None]
    >>> values = group_shapley(predict, np.array([[1.0, 5.0]]), np.zeros((1, 2)), [np.array([0]), np.array([1])])
    >>> values[0, :, 0].round(3).tolist()
    [0.38, 0.0]
    """
    n, m = len(x), len(background)

    def worth(members: tuple[int, ...]) -> np.ndarray:
        mixed = np.repeat(background[None], n, axis=0)
        for i in members:
            mixed[:, :, groups[i]] = x[:, None, groups[i]]
        probabilities = predict(mixed.reshape(n * m, -1)).reshape(n, m, -1)
        return np.asarray(np.log(np.clip(probabilities, 1e-6, 1)).mean(axis=1))

    return np.stack(shapley_values(len(groups), worth), axis=1)


def shapley_values(players: int, worth: Callable[[tuple[int, ...]], Worth]) -> list[Worth]:
    """Exact Shapley values (Shapley 1953) of ``players`` under ``worth`` of sorted coalitions, a number or an array.

    Returns
    -------
    list of float or of ndarray
        One a player.

    Examples
    --------
    >>> shapley_values(2, lambda members: float(len(members) == 2))
    [0.5, 0.5]
    """
    worths: dict[tuple[int, ...], Any] = {}
    for size in range(players + 1):
        for members in combinations(range(players), size):
            worths[members] = worth(members)
    out = []
    for player in range(players):
        total: Any = 0.0
        for coalition, value in worths.items():
            if player not in coalition:
                share = factorial(len(coalition)) * factorial(players - len(coalition) - 1) / factorial(players)
                total = total + share * (worths[tuple(sorted((*coalition, player)))] - value)
        out.append(total)
    return out
