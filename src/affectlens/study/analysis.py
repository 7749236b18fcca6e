"""Tests of a study: over people, never over frames, with one correction a family."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.stats.clusters import FEWEST, cluster_test
from affectlens.stats.mixed import mixed_model
from affectlens.stats.multiple import holm, mean_of_units
from affectlens.stats.people import Difference, detectable_effect, group_permutation_p, mean_difference
from affectlens.stats.randomization import sign_flip_test
from affectlens.study.epochs import Epochs
from affectlens.study.layout import Analysis

BASELINE, CONDITIONS, GROUPS = "from baseline", "between conditions", "between groups"


@dataclass
class Tested:
    """What the tests gave.

    Attributes
    ----------
    courses : DataFrame
        measure, condition, group, time, mean, low, high (95 % over people), people.
    people : DataFrame
        A row a participant and condition: the mean of each measure in the tested part of the window.
    tests, clusters, mixed : DataFrame
        Differences of means; clusters in time; mixed models.
    notes : list of str
        What could not be tested, and why; what these numbers of people can find.
    """

    courses: pd.DataFrame
    people: pd.DataFrame
    tests: pd.DataFrame
    clusters: pd.DataFrame
    mixed: pd.DataFrame
    notes: list[str] = field(default_factory=list)


def tested(epochs: Epochs, analysis: Analysis) -> Tested:
    """All tests of a study.

    Parameters
    ----------
    epochs : Epochs
        Values of people around events.
    analysis : Analysis
        What is compared.

    Returns
    -------
    Tested
        Tables; empty where there is nothing to compare.
    """
    rng = np.random.default_rng(analysis.seed)
    values = epochs.values
    people = _people(values, analysis)
    out = Tested(courses(values, analysis), people, pd.DataFrame(), pd.DataFrame(), pd.DataFrame())
    rows: list[dict[str, object]] = []
    found: list[dict[str, object]] = []
    if analysis.baseline != "none":
        rows += _from_baseline(people, analysis, rng)
    conditions = sorted(set(values.condition))
    for first, second in combinations(conditions, 2):
        rows += _between_conditions(people, first, second, analysis, rng)
        found += _clusters_of_conditions(values, first, second, analysis, rng, out.notes)
    groups = sorted(set(values.group))
    for first, second in combinations(groups, 2):
        rows += _between_groups(people, first, second, analysis, rng)
        found += _clusters_of_groups(values, first, second, analysis, rng, out.notes)
    out.tests = _corrected(pd.DataFrame(rows))
    out.clusters = pd.DataFrame(found)
    out.mixed = _mixed(people, analysis, conditions, groups, out.notes)
    out.notes += _power(people, conditions, groups)
    if not rows:
        out.notes.append(
            "one condition, one group and no baseline: there is nothing to compare, the time courses are described alone"
        )
    return out


def courses(values: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Means over people by measure, condition, group and bin, with 95 % intervals."""
    edges = analysis.bins
    rows = []
    for (measure, condition, group, place), part in values.groupby(["measure", "condition", "group", "bin"], observed=True):
        mean, low, high, _ = mean_of_units(part.value.to_numpy())
        rows.append({
            "measure": measure, "condition": condition, "group": group, "time": (edges[int(place)] + edges[int(place) + 1]) / 2,
            "mean": mean, "low": low, "high": high, "people": len(part),
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["measure", "condition", "group", "time", "mean", "low", "high", "people"])


def _people(values: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """A row a participant and condition: means of the bins whose middles lie in the tested part."""
    edges = np.array(analysis.bins)
    middle = (edges[:-1] + edges[1:]) / 2
    low, high = analysis.tested
    wanted = set(np.flatnonzero((middle >= low) & (middle <= high)))
    part = values[values.bin.isin(wanted)]
    if part.empty:
        return pd.DataFrame(columns=["participant", "group", "condition", *analysis.measures])
    wide = part.pivot_table(index=["participant", "group", "condition"], columns="measure", values="value", observed=True)
    return wide.reindex(columns=analysis.measures).reset_index().rename_axis(columns=None)


def _row(family: str, measure: str, what: str, made: Difference, p_value: float, test: str) -> dict[str, object]:
    return {
        "family": family, "measure": measure, "comparison": what, "difference": made.value, "low": made.low, "high": made.high,
        "effect": made.effect, "effect_low": made.effect_low, "effect_high": made.effect_high, "people": made.n + made.other,
        "p_t": made.p_value, "p_value": p_value, "test": test,
    }  # fmt: skip


def _from_baseline(people: pd.DataFrame, analysis: Analysis, rng: np.random.Generator) -> list[dict[str, object]]:
    rows = []
    for condition, part in people.groupby("condition", observed=True):
        for measure in analysis.measures:
            given = part[measure].to_numpy(float)
            p_value = sign_flip_test(given, rng, side="two").pvalue
            rows.append(_row(BASELINE, measure, str(condition) or "all", mean_difference(given), p_value, "sign flips"))
    return rows


def _between_conditions(
    people: pd.DataFrame, first: str, second: str, analysis: Analysis, rng: np.random.Generator
) -> list[dict[str, object]]:
    rows = []
    for measure in analysis.measures:
        wide = people.pivot_table(index="participant", columns="condition", values=measure, observed=True)
        if first not in wide or second not in wide:
            continue
        given = (wide[first] - wide[second]).to_numpy(float)
        p_value = sign_flip_test(given, rng, side="two").pvalue
        rows.append(_row(CONDITIONS, measure, f"{first} − {second}", mean_difference(given), p_value, "sign flips"))
    return rows


def _between_groups(
    people: pd.DataFrame, first: str, second: str, analysis: Analysis, rng: np.random.Generator
) -> list[dict[str, object]]:
    rows = []
    for measure in analysis.measures:
        means = people.groupby(["participant", "group"], as_index=False, observed=True)[measure].mean()
        one, two = (means[measure][means.group == group].to_numpy(float) for group in (first, second))
        p_value = group_permutation_p(one, two, rng, analysis.draws)
        rows.append(_row(GROUPS, measure, f"{first} − {second}", mean_difference(one, two), p_value, "dealing people anew"))
    return rows


def _corrected(tests: pd.DataFrame) -> pd.DataFrame:
    """Holm's correction within each family."""
    if tests.empty:
        return tests
    tests["p_holm"] = np.nan
    for _, part in tests.groupby("family"):
        tests.loc[part.index, "p_holm"] = holm(part.p_value.to_numpy(float))
    return tests


def _array(values: pd.DataFrame, analysis: Analysis) -> tuple[list[str], np.ndarray]:
    """Courses ``(people, measures, bins)``, NaN where a person has none."""
    people = sorted(set(values.participant))
    bins = len(analysis.bins) - 1
    out = np.full((len(people), len(analysis.measures), bins), np.nan)
    places = {name: number for number, name in enumerate(people)}
    for row in values.itertuples():
        out[places[row.participant], analysis.measures.index(row.measure), int(row.bin)] = row.value
    return people, out


def _clusters_of_conditions(
    values: pd.DataFrame, first: str, second: str, analysis: Analysis, rng: np.random.Generator, notes: list[str]
) -> list[dict[str, object]]:
    parts = [_array(values[values.condition == name], analysis) for name in (first, second)]
    both = sorted(set(parts[0][0]) & set(parts[1][0]))
    only = len(set(parts[0][0]) ^ set(parts[1][0]))
    what = f"{first} − {second}"
    if only:
        notes.append(f"{what}: participants with values in one of the two conditions only, who take no part in it: {only}")
    if len(both) < FEWEST:
        notes.append(f"{what}: {len(both)} participants have both; at least {FEWEST} are needed for a test over time")
        return []
    one, two = (array[[names.index(name) for name in both]] for names, array in parts)
    return _told(cluster_test(one - two, rng, draws=analysis.draws), CONDITIONS, what, analysis, len(both))


def _clusters_of_groups(
    values: pd.DataFrame, first: str, second: str, analysis: Analysis, rng: np.random.Generator, notes: list[str]
) -> list[dict[str, object]]:
    part = values[values.group.isin([first, second])]
    means = part.groupby(["participant", "group", "measure", "bin"], as_index=False, observed=True).value.mean()
    names, array = _array(means, analysis)
    group_of = dict(zip(means.participant, means.group, strict=True))
    members = np.array([group_of[name] == first for name in names])
    what = f"{first} − {second}"
    try:
        made = cluster_test(array, rng, groups=members, draws=analysis.draws)
    except UsageError as error:
        notes.append(f"{what}: no test over time ({error})")
        return []
    return _told(made, GROUPS, what, analysis, len(names))


def _told(made: object, family: str, what: str, analysis: Analysis, people: int) -> list[dict[str, object]]:
    edges = analysis.bins
    rows: list[dict[str, object]] = []
    for one in made.clusters:  # type: ignore[attr-defined]
        rows.append({
            "family": family, "comparison": what, "measure": analysis.measures[one.measure], "start": edges[one.start],
            "end": edges[one.end], "mass": one.mass, "p_value": one.p_value, "people": people,
        })  # fmt: skip
    if not rows:
        rows.append({
            "family": family, "comparison": what, "measure": "", "start": float("nan"), "end": float("nan"), "mass": 0.0,
            "p_value": 1.0, "people": people,
        })  # fmt: skip
    return rows


def _mixed(
    people: pd.DataFrame, analysis: Analysis, conditions: list[str], groups: list[str], notes: list[str]
) -> pd.DataFrame:
    within, between = ("condition" if len(conditions) > 1 else ""), ("group" if len(groups) > 1 else "")
    parts = []
    for measure in analysis.measures if within or between else ():
        try:
            made = mixed_model(people.rename(columns={measure: "measured"}), "measured", within, between)
        except UsageError as error:
            notes.append(f"{measure}: no mixed model ({error})")
            continue
        parts.append(made.table.assign(measure=measure, people=made.people, fit=made.note))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _power(people: pd.DataFrame, conditions: list[str], groups: list[str]) -> list[str]:
    notes = []
    n = people.participant.nunique()
    if len(conditions) > 1 and n > 1:
        notes.append(
            f"within people: {n} participants find an effect of {detectable_effect(n):.2f} standard deviations with 80 % "
            "power at .05"
        )
    if len(groups) > 1:
        sizes = people.groupby("group", observed=True).participant.nunique().sort_values(ascending=False)
        first, second = int(sizes.iloc[0]), int(sizes.iloc[1])
        if first + second > 2:
            effect = detectable_effect(first, second)
            notes.append(
                f"between groups: {first} and {second} participants find an effect of {effect:.2f} standard deviations with "
                "80 % power at .05"
            )
    return notes
