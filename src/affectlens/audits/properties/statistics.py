"""Does a classifier's output depend on properties of what it sees, given the label? Tests, effects, groups, power.

The workflow of Büchner et al. 2024 (arXiv 2404.07867) after Reimers et al. 2020: a property that the output depends on given
the label is used, or stands for something that is. Their property set is not known to us; ours is in
``features.properties.registry``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from affectlens.audits.properties.dependence import dependence_test
from affectlens.audits.properties.groups import group_metrics, grouped, nearest_pairs, paired_test, rate_gaps
from affectlens.audits.properties.result import PropertyAudit
from affectlens.audits.properties.settings import ALPHA, DECISION
from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress, silent
from affectlens.stats.generators import Rng, generator
from affectlens.stats.independence import p_against_n
from affectlens.stats.multiple import benjamini_hochberg, holm
from affectlens.stats.resolution import Resolution

MOST_SHOWN = 100  # pairs of a property that are kept to look at
MOST = 20_000  # rows that tests look at: with more, everything is significant


def audit_properties(
    table: pd.DataFrame,
    kinds: dict[str, str],
    predicted: pd.DataFrame,
    labels: pd.Series | None,
    rng: Rng,
    *,
    people: pd.Series | None = None,
    progress: Progress = silent,
    units: Sequence[str] = (),
    calibrated: bool = True,
) -> PropertyAudit:
    """Test predictions against properties.

    Parameters
    ----------
    table : DataFrame
        Index key, a column a property.
    kinds : dict
        Kind of every property: continuous, ordinal, binary or categorical.
    predicted : DataFrame
        Index key, a column of probabilities a class.
    labels : Series or None
        Labels by key; with them every test is given the label.
    rng : int or numpy.random.Generator
        Source of the draws.
    people : Series, optional
        Who each item is of: a property that is constant in people is dealt anew to whole people, and any other is compared
        within people and label only.
    progress : callable
        Told how far it is.
    units : sequence of str
        Columns of ``predicted`` that are no probabilities of classes but intensities, tested as they are.
    calibrated : bool
        Whether the answers are probabilities whose calibration can be measured, not labels that were said.

    Returns
    -------
    PropertyAudit
        Of more than 20,000 items a random 20,000 are tested; effects and group scores are of all.

    Raises
    ------
    UsageError
        Keys that do not meet, or no property that can be tested.
    """
    rng = generator(rng)
    keys = table.index.intersection(predicted.index)
    if len(keys) < 20:
        raise UsageError(
            f"{len(keys)} items have both properties and predictions (of {len(table)} and {len(predicted)}; for example "
            f"{list(table.index[:2])} and {list(predicted.index[:2])}): at least 20 are needed, with like keys"
        )
    table, predicted = table.loc[keys], predicted.loc[keys]
    truth = labels.reindex(keys) if labels is not None else None
    person = people.reindex(keys).astype(str) if people is not None and people.nunique() > 1 else None
    rows = np.sort(rng.permutation(len(keys))[:MOST])
    classes = predicted.drop(columns=list(units))
    outputs = pd.concat([logits_of(classes), predicted[list(units)]], axis=1)
    decision = classes.idxmax(axis=1) if len(classes.columns) else None
    tests, excluded = _tests(table, kinds, outputs, decision, truth, person, rows, rng, progress)
    examined = [name for name in table.columns if name not in excluded]
    known = truth if decision is not None else None
    groups, gaps, pairs, matched = _performance(table, kinds, classes, known, examined, rng)
    curves = pd.DataFrame()
    if person is None:
        part = None if truth is None else truth.iloc[rows]
        curves = _curves(tests, table.iloc[rows], outputs.iloc[rows], part, rng)
    two = list(dict.fromkeys(_strongest(tests[tests.p_holm <= ALPHA]).property))[:2]
    crossed = pd.DataFrame()
    if truth is not None and decision is not None and len(two) == 2:
        crossed = intersections(table, kinds, two[0], two[1], classes, truth, rng)
    if not calibrated:
        groups, crossed = (frame.drop(columns="calibration_error", errors="ignore") for frame in (groups, crossed))
    condition = (
        "the label" if truth is not None else "nothing: no labels were given, so that classes differ in a property counts too"
    )
    return PropertyAudit(
        tests, groups, gaps, pairs, curves, crossed, excluded, tuple(predicted.columns), len(keys), condition, tested=len(rows),
        people=0 if person is None else int(person.nunique()), kinds=dict(kinds), matched=matched,
    )  # fmt: skip


def _tests(
    table: pd.DataFrame, kinds: dict[str, str], outputs: pd.DataFrame, decision: pd.Series | None, truth: pd.Series | None,
    person: pd.Series | None, rows: np.ndarray, rng: np.random.Generator, progress: Progress,
) -> tuple[pd.DataFrame, dict[str, str]]:  # fmt: skip
    """One row a property and output, and the properties and single tests that cannot be made with the reason."""
    named = {str(c): outputs[c] for c in outputs} | ({} if decision is None else {DECISION: decision})
    reasons = {name: unfit(table[name], kinds[name], truth) for name in table.columns}
    excluded = {name: reason for name, reason in reasons.items() if reason}
    resolution = Resolution(tests=(len(table.columns) - len(excluded)) * len(named))
    tested: list[dict[str, object]] = []
    for i, name in enumerate(table.columns):
        if name in excluded:
            continue
        for output, y in named.items():
            try:
                tested.append(_tested(name, kinds[name], output, table[name], y, truth, person, rows, rng, resolution))
            except UsageError as error:
                excluded[f"{name} → {output}"] = str(error)
        progress("tests", i + 1, len(table.columns))
    if not tested:
        raise UsageError(f"no property can be tested: {excluded}")
    tests = pd.DataFrame(tested)
    p = tests.p_value.to_numpy()
    return tests.assign(p_holm=holm(p), p_bh=benjamini_hochberg(p)), excluded


def _strongest(tests: pd.DataFrame) -> pd.DataFrame:
    """Tests by the size of their effect, largest first."""
    return tests.assign(size=tests.effect.abs()).sort_values("size", ascending=False)


def unfit(values: pd.Series, kind: str, truth: pd.Series | None) -> str:
    """Why a property cannot be tested on these items; empty where it can."""
    present = values.notna() if truth is None else values.notna() & truth.notna()
    if present.sum() < 20:
        return f"known of {int(present.sum())} items; at least 20 are needed"
    if values[present].nunique() < 2:
        return f"constant ({values[present].iloc[0]}) over {int(present.sum())} items"
    counts = values[present].value_counts()
    if kind in ("categorical", "binary") and len(counts) > 1 and counts.iloc[1] < 10:
        return f"only {int(counts.iloc[1:].sum())} items are not {counts.index[0]}"
    return ""


def _tested(
    name: str, kind: str, output: str, x: pd.Series, y: pd.Series, truth: pd.Series | None, person: pd.Series | None,
    rows: np.ndarray, rng: np.random.Generator, resolution: Resolution,
) -> dict[str, object]:  # fmt: skip
    z = truth.iloc[rows] if truth is not None else None
    who = person.iloc[rows] if person is not None else None
    tested = dependence_test(x.iloc[rows], kind, y.iloc[rows], z, who, rng, resolution)
    effect = tested.effect
    return {
        "property": name, "output": output, "p_value": tested.pvalue, "effect": effect.value, "low": effect.low,
        "high": effect.high, "kind": effect.kind, "n": tested.n, "units": tested.units, "missing": tested.missing,
        "smallest_found": tested.smallest_found, "smallest_p": tested.smallest_p, "how": tested.how, "method": tested.method,
    }  # fmt: skip


def _performance(
    table: pd.DataFrame, kinds: dict[str, str], predicted: pd.DataFrame, truth: pd.Series | None, names: list[str],
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:  # fmt: skip
    classes = list(predicted.columns)
    empty = pd.DataFrame()
    if truth is None:
        return empty, empty, empty, empty
    valid = truth.isin(classes).to_numpy() & predicted.notna().all(axis=1).to_numpy()
    index = predicted.index[valid]
    codes = np.array([classes.index(label) for label in truth[valid]])
    p = predicted[valid].to_numpy()
    right = (p.argmax(axis=1) == codes).astype(float)
    numbers = [name for name in names if kinds[name] != "categorical"]
    groups, gaps, pairs, matched = [], [], [], []
    resolution = Resolution(tests=sum(kinds[name] == "continuous" for name in names))
    for name in names:
        group_of = grouped(table[name].reindex(index), kinds[name])
        groups.append(group_metrics(codes, p, classes, group_of, rng).assign(property=name))
        gaps.append(rate_gaps(codes, p, classes, group_of).assign(property=name))
        covariates = [other for other in numbers if other != name and table[other].reindex(index).notna().mean() > 0.8]
        if name in numbers and kinds[name] == "continuous" and covariates and len(index) <= MOST:
            filled = table[covariates].reindex(index)
            values = table[name].reindex(index).to_numpy(float)
            rows = nearest_pairs(codes, values, filled.to_numpy(float), rng)
            pairs.append({"property": name, **paired_test(right, rows, rng, resolution)})
            matched.append(_shown(name, rows, index, values, right, truth[valid]))
    frame = pd.DataFrame(pairs)
    if len(frame):
        frame["p_holm"] = holm(frame.p_value.to_numpy())
    shown = pd.concat(matched, ignore_index=True) if matched else empty
    return pd.concat(groups, ignore_index=True), pd.concat(gaps, ignore_index=True), frame, shown


def _shown(
    name: str, rows: np.ndarray, index: pd.Index, values: np.ndarray, right: np.ndarray, truth: pd.Series
) -> pd.DataFrame:
    """Pairs of a property to look at: those of which one answer is right and the other wrong first, then the most different."""
    first, second = rows[:, 0], rows[:, 1]
    out = pd.DataFrame(
        {
            "property": name,
            "label": truth.to_numpy()[first],
            "first": index[first].astype(str),
            "second": index[second].astype(str),
            "first_value": values[first],
            "second_value": values[second],
            "first_right": right[first] > 0,
            "second_right": right[second] > 0,
        }
    )
    differs = (out.first_right != out.second_right).to_numpy()
    order = np.lexsort([-(out.first_value - out.second_value).to_numpy(), ~differs])
    return out.iloc[order[:MOST_SHOWN]]


def _curves(
    tests: pd.DataFrame, table: pd.DataFrame, outputs: pd.DataFrame, truth: pd.Series | None, rng: np.random.Generator,
    most: int = 3,
) -> pd.DataFrame:  # fmt: skip
    """P against n for the strongest property and output of the three strongest properties."""
    out = []
    for row in _strongest(tests[tests.output != DECISION]).drop_duplicates("property").head(most).itertuples():
        z = truth if truth is None else truth.to_numpy()
        curve = p_against_n(table[row.property].to_numpy(), outputs[row.output].to_numpy(), z, rng=rng, repeats=3)
        out.append(curve.rename(columns={"p": "p_value"}).assign(property=row.property, output=row.output))
    return pd.concat(out, ignore_index=True) if out else pd.DataFrame()


def intersections(
    table: pd.DataFrame, kinds: dict[str, str], a: str, b: str, predicted: pd.DataFrame, labels: pd.Series,
    rng: Rng,
) -> pd.DataFrame:  # fmt: skip
    """Scores in every combination of the groups of two properties ``a`` and ``b``; see ``groups.group_metrics``."""
    rng = generator(rng)
    keys = table.index.intersection(predicted.index).intersection(labels.dropna().index)
    classes = list(predicted.columns)
    keys = keys[labels.loc[keys].isin(classes).to_numpy()]
    first, second = (grouped(table.loc[keys, name], kinds[name]) for name in (a, b))
    both = (a + " " + first.astype(str) + ", " + b + " " + second.astype(str)).where(first.notna() & second.notna())
    codes = np.array([classes.index(label) for label in labels.loc[keys]])
    return group_metrics(codes, predicted.loc[keys].to_numpy(), classes, both, rng)


def logits_of(table: pd.DataFrame) -> pd.DataFrame:
    """Log-odds of each class, bounded: what tests of dependence look at, since probabilities bunch at 0 and 1."""
    p = table.clip(1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))
