"""Fusion of what the modules of a segment say: early, over their deep features, or late, as a pool of opinions.

Pool: p(c) is proportional to prod_m p_m(c)^w_m with w_m = reliability_m * quality_m, normalised over the modalities present
(Genest & Zidek 1986). A modality that is absent takes no part; nothing is filled in for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from affectlens.explainers.shapley import shapley_values

if TYPE_CHECKING:
    from affectlens.models.shipped.fusion import EarlyFusionModel


@dataclass(frozen=True)
class Opinion:
    """One modality's say about one segment.

    Parameters
    ----------
    modality : str
        Whose it is.
    probabilities : ndarray (classes,)
        Calibrated, sum 1.
    weight : float
        Before normalising.
    conformal : tuple of str
        Classes that it does not rule out.
    deep : ndarray (features,), optional
        What early fusion joins.
    quality : float
        Of its signal, in [0, 1].
    """

    modality: str
    probabilities: np.ndarray
    weight: float
    conformal: tuple[str, ...]
    deep: np.ndarray | None = field(default=None, repr=False)
    quality: float = 1.0


@dataclass(frozen=True)
class Fused:
    """The answer of one segment.

    Parameters
    ----------
    probabilities : ndarray (classes,)
        The fused distribution.
    weights : dict of str to float
        Each modality's share, sum 1.
    conflict : bool
        Whether two modalities' top classes lie outside each other's conformal sets.
    divergence : float
        Weighted Jensen-Shannon divergence of the opinions, bit.
    how : str
        "early" where a network joined, else "pool".
    values : dict of str to float
        Where a network joined, Shapley values of the most probable class against a uniform prior.
    conformal : tuple of str
        The classes that hold the label with the coverage that was fitted for fused answers, most probable first; where none
        was fitted, all that any opinion is open to. The most probable class is always among them.
    """

    probabilities: np.ndarray
    weights: dict[str, float]
    conflict: bool
    divergence: float
    how: str = "pool"
    values: dict[str, float] = field(default_factory=dict)
    conformal: tuple[str, ...] = ()


def pool(opinions: Sequence[Opinion]) -> np.ndarray:
    """The logarithmic opinion pool (Genest & Zidek 1986) of some opinions, ``(classes,)``.

    Returns
    -------
    ndarray (classes,)
        The fused distribution.

    Raises
    ------
    ValueError
        No opinion is given; uniform is not assumed.

    Examples
    --------
    >>> sure = Opinion("face", np.array([0.9, 0.1]), 1.0, ("a",))
    >>> pool([sure, Opinion("words", np.array([0.5, 0.5]), 1.0, ("a", "b"))]).round(3).tolist()
    [0.75, 0.25]
    """
    if not opinions:
        raise ValueError("nothing to pool")
    weights = _normalised(opinions)
    logs = sum(
        weight * np.log(np.clip(opinion.probabilities, 1e-9, 1)) for weight, opinion in zip(weights, opinions, strict=True)
    )
    powers = np.exp(logs - np.max(logs))
    return np.asarray(powers / powers.sum())


def _normalised(opinions: Sequence[Opinion]) -> np.ndarray:
    raw = np.array([max(opinion.weight, 0.0) for opinion in opinions])
    return raw / raw.sum() if raw.sum() > 0 else np.full(len(raw), 1 / len(raw))


class Fuser:
    """Fuses opinions over ``labels``.

    A network first joins those whose deep features it knows, two at least; what it does not know joins by the pool.

    Parameters
    ----------
    labels : tuple of str
        Of the opinions.
    network : EarlyFusionModel, optional
        What joins deep features, and what was fitted to fused answers.
    modules : tuple of str, optional
        Those whose deep features the network has learnt from; all that it has a place for where not given.
    """

    def __init__(
        self, labels: tuple[str, ...], network: EarlyFusionModel | None = None, modules: tuple[str, ...] | None = None
    ) -> None:
        self.labels, self.network = labels, network
        self.modules = modules if modules is not None else network.modules if network is not None else ()

    def joined(self, opinions: Sequence[Opinion]) -> list[Opinion]:
        """The opinions that the network can join."""
        if self.network is None:
            return []
        joined = [
            opinion
            for opinion in opinions
            if opinion.deep is not None and opinion.modality in self.modules and opinion.weight > 0
        ]
        return joined if len(joined) > 1 else []

    def probabilities(self, opinions: Sequence[Opinion]) -> np.ndarray:
        """The fused distribution ``(classes,)``.

        The network divides the classes that all its modules know; the others keep the share that the pool gives them, since
        only some modules know them.

        Returns
        -------
        ndarray (classes,)
            Sum 1.
        """
        joined = self.joined(opinions)
        if not joined or self.network is None:
            return pool(opinions)
        fused = pool(joined)
        four = [self.labels.index(label) for label in self.network.labels]
        among = fused[four].sum()
        fused[four] = among * self.network.predict_one(joined, self.labels)
        apart = [opinion for opinion in opinions if all(opinion is not member for member in joined)]
        if not apart:
            return np.asarray(fused)
        together = Opinion("joined", fused, sum(opinion.weight for opinion in joined), ())
        return pool([together, *apart])

    def fuse(self, opinions: Sequence[Opinion]) -> Fused:
        """Fuse the opinions. They conflict when two modalities' top classes lie outside each other's conformal sets.

        Weights are those of the pool; where a network joins, each module's share of the summed magnitude of Shapley values.

        Returns
        -------
        Fused
            Answer, weights, conflict.
        """
        probabilities = self.probabilities(opinions)
        weights = _normalised(opinions)
        conflict = any(_conflict(first, second, self.labels) for first, second in combinations(opinions, 2))
        mean = sum(weight * opinion.probabilities for weight, opinion in zip(weights, opinions, strict=True))
        parts = sum(weight * _entropy(opinion.probabilities) for weight, opinion in zip(weights, opinions, strict=True))
        divergence = max(0.0, float(_entropy(np.asarray(mean)) - parts) / np.log(2))
        shares = {opinion.modality: float(weight) for opinion, weight in zip(opinions, weights, strict=True)}
        how = "early" if self.joined(opinions) else "pool"
        values: dict[str, float] = {}
        if how == "early":
            prior = np.full(len(self.labels), 1 / len(self.labels))
            values = self.shapley(opinions, int(probabilities.argmax()), prior)
            total = sum(map(abs, values.values()))
            shares = {modality: abs(value) / total for modality, value in values.items()} if total > 0 else shares
        return Fused(probabilities, shares, conflict, divergence, how, values, self.conformal(opinions, probabilities))

    def conformal(self, opinions: Sequence[Opinion], probabilities: np.ndarray) -> tuple[str, ...]:
        """The set of classes of a fused answer.

        A threshold that was fitted to fused answers of people who were left out decides; sets of single modules promise
        nothing of what they have in common. Where no threshold is known (another mix of modules), every class that any of them
        is open to is in the set, which covers at least what the best of their sets does.

        Parameters
        ----------
        opinions : sequence of Opinion
            What was fused.
        probabilities : numpy.ndarray
            The fused answer ``(classes,)``.

        Returns
        -------
        tuple of str
            Most probable first.
        """
        order = np.argsort(-probabilities, kind="stable")
        threshold = self._threshold(opinions)
        if threshold is None:
            inside = set().union(*(opinion.conformal for opinion in opinions))
        else:
            inside = {self.labels[place] for place in order if probabilities[place] >= 1 - threshold}
        return tuple(self.labels[place] for place in order if self.labels[place] in inside or place == order[0])

    def _threshold(self, opinions: Sequence[Opinion]) -> float | None:
        """What was fitted for these modules together; None for others, and for one alone, which has a set of its own."""
        if self.network is None or len(opinions) < 2 or any(opinion.modality not in self.modules for opinion in opinions):
            return None
        if len(self.joined(opinions)) == len(opinions):
            return self.network.calibration.conformal
        pooled = self.network.meta.get("pool_conformal")
        return float(pooled) if pooled is not None and not self.joined(opinions) else None

    def shapley(self, opinions: Sequence[Opinion], target: int, prior: np.ndarray) -> dict[str, float]:
        """Exact Shapley value of each modality for the log-odds of class ``target`` in the fused answer.

        The value of a coalition is the log-odds of the target when only its modalities speak; of none, that of ``prior``.
        The values sum to the fused log-odds minus the prior's (Shapley 1953).

        Returns
        -------
        dict of str to float
            By modality.
        """

        def worth(members: tuple[int, ...]) -> float:
            probability = self.probabilities([opinions[i] for i in members])[target] if members else prior[target]
            probability = float(np.clip(probability, 1e-9, 1 - 1e-9))
            return float(np.log(probability / (1 - probability)))

        values = shapley_values(len(opinions), worth)
        return {opinion.modality: value for opinion, value in zip(opinions, values, strict=True)}


def _conflict(first: Opinion, second: Opinion, labels: tuple[str, ...]) -> bool:
    top_a, top_b = labels[int(np.argmax(first.probabilities))], labels[int(np.argmax(second.probabilities))]
    return top_a not in second.conformal and top_b not in first.conformal


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())
