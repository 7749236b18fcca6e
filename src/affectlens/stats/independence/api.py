"""The one call: ``test(x, y, z)``; what it chooses, what it leaves out and what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError, unknown
from affectlens.stats.generators import Rng, generator
from affectlens.stats.independence.combine import cauchy_combination, majority
from affectlens.stats.independence.effect import Effect, correlation, smallest_correlation, strength
from affectlens.stats.independence.peers import (
    cmi_knn,
    cmi_mixed,
    conditional_hsic,
    covariance_measure,
    kci,
    partial_correlation,
)
from affectlens.stats.independence.permutation import exchange_test
from affectlens.stats.independence.rcot import Residuals, covariance_test, residual_pair
from affectlens.stats.independence.result import Independence, Vote
from affectlens.stats.independence.variables import Variable, complete, scaled, variable
from affectlens.stats.independence.wgcm import Condition, diagnosed, draws_of, left_of, weighted_covariance
from affectlens.stats.resolution import Resolution

METHODS = ("auto", "wgcm", "stratified", "rcot", "kci", "cmiknn", "cmih", "gcm", "chsic", "parcorr")
VOTERS = ("chsic", "rcot", "cmiknn")  # of the seed papers' majority decision
FEWEST = 30
MOST = 20_000  # rows up to which ``auto`` regresses on kernels
_STRATUM_ROWS = 4  # rows a value must have on average to be a stratum where values have an order, which regressions can use
_CATEGORY_ROWS = 2  # and where they have none


def test(
    x: object,
    y: object,
    z: object = None,
    *,
    method: str = "auto",
    rng: Rng,
    draws: int = 3,
    kinds: dict[str, str] | None = None,
    resolution: Resolution | None = None,
) -> Independence:
    """Test whether ``x`` and ``y`` are independent given ``z``.

    Rows with something missing are left out and counted.

    Parameters
    ----------
    x, y, z : (n,) or (n, d) array of numbers or texts, or a frame
        Two variables and the condition; None for no condition, or a ``Condition`` that is shared by many tests.
    method : str
        One of ``METHODS``. ``auto`` permutes exactly within strata when z is discrete (or absent). When it is not, it tests
        weighted covariances of residuals of kernel regressions (``wgcm``), or residuals of random features (``rcot``) where
        there are more than 20,000 rows.
    rng : int or numpy.random.Generator
        Draws permutations, features and nulls.
    draws : int
        How often methods that draw features at random do so; the p-values are combined by Cauchy's rule, never by a vote.
    kinds : dict of str to str
        Kinds of x, y, z that are guessed wrongly, for example ``{"x": "categorical"}``; that of a ``Condition`` is its own.
    resolution : Resolution, optional
        The family of the test, where several are corrected together: how small a p-value that is drawn has to be able to
        become. Tests of others (``kci`` to ``parcorr``) draw as their papers do.

    Returns
    -------
    Independence
        P-value, effect with its interval, what was done, and what speaks against it.

    Raises
    ------
    UsageError
        An unknown method, lengths that differ, a constant variable, too few rows, or a method that does not fit the condition.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=300)
    >>> x, y = z + rng.normal(size=300), z + rng.normal(size=300)
    >>> test(x, y, rng=rng).p < 0.001, test(x, y, z, rng=rng).p > 0.05
    (True, True)
    """  # noqa: DOC501
    rng = generator(rng)
    if method not in METHODS:
        raise unknown("method", method, list(METHODS))
    kinds = kinds or {}
    of_x, of_y = variable(x, "x", kinds.get("x")), variable(y, "y", kinds.get("y"))
    condition = z if isinstance(z, Condition) or z is None else Condition(z, kinds.get("z"))
    of_z = None if condition is None else condition.variable
    variables = [entry for entry in (of_x, of_y, of_z) if entry is not None]
    lengths = [entry.rows for entry in variables]
    if len(set(lengths)) > 1:
        raise UsageError(f"x, y and z have {', '.join(map(str, lengths))} rows; as many each were expected")
    kept = complete(*variables)
    dropped = int((~kept).sum())
    rows = np.flatnonzero(kept)
    of_x, of_y = of_x.take(rows), of_y.take(rows)
    of_z = None if of_z is None else of_z.take(rows)
    n = len(rows)
    for name, tested in (("x", of_x), ("y", of_y)):
        if n == 0 or tested.columns.shape[1] == 0 or (np.ptp(tested.columns, axis=0) == 0).all():
            raise UsageError(f"{name} is constant over the {n} complete rows; nothing can depend on it")
    strata = _strata(of_z, n, method)
    note = ""
    if method == "auto":
        method = "wgcm" if n <= MOST else "rcot"
        if strata is not None:
            method = "stratified"
        elif method == "rcot":
            note = f"more than {MOST:,} rows: regression on random features, which leaves more of z than kernels do"
    if method == "stratified":
        if strata is None:
            raise UsageError("z is not discrete; method wgcm takes any z")
        return _in_strata(of_x, of_y, strata, rng, dropped, resolution)
    if n < FEWEST:
        raise UsageError(f"{n} complete rows; at least {FEWEST} are needed to take a condition into account")
    if method == "wgcm":
        return _weighted(of_x, of_y, condition or Condition(np.zeros(len(kept))), rows, rng, dropped, resolution)
    if method == "cmih":
        return _mixed(of_x, of_y, of_z or Variable((), np.zeros(n), n), rng, dropped)
    numbers = np.zeros((n, 0)) if of_z is None else scaled(of_z)
    if method == "rcot":
        return replace(_residual(of_x, of_y, numbers, rng, dropped, draws, draws_of(resolution, n)), note=note)
    return _baseline(method, scaled(of_x), scaled(of_y), numbers, (of_x.ordered and of_y.ordered), rng, n, dropped)


test.__test__ = False  # type: ignore[attr-defined]  # a function of this name is no test to pytest


def _strata(condition: Variable | None, n: int, method: str) -> np.ndarray | None:
    """Strata ``(n,)`` of a discrete condition, or None; unless they are asked for, they must have enough rows each."""
    if condition is None:
        return np.zeros(n, dtype=np.int64)
    if condition.codes is None:
        return None
    _, codes = np.unique(condition.codes, return_inverse=True)
    least = _STRATUM_ROWS if "ordinal" in condition.kinds else _CATEGORY_ROWS
    return codes if method == "stratified" or n >= least * (codes.max() + 1) else None


def _in_strata(
    a: Variable, b: Variable, strata: np.ndarray, rng: np.random.Generator, dropped: int, resolution: Resolution | None
) -> Independence:
    x, y = scaled(a), scaled(b)
    n, count = len(strata), int(strata.max()) + 1
    if not (_varies(x, strata) & _varies(y, strata)).any():
        raise UsageError("within every value of z x or y is constant: z says all there is to say, and nothing can be tested")
    found = exchange_test(x, y, strata, rng, resolution, apart=True)
    effect = _effect(found.a, found.b, a.ordered and b.ordered, rng, count)
    statistic, p = found.test.statistic, found.test.pvalue
    return Independence("stratified", statistic, p, effect, n, dropped, (p,), smallest_correlation(n, count))


def _varies(rows: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Whether rows ``(n, d)`` differ within each stratum."""
    order = np.argsort(strata, kind="stable")
    starts = np.flatnonzero(np.diff(strata[order], prepend=-1))
    ordered = rows[order]
    return np.asarray((np.maximum.reduceat(ordered, starts) > np.minimum.reduceat(ordered, starts)).any(axis=1))


