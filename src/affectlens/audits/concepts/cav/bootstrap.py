"""Intervals of a concept's shift and cosine by resampling whole dialogues."""

from __future__ import annotations

import numpy as np

from affectlens.audits.concepts.cav.space import directions
from affectlens.audits.concepts.cav.view import View
from affectlens.stats.generators import Rng, generator


def intervals(
    view: View,
    targets: np.ndarray,
    draws: int,
    rng: Rng,
    *,
    groups: np.ndarray | None = None,
    input_groups: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstraps (95 %) of shift and cosine over dialogues of the examples and of the inputs at once.

    For ``svm`` and ``sgd`` over the inputs alone, with directions that are made once.

    Parameters
    ----------
    view : View
        The layer as its classes see it.
    targets : array (k, n)
        Concepts: 1, 0, NaN, or graded.
    draws : int
        Resamplings; 0 for none.
    rng : int or numpy.random.Generator
        For the resampling.
    groups, input_groups : array (n,), (m,), optional
        Dialogues of the examples and of the inputs, resampled whole.
    seed : int
        Of the classifiers.

    Returns
    -------
    tuple of two arrays (2, k, c)
        Low and high of the shift, and of the cosine; NaN without draws.
    """
    rng = generator(rng)
    shape = (2, len(targets), len(view.classes))
    if not draws:
        return np.full(shape, np.nan), np.full(shape, np.nan)
    space = view.space
    weight = _counts(draws, len(space.points), groups, rng)
    means = _resampled_means(view, _counts(draws, len(space.gradients), input_groups, rng))
    values = np.zeros((2, draws, len(targets), len(view.classes)))
    if view.linear:
        inner = space.inner() if view.method == "ridge" else np.ones(space.points.shape[1])
        for at, y in enumerate(targets):
            values[:, :, at] = _resampled_scores(view, y, weight, means, inner)
    else:
        for at, direction in enumerate(directions(space, targets, view.method, seed)):
            values[:, :, at] = means @ direction
    low, high = np.quantile(values, [0.025, 0.975], axis=1)
    return np.stack([low[0], high[0]]), np.stack([low[1], high[1]])


def _resampled_means(view: View, counts: np.ndarray) -> np.ndarray:
    """Mean unit gradient of each class ``(draws, c, r)`` where inputs come as often as ``drawn`` ``(draws, m)`` says."""
    sums = np.stack([counts[:, rows] @ view.space.gradients[rows] for rows in view.classes], axis=1)
    count = np.stack([counts[:, rows].sum(axis=1) for rows in view.classes], axis=1)
    return np.asarray(sums / np.maximum(count, 1)[:, :, None])


def _resampled_scores(
    view: View, target: np.ndarray, weight: np.ndarray, means: np.ndarray, inner: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shift and cosine ``(draws, c)`` of one concept where examples come as often as ``weight`` ``(draws, n)`` says."""
    finite = np.isfinite(target)
    w, y = np.where(finite, weight, 0.0), np.where(finite, target, 0.0)
    away = y - ((w @ y) / np.maximum(w.sum(axis=1), 1))[:, None]
    raw = ((w * away) @ view.space.points) * inner
    along = np.einsum("br,bcr->bc", raw, means)
    size = (w * away**2).sum(axis=1)[:, None]
    shift = along / np.where(size > 0, size, 1) / np.where(view.spread > 0, view.spread, 1)
    return shift, along / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-300)


def _counts(draws: int, n: int, groups: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """How often each row comes in each resampling ``(draws, n)``; whole groups come together."""
    if groups is None:
        return rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)
    _, inverse = np.unique(groups.astype(str), return_inverse=True)
    units = inverse.max() + 1
    return rng.multinomial(units, np.full(units, 1 / units), size=draws)[:, inverse].astype(np.float64)
