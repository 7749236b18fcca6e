"""From the rise of the loss of every clip to tables: means over people with tests, and whether corpora agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from affectlens.stats.generators import Rng, generator
from affectlens.stats.multiple import benjamini_hochberg, holm
from affectlens.stats.randomization import sign_flip_test
from affectlens.stats.resolution import Resolution


def over_people(
    values: np.ndarray, speaker: np.ndarray, rng: Rng, draws: int = 9999
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Means with intervals and tests over people.

    Parameters
    ----------
    values : array (n, k)
        One row a clip.
    speaker : array (n,)
        Who speaks.
    rng : int or numpy.random.Generator
        For bootstrap and sign flips.
    draws : int
        Of the bootstrap; sign flips are as many as a family of ``k`` tests needs, all of them where speakers are few.

    Returns
    -------
    tuple of five arrays (k,)
        Mean, low and high of its bootstrap interval (95 %) over speakers, a one-sided p-value for a mean above zero by flipping
        the sign of whole speakers (NaN where a value is not known), and the smallest that as many speakers can give.
    """
    rng = generator(rng)
    sums, resampled = _by_speaker(values, speaker, rng, draws)
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    resolution = Resolution(tests=values.shape[1])
    tested = [sign_flip_test(column, rng, resolution=resolution) for column in sums.T]
    p = np.array([test.pvalue if np.isfinite(column).all() else np.nan for test, column in zip(tested, sums.T, strict=True)])
    return sums.sum(axis=0) / len(values), low, high, p, np.array([test.smallest for test in tested])


def feature_table(
    names: Sequence[str], groups: Sequence[str], values: Mapping[str, np.ndarray], speaker: np.ndarray, rng: Rng
) -> pd.DataFrame:
    """The main table, the most important feature first.

    ``statistic``, ``p_value`` and ``p_bh`` are of ``permuted``: the mean rise of the log loss (bit) when the feature is
    shuffled.

    Returns
    -------
    DataFrame
        A row a feature.
    """
    rng = generator(rng)
    out = pd.DataFrame({"feature": list(names), "group": list(groups)})
    out = _with_test(out, "permuted", values["permuted"], speaker, rng, "bh")
    out = _with_test(out, "conditional", values["conditional"], speaker, rng, "bh")
    out["recall_lost"] = values["recall_lost"].mean(axis=0)
    out["shap_logistic"] = np.abs(values["shap_logistic"]).mean(axis=0)
    out = out.rename(columns={"permuted_p_value": "p_value", "permuted_p_bh": "p_bh"})
    out.insert(2, "statistic", out.permuted)
    return out.sort_values("permuted", ascending=False, kind="stable").reset_index(drop=True)


def group_table(
    names: Sequence[str], members: Sequence[np.ndarray], values: Mapping[str, np.ndarray], y: np.ndarray, speaker: np.ndarray,
    rng: Rng,
) -> pd.DataFrame:  # fmt: skip
    """One row a group: shuffled, conditional and left out, each with interval and p-value, and its Shapley value."""
    rng = generator(rng)
    out = pd.DataFrame({"group": list(names), "features": [len(columns) for columns in members]})
    for name, key in (("permuted", "group_permuted"), ("conditional", "group_conditional"), ("left_out", "left_out")):
        out = _with_test(out, name, values[key], speaker, rng, "holm")
    for name in ("recall_lost_permuted", "recall_lost_left_out"):
        out[name] = values[name].mean(axis=0)
    label = values["shapley"][np.arange(len(y)), :, y]  # for the class that the clip is labelled with
    return out.assign(shapley_label=label.mean(axis=0))


def _with_test(
    frame: pd.DataFrame, name: str, values: np.ndarray, speaker: np.ndarray, rng: np.random.Generator, correction: str
) -> pd.DataFrame:
    """The table with mean, interval, p-value and corrected p-value of the columns of ``values`` ``(n, k)``."""
    mean, low, high, p, smallest = over_people(values, speaker, rng)
    adjusted = {"bh": benjamini_hochberg, "holm": holm}[correction](p)
    more = {name: mean, f"{name}_low": low, f"{name}_high": high, f"{name}_p_value": p, f"{name}_p_{correction}": adjusted}
    return frame.assign(**more, smallest_p=smallest)


