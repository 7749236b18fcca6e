"""Clusters in a latent space, and whether they are emotions, corpora or voices: agreement with tests that respect people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture

from affectlens.core.errors import unknown
from affectlens.stats.generators import Rng, generator
from affectlens.stats.multiple import holm, permute_units, permute_within
from affectlens.stats.randomization import permutation_p

METHODS = ("k-means", "GMM", "HDBSCAN")
ITSELF = "(the factor itself)"  # in place of a clustering, where the factor's own silhouette is tested
MOST = 10  # clusters tried


@dataclass(frozen=True)
class Clustering:
    """``labels`` ``(n,)``, -1 for what belongs to no cluster; ``how`` says how the number of clusters was found."""

    method: str
    labels: np.ndarray
    silhouette: float
    how: str

    @property
    def column(self) -> str:
        """Name of the column that holds the labels in a table of points."""
        return self.method.lower().replace("-", "_")

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return len(set(self.labels.tolist()) - {-1})

    @property
    def unclustered(self) -> float:
        """Share of points in no cluster."""
        return float((self.labels < 0).mean())


def find_clusters(z: np.ndarray, method: str, seed: int = 0) -> Clustering:
    """Clusters of latents.

    ``k-means`` with the best silhouette among 2 to 10, ``GMM``: a Gaussian mixture (diagonal) with the best BIC among 1 to
    10, or ``HDBSCAN`` (Campello et al. 2013) with clusters of at least 2 % of the points.

    Parameters
    ----------
    z : array (n, d)
        Latents.
    method : str
        One of ``METHODS``.
    seed : int
        Of k-means and mixture.

    Returns
    -------
    Clustering

    Raises
    ------
    UsageError
        An unknown method.
    """  # noqa: DOC501
    most = min(MOST, len(z) - 1)
    if method == "k-means":
        tried = {k: KMeans(k, n_init=10, random_state=seed).fit(z).labels_ for k in range(2, most + 1)}
        quality = {k: _silhouette(z, labels) for k, labels in tried.items()}
        best = max(quality, key=lambda k: quality[k])
        return Clustering(method, tried[best], quality[best], f"silhouette, 2 to {most}")
    if method == "GMM":
        models = [GaussianMixture(k, covariance_type="diag", n_init=3, random_state=seed).fit(z) for k in range(1, most + 1)]
        labels = min(models, key=lambda model: model.bic(z)).predict(z)
        return Clustering(method, labels, _silhouette(z, labels), f"BIC, 1 to {most}")
    if method == "HDBSCAN":
        least = max(5, round(0.02 * len(z)))
        labels = HDBSCAN(min_cluster_size=least, copy=True).fit(z).labels_
        return Clustering(method, labels, _silhouette(z, labels), f"density, clusters of at least {least}")
    raise unknown("method", method, list(METHODS))


def _silhouette(z: np.ndarray, labels: np.ndarray) -> float:
    kept = labels >= 0
    if len(set(labels[kept].tolist())) < 2:
        return float("nan")
    return float(silhouette_score(z[kept], labels[kept], sample_size=min(2000, int(kept.sum())), random_state=0))


def shuffled(values: np.ndarray, speaker: np.ndarray, rng: Rng) -> np.ndarray:
    """A factor ``(n,)`` as it could be were it unrelated to the latent.

    What differs within a speaker (emotion) changes places within speakers; what a speaker has once (corpus, gender) is dealt
    anew to whole speakers, since the clips of one voice are not independent; speakers themselves are dealt to clips freely.

    Returns
    -------
    ndarray
        The factor ``(n,)`` dealt anew.
    """
    rng = generator(rng)
    pairs = pd.DataFrame({"v": values.astype(str), "s": speaker.astype(str)}).drop_duplicates()
    if len(pairs) == len(set(values.astype(str))):  # the factor is the speaker
        return np.asarray(values[rng.permutation(len(values))])
    if len(pairs) == len(set(speaker.astype(str))):
        return permute_units(values, speaker, rng)
    return np.asarray(values[permute_within(speaker, rng)])


def agreement(
    clusterings: list[Clustering],
    z: np.ndarray,
    factors: dict[str, np.ndarray],
    speaker: np.ndarray,
    rng: Rng,
    draws: int = 199,
) -> pd.DataFrame:
    """Agreement of clusterings with factors, with permutation tests that respect people.

    Parameters
    ----------
    clusterings : list of Clustering
        Each over the same ``n`` clips.
    z : array (n, d)
        Latents.
    factors : dict of str to array (n,)
        Such as emotion or corpus; rows without a value (``""``) are left out, and so is a factor with one value.
    speaker : array (n,)
        Who speaks; see ``shuffled`` for what may change places with what.
    rng : int or numpy.random.Generator
        For the permutations.
    draws : int
        Permutations of each factor.

    Returns
    -------
    DataFrame
        One row a clustering and factor with ``ari`` (the ``statistic``) and ``ami``; and one a factor with its own
        ``silhouette`` in the latent. ``p_holm`` is corrected over all rows; ``smallest_p`` is the smallest that as many
        draws can give.
    """
    rng = generator(rng)
    rows = []
    for name, values in factors.items():
        named = np.flatnonzero(values.astype(str) != "")
        factor, speakers, points = values[named].astype(str), speaker[named], z[named]
        if len(set(factor)) < 2:
            continue
        null = [shuffled(factor, speakers, rng) for _ in range(draws)]
        for clustering in clusterings:
            labels = clustering.labels[named]
            ari = adjusted_rand_score(factor, labels)
            p = permutation_p(ari, np.array([adjusted_rand_score(permuted, labels) for permuted in null]))
            row = {"clusters": clustering.method, "number": clustering.count, "factor": name, "ari": ari, "statistic": ari}
            rows.append(row | {"p_value": p, "ami": adjusted_mutual_info_score(factor, labels)})
        distances = _distances(points)
        observed = _factor_silhouette(distances, factor)
        p = permutation_p(observed, np.array([_factor_silhouette(distances, permuted) for permuted in null]))
        row = {"clusters": ITSELF, "number": len(set(factor)), "factor": name, "silhouette": observed, "statistic": observed}
        rows.append(row | {"p_value": p})
    out = pd.DataFrame(rows, columns=["clusters", "number", "factor", "ari", "ami", "silhouette", "statistic", "p_value"])
    p = out.p_value.to_numpy(float)
    return out.assign(p_holm=holm(p), smallest_p=np.where(np.isfinite(p), 1 / (draws + 1), np.nan))


def _distances(z: np.ndarray) -> np.ndarray:
    square = (z**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(square[:, None] + square - 2 * z @ z.T, 0)))


def _factor_silhouette(distances: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette (Rousseeuw 1987) from distances ``(n, n)``; the same as scikit-learn's, with one matrix product."""
    _, inverse, count = np.unique(labels, return_inverse=True, return_counts=True)
    member = np.eye(len(count))[inverse]
    sums = distances @ member
    rows = np.arange(len(labels))
    size = count[inverse]
    inside = sums[rows, inverse] / np.maximum(size - 1, 1)
    means = sums / count
    means[rows, inverse] = np.inf
    outside = means.min(axis=1)
    width = np.where(size > 1, (outside - inside) / np.maximum(np.maximum(inside, outside), 1e-12), 0.0)
    return float(width.mean())


