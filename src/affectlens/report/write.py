"""Write a report folder: page, table, evidence, overlay, figures; the manifest comes last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.disk.files import sha256_of, write_json, write_text
from affectlens.core.kinds import EVIDENCE
from affectlens.core.listing import rest
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.core.tables import rows_frame, write_frame
from affectlens.figures import charts
from affectlens.figures.html import environment
from affectlens.modalities.base import MODALITIES, Finding
from affectlens.modalities.section import ROWS_SHOWN, SECTIONS, TABLE, Material, embedded, figure
from affectlens.modalities.telling import Sentence, clause, graded, who
from affectlens.report.bundle import PEOPLE, Report
from affectlens.report.glance import glance
from affectlens.report.narrative import narrative
from affectlens.report.overlay import write_overlay

_SHOWN_ROWS = 400
_MOMENTS = 6  # in the strip at the top of the page
_SHOWN_REASONS = 12  # why rows could not be read
NARRATIVE = "narrative.json"  # the page's sentences, each clause with its evidence
TABLES = ("table.parquet", "table.csv", "evidence.parquet")
_LAST = 89  # sections from this place on stand after those of modalities without one of their own


def write_report(report: Report, folder: Path, facts: dict[str, Any]) -> None:
    """Fill a report folder, the manifest last.

    Parameters
    ----------
    report : Report
        What was found.
    folder : Path
        Holds ``table.parquet`` and ``evidence.parquet`` already.
    facts : dict
        What `affectlens.report.bundle.provenance` gives.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    (folder / "figures").mkdir(exist_ok=True)
    table = rows_frame([finding.row for finding in report.findings])
    write_frame(table, folder / "table.csv")
    has_overlay = write_overlay(report, folder / "overlay.mp4")
    page = render(report, facts, folder / "figures", "overlay.mp4" if has_overlay else "")
    write_text(folder / "report.html", page)
    write_json(folder / NARRATIVE, {"sentences": [asdict(line) for line in narrative(report.shown().values())]})
    # So that a table that somebody changed afterwards is known as such.
    digests = {name: sha256_of(folder / name, fresh=True) for name in TABLES if (folder / name).exists()}
    write_json(folder / "provenance.json", facts | {"files": digests})


def render(report: Report, facts: dict[str, Any], figure_folder: Path | None = None, overlay: str = "") -> str:
    """The page as text; figures are also saved to ``figure_folder``."""
    table = rows_frame([finding.row for finding in report.findings])
    shown = list(report.shown().values())
    # A recording without speech has a row for nobody in view; that is not a person found.
    people = [summary for summary in report.summaries if summary.person != SCENE or summary.readable]
    fused = table[table.modality == "fused"]
    shown_people = [_person_shown(summary, fused, report, figure_folder) for summary in people[:PEOPLE]]
    name = Path(report.clip.file).name
    story, reasons = narrative(shown), _reasons(table)
    context = {
        "facts": facts,
        "title": f"{name}: expressed emotion",
        "file": name,
        "story": [(person, list(lines)) for person, lines in groupby(story, key=_person)],
        "people": shown_people,
        "glances": [glance(summary, fused[fused.person == summary.person], shown) for summary in people[:PEOPLE]],
        "moments": _moments(shown_people),
        "anything_read": any(row.modality != "scene" for row in shown),
        "more_people": max(0, len(people) - PEOPLE),
        "sections": _sections(Material(report.clip, report.findings, shown, figure_folder)),
        "conflicts": int(fused[fused.status == "ok"].conflict.sum()) if len(fused) else 0,
        "reasons": reasons[:_SHOWN_REASONS],
        "more_reasons": max(0, len(reasons) - _SHOWN_REASONS),
        "rows": fused.head(_SHOWN_ROWS).to_dict("records"),
        "all_rows": len(fused),
        "evidence": _listed(shown, story),
        "all_evidence": len(shown),
        "options": _chosen(facts["job"]["options"]),
        "overlay": overlay,
        "colour": charts.colour,
        "graded": graded,
        "heading": lambda person: "the scene and voices out of view" if person == SCENE else who(person),
    }
    return environment().get_template("report.html").render(context)


