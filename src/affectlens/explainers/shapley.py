"""Exact Shapley values of groups of features."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]


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
    n, m, g = len(x), len(background), len(groups)
    worth: dict[tuple[int, ...], np.ndarray] = {}
    for size in range(g + 1):
        for members in combinations(range(g), size):
            mixed = np.repeat(background[None], n, axis=0)
            for i in members:
                mixed[:, :, groups[i]] = x[:, None, groups[i]]
            p = predict(mixed.reshape(n * m, -1)).reshape(n, m, -1)
            worth[members] = np.log(np.clip(p, 1e-6, 1)).mean(axis=1)
    out = np.zeros((n, g, worth[()].shape[1]))
    for i in range(g):
        for members, value in worth.items():
            if i not in members:
                share = factorial(len(members)) * factorial(g - len(members) - 1) / factorial(g)
                out[:, i] += share * (worth[tuple(sorted((*members, i)))] - value)
    return out
