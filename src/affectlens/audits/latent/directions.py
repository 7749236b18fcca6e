"""What the directions of a latent mean: associations with named features, decoder traversals in real units, stability."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from affectlens.stats.generators import Rng, generator
from affectlens.stats.multiple import benjamini_hochberg, mean_of_units

LEAST = 8  # clips of a speaker for a correlation within them


@dataclass(frozen=True)
class Directions:
    """Principal directions of a latent. Axes of an autoencoder's latent are arbitrary; these are not.

    Attributes
    ----------
    mean : array (d,)
        Of the latents.
    vectors : array (k, d)
        Of unit length.
    spread : array (k,)
        Standard deviations along them.
    share : array (k,)
        Of the variance.
    """

    mean: np.ndarray
    vectors: np.ndarray
    spread: np.ndarray
    share: np.ndarray

    def scores(self, z: np.ndarray) -> np.ndarray:
        """Latents ``(n, d)`` in standard deviations along each direction, ``(n, k)``."""
        return np.asarray((z - self.mean) @ self.vectors.T / self.spread)

    def at(self, k: int, score: np.ndarray) -> np.ndarray:
        """Latents ``(m, d)`` along direction ``k`` at the given scores."""
        return np.asarray(self.mean + np.outer(score, self.vectors[k] * self.spread[k]))


def principal(z: np.ndarray, explained: float = 0.9, most: int = 8) -> Directions:
    """The directions that hold a share of the variance.

    Each points to where its largest part is positive, so that the sign is fixed.

    Parameters
    ----------
    z : array (n, d)
        Latents.
    explained : float
        Share of the variance.
    most : int
        Directions at most.

    Returns
    -------
    Directions
        Of the latents.
    """
    mean = z.mean(axis=0)
    _, s, v = np.linalg.svd(z - mean, full_matrices=False)
    share = s**2 / (s**2).sum()
    k = min(most, len(share), int(np.searchsorted(np.cumsum(share), explained)) + 1)  # rounding may leave the sum below 1
    v = v[:k] * np.sign(v[np.arange(k), np.abs(v[:k]).argmax(axis=1)])[:, None]
    return Directions(mean, v, s[:k] / np.sqrt(len(z)), share[:k])


def associations(scores: np.ndarray, columns: np.ndarray, names: list[str], speaker: np.ndarray) -> pd.DataFrame:
    """Spearman correlation of each direction with each column within speakers.

    Differences between voices or corpora cannot produce it.

    Parameters
    ----------
    scores : array (n, k)
        Along the directions.
    columns : array (n, m)
        Features.
    names : list of str
        Of the features.
    speaker : array (n,)
        Who speaks; those with fewer than ``LEAST`` clips are left out.

    Returns
    -------
    DataFrame
        One row a direction and feature: mean ``correlation`` over speakers, ``low``, ``high``, ``speakers``, ``p_value`` by
        Student's t over speakers (Fisher's z), and ``p_bh`` over all rows.
    """
    people = [np.flatnonzero(speaker == name) for name in dict.fromkeys(speaker)]
    people = [rows for rows in people if len(rows) >= LEAST]
    values = (
        np.array([_spearman(scores[rows], columns[rows]) for rows in people])
        if people
        else np.zeros((0, scores.shape[1], columns.shape[1]))
    )
    rows = []
    for k in range(scores.shape[1]):
        for j, name in enumerate(names):
            z = np.arctanh(np.clip(values[:, k, j], -0.999, 0.999))
            mean, low, high, p = mean_of_units(z)
            rows.append({"direction": k + 1, "feature": name, "correlation": np.tanh(mean), "low": np.tanh(low),
                         "high": np.tanh(high), "speakers": int(np.isfinite(z).sum()), "p_value": p})  # fmt: skip
    out = pd.DataFrame(rows)
    return out.assign(p_bh=benjamini_hochberg(out.p_value.to_numpy()))


def _spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rank correlations ``(k, m)`` of columns; NaN where a column does not vary."""
    ra, rb = (rankdata(values, axis=0) for values in (a, b))
    ra, rb = ra - ra.mean(axis=0), rb - rb.mean(axis=0)
    size = np.outer(np.sqrt((ra**2).sum(axis=0)), np.sqrt((rb**2).sum(axis=0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(size > 0, ra.T @ rb / size, np.nan))


def traversal(
    directions: Directions,
    decode: Callable[[np.ndarray], np.ndarray],
    to_real: Callable[[np.ndarray], np.ndarray],
    names: list[str],
    reach: float = 2.0,
    steps: int = 9,
) -> pd.DataFrame:
    """What the decoder rebuilds along each direction: columns direction, score (SD), feature, value (real units), normalised.

    ``decode`` maps latents ``(m, d)`` to normalised features; ``to_real`` those to real units.

    Returns
    -------
    DataFrame
        A row a direction, score and feature.
    """
    score = np.linspace(-reach, reach, steps)
    parts = []
    for k in range(len(directions.vectors)):
        normal = decode(directions.at(k, score))
        real = to_real(normal)
        parts.append(
            pd.DataFrame({"direction": k + 1, "score": np.repeat(score, len(names)), "feature": names * steps,
                          "value": real.ravel(), "normalised": normal.ravel()})
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def most_moved(traversals: pd.DataFrame, groups: Mapping[str, str], most: int = 4) -> dict[int, list[str]]:
    """For each direction the features that the decoder moves most, at most two of a group.

    Parameters
    ----------
    traversals : DataFrame
        As ``traversal`` gives it.
    groups : mapping of str to str
        The group of each feature.
    most : int
        Features of a direction.

    Returns
    -------
    dict of int to list of str
        Features by direction.
    """
    out: dict[int, list[str]] = {}
    for k, curves in traversals.groupby("direction"):
        reach = curves.groupby("feature").normalised.agg(lambda curve: float(np.ptp(curve))).sort_values(ascending=False)
        chosen: list[str] = []
        for name in map(str, reach.index):
            if len(chosen) < most and [groups[feature] for feature in chosen].count(groups[name]) < 2:
                chosen.append(name)
        out[int(str(k))] = chosen
    return out


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Linear centred kernel alignment (Kornblith et al. 2019) of two latents of the same clips.

    Parameters
    ----------
    a, b : array (n, d), (n, e)
        Latents.

    Returns
    -------
    float
        1 where one is the other turned and scaled.
    """
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return float(np.linalg.norm(a.T @ b) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)))


def matched(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How like directions are under the best one-to-one matching (Hungarian).

    Parameters
    ----------
    a, b : array (n, k), (n, l)
        Scores of the same clips along two sets of directions.

    Returns
    -------
    array (k,)
        Absolute correlation of each direction of ``a`` with its partner; NaN where ``b`` has too few.
    """
    strength = np.abs(np.corrcoef(a.T, b.T)[: a.shape[1], a.shape[1] :])
    rows, columns = linear_sum_assignment(-strength)
    out = np.full(a.shape[1], np.nan)
    out[rows] = strength[rows, columns]
    return out


def bootstrap_stability(z: np.ndarray, k: int, rng: Rng, groups: np.ndarray, draws: int = 30) -> np.ndarray:
    """ARI ``(draws,)`` between k-means on all latents and k-means on resampled speakers, both applied to all (Hennig 2007)."""
    rng = generator(rng)
    whole = KMeans(k, n_init=10, random_state=0).fit(z).labels_
    names = list(dict.fromkeys(groups))
    members = {name: np.flatnonzero(groups == name) for name in names}
    out = []
    for _ in range(draws):
        rows = np.concatenate([members[names[i]] for i in rng.integers(0, len(names), len(names))])
        if len(rows) > k:
            out.append(adjusted_rand_score(whole, KMeans(k, n_init=3, random_state=0).fit(z[rows]).predict(z)))
    return np.array(out)