def _moments(people: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where to look first: the clearest views of everybody in turn, in order of time."""
    ranked = [(place, number, view) for number, person in enumerate(people) for place, view in enumerate(person["views"])]
    first = [view for _, _, view in sorted(ranked, key=lambda entry: entry[:2])[:_MOMENTS] if view["pictures"]]
    return sorted(first, key=lambda view: (view["row"].start, view["row"].person))


def _person(sentence: Sentence) -> int:
    return sentence.person


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    """The options that say something: neither empty nor switched off."""
    return {name: value for name, value in options.items() if value is not False and value not in (None, "", [], ())}


def _listed(shown: Sequence[Evidence], story: Sequence[Sentence]) -> list[Evidence]:
    """The rows that the page lists, in order of time: every one that a clause states, and of the others the first."""
    in_order = sorted(shown, key=lambda row: (row.start, row.end, row.id))
    cited = {part.evidence for sentence in story for part in sentence.clauses}
    kept = cited | {row.id for row in in_order[: 2 * _SHOWN_ROWS]}
    return [row for row in in_order if row.id in kept]


def _reasons(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Why rows could not be read, the commonest first."""
    unread = table[table.status != "ok"].groupby(["modality", "status", "reason"]).size().reset_index(name="n")
    return list(unread.sort_values("n", ascending=False).to_dict("records"))


def _sections(material: Material) -> list[str]:
    """The pages of all sections in their places, and of modalities that have none of their own a plain one."""
    ordered = sorted(
        (section for section in SECTIONS.values() if section.page or section.view), key=lambda section: section.page_order
    )
    pages = [(section.page_order, section.page(material)) for section in ordered if section.page]
    covered = {section.name for section in ordered} | {
        EVIDENCE.get(row.kind).section for row in material.evidence if _has_page(row)
    }
    for modality in dict.fromkeys(finding.row.modality for finding in material.findings):
        if modality != "fused" and modality not in covered:
            pages.append((_LAST, plain_page(material, modality)))
    return [html for _, html in sorted(pages, key=lambda page: page[0]) if html]


def _has_page(row: Evidence) -> bool:
    section = EVIDENCE.get(row.kind).section
    return section in SECTIONS and SECTIONS.get(section).page is not None


def plain_page(material: Material, modality: str) -> str:
    """The section of a modality that brings no own: its rows, each with what its evidence says."""
    findings = material.of(modality)
    rows = [
        (finding.row, [stated.text for stated in map(clause, _evidence_of(finding, material.evidence)) if stated])
        for finding in findings[:ROWS_SHOWN]
    ]
    left_out = rest(ROWS_SHOWN, len(findings), "segments", TABLE)
    about = (MODALITIES.get(modality).__doc__ or "").strip().split("\n")[0] if modality in MODALITIES else ""
    return (
        environment()
        .get_template("plain.html")
        .render(name=modality, rows=rows, about=about, rest=left_out, who=who, graded=graded)
    )


def _evidence_of(finding: Finding, shown: Sequence[Evidence]) -> list[Evidence]:
    """The evidence of a finding, with what was said later about its row."""
    row, own = finding.row, {entry.id for entry in finding.evidence}
    key = _key(row)
    return [*finding.evidence, *(entry for entry in shown if entry.id not in own and _key(entry) == key)]


def _key(row: Row | Evidence) -> tuple[int, float, str]:
    return row.person, row.start, row.modality


def _person_shown(summary: Any, fused: pd.DataFrame, report: Report, folder: Path | None) -> dict[str, Any]:
    """One person: shares of time, the strip over time, the clearest views."""
    rows = fused[fused.person == summary.person]
    chart, thinned = "", _thinned(rows)
    if summary.readable and len(rows) > 1:
        chart = figure(charts.timeline(thinned), f"timeline-person-{summary.person}", folder)
    views = [_view(finding, folder, report) for finding in report.gallery.of(summary.person)]
    return {
        "summary": summary,
        "name": who(summary.person),
        "chart": chart,
        "drawn": len(thinned),
        "all": len(rows),
        "views": views,
    }


def _thinned(rows: Any, most: int = 240) -> Any:
    """A strip of at most ``most`` segments: a long recording shows every k-th, as the page says."""
    return rows.iloc[:: max(1, -(-len(rows) // most))]


def _view(finding: Finding, folder: Path | None, report: Report) -> dict[str, Any]:
    row = finding.row
    ranked = sorted(zip(row.scheme.labels, row.probabilities or (), strict=False), key=lambda kv: -kv[1])
    evidence = _evidence_of(finding, list(report.evidence.values()))
    section = SECTIONS.get(row.modality) if row.modality in SECTIONS else None
    name = f"person-{row.person}-{row.start:.0f}s"
    return {
        "row": row,
        "pictures": [(picture, embedded(picture.image, f"{picture.name}-{name}", folder)) for picture in finding.pictures],
        "top": ranked[:3],
        "more": section.view(finding, evidence, folder) if section and section.view else "",
    }
