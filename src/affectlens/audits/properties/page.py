"""The page of an audit of properties: findings, tables, curves, samples, methods, limits; and the sheets beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from PIL import Image

from affectlens.audits.properties import figures as draw
from affectlens.audits.properties.findings import dose_text
from affectlens.core.disk.files import write_json, write_text, write_whole
from affectlens.core.disk.names import safe_name
from affectlens.core.failures import missed_frame
from affectlens.core.listing import rest
from affectlens.explainers.interventions.dose import DoseResponse
from affectlens.figures.page import Figure, Section, one_line, write_page
from affectlens.stats.resolution import reach_of

if TYPE_CHECKING:
    from affectlens.audits.properties.result import PropertyAudit

_DEPENDENCE = """Colour is the effect: the correlation of what the label leaves of both, or for the decision the strength from 0
    to 1. A dot marks p ≤ .05 after Holm's correction over all tests."""
_CURVES = "The same dependence at fewer items. What is significant only on the right is weak."
_GROUPS = "Accuracy with Wilson's intervals; groups of fewer than 20 have no score."
_GAPS = "The largest difference between groups of a property."
_CROSSED = "Scores where groups of the two properties with the strongest effects meet."
_PAIRS = """Items high in a property against items low in it with the same label that are nearest in the other properties:
    difference of being right, sign-flip test."""
GAPS, MISSED = 40, 200  # rows on the page
LIMITS = tuple(map(one_line, (
    """A dependence given the label says that the output moves with the property; it does not say that the model looks at it:
    something else that comes with the property can be the cause. Interventions speak of causes, of the changed input only.""",
    "No dependence found is no proof of none: see the smallest effect that could have been found.",
    """Estimated properties (age, gender, skin tone) are guesses of other models with errors of their own, which differ between
    groups.""",
    "Labels are what raters saw. If raters were biased, dependence given the label hides it.",
)))  # fmt: skip
_LAW = """Facts that may serve where transparency and examination for bias are asked for (Regulation (EU) 2024/1689, Articles
    10, 13, 15 and 50). This sheet is no legal advice and decides nothing about conformity; note that Article 5 restricts
    inferring emotions at work and in education."""


def charts(audit: PropertyAudit) -> dict[str, Callable[[], Any]]:
    """What draws each chart, by name."""
    tables = {
        "dependence": (draw.dependence, audit.tests),
        "curves": (draw.p_against_n, audit.curves),
        "groups": (draw.groups, audit.groups),
    }
    drawn = {name: partial(_drawn, function, table) for name, (function, table) in tables.items()}
    return {**drawn, **{name: partial(draw.dose, response) for name, response in audit.interventions.items()}}


def _drawn(function: Callable[[pd.DataFrame], Any], table: pd.DataFrame) -> Any:
    """The chart of a table, or None where there is nothing in it."""
    return None if table.empty else function(table)


def write(audit: PropertyAudit, folder: Path) -> Path:
    """Write the page with its figures, ``audit.json``, ``model-card.md`` and ``evidence-sheet.md``.

    Returns
    -------
    Path
        The page.
    """
    sentences = [*audit.findings(), *(dose_text(response) for response in audit.interventions.values())]
    dependence = Figure(draw.dependence(audit.tests), "dependence", "")
    sections = [
        Section("What was found", (*sentences, *audit.notes)),
        Section("Dependence of every output on every property", (one_line(_DEPENDENCE),), (dependence,), _shown(audit.tests),
                "All tests"),
        *_performance(audit),
        *(_dose(response, folder) for response in audit.interventions.values()),
        *_left_out(audit),
        Section("Methods", (methods(audit),), quiet=True),
        Section("Limits: what tests of this kind cannot show", LIMITS),
    ]  # fmt: skip
    write_json(folder / "audit.json", facts(audit, sentences))
    write_text(folder / "model-card.md", "\n".join(card_section(sentences)))
    write_text(folder / "evidence-sheet.md", "\n".join(evidence_sheet(audit, sentences)))
    return write_page(folder, audit.title, audit.about, sections, glance=audit.glance())


def facts(audit: PropertyAudit, sentences: list[str]) -> dict[str, Any]:
    """What the page says, as JSON types; the tables are beside it as csv and parquet."""
    count, total = audit.share
    return {
        "title": audit.title, "about": audit.about, "n": audit.n, "classes": list(audit.classes), "given": audit.given,
        "significant": count, "tests": total, "findings": sentences, "notes": list(audit.notes), "excluded": audit.excluded,
        "kinds": audit.kinds, "tested": audit.tested, "people": audit.people,
    }  # fmt: skip


def card_section(sentences: list[str]) -> list[str]:
    """What a model card should say of the audit."""
    return ["## Dependence on properties", "", *(f"- {sentence}" for sentence in sentences), ""]


