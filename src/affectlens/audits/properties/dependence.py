"""One property against one output: what changes places with what, the test, its effect, and how weak a dependence it finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.stats.generators import Rng, generator
from affectlens.stats.independence.contrast import STRAIGHT
from affectlens.stats.independence.effect import Effect, correlation, strength
from affectlens.stats.independence.permutation import Exchanged, centred_in, exchange_test
from affectlens.stats.independence.variables import Column, Variable, normal_scores, scaled, variable
from affectlens.stats.power import detectable_correlation
from affectlens.stats.resolution import Resolution

FEWEST_PEOPLE = 6
PROFILE = 4  # people with the same labels, on average, from which on only they are exchanged
TAIL_COST = 10  # how much smaller a p-value has to be to be found by a fitted tail, which is an upper bound


@dataclass(frozen=True)
class DependenceTest:
    """Whether an output depends on a property.

    Attributes
    ----------
    statistic, pvalue : float
        Of the permutation test.
    smallest_p : float
        The smallest p-value that the design can give.
    how : str
        Where the p-value is from: ``exact``, ``draws``, ``tail`` or ``limit``.
    effect : Effect
        With its interval; over people where they are the units.
    n, missing : int
        Items that were compared, and items of which something is not known.
    units : int
        Independent units that were compared: items, or people.
    smallest_found : float
        The correlation that is found with a power of .8 after the correction for the family; NaN for other effects.
    method : str
        What changed places with what.
    """

    statistic: float
    pvalue: float
    smallest_p: float
    how: str
    effect: Effect
    n: int
    missing: int
    units: int
    smallest_found: float
    method: str


@dataclass(frozen=True)
class _Design:
    """Rows that are compared: the property ``x``, the output ``y``, the strata in which rows change places, and in words."""

    x: Variable
    y: Variable
    strata: np.ndarray
    method: str


def dependence_test(
    x: pd.Series, kind: str, y: pd.Series, z: pd.Series | None, person: pd.Series | None, rng: Rng,
    resolution: Resolution | None = None,
) -> DependenceTest:  # fmt: skip
    """Test whether an output depends on a property, given the label.

    Items change places within their label. Where several items are of one person, a property that changes within people is
    compared within person and label; one that is constant in people is exchanged with whole people, each of which counts once
    by the mean of its outputs without what the label says.

    Parameters
    ----------
    x, y : Series
        Property and output of every item, of the same index.
    kind : str
        Of the property: continuous, ordinal, binary or categorical.
    z, person : Series, optional
        Label and person of every item.
    rng : int or numpy.random.Generator
        Source of the draws.
    resolution : Resolution, optional
        The family of the test.

    Returns
    -------
    DependenceTest

    Raises
    ------
    UsageError
        Nothing can be tested: property or output are constant where they would change places, or too few people.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = pd.Series(rng.normal(size=140))
    >>> dependence_test(x, "continuous", x, None, None, rng, Resolution(tests=136)).pvalue * 136 < 0.05
    True
    """  # noqa: DOC502
    rng = generator(rng)
    resolution = resolution or Resolution()
    complete = (x.notna() & y.notna() & (z.notna() if z is not None else True)).to_numpy()
    x, y = x[complete], y[complete]
    z = z[complete] if z is not None else None
    person = person[complete] if person is not None else None
    design = _designed(x, kind, y, z, person)
    _check_varies(design)
    x_scores, y_scores = (scaled(_aligned(values, design.strata)) for values in (design.x, design.y))
    tested = exchange_test(x_scores, y_scores, design.strata, rng, resolution)
    effect = _effect(tested, design.x.ordered and design.y.ordered, rng)
    units = len(design.strata)
    found = float("nan")
    if effect.kind == "correlation":
        sizes = tuple(sorted(np.bincount(design.strata).tolist()))
        found = detectable_correlation(sizes, _threshold(resolution, units, tested.test.how))
    people = design.method == "people exchanged whole"
    return DependenceTest(
        tested.test.statistic, tested.test.pvalue, tested.test.smallest, tested.test.how, effect, len(x) if people else units,
        int((~complete).sum()), units, found, design.method,
    )  # fmt: skip


def _threshold(resolution: Resolution, size: int, how: str) -> float:
    """The p-value of a correlation that is significant after the correction, whatever the other tests of the family give."""
    threshold = STRAIGHT * resolution.alpha / resolution.tests
    if how == "limit" or 1 / (resolution.draws(size) + 1) <= resolution.alpha / resolution.tests:
        return threshold
    return threshold / TAIL_COST


def _designed(x: pd.Series, kind: str, y: pd.Series, z: pd.Series | None, person: pd.Series | None) -> _Design:
    labels = np.zeros(len(x), dtype=np.int64) if z is None else pd.factorize(z)[0]
    if person is None or person.nunique() == len(person):  # every item stands for itself
        return _Design(variable(x, "x", kind), variable(y, "y"), labels, "exchanged freely" if z is None else "within labels")
    if (x.groupby(person).nunique() > 1).any():
        return _within_people(x, kind, y, z, person)
    return _whole_people(x, kind, y, z, person, labels)


def _within_people(x: pd.Series, kind: str, y: pd.Series, z: pd.Series | None, person: pd.Series) -> _Design:
    strata = person.astype(str) if z is None else person.astype(str) + "/" + z.astype(str)
    enough = (strata.map(strata.value_counts()) >= 2).to_numpy()
    if not enough.any():
        raise UsageError("no person has two items of one label, so that nothing can be compared within people")
    codes = pd.factorize(strata[enough])[0]
    method = "within people" if z is None else "within people and label"
    return _Design(variable(x[enough], "x", kind), variable(y[enough], "y"), codes, method)


def _whole_people(x: pd.Series, kind: str, y: pd.Series, z: pd.Series | None, person: pd.Series, labels: np.ndarray) -> _Design:
    who = person.to_numpy(dtype=object)
    names, first, codes = np.unique(who.astype(str), return_index=True, return_inverse=True)
    if len(names) < FEWEST_PEOPLE:
        raise UsageError(f"{len(names)} people: too few to exchange a property of theirs; at least {FEWEST_PEOPLE} are needed")
    numbers = pd.api.types.is_numeric_dtype(y)
    values = normal_scores(y.to_numpy(float)[:, None]) if numbers else pd.get_dummies(y).to_numpy(float)
    left = centred_in(values, labels)
    means = np.stack([np.bincount(codes, column) for column in left.T], axis=1) / np.bincount(codes)[:, None]
    strata = np.zeros(len(names), dtype=np.int64)
    if z is not None:  # people with the same labels are alike in all that is known of them
        profile = pd.crosstab(codes, labels).to_numpy()
        alike = np.unique(profile, axis=0, return_inverse=True)[1].reshape(-1)
        strata = alike if len(names) >= PROFILE * (alike.max() + 1) else strata
    return _Design(variable(x.iloc[first], "x", kind), variable(means, "y", "continuous"), strata, "people exchanged whole")


def _aligned(values: Variable, strata: np.ndarray) -> Variable:
    """Numbers without the mean of their stratum, so that ranks are not spent on differences between strata (aligned ranks)."""
    numbers = [kind in ("continuous", "ordinal") for kind in values.kinds]
    columns = np.where(numbers, centred_in(values.columns, strata), values.columns)
    # A column of a category is a number of its own from here on.
    kinds = ["binary" if kind == "categorical" else kind for kind in values.kinds]
    given = tuple(Column(column, kind) for column, kind in zip(columns.T, kinds, strict=True))
    return Variable(given, values.codes, values.rows)


def _check_varies(design: _Design) -> None:
    for values, name in ((design.x, "the property"), (design.y, "the output")):
        centred = centred_in(values.columns, design.strata)
        if not centred.size or (np.abs(centred).max(axis=0) < 1e-12).all():
            raise UsageError(f"{name} is constant wherever it could change places ({design.method})")


def _effect(tested: Exchanged, ordered: bool, rng: np.random.Generator) -> Effect:
    """The first feature is the variable itself."""
    a, b = tested.a, tested.b
    if ordered:
        return correlation(a[:, 0], b[:, 0])
    a, b = (values / np.maximum(values.std(axis=0), 1e-9) for values in (a, b))
    return strength(a, b, rng)
