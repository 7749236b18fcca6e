"""What a comparison found, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from affectlens.audits.compare.families import BETWEEN, DEPENDENCE, GAP, GAP_BETWEEN, RESPONSE, RESPONSE_BETWEEN
from affectlens.core.listing import rest, some
from affectlens.stats.resolution import reachable

if TYPE_CHECKING:
    from affectlens.audits.compare.result import Comparison

MOST = 6  # sentences of one kind


def glance(audit: Comparison) -> dict[str, str]:
    """What was asked and found in plain words, without a number that needs explaining."""
    better = audit.ranks[audit.ranks.shown_better_than != ""]
    order = [f"{row.model} is right more often than {row.shown_better_than}" for row in better.itertuples()]
    claims = audit.claims
    served = list(dict.fromkeys(claims[claims.family.isin([GAP, GAP_BETWEEN])].property))
    found = f"{some(order, 4)}." if order else "No model is shown to be right more often than another."
    found += (
        f" How often a model is right depends on {some(served, 4)}." if served else " No group is shown to be served worse."
    )
    unknown = [f"{some(list(audit.excluded), 4)}: could not be tested"] if audit.excluded else []
    unknown.append("the order of the others, and how they do on other people and recordings")
    return {
        "Asked": f"How do {len(audit.models)} models answer the same {audit.n} items?",
        "Found": found,
        "How sure": "Where the models are alike, a page like this claims something one time in twenty at most.",
        "Not known": f"{'; '.join(unknown)}.",
    }


def findings(audit: Comparison) -> list[str]:
    """Who is shown to be better than whom, and what else is shown; where nothing is, that.

    Parameters
    ----------
    audit : Comparison
        The result.

    Returns
    -------
    list of str
        A sentence each.
    """
    tests, claims = audit.tests, audit.claims
    made = int(tests.p_value.notna().sum())
    units = f"{audit.people} people" if audit.people else "items"
    out = [
        f"{len(claims)} of {made} tests hold after one correction over all of them (n = {audit.n}, units: {units}): with 95 % "
        f"confidence none of these is a false claim.{_reach(tests)}",
        _order(audit),
    ]
    for family, sentence in (
        (BETWEEN, _between), (GAP, _gap), (GAP_BETWEEN, _gap_between), (DEPENDENCE, _dependence), (RESPONSE, _response),
        (RESPONSE_BETWEEN, _response_between),
    ):  # fmt: skip
        part = claims[(claims.family == family) & ~((claims.family == BETWEEN) & (claims.measure == "accuracy"))]
        strongest = part.assign(size=part.effect.abs()).sort_values("size", ascending=False)
        out += [sentence(audit, row) for _, row in strongest.head(MOST).iterrows()]
        out += filter(None, [rest(MOST, len(strongest), f"claims of the kind “{family}”", "tests.csv")])
    return out


def _reach(tests: pd.DataFrame) -> str:
    """What the design can show at most, where that is less than all."""
    parts = []
    for name, half in (("scores", tests.family == BETWEEN), ("everything else", tests.family != BETWEEN)):
        # Where two models did not differ in anything there is nothing to show.
        smallest = tests.smallest_p[half & tests.p_value.notna() & (tests.smallest_p < 1)].to_numpy(float)
        if len(smallest) and (able := reachable(2 * smallest)) < len(smallest):
            parts.append(f"{able} of the {len(smallest)} tests of {name}")
    return f" The design can show at most {' and '.join(parts)}." if parts else ""


def _order(audit: Comparison) -> str:
    """Who is shown to be more accurate than whom; never more of a ranking than is shown."""
    shown = audit.ranks[audit.ranks.shown_better_than != ""]
    fixed = audit.ranks[audit.ranks.best_rank == audit.ranks.worst_rank]
    if shown.empty:
        return (
            "No model is shown to be more accurate than another: their order in this sample says nothing about their order on "
            "new items."
        )
    pairs = [f"{row.model} than {row.shown_better_than}" for row in shown.itertuples()]
    text = f"Shown to be more accurate: {some(pairs, MOST)}."
    if len(fixed) == len(audit.ranks):
        return f"{text} The whole order by accuracy is shown: {', '.join(audit.ranks.model)}."
    open_ = audit.ranks[audit.ranks.best_rank < audit.ranks.worst_rank]
    ranges = [f"{row.model} {row.best_rank} to {row.worst_rank}" for row in open_.itertuples()]
    return f"{text} Of the others the place is open: {some(ranges, 2 * MOST)}."


def _p(row: pd.Series) -> str:
    interval = f" ({row.low:+.3f} to {row.high:+.3f})" if pd.notna(row.low) else ""
    return f"{row.effect:+.3f}{interval}, p = {row.p_holm:.2g} corrected"


def _between(_: Comparison, row: pd.Series) -> str:
    if row.measure == "answered":
        more, less = (row.model, row.other) if row.effect > 0 else (row.other, row.model)
        return f"{more} answers more items than {less}: {_p(row)}."
    better = (row.effect < 0) == (row.measure == "Brier score")
    first, second = (row.model, row.other) if better else (row.other, row.model)
    what = (
        "probabilities that are nearer to the labels (Brier score)" if row.measure == "Brier score" else "a higher mean recall"
    )
    return f"{first} has {what} than {second}: difference of {row.model} and {row.other} {_p(row)}."


def _extremes(audit: Comparison, model: str, name: str) -> str:
    part = audit.groups[(audit.groups.model == model) & (audit.groups.property == name)].dropna(subset=["accuracy"])
    if len(part) < 2:
        return ""
    low, high = part.loc[part.accuracy.idxmin()], part.loc[part.accuracy.idxmax()]
    worst, best = (f"{group.accuracy:.0%} of {group.n} where {name} is {group.group}" for group in (low, high))
    return f" ({worst}, {best})"


def _gap(audit: Comparison, row: pd.Series) -> str:
    where = _extremes(audit, row.model, row.property)
    return f"How often {row.model} is right depends on {row.property}, given the label{where}: {row.kind} {_p(row)}."


def _gap_between(audit: Comparison, row: pd.Series) -> str:
    both = ", ".join(f"{name}{_extremes(audit, name, row.property)}" for name in (row.model, row.other))
    return f"{row.model} and {row.other} differ in whom they serve by {row.property}: {both}; p = {row.p_holm:.2g} corrected."


def _dependence(_: Comparison, row: pd.Series) -> str:
    return f"What {row.model} answers depends on {row.property}, given the label: {row.kind} {_p(row)}."


def _response(_: Comparison, row: pd.Series) -> str:
    falls = "falls" if row.effect < 0 else "rises"
    return f"The accuracy of {row.model} {falls} when {row.property} is changed to the strongest doses: {_p(row)}."


def _response_between(_: Comparison, row: pd.Series) -> str:
    more, less = (row.model, row.other) if row.effect > 0 else (row.other, row.model)
    what = f"{row.property.capitalize()}, changed to the strongest doses,"
    return f"{what} changes more decisions of {more} than of {less}: {_p(row)}."