def describe_clusters(
    labels: np.ndarray, z: np.ndarray, real: np.ndarray, names: tuple[str, ...], factors: dict[str, np.ndarray], top: int = 4
) -> pd.DataFrame:
    """What each cluster holds.

    Parameters
    ----------
    labels : array (n,) of int
        Clusters; -1 for none.
    z : array (n, f)
        Normalised features.
    real : array (n, f)
        The same in real units.
    names : tuple of str
        Of the features.
    factors : dict of str to array (n,)
        Of each the most frequent value is given with its share.
    top : int
        Features that are named.

    Returns
    -------
    DataFrame
        One row a cluster: ``cluster``, ``clips``, the factors, and ``most_unlike``, the features in which it differs most from
        the rest, as standardised differences.
    """
    rows = []
    for k in sorted(set(labels.tolist()) - {-1}):
        inside = labels == k
        row: dict[str, object] = {"cluster": k, "clips": int(inside.sum())}
        for name, values in factors.items():
            counts = pd.Series(values[inside].astype(str)).value_counts(normalize=True)
            row[name] = f"{counts.index[0]} {counts.iloc[0]:.0%}"
        difference = z[inside].mean(axis=0) - z[~inside].mean(axis=0)
        order = np.argsort(-np.abs(difference), kind="stable")[:top]
        row["most_unlike"] = "; ".join(
            f"{names[i]} {difference[i]:+.1f} SD ({real[inside, i].mean():.3g} against {real[~inside, i].mean():.3g})"
            for i in order
        )
        rows.append(row)
    return pd.DataFrame(rows)
