"""How far several raters agree beyond chance: Krippendorff's alpha, Cohen's kappa, intraclass correlations, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from affectlens.core.errors import UsageError
from affectlens.stats.generators import Rng, generator
from affectlens.stats.resample import Estimate, bootstrap

Level = Literal["nominal", "ordinal", "interval"]
Weights = Literal["linear", "quadratic"]
LEVELS = ("nominal", "ordinal", "interval")
WEIGHTS = (None, "linear", "quadratic")
FORMS = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")


def krippendorff_alpha(ratings: ArrayLike, level: Level = "nominal") -> float:
    """Krippendorff's alpha for any number of raters, with ratings missing (Krippendorff 2011).

    Parameters
    ----------
    ratings : (raters, items) array
        Names or numbers; None or NaN where a rater gave none.
    level : str
        ``nominal`` for names, ``ordinal`` for ranks, ``interval`` for measurements; the latter two take numbers.

    Returns
    -------
    float
        1 for full agreement, 0 for what chance gives; NaN where no item has two ratings or all ratings are the same.

    Raises
    ------
    UsageError
        Another level, a table of another form, or names where numbers are needed.

    Examples
    --------
    >>> round(krippendorff_alpha([["a", "a", "b", "b"], ["a", "b", "b", "b"]]), 3)
    0.533
    """
    return _alpha(*_counted(ratings, level), level)


def krippendorff_alpha_interval(
    ratings: ArrayLike, level_of_measurement: Level = "nominal", *, rng: Rng, level: float = 0.95, draws: int = 1000
) -> Estimate:
    """Krippendorff's alpha with a percentile bootstrap interval over items.

    Parameters
    ----------
    ratings, level_of_measurement
        As ``ratings`` and ``level`` of `krippendorff_alpha`.
    rng : int or numpy.random.Generator
        Draws the items.
    level : float
        Of the interval.
    draws : int
        Resamples.

    Returns
    -------
    Estimate
        ``n`` counts the items with at least two ratings.
    """
    counts, values = _counted(ratings, level_of_measurement)
    counts = counts[counts.sum(axis=1) > 1]
    scored = partial(_alpha_of, counts, values, level_of_measurement)
    return _resampled(scored, len(counts), generator(rng), level, draws)


def cohen_kappa(first: ArrayLike, second: ArrayLike, weights: Weights | None = None) -> float:
    """Cohen's kappa of two raters (Cohen 1960), or weighted by how far apart ratings are (Cohen 1968).

    Parameters
    ----------
    first, second : (items,) array
        Names or numbers; items that either left out (None or NaN) do not count.
    weights : str, optional
        ``linear`` or ``quadratic`` by the order of the ratings that occur, for ratings that have one.

    Returns
    -------
    float
        1 for full agreement, 0 for what chance gives; NaN without an item that both rated, and where chance agrees always.

    Raises
    ------
    UsageError
        Other weights, or lists of different length.

    Examples
    --------
    >>> yes, no = ["yes"], ["no"]
    >>> round(cohen_kappa(yes * 25 + no * 25, yes * 20 + no * 5 + yes * 10 + no * 15), 3)
    0.4
    """
    return _kappa(*_paired(first, second, weights), weights)


def cohen_kappa_interval(
    first: ArrayLike, second: ArrayLike, weights: Weights | None = None, *, rng: Rng, level: float = 0.95, draws: int = 1000
) -> Estimate:
    """Cohen's kappa with a percentile bootstrap interval over items.

    Parameters
    ----------
    first, second, weights
        As in `cohen_kappa`.
    rng : int or numpy.random.Generator
        Draws the items.
    level : float
        Of the interval.
    draws : int
        Resamples.

    Returns
    -------
    Estimate
        ``n`` counts the items that both rated.
    """
    one, two, classes = _paired(first, second, weights)
    return _resampled(lambda rows: _kappa(one[rows], two[rows], classes, weights), len(one), generator(rng), level, draws)


def icc(ratings: ArrayLike, form: str = "ICC(2,1)") -> float:
    """Intraclass correlation of several raters' measurements (Shrout & Fleiss 1979).

    Parameters
    ----------
    ratings : (items, raters) array
        Numbers; items with a missing one do not count.
    form : str
        ``ICC(1,1)`` each item has other raters; ``ICC(2,1)`` the raters are a sample, their level counts; ``ICC(3,1)`` these
        raters alone, their level does not count; ``(…,k)`` of the mean of all raters.

    Returns
    -------
    float
        NaN with fewer than two items, or where nothing varies.

    Raises
    ------
    UsageError
        Another form, or a table of another shape or without numbers.

    Examples
    --------
    >>> round(icc([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]), 2)
    0.29
    """
    return _icc(_measured(ratings, form), form)


def icc_interval(ratings: ArrayLike, form: str = "ICC(2,1)", *, rng: Rng, level: float = 0.95, draws: int = 1000) -> Estimate:
    """Intraclass correlation with a percentile bootstrap interval over items.

    Parameters
    ----------
    ratings, form
        As in `icc`.
    rng : int or numpy.random.Generator
        Draws the items.
    level : float
        Of the interval.
    draws : int
        Resamples.

    Returns
    -------
    Estimate
        ``n`` counts the items that all raters measured.
    """
    table = _measured(ratings, form)
    return _resampled(lambda rows: _icc(table[rows], form), len(table), generator(rng), level, draws)


def _resampled(
    statistic: Callable[[np.ndarray], float], items: int, rng: np.random.Generator, level: float, draws: int
) -> Estimate:
    if not items:
        return Estimate(float("nan"), float("nan"), float("nan"), 0, 0)
    return bootstrap(statistic, items, rng, draws=draws, level=level)


def _table(ratings: ArrayLike, rows: str, columns: str) -> np.ndarray:
    table = np.asarray(ratings, dtype=object)
    if table.ndim != 2:
        raise UsageError(f"ratings of shape {table.shape}; a table ({rows}, {columns}) was expected")
    return table


def _numbers(table: np.ndarray, what: str) -> np.ndarray:
    try:
        return np.asarray(pd.DataFrame(table).astype(float))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} takes numbers ({error})") from error


def _counted(ratings: ArrayLike, level: str) -> tuple[np.ndarray, np.ndarray]:
    """How often each value was given to each item, ``(items, values)``, and the values in order."""
    if level not in LEVELS:
        raise UsageError(f"level {level!r}; one of {', '.join(LEVELS)} was expected")
    table: np.ndarray = _table(ratings, "raters", "items")
    if level != "nominal":
        table = _numbers(table, f"level {level!r}")
    codes, values = pd.factorize(table.T.ravel(), sort=level != "nominal")
    codes = codes.reshape(table.shape[1], table.shape[0])
    counts = np.zeros((len(codes), len(values)))
    for rater in range(table.shape[0]):
        given = np.flatnonzero(codes[:, rater] >= 0)
        counts[given, codes[given, rater]] += 1
    return counts, np.asarray(values)


def _alpha(counts: np.ndarray, values: np.ndarray, level: str) -> float:
    raters = counts.sum(axis=1)
    counts, raters = counts[raters > 1], raters[raters > 1]
    totals = counts.sum(axis=0)
    if not len(counts):
        return float("nan")
    apart = _apart(totals, values, level)
    # Observed: pairs inside items, each item weighed by one over its other raters; expected: pairs among all ratings.
    scaled = counts / (raters - 1)[:, None]
    observed = float((scaled.T @ counts * apart).sum())
    expected = float((np.outer(totals, totals) * apart).sum()) / max(float(totals.sum()) - 1, 1.0)
    return 1 - observed / expected if expected > 0 else float("nan")


def _alpha_of(counts: np.ndarray, values: np.ndarray, level: str, rows: np.ndarray) -> float:
    return _alpha(counts[rows], values, level)


def _apart(totals: np.ndarray, values: np.ndarray, level: str) -> np.ndarray:
    """Squared distances of values, ``(values, values)``; 0 on the diagonal."""
    if level == "nominal":
        return np.asarray(1.0 - np.eye(len(values)))
    if level == "interval":
        return np.asarray((values[:, None] - values[None, :]) ** 2, dtype=float)
    middle = np.cumsum(totals) - totals / 2  # of a value's ratings in the order of all
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)


def _paired(first: ArrayLike, second: ArrayLike, weights: str | None) -> tuple[np.ndarray, np.ndarray, int]:
    """Both raters' ratings as indices of the values in order, of the items that both rated, and how many values there are."""
    if weights not in WEIGHTS:
        raise UsageError(f"weights {weights!r}; None, 'linear' or 'quadratic' was expected")
    one, two = np.asarray(first, dtype=object).ravel(), np.asarray(second, dtype=object).ravel()
    if len(one) != len(two):
        raise UsageError(f"{len(one)} and {len(two)} ratings; as many of both raters were expected")
    both = ~(pd.isna(one) | pd.isna(two))
    joined: Any = np.concatenate([one[both], two[both]])
    codes, values = pd.factorize(joined, sort=weights is not None)
    return codes[: both.sum()], codes[both.sum() :], len(values)


