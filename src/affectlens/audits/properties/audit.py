"""Does a classifier's output depend on properties of what it sees, given the label? Tests, effects, groups, power.

The workflow of Büchner et al. 2024 (arXiv 2404.07867) after Reimers et al. 2020: a property that the output depends on given
the label is used, or stands for something that is. Their property set is not known to us; ours is in ``registry``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from affectlens.audits.properties.groups import group_metrics, grouped, matched_pairs, rate_gaps
from affectlens.audits.properties.predictions import logits_of
from affectlens.core.errors import UsageError
from affectlens.stats.independence import Independence, p_against_n, test
from affectlens.stats.independence.effect import correlation, smallest_correlation
from affectlens.stats.independence.permutation import centred_in
from affectlens.stats.independence.variables import normal_scores
from affectlens.stats.multiple import benjamini_hochberg, holm, permute_units
from affectlens.stats.resample import permutation_p

MOST = 20_000  # rows that tests look at: with more, everything is significant
DECISION = "decision"
ALPHA = 0.05
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PropertyAudit:
    """What was found. ``tests``: a row a property and output (each class's log-odds, and the decision); ``groups``, ``gaps``,
    ``pairs``: how well it does; ``curves``: p against n of the strongest;
    ``crossed``: scores where the groups of the two strongest properties meet; ``excluded`` properties and why."""

    tests: pd.DataFrame
    groups: pd.DataFrame
    gaps: pd.DataFrame
    pairs: pd.DataFrame
    curves: pd.DataFrame
    crossed: pd.DataFrame
    excluded: dict[str, str]
    classes: tuple[str, ...]
    n: int
    given: str
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def share(self) -> tuple[int, int]:
        """How many of the tests are significant after Holm's correction, and of how many: the headline of the seed papers, with
        its denominator."""
        return int((self.tests["p (Holm)"] <= ALPHA).sum()), len(self.tests)


def audit_properties(
    table: pd.DataFrame,
    kinds: dict[str, str],
    predicted: pd.DataFrame,
    labels: pd.Series | None,
    rng: np.random.Generator,
    *,
    people: pd.Series | None = None,
    told: Told | None = None,
) -> PropertyAudit:
    """Audit probabilities ``predicted`` (index key, a column a class) against the properties in ``table`` (index key).

    With ``labels`` every test is given the label. With ``people`` (who each item is of) a property that is constant in people
    is dealt anew to whole people, and any other is compared within people and label only. Of more than 20,000 items a random
    20,000 are tested; effects and group scores are of all.

    Raises:
        UsageError: keys that do not meet, or no property that can be tested.
    """
    keys = table.index.intersection(predicted.index)
    if len(keys) < 20:
        raise UsageError(
            f"{len(keys)} items have both properties and predictions (of {len(table)} and {len(predicted)}; for example "
            f"{list(table.index[:2])} and {list(predicted.index[:2])}): at least 20 are needed, with like keys"
        )
    table, predicted = table.loc[keys], predicted.loc[keys]
    truth = labels.reindex(keys) if labels is not None else None
    who = people.reindex(keys).astype(str) if people is not None and people.nunique() > 1 else None
    rows = np.sort(rng.permutation(len(keys))[:MOST])
    outputs = logits_of(predicted)
    decision = predicted.idxmax(axis=1)
    found, excluded = [], {}
    for i, name in enumerate(table.columns):
        reason = _unfit(table[name], kinds[name], truth)
        if reason:
            excluded[name] = reason
            continue
        for output in (*predicted.columns, DECISION):
            y = decision if output == DECISION else outputs[output]
            found.append(_one(name, kinds[name], output, table[name], y, truth, who, rows, rng))
        if told:
            told("tests", i + 1, len(table.columns))
    kept = [r for r in found if r is not None]
    if not kept:
        raise UsageError(f"no property can be tested: {excluded}")
    tests = pd.DataFrame(kept)
    tests["p (Holm)"], tests["p (BH)"] = holm(tests.p.to_numpy()), benjamini_hochberg(tests.p.to_numpy())
    groups, gaps, pairs = _performance(table, kinds, predicted, truth, [n for n in table.columns if n not in excluded], rng)
    curves = pd.DataFrame()
    if who is None:
        part = None if truth is None else truth.iloc[rows]
        curves = _curves(tests, table.iloc[rows], outputs.iloc[rows], part, rng)
    strongest = tests[tests["p (Holm)"] <= ALPHA].assign(size=lambda f: f.effect.abs()).sort_values("size", ascending=False)
    two = list(dict.fromkeys(strongest.property))[:2]
    crossed = pd.DataFrame()
    if truth is not None and len(two) == 2:
        crossed = intersections(table, kinds, two[0], two[1], predicted, truth, rng)
    given = (
        "the label" if truth is not None else "nothing: no labels were given, so that classes differ in a property counts too"
    )
    settings: dict[str, object] = {
        "tested": len(rows),
        "people": 0 if who is None else int(who.nunique()),
        "alpha": ALPHA,
        "kinds": dict(kinds),
    }
    classes = tuple(predicted.columns)
    return PropertyAudit(tests, groups, gaps, pairs, curves, crossed, excluded, classes, len(keys), given, settings)


def _unfit(values: pd.Series, kind: str, truth: pd.Series | None) -> str:
    known = values.notna() if truth is None else values.notna() & truth.notna()
    if known.sum() < 20:
        return f"known of {int(known.sum())} items; at least 20 are needed"
    if values[known].nunique() < 2:
        return f"constant ({values[known].iloc[0]}) over {int(known.sum())} items"
    counts = values[known].value_counts()
    if kind in ("categorical", "binary") and len(counts) > 1 and counts.iloc[1] < 10:
        return f"only {int(counts.iloc[1:].sum())} items are not {counts.index[0]}"
    return ""


def _one(
    name: str, kind: str, output: str, x: pd.Series, y: pd.Series, truth: pd.Series | None, who: pd.Series | None,
    rows: np.ndarray, rng: np.random.Generator,
) -> dict[str, object] | None:  # fmt: skip
    x, y = x.iloc[rows], y.iloc[rows]
    z = truth.iloc[rows] if truth is not None else None
    try:
        if who is not None:
            found, how = _with_people(x, kind, y, z, who.iloc[rows], rng)
        else:
            found, how = test(x, y, z, rng=rng, kinds={"x": kind}, draws=1), ""
    except UsageError:
        return None
    e = found.effect
    return {
        "property": name, "output": output, "p": found.p, "effect": e.value, "low": e.low, "high": e.high, "kind": e.kind,
        "n": found.n, "missing": found.dropped, "smallest found": found.smallest, "method": how or found.method,
    }  # fmt: skip


def _with_people(
    x: pd.Series, kind: str, y: pd.Series, z: pd.Series | None, who: pd.Series, rng: np.random.Generator, draws: int = 999
) -> tuple[Independence, str]:
    """A property constant in people: people exchange it whole; else strata are people and label together."""
    known = (x.notna() & y.notna() & (z.notna() if z is not None else True)).to_numpy()
    x, y, who = x[known], y[known], who[known]
    z = z[known] if z is not None else None
    if (x.groupby(who).nunique() > 1).any():
        strata = who if z is None else who + "/" + z.astype(str)
        sizes = strata.map(strata.value_counts())
        enough = (sizes >= 2).to_numpy()
        codes = pd.Series(pd.factorize(strata[enough])[0].astype(str), index=strata.index[enough])
        found = test(x[enough], y[enough], codes, method="auto", rng=rng, kinds={"x": kind, "z": "categorical"}, draws=1)
        return found, "within people and label" if z is not None else "within people"
    if who.nunique() < 6:
        raise UsageError(f"{who.nunique()} people: too few to exchange a property of theirs")
    outputs = y.to_frame() if pd.api.types.is_numeric_dtype(y) else pd.get_dummies(y).astype(float)
    b = normal_scores(outputs.to_numpy(float)) if outputs.shape[1] == 1 else outputs.to_numpy(float)
    codes = np.zeros(len(b), dtype=np.int64) if z is None else pd.factorize(z)[0]
    b = centred_in(b, codes)
    units = who.to_numpy(dtype=object)

    def features(values: np.ndarray) -> np.ndarray:
        if kind in ("categorical", "binary") or not np.issubdtype(values.dtype, np.number):
            a = (values[:, None] == np.unique(values)[None, 1:]).astype(float)
        else:
            a = normal_scores(values[:, None].astype(float))
        return centred_in(a, codes)

    values = x.to_numpy()
    observed = float(((features(values).T @ b) ** 2).sum())
    null = np.array([((features(permute_units(values, units, rng)).T @ b) ** 2).sum() for _ in range(draws)])
    effect = correlation(features(values)[:, 0], b[:, 0])
    p = permutation_p(observed, null)
    n = len(values)
    smallest = smallest_correlation(int(who.nunique()))
    return Independence("people", observed, p, effect, n, int((~known).sum()), (p,), smallest), "people exchanged whole"


def _performance(
    table: pd.DataFrame, kinds: dict[str, str], predicted: pd.DataFrame, truth: pd.Series | None, names: list[str],
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:  # fmt: skip
    classes = list(predicted.columns)
    empty = pd.DataFrame()
    if truth is None:
        return empty, empty, empty
    known = truth.isin(classes).to_numpy() & predicted.notna().all(axis=1).to_numpy()
    index = predicted.index[known]
    t = np.array([classes.index(v) for v in truth[known]])
    p = predicted[known].to_numpy()
    right = (p.argmax(axis=1) == t).astype(float)
    numbers = [n for n in names if kinds[n] != "categorical"]
    groups, gaps, pairs = [], [], []
    for name in names:
        g = grouped(table[name].reindex(index), kinds[name])
        groups.append(group_metrics(t, p, classes, g, rng).assign(property=name))
        gaps.append(rate_gaps(t, p, classes, g).assign(property=name))
        others = [n for n in numbers if n != name and table[n].reindex(index).notna().mean() > 0.8]
        if name in numbers and kinds[name] == "continuous" and others and len(index) <= MOST:
            filled = table[others].reindex(index)
            values = table[name].reindex(index).to_numpy(float)
            pairs.append({"property": name, **matched_pairs(right, t, values, filled.to_numpy(float), rng)})
    frame = pd.DataFrame(pairs)
    if len(frame):
        frame["p (Holm)"] = holm(frame.p.to_numpy())
    return pd.concat(groups, ignore_index=True), pd.concat(gaps, ignore_index=True), frame


def _curves(
    tests: pd.DataFrame, table: pd.DataFrame, outputs: pd.DataFrame, truth: pd.Series | None, rng: np.random.Generator,
    most: int = 3,
) -> pd.DataFrame:  # fmt: skip
    """P against n for the strongest property and output of the three strongest properties."""
    best = tests[tests.output != DECISION].assign(size=lambda f: f.effect.abs()).sort_values("size", ascending=False)
    out = []
    for r in best.drop_duplicates("property").head(most).itertuples():
        z = truth if truth is None else truth.to_numpy()
        curve = p_against_n(table[r.property].to_numpy(), outputs[r.output].to_numpy(), z, rng=rng, repeats=3)
        out.append(curve.assign(property=r.property, output=r.output))
    return pd.concat(out, ignore_index=True) if out else pd.DataFrame()


def intersections(
    table: pd.DataFrame, kinds: dict[str, str], a: str, b: str, predicted: pd.DataFrame, labels: pd.Series,
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Scores in every combination of two properties' groups."""
    keys = table.index.intersection(predicted.index).intersection(labels.dropna().index)
    classes = list(predicted.columns)
    keys = keys[labels.loc[keys].isin(classes).to_numpy()]
    first, second = (grouped(table.loc[keys, n], kinds[n]) for n in (a, b))
    both = (a + " " + first.astype(str) + ", " + b + " " + second.astype(str)).where(first.notna() & second.notna())
    t = np.array([classes.index(v) for v in labels.loc[keys]])
    return group_metrics(t, predicted.loc[keys].to_numpy(), classes, both, rng)
