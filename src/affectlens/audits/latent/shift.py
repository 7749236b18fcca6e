"""How much of a representation is the corpus: a probe on people it never heard, and the maximum mean discrepancy."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from affectlens.features.speech import SpeechTable
from affectlens.learning.trainers.speech import logistic
from affectlens.models.shipped.speech_scale import Scale, normalise
from affectlens.stats.classification import confusion, unweighted_recall
from affectlens.stats.generators import Rng, generator
from affectlens.stats.multiple import permute_units
from affectlens.stats.randomization import permutation_p
from affectlens.stats.resample import Estimate, bootstrap

FOLDS = 5  # of the probe, without shared speakers
COLUMNS = ("representation", "corpus_probe", "low", "high", "chance", "mmd_squared", "mmd_squared_null", "p_value")


def shift_table(table: SpeechTable, mask: np.ndarray, z: np.ndarray, latent: np.ndarray, rng: Rng, draws: int) -> pd.DataFrame:
    """How much of the features, before and after normalisation, and of the latent is the corpus, on held-out speakers.

    Parameters
    ----------
    table : SpeechTable
        All clips.
    mask : array (n,) of bool
        The held-out clips.
    z : array (n, f)
        Normalised features of all clips.
    latent : array (m, d)
        Latents of the held-out clips.
    rng : int or numpy.random.Generator
        For bootstrap and permutations.
    draws : int
        Permutations.

    Returns
    -------
    DataFrame
        One row a representation; none where there is one corpus, since then nothing can be told apart.
    """
    rng = generator(rng)
    x, corpus, speaker = table.features, table.corpus, table.speaker
    if len(set(corpus)) < 2:
        return pd.DataFrame(columns=list(COLUMNS))
    forms = {
        "features as measured": Scale.of(x[~mask])(x[mask]),
        "each corpus scaled by itself": normalise(x, corpus, speaker, by_speaker=False)[mask],
        "each trusted speaker by themselves": z[mask],
        "latent": latent,
    }
    rows = []
    for name, form in forms.items():
        probe = corpus_probe(form, corpus[mask], speaker[mask], rng)
        distance, chance, p = discrepancy(form, corpus[mask], speaker[mask], rng, draws)
        rows.append((name, probe.value, probe.low, probe.high, 1 / len(set(corpus)), distance, chance, p))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def corpus_probe(x: np.ndarray, corpus: np.ndarray, speaker: np.ndarray, rng: Rng, folds: int = FOLDS) -> Estimate:
    """How well a logistic probe tells the corpus of speakers that it never heard.

    Parameters
    ----------
    x : array (n, d)
        A representation.
    corpus, speaker : array (n,)
        Where each clip comes from.
    rng : int or numpy.random.Generator
        For the interval, over speakers.
    folds : int
        Without shared speakers.

    Returns
    -------
    Estimate
        Mean recall; chance is one over the number of corpora.
    """
    rng = generator(rng)
    names, y = np.unique(corpus.astype(str), return_inverse=True)
    predicted = np.zeros(len(y), dtype=np.int64)
    scaled = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-8)
    for train, test in StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(scaled, y, speaker.astype(str)):
        predicted[test] = logistic(0.05).fit(scaled[train], y[train]).predict(scaled[test])
    return bootstrap(
        lambda rows: unweighted_recall(confusion(y[rows], predicted[rows], len(names))), len(y), rng, groups=speaker, draws=500
    )


def discrepancy(
    x: np.ndarray, corpus: np.ndarray, speaker: np.ndarray, rng: Rng, draws: int = 199, most: int = 1200
) -> tuple[float, float, float]:
    """Squared maximum mean discrepancy between corpora (Gretton et al. 2012), a mean over their pairs.

    Gaussian kernel with the median distance as width, features standardised, unbiased. The null deals whole speakers to
    corpora, since clips of one voice resemble each other: it is therefore above 0.

    Parameters
    ----------
    x : array (n, d)
        A representation.
    corpus, speaker : array (n,)
        Where each clip comes from.
    rng : int or numpy.random.Generator
        For the permutations.
    draws : int
        Permutations.
    most : int
        Clips that are looked at.

    Returns
    -------
    tuple of three floats
        Discrepancy, its mean under the null, and a permutation p-value.
    """
    rng = generator(rng)
    chosen = rng.permutation(len(x))[:most]
    scaled = ((x - x.mean(axis=0)) / (x.std(axis=0) + 1e-8))[chosen]
    corpus, speaker = corpus[chosen].astype(str), speaker[chosen]
    square = (scaled**2).sum(axis=1)
    distance = np.maximum(square[:, None] + square - 2 * scaled @ scaled.T, 0)
    kernel = np.exp(-distance / np.median(distance[np.triu_indices(len(scaled), 1)]))
    observed = _pairs(kernel, corpus)
    null = np.array([_pairs(kernel, permute_units(corpus, speaker, rng)) for _ in range(draws)])
    return observed, float(null.mean()), permutation_p(observed, null)


def _pairs(kernel: np.ndarray, corpus: np.ndarray) -> float:
    names, inverse, count = np.unique(corpus, return_inverse=True, return_counts=True)
    member = np.eye(len(names))[inverse]
    sums = member.T @ kernel @ member
    within = (np.diag(sums) - count) / np.maximum(count * (count - 1), 1)  # the kernel of a point with itself is 1
    between = sums / np.outer(count, count)
    return float(np.mean([within[i] + within[j] - 2 * between[i, j] for i, j in combinations(range(len(names)), 2)]))
