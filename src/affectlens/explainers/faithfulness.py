"""Does an explanation say what the model does? Deletion and insertion against random orders, with a test.

Deletion removes parts in the order of relevance and records the target's probability; a faithful order makes it fall fast
(small area under the curve). Insertion adds parts to a blank in that order (large area) (Petsiuk et al. 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from affectlens.core.results import SavedResult
from affectlens.stats.generators import Rng, generator
from affectlens.stats.randomization import permutation_p

ENOUGH, BLOCK = 10, 20  # random orders as good as the given one that end the drawing; orders that are scored together


@dataclass(frozen=True)
class Faithfulness(SavedResult):
    """How an order of parts does against random orders.

    Attributes
    ----------
    deletion, insertion : float
        Areas under the curves of the order.
    deletion_random, insertion_random : float
        Mean areas of random orders.
    deletion_p, insertion_p : float
        P-values of the order being better than random, one-sided, at least ``1 / (random + 1)``.
    random : int
        How many random orders there were.
    """

    kind: ClassVar[str] = "faithfulness"

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

    def to_frame(self) -> pd.DataFrame:
        """Two rows: test (deletion, insertion), area, area_random (mean of random orders), p_value."""
        rows = [
            ("deletion", self.deletion, self.deletion_random, self.deletion_p),
            ("insertion", self.insertion, self.insertion_random, self.insertion_p),
        ]
        return pd.DataFrame(rows, columns=["test", "area", "area_random", "p_value"])

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``areas``: those of the order and of random ones."""
        return {"areas": self._chart}

    def _chart(self) -> Any:
        import altair as alt

        names = {"area": "this order", "area_random": "random orders"}
        frame = self.to_frame().rename(columns=names).melt("test", list(names.values()), "order", "area")
        return alt.Chart(frame).mark_bar().encode(x="area:Q", y=alt.Y("order:N", title=None), row="test:N")


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
    rng: Rng,
    *,
    steps: int = 8,
    random: int = 19,
    most: int = 0,
) -> Faithfulness:
    """Test whether an order of parts is the one in which they matter to the model (Petsiuk et al. 2018).

    Parameters
    ----------
    relevance : ndarray
        ``(parts,)``; larger is more relevant.
    score : callable
        Takes boolean masks ``(m, parts)`` of the parts kept and gives the target's probability ``(m,)``.
    rng : int or Generator
        Draws the random orders.
    steps : int
        Steps of deletion and insertion.
    random : int
        Random orders.
    most : int
        Where it is more than ``random``, orders are drawn until ten were as good as the given one, of deletion and of
        insertion, or until there are so many (Besag & Clifford 1991): a doubtful explanation costs few, and a good one gets a
        p-value down to ``1 / (most + 1)``.

    Returns
    -------
    Faithfulness
        Areas and p-values.

    Examples
    --------
    >>> weights = np.array([0.5, 0.3, 0.2])
    >>> faithfulness(weights, lambda kept: kept @ weights, 0).gain > 0
    True
    """
    relevance = np.asarray(relevance, np.float64)
    parts = len(relevance)
    steps = min(steps, parts)
    ranked = np.argsort(-relevance, kind="stable")
    source = generator(rng)
    if most > random:
        return _until_clear(ranked, score, source, steps, most)
    orders = [ranked, *(source.permutation(parts) for _ in range(random))]
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


def _until_clear(
    ranked: np.ndarray, score: Callable[[np.ndarray], np.ndarray], source: np.random.Generator, steps: int, most: int
) -> Faithfulness:
    """The test with as many random orders as it needs; a picture that comes again is not scored again."""
    known: dict[bytes, float] = {}

    def areas(masks: np.ndarray) -> np.ndarray:
        names = [mask.tobytes() for mask in masks]
        new = {name: mask for name, mask in zip(names, masks, strict=True) if name not in known}
        if new:
            known.update(zip(new, map(float, np.asarray(score(np.stack(list(new.values()))))), strict=True))
        return area_under(np.array([known[name] for name in names]).reshape(-1, steps + 1))

    deletion, insertion = areas(np.concatenate([kept_masks(ranked, steps), ~kept_masks(ranked, steps)]))
    null = np.zeros(0)
    while len(null) < most:
        count = min(BLOCK, most - len(null))
        drawn = np.concatenate([~kept_masks(source.permutation(len(ranked)), steps) for _ in range(count)])
        null = np.concatenate([null, areas(drawn)])
        if min((null <= deletion).sum(), (null >= insertion).sum()) >= ENOUGH:
            break
    chance = float(null.mean())
    return Faithfulness(
        float(deletion), chance, _sequential_p(null <= deletion, most), float(insertion), chance,
        _sequential_p(null >= insertion, most), len(null),
    )  # fmt: skip


def _sequential_p(as_good: np.ndarray, most: int) -> float:
    """Besag and Clifford's p: ten over the draws that it took to have ten as good, else as of all draws."""
    at = np.flatnonzero(as_good)
    if len(at) >= ENOUGH and (at[ENOUGH - 1] + 1 < most):
        return ENOUGH / float(at[ENOUGH - 1] + 1)
    return (1 + len(at)) / (len(as_good) + 1)


def grid_score(
    predict: Callable[[np.ndarray], np.ndarray], picture: np.ndarray, blank: np.ndarray, grid: tuple[int, int]
) -> Callable[[np.ndarray], np.ndarray]:
    """Make a ``score`` for ``faithfulness`` from a grid of cells over a picture.

    Parameters
    ----------
    predict : callable
        Takes pictures ``(m, h, w)`` or ``(m, h, w, channels)`` and gives the target's probability ``(m,)``.
    picture : ndarray
        ``(h, w)`` or ``(h, w, channels)``.
    blank : ndarray
        Of the same shape, for example a blurred copy: what is seen of cells that are not kept.
    grid : (int, int)
        Rows and columns of cells.

    Returns
    -------
    callable
        Takes boolean masks ``(m, rows * columns)`` and gives ``(m,)``.
    """
    height, width = picture.shape[:2]
    rows = np.minimum(np.arange(height) * grid[0] // height, grid[0] - 1)
    columns = np.minimum(np.arange(width) * grid[1] // width, grid[1] - 1)
    cell = rows[:, None] * grid[1] + columns[None, :]

    def score(masks: np.ndarray) -> np.ndarray:
        kept = masks[:, cell]
        return predict(np.where(kept if picture.ndim == 2 else kept[..., None], picture, blank).astype(picture.dtype))

    return score
