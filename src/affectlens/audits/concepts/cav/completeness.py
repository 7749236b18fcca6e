"""How much of the prediction the concepts explain: what is left of it when only their span is let through.

After Yeh et al. (2020, arXiv 1910.07969, completeness), by projection instead of a trained map, so nothing is learned that the
layer does not hold. The null is the same number of pseudo-concepts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from affectlens.audits.concepts.cav.space import Space
from affectlens.stats.randomization import permutation_p


@dataclass(frozen=True)
class Completeness:
    """How much of the prediction survives when only the concepts' span is let through.

    Attributes
    ----------
    share : float
        Of the model's agreement with itself, above what its mean state gives: 1 means every prediction survives.
    control : float
        Mean share of as many pseudo-concepts; NaN where there are none.
    p_value : float
        Of the share against theirs; NaN where there are none.
    rank : int
        Dimensions of the span.
    """

    share: float
    control: float
    p_value: float
    rank: int


def completeness(
    space: Space,
    activations: np.ndarray,
    concepts: np.ndarray,
    pseudo: np.ndarray,
    run: Callable[[np.ndarray], np.ndarray],
    truth: np.ndarray,
) -> Completeness:
    """Let only the span of some directions through a layer.

    Parameters
    ----------
    space : Space
        The layer.
    activations : array (n, d)
        Its states.
    concepts : array (k, r)
        Directions in the layer's space.
    pseudo : array (K, k, r)
        Directions of as many pseudo-concepts, ``K`` times.
    run : callable
        Maps states ``(n, d)`` to logits ``(n, classes)``.
    truth : array (n,) of int
        The classes that the model gives with its full states.

    Returns
    -------
    Completeness
        Share of the prediction that survives, and that of pseudo-concepts.
    """
    mean = activations.mean(axis=0, dtype=np.float64)

    def agreement(states: np.ndarray) -> float:
        return float((run(states.astype(np.float32)).argmax(axis=1) == truth).mean())

    base = agreement(np.broadcast_to(mean, activations.shape))
    room = max(1 - base, 1e-9)

    def through(directions: np.ndarray) -> tuple[float, int]:
        vectors = space.expand(directions)
        u, s, _ = np.linalg.svd(vectors.T, full_matrices=False)
        basis = u[:, s > 1e-8 * s[0]]
        states = mean + (activations - mean) @ basis @ basis.T
        return (agreement(states) - base) / room, basis.shape[1]

    share, rank = through(concepts)
    null = np.array([through(span)[0] for span in pseudo])
    p = permutation_p(share, null) if len(null) else float("nan")
    return Completeness(share, float(null.mean()) if len(null) else float("nan"), p, rank)
