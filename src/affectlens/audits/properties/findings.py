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
    out += [_sentence(r, audit.kinds.get(r["property"], "")) for r in strongest.head(most).to_dict("records")]
    without = [n for n in dict.fromkeys(tests.property) if not (tests[tests.property == n].p_holm <= ALPHA).any()]
    if without:
        out.append(f"No dependence was found on {', '.join(without)}; weaker ones than above could hide there.")
    return out


def _sentence(r: dict[str, Any], kind: str) -> str:
    known = _registered(r["property"])
    says, weak = (known.says, known.weak) if known is not None else ("", "")
    if kind == "categorical":
        what = f"{r['output'].capitalize()} differs between values of {r['property']}"
    elif r["kind"] != "correlation":
        what = f"{r['property'].capitalize()} and {r['output']} are related"
    else:
        more = "more" if r["effect"] > 0 else "less"
        what = f"The more {r['property']}{f' ({says})' if says else ''}, the {more} {r['output']}"
    return (
        f"{what}: {r['kind']} {r['effect']:+.2f} ({r['low']:+.2f} to {r['high']:+.2f}), p = {r['p_holm']:.2g} corrected, "
        f"n = {r['n']}." + (f" Careful: {weak}." if weak else "")
    )


def _registered(name: str) -> Property | None:
    """The property of that name; None for one of the user's own table."""
    try:
        return property_named(name)
    except UsageError:
        return None


def dose_text(d: DoseResponse) -> str:
    """What an intervention did."""
    significant = d.curve[d.curve.p_holm <= ALPHA]
    flips = d.flips.loc[d.flips.changed_decisions.idxmax()]
    what = f"{d.name}: at {flips.dose:g} {d.unit} {flips.changed_decisions:.0%} of {d.n} decisions change"
    if len(significant):
        top = significant.loc[significant.change.abs().idxmax()]
        what += (
            f"; {top['class']} moves most, by {100 * top.change:+.0f} points at {top.dose:g} ({100 * top.low:+.0f} to "
            f"{100 * top.high:+.0f}, p = {top.p_holm:.2g} corrected)"
        )
    else:
        what += "; no class is shown to move"
    if d.clean is None:
        return what + "."
    others = list(dict.fromkeys(d.moved[~d.moved.meant.astype(bool) & d.moved.over.astype(bool)].property))
    return what + ("; nothing else that is measured moved." if not others else f"; it also moved {', '.join(others[:6])}.")
