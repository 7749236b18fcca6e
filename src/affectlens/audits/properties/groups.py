"""How a classifier does in groups: accuracy, rates and calibration with intervals, gaps, intersections, matched pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from affectlens.stats.classification import expected_calibration_error
from affectlens.stats.resample import Estimate, bootstrap, sign_flip_test, wilson

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
    known = values.dropna()
    if kind in ("categorical", "binary") or known.nunique() <= most:
        top = known.value_counts().index[:most]
        named = known.where(known.isin(top), "others")
        return named.map(lambda v: f"{v:g}" if isinstance(v, float | int) else str(v)).reindex(values.index)
    ranks = known.rank(method="average", pct=True)
    edges = known.quantile([1 / 3, 2 / 3]).to_numpy()
    names = [f"low (up to {edges[0]:.3g})", "middle", f"high (from {edges[1]:.3g})"]
    return pd.cut(ranks, [0, 1 / 3, 2 / 3, 1], labels=names, include_lowest=True).astype(str).reindex(values.index)


def group_metrics(
    truth: np.ndarray, p: np.ndarray, classes: list[str], groups: pd.Series, rng: np.random.Generator
) -> pd.DataFrame:
    """How well a classifier does in every group.

    Parameters
    ----------
    truth : ndarray of shape (n,)
        Index of the true class of every item.
    p : ndarray of shape (n, classes)
        Probabilities.
    classes : list of str
        Names of the classes.
    groups : Series
        Group of every item; missing ones are left out.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    DataFrame
        One row a group: group, n, accuracy with Wilson's interval (accuracy_low, accuracy_high), mean_recall with a bootstrap
        interval, calibration_error. Groups of fewer than 20 are listed without scores.
    """
    guess = p.argmax(axis=1)
    right = guess == truth
    rows = []
    members = groups.dropna().groupby(groups).groups
    for name, at in sorted(members.items(), key=lambda kv: _place(str(kv[0]))):
        inside = groups.index.get_indexer(at)
        row: dict[str, object] = {"group": str(name), "n": len(inside)}
        if len(inside) >= FEWEST:
            e = wilson(int(right[inside].sum()), len(inside))
            t, g = truth[inside], guess[inside]

            def recall(r: np.ndarray, t: np.ndarray = t, g: np.ndarray = g) -> float:
                present = [c for c in range(len(classes)) if (t[r] == c).any()]
                return float(np.mean([(g[r][t[r] == c] == c).mean() for c in present]))

            u = bootstrap(recall, len(inside), rng, draws=300) if len(inside) <= MANY else _recall_of_many(t, g, len(classes))
            row |= {"accuracy": e.value, "accuracy_low": e.low, "accuracy_high": e.high, "mean_recall": u.value,
                    "mean_recall_low": u.low, "mean_recall_high": u.high,
                    "calibration_error": expected_calibration_error(p[inside].max(axis=1), right[inside])}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def _recall_of_many(t: np.ndarray, g: np.ndarray, classes: int) -> Estimate:
    counts = np.bincount(t, minlength=classes)
    hits = np.bincount(t[g == t], minlength=classes)
    present = counts > 0
    r = hits[present] / counts[present]
    half = 1.96 * float(np.sqrt((r * (1 - r) / counts[present]).sum())) / int(present.sum())
    return Estimate(float(r.mean()), float(r.mean()) - half, float(r.mean()) + half, len(t), len(t))


def _place(name: str) -> tuple[int, str]:
    """Low before middle before high; others by name."""
    return next((i for i, word in enumerate(("low", "middle", "high")) if name.startswith(word)), 3), name


def rate_gaps(truth: np.ndarray, p: np.ndarray, classes: list[str], groups: pd.Series) -> pd.DataFrame:
    """For each class the largest difference between groups of its true and false positive rate.

    Parameters
    ----------
    truth, p, classes, groups
        As of ``group_metrics``.

    Returns
    -------
    DataFrame
        Columns class, rate, gap, low, high (Newcombe's interval, 1998; the two groups were chosen by the gap, so it is a little
        too narrow), highest, lowest.
    """
    guess = p.argmax(axis=1)
    names = [g for g, n in groups.value_counts().items() if n >= FEWEST]
    member = {g: (groups == g).to_numpy() for g in names}
    rows: list[dict[str, object]] = []
    for c, label in enumerate(classes):
        for rate, base in (("true positives", truth == c), ("false positives", truth != c)):
            known = {
                g: wilson(int((guess[base & m] == c).sum()), int((base & m).sum()))
                for g, m in member.items() if (base & m).sum() >= 5
            }  # fmt: skip
            if len(known) < 2:
                continue
            top, bottom = max(known, key=lambda g: known[g].value), min(known, key=lambda g: known[g].value)
            a, b = known[top], known[bottom]
            gap = a.value - b.value
            low = gap - float(np.hypot(a.value - a.low, b.high - b.value))
            high = gap + float(np.hypot(a.high - a.value, b.value - b.low))
            rows.append({"class": label, "rate": rate, "gap": gap, "low": low, "high": high, "highest": top, "lowest": bottom})
    return pd.DataFrame(rows, columns=["class", "rate", "gap", "low", "high", "highest", "lowest"])


def matched_pairs(
    right: np.ndarray, labels: np.ndarray, values: np.ndarray, others: np.ndarray, rng: np.random.Generator
) -> dict[str, float]:
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
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    dict
        ``pairs``, mean ``difference`` of being right, and ``p_value`` of a sign-flip test of the pairs.
    """
    known = np.isfinite(values) & np.isfinite(others).all(axis=1)
    spread = others[known].std(axis=0)
    z = (others - others[known].mean(axis=0)) / np.where(spread > 0, spread, 1)
    low, high = np.quantile(values[known], [1 / 3, 2 / 3])
    differences = []
    for label in np.unique(labels[known]):
        a = np.flatnonzero(known & (labels == label) & (values >= high))
        b = np.flatnonzero(known & (labels == label) & (values <= low))
        free = np.ones(len(b), dtype=bool)
        for i in rng.permutation(a):
            if not free.any():
                break
            d = np.where(free, ((z[b] - z[i]) ** 2).sum(axis=1), np.inf)
            j = int(d.argmin())
            free[j] = False
            differences.append(float(right[i]) - float(right[b[j]]))
    d = np.array(differences)
    if len(d) < FEWEST:
        return {"pairs": len(d), "difference": float("nan"), "p_value": float("nan")}
    return {"pairs": len(d), "difference": float(d.mean()), "p_value": sign_flip_test(d, rng, side="two", draws=1999)}