def _unit(columns: np.ndarray) -> np.ndarray:
    deviation = columns.std(axis=0)
    return np.asarray(columns / np.maximum(deviation, 1e-9))


def _weighted(
    a: Variable, b: Variable, condition: Condition, rows: np.ndarray, rng: np.random.Generator, dropped: int,
    resolution: Resolution | None,
) -> Independence:  # fmt: skip
    given = condition.factorised(rows)
    x, y = left_of(a, given), left_of(b, given)
    diagnosis = diagnosed(x, y, given)
    spent = float(np.sqrt(x.leverage.sum(axis=0).mean() * y.leverage.sum(axis=0).mean()))
    ordered = a.ordered and b.ordered
    if diagnosis.testable:
        found = weighted_covariance(x, y, given, rng, draws_of(resolution, len(rows)))
        statistic, p = found.statistic, found.p
        features = [np.column_stack([side.lines, side.waves]) for side in (x, y)]
        effect = _effect(features[0], features[1], ordered, rng, spent)
    else:  # every strength would look like this
        statistic, p = 0.0, 1.0
        effect = Effect("correlation", 0.0, -1.0, 1.0) if ordered else Effect("strength", 0.0, 0.0, 1.0)
    smallest = smallest_correlation(len(rows), spent)
    return Independence("wgcm", statistic, p, effect, len(rows), dropped, (p,), smallest, diagnosis.sentence, diagnosis)


def _mixed(a: Variable, b: Variable, condition: Variable, rng: np.random.Generator, dropped: int) -> Independence:
    information, p = cmi_mixed(a, b, condition, rng)
    pair = residual_pair(scaled(a), scaled(b), scaled(condition), rng)
    spent = float(np.sqrt(pair[0].spent.mean() * pair[1].spent.mean()))
    effect = _effect(pair[0].values, pair[1].values, a.ordered and b.ordered, rng, spent)
    n = a.rows
    return Independence("cmih", information, p, effect, n, dropped, (p,), smallest_correlation(n, spent))


