"""What an audit of properties found, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from affectlens.audits.properties.settings import ALPHA, DECISION
from affectlens.core.errors import UsageError
from affectlens.core.listing import rest, some
from affectlens.explainers.interventions.dose import DoseResponse
from affectlens.features.properties.registry import Property, property_named
from affectlens.stats.resolution import out_of_reach, reach_of

if TYPE_CHECKING:
    from affectlens.audits.properties.result import PropertyAudit


def glance(audit: PropertyAudit) -> dict[str, str]:
    """What was asked and found in plain words, without a number that needs explaining."""
    tests = audit.tests
    names = list(dict.fromkeys(tests.property))
    found = list(dict.fromkeys(tests[tests.p_holm <= ALPHA].sort_values("p_holm").property))
    blind = _blind(tests, [name for name in names if name not in found])
    unknown = [f"{some(blind, 4)}: there is too little data to tell"] if blind else []
    if audit.excluded:
        unknown.append(f"{some(list(audit.excluded), 4)}: could not be tested")
    if len(audit.missed):
        unknown.append(f"{len(audit.missed)} items or measurements could not be had")
    unknown.append("dependences that are weaker than so much data can show; and why an answer depends on something")
    return {
        "Asked": f"Do the answers to {audit.n} items depend on {len(names)} measured properties, given {audit.given}?",
        "Found": f"Yes, on {some(found, 5)}." if found else "No dependence is shown.",
        "How sure": "Where nothing depends on anything, a page like this names a property one time in twenty at most.",
        "Not known": f"{'; '.join(unknown)}.",
    }


def findings(audit: PropertyAudit, most: int = 8) -> list[str]:
    """The strongest dependences in plain words, with effect, interval, p and n.

    Where none was found, that, and what could have been.

    Returns
    -------
    list of str
        A sentence each.
    """
    tests = audit.tests
    count, total = audit.share
    out = [
        f"{count} of {total} tests (properties × outputs, n = {audit.n}) are significant after Holm's correction, given "
        f"{audit.given}.{reach_of(tests)}{_power(tests)}"
    ]
    dependent = tests[(tests.p_holm <= ALPHA) & (tests.output != DECISION)]
    strongest = dependent.assign(size=dependent.effect.abs()).sort_values("size", ascending=False).drop_duplicates("property")
    out += [_sentence(row, audit.kinds.get(row["property"], "")) for row in strongest.head(most).to_dict("records")]
    out += filter(None, [rest(most, len(strongest), "properties that it depends on", "tests.csv")])
    without = [name for name in dict.fromkeys(tests.property) if not (tests[tests.property == name].p_holm <= ALPHA).any()]
    blind = _blind(tests, without)
    if seen := [name for name in without if name not in blind]:
        out.append(f"No dependence was found on {', '.join(seen)}; weaker ones than above could hide there.")
    if blind:
        out.append(f"Nothing can be said of {', '.join(blind)}: no p that the design can give is significant after correction.")
    return out


def _blind(tests: pd.DataFrame, names: list[str]) -> list[str]:
    """Properties that Holm's correction could not accept even if their tests had the smallest p that the design can give."""
    if "smallest_p" not in tests:
        return []
    out = []
    for name in names:
        part = tests[tests.property == name]
        others = tests.p_value.drop(part.index).sort_values().to_numpy()
        accepted = others * (len(tests) - np.arange(len(others))) <= ALPHA
        if (part.smallest_p * (len(tests) - int(np.cumprod(accepted).sum())) > ALPHA).all():
            out.append(name)
    return out


def _power(tests: pd.DataFrame) -> str:
    """The correlations that are found four times in five, by what was compared with what."""
    known = tests[tests.smallest_found.notna()]
    if "units" not in known:  # an older result: it does not say how many units there were
        return ""
    parts = []
    for method, rows in known.groupby("method", sort=False):
        units = "people" if "whole" in str(method) else "items"
        parts.append(f"{rows.smallest_found.median():.2f} ({method}, {int(rows.units.median())} {units})")
    if not parts:
        return ""
    return (
        f" A correlation of {' or '.join(parts)} is found four times in five after this correction: significance alone says "
        "little, the sizes below say more."
    )


def _sentence(row: dict[str, Any], kind: str) -> str:
    registered = _registered(row["property"])
    meaning, weak = (registered.says, registered.weak) if registered is not None else ("", "")
    if kind == "categorical":
        text = f"{row['output'].capitalize()} differs between values of {row['property']}"
    elif row["kind"] != "correlation":
        text = f"{row['property'].capitalize()} and {row['output']} are related"
    else:
        more = "more" if row["effect"] > 0 else "less"
        text = f"The more {row['property']}{f' ({meaning})' if meaning else ''}, the {more} {row['output']}"
    return (
        f"{text}: {row['kind']} {row['effect']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f}), p = {row['p_holm']:.2g} "
        f"corrected, n = {row['n']}." + (f" Careful: {weak}." if weak else "")
    )


def _registered(name: str) -> Property | None:
    """The property of that name; None for one of the user's own table."""
    try:
        return property_named(name)
    except UsageError:
        return None


def dose_text(response: DoseResponse) -> str:
    """What an intervention did; a model of values, which has no decisions, has no row in ``flips``."""
    significant = response.curve[response.curve.p_holm <= ALPHA]
    of_values = response.flips.empty
    text = f"{response.name}:"
    if not of_values:
        flips = response.flips.loc[response.flips.changed_decisions.idxmax()]
        text += f" at {flips.dose:g} {response.unit} {flips.changed_decisions:.0%} of {response.n} decisions change;"
    if len(significant):
        top = significant.loc[significant.change.abs().idxmax()]
        shown = "{:+.3g}" if of_values else "{:+.0f}"
        change, low, high = (shown.format(value if of_values else 100 * value) for value in (top.change, top.low, top.high))
        text += (
            f" {top['class']} moves most, by {change}{'' if of_values else ' points'} at {top.dose:g} ({low} to {high}, "
            f"p = {top.p_holm:.2g} corrected)"
        )
    elif out_of_reach(response.curve):
        text += f" whether {'an output' if of_values else 'a class'} moves cannot be shown"
    else:
        text += f" no {'output' if of_values else 'class'} is shown to move"
    text += f".{reach_of(response.curve)}"
    if response.clean is None:
        return text
    moved = response.moved
    also_moved = list(dict.fromkeys(moved[~moved.meant.astype(bool) & moved.over.astype(bool)].property))
    return f"{text} It also moved {some(also_moved, 6)}." if also_moved else f"{text} Nothing else that is measured moved."