def evidence_sheet(audit: PropertyAudit, sentences: list[str]) -> list[str]:
    """Lines of a sheet of facts for those who examine a model."""
    gap = "no labels, so none"
    if len(audit.gaps):
        worst = audit.gaps.loc[audit.gaps.gap.abs().idxmax()]
        gap = (
            f"largest gap: {worst.rate} of {worst['class']}, {worst.gap:+.2f} ({worst.low:+.2f} to {worst.high:+.2f}) between "
            f"{worst.property} {worst.highest} and {worst.lowest}"
        )
    return [
        f"# Evidence sheet: {audit.title}", "", one_line(_LAW), "",
        f"- Items examined: {audit.n}; classes: {', '.join(audit.classes)}; tests given {audit.given}",
        f"- Properties examined: {', '.join(dict.fromkeys(audit.tests.property))}",
        f"- Not examined: {'; '.join(f'{name} ({reason})' for name, reason in audit.excluded.items()) or 'none'}",
        f"- Differences of performance between groups: {gap}; all in groups.csv and gaps.csv", "", "## Findings", "",
        *(f"- {sentence}" for sentence in sentences), "", "## Limits", "", *(f"- {limit}" for limit in LIMITS), "",
    ]  # fmt: skip


def methods(audit: PropertyAudit) -> str:
    """How the tests were made."""
    people = ""
    if audit.people:
        people = (
            f"; {audit.people} people: what is constant in people is exchanged with whole people, who count once each by the "
            "mean of their outputs, the rest is compared within people"
        )
    return one_line(f"""Dependence of each class's log-odds, and of the decision, on each property given {audit.given}: exact
        permutation within strata{people}. The statistic is the smaller p of two, of straight dependences (four fifths of the
        level) and of features of both with random waves. Each test draws as often as the family needs (Besag and Clifford
        1991), all arrangements where they are few; where no draw was as large, p is the upper bound of a generalised Pareto
        tail (Knijnenburg et al. 2009; the column how says tail); of over 5,000 items the limit serves where it holds.
        {audit.tested} items were tested. Multiplicity: Holm for the family, Benjamini-Hochberg (BH) beside it.
        Effects: correlation of what the strata leave of normal scores, interval from influences. Workflow after Büchner et al.
        2024 (arXiv 2404.07867) and Reimers et al. 2020; the property set is ours. Interventions: paired with the unchanged
        item, sign-flip test over items or people, Holm over doses and classes.""")


def _shown(tests: pd.DataFrame) -> pd.DataFrame:
    order = tests.assign(size=tests.effect.abs()).sort_values("size", ascending=False)
    columns = [
        "property",
        "output",
        "kind",
        "effect",
        "low",
        "high",
        "p_value",
        "p_holm",
        "p_bh",
        "n",
        "missing",
        "how",
        "method",
    ]
    return order[columns]


def _performance(audit: PropertyAudit) -> list[Section]:
    out = []
    if len(audit.curves):
        drawn = (Figure(draw.p_against_n(audit.curves), "p-against-n", ""),)
        out.append(Section("How p falls with the number of items", (_CURVES,), drawn))
    if len(audit.groups):
        left_out = rest(draw.PANELS, audit.groups.property.nunique(), "properties", "the table of all groups")
        drawn = (Figure(draw.groups(audit.groups), "groups", left_out),)
        out.append(Section("How well it does in groups", (_GROUPS,), drawn, audit.groups, "All groups"))
        gaps = audit.gaps.assign(size=audit.gaps.gap.abs()).sort_values("size", ascending=False).drop(columns="size")
        out.append(Section("Gaps of true and false positives", (_GAPS,), (), gaps.head(GAPS), _largest(len(gaps))))
    if len(audit.crossed):
        out.append(Section("Intersections", (_CROSSED,), (), audit.crossed))
    if len(audit.pairs):
        out.append(Section("Matched pairs", (f"{one_line(_PAIRS)}{reach_of(audit.pairs)}",), (), audit.pairs))
    return out


def _largest(total: int) -> str:
    return f"The {GAPS} largest of {total}; all are in gaps.csv" if total > GAPS else "All gaps, the largest first"


def _dose(response: DoseResponse, folder: Path) -> Section:
    text, name = [dose_text(response)], safe_name(response.name)
    strip = draw.strip(response)
    if strip is not None:
        size = (strip.shape[1] * 2, strip.shape[0] * 2)
        write_whole(folder / f"samples-{name}.png", Image.fromarray(strip).resize(size, Image.Resampling.BICUBIC).save)
        text.append(f"One item at every dose: samples-{name}.png beside this page.")
    table = response.moved if len(response.moved) else None
    figure = Figure(draw.dose(response), f"dose-{name}", "")
    return Section(f"Intervention: {response.name}", tuple(text), (figure,), table, "What else moved")


def _left_out(audit: PropertyAudit) -> list[Section]:
    if audit.missed.empty and not audit.excluded:
        return []
    excluded = missed_frame(audit.excluded)
    rows = pd.concat([excluded, audit.missed.head(MISSED)], ignore_index=True)
    text = f"{len(audit.excluded)} properties or single tests and {len(audit.missed)} items or measurements."
    text = f"{text} {rest(MISSED, len(audit.missed), 'items or measurements', 'missed.csv')}".rstrip()
    return [Section("What was left out", (text,), (), rows, "List")]