def by_corpus(of: Mapping[str, tuple[Sequence[str], np.ndarray]], corpus: np.ndarray) -> pd.DataFrame:
    """Importance and rank of every feature and group in each corpus; ``of`` maps a kind to names and values ``(n, k)``."""
    parts = []
    for name in dict.fromkeys(corpus):
        for kind, (columns, values) in of.items():
            mean = values[corpus == name].mean(axis=0)
            rank = len(mean) + 1 - rankdata(mean)
            parts.append(pd.DataFrame({"corpus": name, "kind": kind, "name": list(columns), "permuted": mean, "rank": rank}))
    return pd.concat(parts, ignore_index=True)


def shapley_table(
    shapley: np.ndarray, groups: Sequence[str], y: np.ndarray, corpus: np.ndarray, classes: Sequence[str] = ()
) -> pd.DataFrame:
    """Mean Shapley value of each group for the label, by corpus and class, from values ``(n, groups, classes)``."""
    rows = []
    for name in dict.fromkeys(corpus):
        for index in sorted(set(y[corpus == name].tolist())):
            mean = shapley[(corpus == name) & (y == index), :, index].mean(axis=0)
            label = classes[index] if classes else str(index)
            rows += [
                {"corpus": name, "class": label, "group": group, "shapley": value}
                for group, value in zip(groups, mean, strict=True)
            ]
    return pd.DataFrame(rows)


def rank_agreement(
    of: Mapping[str, np.ndarray], corpus: np.ndarray, speaker: np.ndarray, rng: Rng, draws: int = 500
) -> pd.DataFrame:
    """Do corpora agree on what matters: Spearman correlation of importances between each two, and its mean.

    Parameters
    ----------
    of : mapping of str to array (n, k)
        Rise of the loss of each clip, of features and of groups.
    corpus, speaker : array (n,)
        Where each clip comes from.
    rng : int or numpy.random.Generator
        For the bootstrap.
    draws : int
        Resamplings of speakers.

    Returns
    -------
    DataFrame
        ``of``, ``corpora``, ``rank_correlation``, ``low``, ``high`` (95 %, over speakers); no rows for one corpus.
    """
    rng = generator(rng)
    rows = []
    for kind, values in of.items():
        means = {
            name: _resampled_means(values[corpus == name], speaker[corpus == name], rng, draws)
            for name in dict.fromkeys(corpus)
        }
        pairs = []
        for first, second in combinations(means, 2):
            pairs.append(_rank_correlations(means[first], means[second]))
            rows.append(_correlation(kind, f"{first} and {second}", pairs[-1]))
        if len(pairs) > 1:
            rows.append(_correlation(kind, "mean", np.mean(pairs, axis=0)))
    return pd.DataFrame(rows, columns=["of", "corpora", "rank_correlation", "low", "high"])


def _resampled_means(values: np.ndarray, speaker: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Means of the columns ``(1 + draws, k)``: of all clips, then of resampled speakers."""
    _, resampled = _by_speaker(values, speaker, rng, draws)
    return np.concatenate([values.mean(axis=0)[None], resampled])


def _by_speaker(values: np.ndarray, speaker: np.ndarray, rng: np.random.Generator, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the columns over the clips of each speaker ``(speakers, k)``, and means of resampled speakers ``(draws, k)``."""
    _, inverse = np.unique(speaker.astype(str), return_inverse=True)
    sums = np.zeros((inverse.max() + 1, values.shape[1]))
    np.add.at(sums, inverse, values)
    count = np.bincount(inverse).astype(float)
    picks = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=draws).astype(float)
    return sums, picks @ sums / (picks @ count)[:, None]


def _rank_correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman correlation of each row of ``a`` ``(m, k)`` with that of ``b``."""
    ra, rb = rankdata(first, axis=1), rankdata(second, axis=1)
    ra, rb = ra - ra.mean(axis=1, keepdims=True), rb - rb.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):  # a single group has no ranks to compare
        return np.asarray((ra * rb).sum(axis=1) / np.sqrt((ra**2).sum(axis=1) * (rb**2).sum(axis=1)))


def _correlation(kind: str, name: str, values: np.ndarray) -> dict[str, object]:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return {"of": kind, "corpora": name, "rank_correlation": float(values[0]), "low": float(low), "high": float(high)}