def _residual(
    a: Variable, b: Variable, z: np.ndarray, rng: np.random.Generator, dropped: int, draws: int, signs: int
) -> Independence:
    x, y, n = scaled(a), scaled(b), len(z)
    each, statistics = [], []
    first: tuple[Residuals, Residuals] | None = None
    for _ in range(draws):
        pair = residual_pair(x, y, z, rng)
        statistic, p = covariance_test(pair[0], pair[1], rng, signs)
        first = first or pair
        statistics.append(statistic)
        each.append(p)
    assert first is not None
    spent = float(np.sqrt(first[0].spent.mean() * first[1].spent.mean()))
    effect = _effect(first[0].values, first[1].values, a.ordered and b.ordered, rng, spent)
    p = cauchy_combination(np.array(each))
    return Independence("rcot", statistics[0], p, effect, n, dropped, tuple(each), smallest_correlation(n, spent))


def _effect(a: np.ndarray, b: np.ndarray, ordered: bool, rng: np.random.Generator, spent: float = 0.0) -> Effect:
    """The first feature is the variable itself."""
    return correlation(a[:, 0], b[:, 0], spent) if ordered else strength(_unit(a), _unit(b), rng)


def _baseline(
    method: str, x: np.ndarray, y: np.ndarray, z: np.ndarray, ordered: bool, rng: np.random.Generator, n: int, dropped: int
) -> Independence:
    if z.shape[1] == 0 and method in ("cmiknn", "chsic"):
        raise UsageError(f"method {method} needs a condition; without one use stratified or kci")
    calls: dict[str, Callable[[], tuple[float, float]]] = {
        "kci": lambda: kci(x, y, z),
        "cmiknn": lambda: cmi_knn(x, y, z, rng),
        "gcm": lambda: covariance_measure(x, y, z, rng),
        "chsic": lambda: conditional_hsic(x, y, z, rng),
        "parcorr": lambda: partial_correlation(x, y, z),
    }
    statistic, p = calls[method]()
    pair = residual_pair(x, y, z, rng)
    effect = _effect(pair[0].values, pair[1].values, ordered, rng)
    note = "a baseline: it sees and removes straight lines only" if method == "parcorr" else ""
    return Independence(method, statistic, p, effect, n, dropped, (p,), smallest_correlation(n), note)


def vote(x: object, y: object, z: object, *, rng: Rng, alpha: float = 0.05) -> Vote:
    """Majority of conditional HSIC, RCoT and CMIknn, for comparison with ``test`` (Reimers et al. 2020; Büchner et al. 2024).

    Parameters
    ----------
    x, y, z, rng
        As in ``test``.
    alpha : float
        Level at which each of the three rejects.

    Returns
    -------
    Vote
        Its ``level`` is what it was measured to reject of true hypotheses (``benchmarks independence``).
    """
    rng = generator(rng)
    each = {method: test(x, y, z, method=method, rng=rng, draws=1).p for method in VOTERS}
    return Vote(majority(np.array(list(each.values())), alpha), each, VOTE_LEVEL)


VOTE_LEVEL = "5 % of 60 true hypotheses (z of 5, n = 200), while CMIknn among its tests rejected 15 % and conditional HSIC 3 %"


def p_against_n(
    x: object, y: object, z: object = None, *, rng: Rng, sizes: tuple[int, ...] = (), repeats: int = 5
) -> pd.DataFrame:
    """P-values of random subsets: at large n everything is significant, and the curve says from where on.

    Parameters
    ----------
    x, y, z, rng
        As in ``test``.
    sizes : tuple of int
        Sizes of the subsets; six from 100 to all rows, evenly spaced by their logarithm, unless given.
    repeats : int
        Subsets of each size.

    Returns
    -------
    DataFrame
        Columns ``n``, ``p`` (median), ``low`` and ``high`` (quartiles).
    """
    rng = generator(rng)
    z = z.values if isinstance(z, Condition) else z
    total = variable(x).rows
    sizes = sizes or tuple(int(size) for size in np.unique(np.geomspace(min(100, total), total, 6).astype(int)))

    def part(values: object, rows: np.ndarray) -> object:
        if values is None:
            return None
        return values.iloc[rows] if isinstance(values, pd.DataFrame | pd.Series) else np.asarray(values)[rows]

    out = []
    for n in sizes:
        each = []
        for _ in range(1 if n >= total else repeats):
            rows = rng.permutation(total)[:n]
            try:
                each.append(test(part(x, rows), part(y, rows), part(z, rows), rng=rng, draws=1).p)
            except UsageError:
                continue  # a subset in which something is constant says nothing
        if each:
            low, middle, high = np.quantile(each, [0.25, 0.5, 0.75])
            out.append({"n": n, "p": middle, "low": low, "high": high})
    return pd.DataFrame(out, columns=["n", "p", "low", "high"])
