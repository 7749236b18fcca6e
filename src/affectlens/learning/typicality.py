"""Fitting what tells a model's inputs from those that are unlike anything it learnt from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.cluster import KMeans
from sklearn.covariance import ledoit_wolf_shrinkage

from affectlens.core.errors import ModelError
from affectlens.models.typicality import Typicality, checked

__all__ = ["Typicality", "fit_typicality"]

_NULL = 2048  # distances that are kept
_FLOOR = 1e-3  # smallest deviation of a feature, in those of the middle one: a constant feature must not rule alone


def fit_typicality(
    features: np.ndarray,
    groups: np.ndarray,
    *,
    components: int = 32,
    prototypes: int = 1,
    folds: int = 5,
    seed: int = 0,
) -> Typicality:
    """Fit a distance in deep features and its distribution over people that it was not fitted on.

    Parameters
    ----------
    features : numpy.ndarray
        ``(n, d)`` deep features of training items; better of people whom the network itself has not seen.
    groups : numpy.ndarray
        People or recordings ``(n,)``. Each counts alike, however many items it has, and stays whole.
    components : int
        Principal axes that are kept at most; what lies outside of them counts by its length.
    prototypes : int
        1 measures the distance from the mean (Mahalanobis), more the distance from the nearest of so many k-means centres.
    folds : int
        Parts of the groups; the null distances of each come from a fit on the others.
    seed : int
        Deals the groups and starts k-means.

    Returns
    -------
    Typicality
        Fitted on all items, with null distances of people who were left out.

    Raises
    ------
    ModelError
        Fewer than two groups, groups and features of unlike number, or features that are not finite.

    Notes
    -----
    The covariance is shrunken by Ledoit & Wolf (2004, J. Multivariate Anal. 88). Distances from left-out people make a
    cross-conformal p-value (Vovk 2015, Ann. Math. Artif. Intell. 74): of level where items are exchangeable; where people
    differ, over many people, the fewer there are the less sure. The least p-value is one part of the number of items.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> typicality = fit_typicality(rng.normal(size=(400, 8)), np.arange(400) // 4)
    >>> new = np.array([np.zeros(8), np.full(8, 9.0)])
    >>> typicality.p_values(new).round(3).tolist()
    [1.0, 0.002]
    """
    given, people = checked(features), np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    if len(people) != len(given):
        raise ModelError(f"{len(given)} features and {len(people)} groups; one group an item was expected")
    count = int(people.max()) + 1 if len(people) else 0
    if count < 2:
        raise ModelError(f"{count} people or recordings; typicality needs at least two, of which one is left out")
    weight = 1 / np.bincount(people)[people] / count
    parts = np.random.default_rng(seed).permutation(count)[people] % min(folds, count)
    distances = np.empty(len(given))
    for part in np.unique(parts):
        rest = parts != part
        fitted = _fitted(given[rest], weight[rest], components, prototypes, seed)
        distances[~rest] = fitted.distances(given[~rest])
    null, tail = _tail(distances, weight)
    return replace(_fitted(given, weight, components, prototypes, seed), null=null, tail=tail)


def _fitted(features: np.ndarray, weight: np.ndarray, components: int, prototypes: int, seed: int) -> Typicality:
    """Mean, scale, axes and prototypes of weighted features ``(n, d)``, yet without null distances."""
    weight = weight / weight.sum()
    mean = weight @ features
    deviation = np.sqrt(weight @ (features - mean) ** 2)
    positive = deviation[deviation > 0]
    scale = np.maximum(deviation, _FLOOR * np.median(positive)) if len(positive) else np.ones_like(deviation)
    standardised = (features - mean) / scale
    axes, spread = _axes(standardised, weight, components)
    whitening = Typicality(mean, scale, axes, spread, np.zeros((1, len(spread))), np.zeros(1), np.ones(2))
    if prototypes <= 1:
        return whitening
    clusters = KMeans(min(prototypes, len(features)), n_init=1, random_state=seed)
    clusters.fit(whitening.whitened(features), sample_weight=weight * len(weight))
    return replace(whitening, prototypes=np.asarray(clusters.cluster_centers_, np.float64))


def _axes(standardised: np.ndarray, weight: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Principal axes ``(d, k)`` and deviations ``(k + 1,)``, the last of one direction outside the axes."""
    count, width = standardised.shape
    shrinkage = ledoit_wolf_shrinkage(standardised) if count > 1 else 1.0
    covariance = (standardised * weight[:, None]).T @ standardised
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum((1 - shrinkage) * values + shrinkage * values.mean(), 1e-9)[::-1]
    kept = max(1, min(components, width, count - 1))
    outside = values[kept:].mean() if kept < width else 1.0
    return vectors[:, ::-1][:, :kept], np.sqrt([*values[:kept], outside])


def _tail(distances: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rising distances ``(q,)``, as many as are kept, and the p-values ``(q + 1,)`` of what lies between them."""
    order = np.argsort(distances, kind="stable")
    count = len(order)
    farther = np.append(np.cumsum(weight[order][::-1])[::-1] * count, 0.0)
    p_values = np.minimum((1 + farther) / (1 + count), 1.0)  # of what lies between each distance and the one before
    kept = np.unique(np.linspace(0, count - 1, min(count, _NULL)).round().astype(int))
    after = np.append(0, kept + 1)  # between two that are kept the larger p-value holds
    return distances[order][kept], p_values[after]
