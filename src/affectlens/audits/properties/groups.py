"""How a classifier does in groups: accuracy, rates and calibration with intervals, gaps, intersections, matched pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from affectlens.stats.classification import expected_calibration_error
from affectlens.stats.generators import Rng, generator
from affectlens.stats.randomization import sign_flip_test
from affectlens.stats.resample import Estimate, bootstrap, wilson
from affectlens.stats.resolution import Resolution

FEWEST = 20
MANY = 20_000  # rows from which the interval of a mean recall is that of its normal limit


def grouped(values: pd.Series, kind: str, most: int = 6) -> pd.Series:
    """Groups of a property: its own values where there are few, else thirds of its range by rank; missing stays missing.

    Parameters
    ----------
    values : Series
        The property of every item.
    kind : str
        continuous, ordinal, binary or categorical.
    most : int
        Most values that are groups of their own; of words the rarer ones are ``others``.

    Returns
    -------
    Series
        Names of the groups.

    Examples
    --------
    >>> grouped(pd.Series([1.0, 0.0, 1.0]), "binary").tolist()
    ['1', '0', '1']
    """
    present = values.dropna()
    if kind in ("categorical", "binary") or present.nunique() <= most:
        top = present.value_counts().index[:most]
        named = present.where(present.isin(top), "others")
        return named.map(lambda value: f"{value:g}" if isinstance(value, float | int) else str(value)).reindex(values.index)
    ranks = present.rank(method="average", pct=True)
    edges = present.quantile([1 / 3, 2 / 3]).to_numpy()
    names = [f"low (up to {edges[0]:.3g})", "middle", f"high (from {edges[1]:.3g})"]
    return pd.cut(ranks, [0, 1 / 3, 2 / 3, 1], labels=names, include_lowest=True).astype(str).reindex(values.index)


def group_metrics(
    truth: np.ndarray, probabilities: np.ndarray, classes: list[str], groups: pd.Series, rng: Rng
) -> pd.DataFrame:
    """How well a classifier does in every group.

    Parameters
    ----------
    truth : ndarray of shape (n,)
        Index of the true class of every item.
    probabilities : ndarray of shape (n, classes)
        Probabilities.
    classes : list of str
        Names of the classes.
    groups : Series
        Group of every item; missing ones are left out.
    rng : int or numpy.random.Generator
        Source of the draws.

    Returns
    -------
    DataFrame
        One row a group: group, n, accuracy with Wilson's interval (accuracy_low, accuracy_high), mean_recall with a bootstrap
        interval, calibration_error. Groups of fewer than 20 are listed without scores.
    """
    rng = generator(rng)
    guess = probabilities.argmax(axis=1)
    right = guess == truth
    rows = []
    members = groups.dropna().groupby(groups).groups
    for name, at in sorted(members.items(), key=lambda entry: _place(str(entry[0]))):
        inside = groups.index.get_indexer(at)
        row: dict[str, object] = {"group": str(name), "n": len(inside)}
        if len(inside) >= FEWEST:
            accuracy = wilson(int(right[inside].sum()), len(inside))
            recall = _mean_recall(truth[inside], guess[inside], len(classes), rng)
            row |= {
                "accuracy": accuracy.value, "accuracy_low": accuracy.low, "accuracy_high": accuracy.high,
                "mean_recall": recall.value, "mean_recall_low": recall.low, "mean_recall_high": recall.high,
                "calibration_error": expected_calibration_error(probabilities[inside].max(axis=1), right[inside]),
            }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def _mean_recall(truth: np.ndarray, guess: np.ndarray, classes: int, rng: np.random.Generator) -> Estimate:
    """Mean recall with its bootstrap interval, of many rows with that of its normal limit."""
    if len(truth) > MANY:
        return _recall_of_many(truth, guess, classes)

    def recall(rows: np.ndarray) -> float:
        drawn_truth, drawn_guess = truth[rows], guess[rows]
        present = [index for index in range(classes) if (drawn_truth == index).any()]
        return float(np.mean([(drawn_guess[drawn_truth == index] == index).mean() for index in present]))

    return bootstrap(recall, len(truth), rng, draws=300)


def _recall_of_many(truth: np.ndarray, guess: np.ndarray, classes: int) -> Estimate:
    counts = np.bincount(truth, minlength=classes)
    hits = np.bincount(truth[guess == truth], minlength=classes)
    present = counts > 0
    recall = hits[present] / counts[present]
    half = 1.96 * float(np.sqrt((recall * (1 - recall) / counts[present]).sum())) / int(present.sum())
    return Estimate(float(recall.mean()), float(recall.mean()) - half, float(recall.mean()) + half, len(truth), len(truth))


def _place(name: str) -> tuple[int, str]:
    """Low before middle before high; others by name."""
    return next((i for i, word in enumerate(("low", "middle", "high")) if name.startswith(word)), 3), name


def rate_gaps(truth: np.ndarray, probabilities: np.ndarray, classes: list[str], groups: pd.Series) -> pd.DataFrame:
    """For each class the largest difference between groups of its true and false positive rate.

    Parameters
    ----------
    truth, probabilities, classes, groups
        As of ``group_metrics``.

    Returns
    -------
    DataFrame
        Columns class, rate, gap, low, high (Newcombe's interval, 1998; the two groups were chosen by the gap, so it is a little
        too narrow), highest, lowest.
    """
    guess = probabilities.argmax(axis=1)
    names = [name for name, count in groups.value_counts().items() if count >= FEWEST]
    member = {name: (groups == name).to_numpy() for name in names}
    rows: list[dict[str, object]] = []
    for index, label in enumerate(classes):
        for rate, base in (("true positives", truth == index), ("false positives", truth != index)):
            rates = {
                name: wilson(int((guess[base & mask] == index).sum()), int((base & mask).sum()))
                for name, mask in member.items() if (base & mask).sum() >= 5
            }  # fmt: skip
            if len(rates) < 2:
                continue
            top, bottom = max(rates, key=lambda name: rates[name].value), min(rates, key=lambda name: rates[name].value)
            highest, lowest = rates[top], rates[bottom]
            gap = highest.value - lowest.value
            low = gap - float(np.hypot(highest.value - highest.low, lowest.high - lowest.value))
            high = gap + float(np.hypot(highest.high - highest.value, lowest.value - lowest.low))
            rows.append({"class": label, "rate": rate, "gap": gap, "low": low, "high": high, "highest": top, "lowest": bottom})
    return pd.DataFrame(rows, columns=["class", "rate", "gap", "low", "high", "highest", "lowest"])


def nearest_pairs(labels: np.ndarray, values: np.ndarray, others: np.ndarray, rng: Rng) -> np.ndarray:
    """Items of the upper third of a property, each with one of the lower third that has its label and is nearest in the others.

    Parameters
    ----------
    labels, values, others
        As in ``matched_pairs``.
    rng : int or numpy.random.Generator
        The order in which items choose.

    Returns
    -------
    ndarray of shape (pairs, 2)
        Rows: high, low; no item is in two pairs.
    """
    rng = generator(rng)
    complete = np.isfinite(values) & np.isfinite(others).all(axis=1)
    spread = others[complete].std(axis=0)
    z = (others - others[complete].mean(axis=0)) / np.where(spread > 0, spread, 1)
    low, high = np.quantile(values[complete], [1 / 3, 2 / 3])
    pairs: list[tuple[int, int]] = []
    for label in np.unique(labels[complete]):
        high_rows = np.flatnonzero(complete & (labels == label) & (values >= high))
        low_rows = np.flatnonzero(complete & (labels == label) & (values <= low))
        free = np.ones(len(low_rows), dtype=bool)
        for i in rng.permutation(high_rows):
            if not free.any():
                break
            distances = np.where(free, ((z[low_rows] - z[i]) ** 2).sum(axis=1), np.inf)
            j = int(distances.argmin())
            free[j] = False
            pairs.append((int(i), int(low_rows[j])))
    return np.array(pairs, int).reshape(-1, 2)


def matched_pairs(
    right: np.ndarray, labels: np.ndarray, values: np.ndarray, others: np.ndarray, rng: Rng,
    resolution: Resolution | None = None,
) -> dict[str, float]:  # fmt: skip
    """Items high in a property against items low in it that have the same label and are nearest in the other properties.

    Parameters
    ----------
    right : ndarray of shape (n,)
        1 where the classifier is right, else 0.
    labels : ndarray of shape (n,)
        True classes.
    values : ndarray of shape (n,)
        The property.
    others : ndarray of shape (n, properties)
        The other properties.
    rng : int or numpy.random.Generator
        Source of the draws.
    resolution : Resolution, optional
        The family of the test.

    Returns
    -------
    dict
        ``pairs``, mean ``difference`` of being right, ``p_value`` of a sign-flip test of the pairs, and ``smallest_p``, the
        smallest that they can give.
    """
    rng = generator(rng)
    return paired_test(right, nearest_pairs(labels, values, others, rng), rng, resolution)


def paired_test(right: np.ndarray, pairs: np.ndarray, rng: Rng, resolution: Resolution | None = None) -> dict[str, float]:
    """Whether a classifier is right as often on the first as on the second of pairs, by flips of signs.

    Parameters
    ----------
    right : ndarray of shape (n,)
        1 where the classifier is right, else 0.
    pairs : ndarray of shape (pairs, 2)
        Rows, as ``nearest_pairs`` gives them.
    rng : int or numpy.random.Generator
        Source of the draws.
    resolution : Resolution, optional
        The family of the test.

    Returns
    -------
    dict
        As ``matched_pairs`` gives.
    """
    rng = generator(rng)
    gains = right[pairs[:, 0]].astype(float) - right[pairs[:, 1]].astype(float)
    if len(gains) < FEWEST:
        return {"pairs": len(gains), "difference": float("nan"), "p_value": float("nan"), "smallest_p": float("nan")}
    tested = sign_flip_test(gains, rng, side="two", resolution=resolution)
    return {
        "pairs": len(gains), "difference": float(gains.mean()), "p_value": tested.pvalue, "smallest_p": tested.smallest,
    }  # fmt: skip