def _kappa(one: np.ndarray, two: np.ndarray, classes: int, weights: str | None) -> float:
    if not len(one):
        return float("nan")
    table = np.bincount(one * classes + two, minlength=classes * classes).reshape(classes, classes) / len(one)
    steps = np.abs(np.subtract.outer(np.arange(classes), np.arange(classes))).astype(float)
    apart = (steps > 0).astype(float) if weights is None else steps if weights == "linear" else steps**2
    expected = float((np.outer(table.sum(axis=1), table.sum(axis=0)) * apart).sum())
    return 1 - float((table * apart).sum()) / expected if expected > 0 else float("nan")


def _measured(ratings: ArrayLike, form: str) -> np.ndarray:
    if form not in FORMS:
        raise UsageError(f"form {form!r}; one of {', '.join(FORMS)} was expected")
    table = _numbers(_table(ratings, "items", "raters"), "an intraclass correlation")
    if table.shape[1] < 2:
        raise UsageError(f"ratings of shape {table.shape}; at least two raters (columns) were expected")
    return np.asarray(table[np.isfinite(table).all(axis=1)])


def _icc(table: np.ndarray, form: str) -> float:
    items, raters = table.shape
    if items < 2:
        return float("nan")
    middle = table.mean()
    of_items = raters * ((table.mean(axis=1) - middle) ** 2).sum()
    of_raters = items * ((table.mean(axis=0) - middle) ** 2).sum()
    of_all = ((table - middle) ** 2).sum()
    between = of_items / (items - 1)
    within = (of_all - of_items) / (items * (raters - 1))
    judges = of_raters / (raters - 1)
    error = (of_all - of_items - of_raters) / ((items - 1) * (raters - 1))
    single = form.endswith(",1)")
    above, below = {
        "1": (between - within, between + (raters - 1) * within if single else between),
        "2": (
            between - error,
            between + (raters - 1) * error + raters * (judges - error) / items
            if single
            else between + (judges - error) / items,
        ),
        "3": (between - error, between + (raters - 1) * error if single else between),
    }[form[4]]
    return float(above / below) if below > 1e-12 * max(float(of_all), 1e-300) else float("nan")
