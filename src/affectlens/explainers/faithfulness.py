"""Does an explanation say what the model does? Deletion and insertion against random orders, with a test.

Deletion removes parts in the order of relevance and records the target's probability; a faithful order makes it fall fast
(small area under the curve). Insertion adds parts to a blank in that order (large area) (Petsiuk et al. 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from affectlens.stats.resample import Estimate, permutation_p, wilson


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the curves of the ranked order, the mean of the random ones, and p-values of the ranked order being
    better than random (one-sided, at least ``1 / (random + 1)``)."""

    deletion: float
    deletion_random: float
    deletion_p: float
    insertion: float
    insertion_random: float
    insertion_p: float
    random: int

    @property
    def gain(self) -> float:
        """(insertion - its random mean) + (random deletion - deletion): above zero means better than random."""
        return (self.insertion - self.insertion_random) + (self.deletion_random - self.deletion)


def area_under(curve: np.ndarray) -> np.ndarray:
    """Trapezoid area of curves ``(..., steps + 1)`` over [0, 1]."""
    curve = np.asarray(curve, np.float64)
    return np.asarray((curve[..., 1:] + curve[..., :-1]).mean(axis=-1) / 2)


def kept_masks(order: np.ndarray, steps: int) -> np.ndarray:
    """Boolean ``(steps + 1, parts)``: which parts of ``order`` remain after each step of deletion; all, then ever fewer."""
    parts = len(order)
    rank = np.empty(parts, dtype=int)
    rank[order] = np.arange(parts)
    removed = np.round(np.linspace(0, parts, steps + 1)).astype(int)
    return np.asarray(rank[None, :] >= removed[:, None])


def faithfulness(
    relevance: np.ndarray,
    score: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
    *,
    steps: int = 8,
    random: int = 19,
) -> Faithfulness:
    """Test the order of ``relevance`` ``(parts,)``.

    ``score`` maps boolean masks ``(m, parts)`` of the parts kept to the target's probability ``(m,)``.
    """
    relevance = np.asarray(relevance, np.float64)
    parts = len(relevance)
    steps = min(steps, parts)
    ranked = np.argsort(-relevance, kind="stable")
    orders = [ranked, *(rng.permutation(parts) for _ in range(random))]
    # Deleting in an order passes through the same pictures as inserting in the reverse order, and the reverse of a random
    # order is a random order: the random insertions are the null of both.
    masks = np.concatenate([kept_masks(ranked, steps), *(~kept_masks(order, steps) for order in orders)])
    # Full and empty pictures recur in every order: each is scored once.
    unique, inverse = np.unique(masks, axis=0, return_inverse=True)
    areas = area_under(np.asarray(score(unique))[inverse.reshape(-1)].reshape(-1, steps + 1))
    deletion, insertion, null = float(areas[0]), float(areas[1]), areas[2:]
    chance = float(null.mean())
    return Faithfulness(
        deletion,
        chance,
        permutation_p(deletion, null, "less"),
        insertion,
        chance,
        permutation_p(insertion, null, "greater"),
        random,
    )


def pointing_game(maps: np.ndarray, masks: np.ndarray) -> Estimate:
    """Share of maps ``(n, h, w)`` whose largest value lies inside the mask ``(n, h, w)`` of what decides (Zhang et al.
    2018)."""
    flat = np.asarray(maps).reshape(len(maps), -1)
    hits = np.asarray(masks).reshape(len(masks), -1)[np.arange(len(maps)), flat.argmax(axis=1)] > 0
    return wilson(int(hits.sum()), len(hits))


def grid_score(
    predict: Callable[[np.ndarray], np.ndarray], picture: np.ndarray, blank: np.ndarray, grid: tuple[int, int]
) -> Callable[[np.ndarray], np.ndarray]:
    """A ``score`` for ``faithfulness`` over a grid of cells of one grey picture ``(h, w)``.

    Cells that are not kept come from ``blank`` (a blurred copy); ``predict`` maps pictures ``(m, h, w)`` to the target's
    probability ``(m,)``.
    """
    height, width = picture.shape
    rows = np.minimum(np.arange(height) * grid[0] // height, grid[0] - 1)
    columns = np.minimum(np.arange(width) * grid[1] // width, grid[1] - 1)
    cell = rows[:, None] * grid[1] + columns[None, :]

    def score(masks: np.ndarray) -> np.ndarray:
        return predict(np.where(masks[:, cell], picture, blank).astype(picture.dtype))

    return score
