"""Exact Shapley values of groups of features."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]


def group_shapley(predict: Predict, x: np.ndarray, background: np.ndarray, groups: list[np.ndarray]) -> np.ndarray:
    """Exact interventional Shapley values ``(n, groups, classes)`` of feature groups for the log probability of each class.

    A coalition's worth is the mean over ``background`` rows ``(m, f)`` with the coalition's columns taken from the row
    (Shapley 1953; Lundberg & Lee 2017, exact over all ``2^groups`` coalitions). They sum to the row's log probability less the
    background's mean.
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
