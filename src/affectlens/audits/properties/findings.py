"""What an audit of properties found, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from affectlens.audits.properties.settings import ALPHA, DECISION
from affectlens.core.errors import UsageError
from affectlens.explainers.interventions.dose import DoseResponse
from affectlens.features.properties.registry import Property, property_named

if TYPE_CHECKING:
    from affectlens.audits.properties.result import PropertyAudit


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
        f"{audit.given}. With this many items a correlation of {tests.smallest_found.median():.2f} is found four times in "
        "five: significance alone says little, the sizes below say more."
    ]
    dependent = tests[(tests.p_holm <= ALPHA) & (tests.output != DECISION)]
    strongest = dependent.assign(size=dependent.effect.abs()).sort_values("size", ascending=False).drop_duplicates("property")
    out += [_sentence(row, audit.kinds.get(row["property"], "")) for row in strongest.head(most).to_dict("records")]
    without = [name for name in dict.fromkeys(tests.property) if not (tests[tests.property == name].p_holm <= ALPHA).any()]
    if without:
        out.append(f"No dependence was found on {', '.join(without)}; weaker ones than above could hide there.")
    return out


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
    else:
        text += f" no {'output' if of_values else 'class'} is shown to move"
    if response.clean is None:
        return text + "."
    moved = response.moved
    also_moved = list(dict.fromkeys(moved[~moved.meant.astype(bool) & moved.over.astype(bool)].property))
    return (
        f"{text}; it also moved {', '.join(also_moved[:6])}." if also_moved else f"{text}; nothing else that is measured moved."
    )
