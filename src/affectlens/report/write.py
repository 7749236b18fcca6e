"""Write a report folder: page, table, evidence, overlay, figures; the manifest comes last."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from affectlens.core.labels import EKMAN7
from affectlens.core.schema import SCENE, Evidence, rows_frame, write_frame
from affectlens.figures import charts as figures
from affectlens.figures.html import environment
from affectlens.modalities.base import Finding, Picture
from affectlens.report import gait, voice
from affectlens.report.bundle import PEOPLE, UTTERANCES, Report
from affectlens.report.narrative import clause, graded, narrative, who
from affectlens.report.overlay import write_overlay
from affectlens.report.scene import scene_section
from affectlens.report.usual import usual_chart

_SHOWN_ROWS = 400


def write_report(report: Report, folder: Path, facts: dict[str, Any]) -> None:
    """Fill ``folder``; ``table.parquet`` and ``evidence.parquet`` are there already."""
    (folder / "figures").mkdir(exist_ok=True)
    table = rows_frame([f.row for f in report.findings])
    write_frame(table, folder / "table.csv")
    has_overlay = write_overlay(report, folder / "overlay.mp4")
    page = render(report, facts, folder / "figures", "overlay.mp4" if has_overlay else "")
    (folder / "report.html").write_text(page, encoding="utf-8")
    partial = folder / ".provenance.json.partial"
    partial.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    partial.replace(folder / "provenance.json")


def render(report: Report, facts: dict[str, Any], figure_folder: Path | None = None, overlay: str = "") -> str:
    """The page as text; figures are also saved to ``figure_folder``."""
    table = rows_frame([f.row for f in report.findings])
    shown = report.shown()
    people = []
    # A recording without speech has a row for nobody in view; that is not a person found.
    met = [s for s in report.summaries if s.person != SCENE or s.readable]
    for summary in met[:PEOPLE]:
        fused = table[(table.person == summary.person) & (table.modality == "fused")]
        views = [_view(f, figure_folder, report) for f in report.gallery.of(summary.person)]
        chart = ""
        if summary.readable and len(fused) > 1:
            strip = figures.timeline(_thinned(fused))
            chart = figures.svg(strip)
            if figure_folder:
                figures.save(strip, figure_folder / f"timeline-person-{summary.person}")
        people.append({"summary": summary, "name": who(summary.person), "chart": chart, "views": views})
    spoken = [f for f in report.findings if f.row.modality == "words" and f.row.text]
    shares = [e for e in shown.values() if e.name.startswith("share: ")]
    share_chart = ""
    if shares:
        import pandas as pd

        frame = pd.DataFrame([{"start": round(e.start, 1), "modality": e.name[7:], "value": e.value} for e in shares[:120]])
        chart_object = figures.modality_shares(frame)
        share_chart = figures.svg(chart_object)
        if figure_folder:
            figures.save(chart_object, figure_folder / "modality-shares")
    fused_ok = table[(table.modality == "fused") & (table.status == "ok")]
    context = {
        "facts": facts,
        "title": f"{Path(report.clip.file).name}: expressed emotion",
        "file": Path(report.clip.file).name,
        "story": [(p, list(mine)) for p, mine in groupby(narrative(shown.values()), key=lambda s: s.person)],
        "people": people,
        "anything_read": any(e.modality != "scene" for e in shown.values()),
        "more_people": max(0, len(met) - PEOPLE),
        "words": [_spoken(f) for f in spoken[:UTTERANCES]],
        "words_status": next(
            (f.row.reason for f in report.findings if f.row.modality == "words" and not f.row.text), ""
        ),
        "voice": [voice.turn(f) for f in report.findings if f.row.modality == "voice" and "turn" in f.detail][:UTTERANCES],
        "bodies": [
            (name, [gait.stretch(f) for f in _bodies(report, name)][:most], legend)
            for name, most, legend in (
                ("gait", UTTERANCES, "Side view, walking to the right; bars of the sequence of joints and of measurements."),
                ("posture", 6, "Front view; bars of parts of the body."),
            )
        ],
        "usual": _usual(shown.values(), figure_folder),
        "scene_view": scene_section(shown.values(), report.clip.scene, figure_folder),
        "voice_status": next(
            (f.row.reason for f in report.findings if f.row.modality == "voice" and "turn" not in f.detail), ""
        ),
        "weights": _weights(report.findings),
        "share_chart": share_chart,
        "conflicts": int(fused_ok.conflict.sum()) if len(fused_ok) else 0,
        "counts": table.groupby(["modality", "status"]).size().reset_index(name="n").to_dict("records"),
        "reasons": table[table.status != "ok"].groupby(["modality", "status", "reason"]).size().reset_index(name="n")
        .sort_values("n", ascending=False).head(12).to_dict("records"),
        "rows": table[table.modality == "fused"].head(_SHOWN_ROWS).to_dict("records"),
        "evidence": list(shown.values())[:_SHOWN_ROWS * 2],
        "labels": EKMAN7.labels,
        "colours": figures.COLOURS,
        "overlay": overlay,
        "graded": graded,
        "who": who,
        "heading": lambda p: "the scene and voices out of view" if p == SCENE else who(p),
        "scene": SCENE,
    }  # fmt: skip
    return environment().get_template("report.html").render(context)


def _thinned(rows: Any, most: int = 240) -> Any:
    """A strip of at most ``most`` segments: a long recording shows every k-th, as the page says."""
    return rows.iloc[:: max(1, -(-len(rows) // most))]


def _view(finding: Finding, folder: Path | None, report: Report) -> dict[str, Any]:
    row = finding.row
    chart = ""
    if "regions" in finding.detail:
        bars = figures.regions(finding.detail["regions"])
        chart = figures.svg(bars)
        if folder:
            figures.save(bars, folder / f"regions-person-{row.person}-{row.start:.0f}s")
    ranked = sorted(zip(row.scheme.labels, row.probabilities or (), strict=False), key=lambda kv: -kv[1])
    cited = {e.id for e in finding.evidence}
    later = [
        e for e in report.evidence.values()
        if e.id not in cited and (e.person, e.start, e.modality) == (row.person, row.start, "face")
    ]  # fmt: skip
    evidence = [*finding.evidence, *later]
    return {
        "row": row,
        "pictures": [(p, _embed(p, folder, row)) for p in finding.pictures],
        "chart": chart,
        "top": ranked[:3],
        "moves": [e for e in evidence if e.name.startswith("movement")],
        "attention": [e for e in evidence if e.name.startswith("attention")],
        "tests": [e for e in evidence if e.name.startswith("faithfulness")],
    }


def _embed(picture: Picture, folder: Path | None, row: Any) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture.image).save(buffer, "JPEG", quality=88)
    if folder:
        (folder / f"{picture.name}-person-{row.person}-{row.start:.0f}s.jpg").write_bytes(buffer.getvalue())
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _bodies(report: Report, name: str) -> list[Finding]:
    """Findings of gait or posture that have skeletons to show, whether or not a face names the person."""
    return [f for f in report.findings if f.row.modality == name and "skeletons" in f.detail]


def _usual(evidence: Iterable[Evidence], figure_folder: Path | None) -> list[dict[str, Any]]:
    """What is usual for each of the first people, as text and chart."""
    out = []
    for e in [e for e in evidence if e.name in ("usual", "usual elsewhere")][: 2 * PEOPLE]:
        s = e.settings
        chart = usual_chart(e) if s["people"] else None
        if chart is not None and figure_folder:
            figures.save(chart, figure_folder / f"{e.name.replace(' ', '-')}-person-{e.person}")
        made = clause(e)
        out.append(
            {"person": who(e.person), "text": made.text if made else "", "svg": figures.svg(chart) if chart is not None else "",
             "about": f"Place: {s['place'].replace('_', ' ')} ({s['place_from']}). Time: {s['when'].replace('T', ' ')} "
             f"({s['when_from']}). Context: {s['context']}, {s['people']} people in {s['recordings']} recordings."
             + (" It took part in the fused answers." if s["taken_in"] else "")}
        )  # fmt: skip
    return out


def _spoken(finding: Finding) -> dict[str, Any]:
    """One utterance with its words scaled by attribution; the scale is the largest magnitude in the utterance."""
    row, attribution = finding.row, finding.detail.get("attribution")
    words: list[dict[str, Any]] = [{"text": w, "share": 0.0, "value": None} for w in row.text.split()]
    if attribution is not None:
        top = max(float(np.abs(attribution.gradients).max()), 1e-9)
        words = [
            {"text": w, "share": float(g) / top, "value": float(g), "left_out": float(o)}
            for w, g, o in zip(attribution.words, attribution.gradients, attribution.left_out, strict=True)
        ]
    speaker = finding.detail["speaker"]
    tests = [e for e in finding.evidence if e.name.startswith("faithfulness")]
    ids = [e.id for e in finding.evidence if e.name.startswith("word")]
    gap = attribution.completeness if attribution is not None else None
    concepts = [
        {"name": e.name.removeprefix("concept: "), "value": e.value, "p": e.p_value}
        for e in finding.evidence
        if e.name.startswith("concept: ")
    ]
    return {
        "row": row, "words": words, "speaker": speaker, "tests": tests, "evidence": ids, "gap": gap, "concepts": concepts
    }  # fmt: skip


def _weights(findings: list[Finding]) -> list[dict[str, Any]]:
    """Mean share of each modality in the fused answer, over the segments in which it spoke."""
    out = []
    for modality in dict.fromkeys(f.row.modality for f in findings if f.row.modality != "fused"):
        given = [f.row.weight for f in findings if f.row.modality == modality and np.isfinite(f.row.weight)]
        if given:
            out.append({"modality": modality, "mean": float(np.mean(given)), "segments": len(given)})
    return out
