"""Late fusion: a logarithmic opinion pool weighted by measured reliability and by quality at hand.

p(c) is proportional to prod_m p_m(c)^w_m with w_m = reliability_m * quality_m, normalised over the modalities present
(Genest & Zidek 1986). A modality that is absent takes no part; nothing is filled in for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np


@dataclass(frozen=True)
class Opinion:
    """One modality's say about one segment: probabilities ``(classes,)``, its weight before normalising, its conformal set."""

    modality: str
    probabilities: np.ndarray
    weight: float
    conformal: tuple[str, ...]


@dataclass(frozen=True)
class Fused:
    """The pooled distribution, each modality's share of the weight, and whether modalities disagree."""

    probabilities: np.ndarray
    weights: dict[str, float]
    conflict: bool
    divergence: float


def pool(opinions: list[Opinion]) -> np.ndarray:
    """The pooled distribution ``(classes,)``; without opinions, uniform is not assumed: that is an error."""
    if not opinions:
        raise ValueError("nothing to pool")
    weights = _normalised(opinions)
    logs = sum(w * np.log(np.clip(o.probabilities, 1e-9, 1)) for w, o in zip(weights, opinions, strict=True))
    powers = np.exp(logs - np.max(logs))
    return np.asarray(powers / powers.sum())


def _normalised(opinions: list[Opinion]) -> np.ndarray:
    raw = np.array([max(o.weight, 0.0) for o in opinions])
    return raw / raw.sum() if raw.sum() > 0 else np.full(len(raw), 1 / len(raw))


def fuse(opinions: list[Opinion], labels: tuple[str, ...]) -> Fused:
    """Pool the opinions. They conflict when two modalities' top classes lie outside each other's conformal sets."""
    weights = _normalised(opinions)
    pooled = pool(opinions)
    conflict = any(_conflict(a, b, labels) for a, b in combinations(opinions, 2))
    mean = sum(w * o.probabilities for w, o in zip(weights, opinions, strict=True))
    divergence = _entropy(np.asarray(mean)) - sum(w * _entropy(o.probabilities) for w, o in zip(weights, opinions, strict=True))
    shares = {o.modality: float(w) for o, w in zip(opinions, weights, strict=True)}
    return Fused(pooled, shares, conflict, max(0.0, float(divergence) / np.log(2)))


def _conflict(a: Opinion, b: Opinion, labels: tuple[str, ...]) -> bool:
    top_a, top_b = labels[int(np.argmax(a.probabilities))], labels[int(np.argmax(b.probabilities))]
    return top_a not in b.conformal and top_b not in a.conformal


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def shapley(opinions: list[Opinion], target: int, prior: np.ndarray) -> dict[str, float]:
    """Exact Shapley value of each modality for the log-odds of class ``target`` in the pooled answer.

    The value of a coalition is the log-odds of the target when only its modalities speak; of none, that of ``prior``.
    The values sum to the fused log-odds minus the prior's (Shapley 1953).
    """
    n = len(opinions)

    def worth(members: tuple[int, ...]) -> float:
        p = pool([opinions[i] for i in members])[target] if members else prior[target]
        p = float(np.clip(p, 1e-9, 1 - 1e-9))
        return float(np.log(p / (1 - p)))

    worths = {m: worth(m) for size in range(n + 1) for m in combinations(range(n), size)}
    out = {}
    for i, opinion in enumerate(opinions):
        total = 0.0
        for members, value in worths.items():
            if i in members:
                continue
            share = factorial(len(members)) * factorial(n - len(members) - 1) / factorial(n)
            total += share * (worths[tuple(sorted((*members, i)))] - value)
        out[opinion.modality] = total
    return out
