"""The page of an audit of objects: heat map of lifts, ranked objects per emotion, agreement of methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from affectlens.report.audit_page import Figure, Section, write_page
from affectlens.report.figures import finish

_LIFT = (
    "Lift: share of the positive relevance over share of the area; 1 is what chance gives. A dot marks p ≤ .05 against masks "
    "of the same form put elsewhere (Benjamini-Hochberg over all pairs)."
)
_AGREE = "Spearman correlation of the lifts of every two methods; Mantel test by exchanging objects."
_LIMITS = (
    "A map says where a network's answer comes from under one method; it is no effect of the object. An object that the "
    "detector does not see cannot be blamed, and what stands beside an object shares its box."
)
_COLUMNS = [
    "emotion", "object", "images", "lift", "low", "high", "p (BH)", "importance", "share", "Dice", "Jaccard", "Yule Q",
    "odds ratio", "p presence (BH)",
]  # fmt: skip


def write_object_report(
    tables: dict[str, pd.DataFrame], agree: pd.DataFrame, folder: Path, title: str, about: str, missed: dict[str, str]
) -> Path:
    """Write ``audit.html``, and a csv a method, below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = []
    for method, table in tables.items():
        table.to_csv(folder / f"objects-{method}.csv", index=False)
        drawn = (Figure(_heat(table), f"lift-{method}", _LIFT),) if table.lift.notna().any() else ()
        ranked = table.sort_values(["emotion", "lift"], ascending=[True, False])[_COLUMNS]
        sections.append(Section(f"Emotion and object: {method}", tuple(findings(table)), drawn, ranked, "All pairs"))
    if len(agree):
        agree.to_csv(folder / "agreement.csv", index=False)
        sections.append(Section("Do the methods agree?", (_AGREE,), (), agree))
    if missed:
        rows = pd.DataFrame([{"picture": k, "why": v} for k, v in list(missed.items())[:200]])
        sections.append(Section("What could not be read", (f"{len(missed)} pictures.",), (), rows, "List"))
    sections.append(Section("Limits", (_LIMITS,)))
    return write_page(folder, title, about, sections)


def findings(table: pd.DataFrame) -> list[str]:
    """For each emotion the object with the largest lift that is shown to be above chance."""
    out = []
    for emotion, mine in table.groupby("emotion"):
        name = str(emotion).capitalize()
        held = mine[(mine["p (BH)"] <= 0.05) & (mine.lift > 1)].sort_values("lift", ascending=False)
        if not len(held):
            out.append(f"{name}: no object is shown to hold more than its share of the relevance.")
            continue
        r = held.iloc[0]
        interval = f"{r['low']:.2f} to {r['high']:.2f}, {int(r['images'])} pictures"
        out.append(f"{name}: {r['object']} holds {r['lift']:.2f} times its area's share of the relevance ({interval}).")
    return out


def _heat(table: pd.DataFrame) -> Any:
    frame = table.dropna(subset=["lift"]).assign(found=lambda f: f["p (BH)"] <= 0.05)
    order = frame.groupby("object").lift.mean().sort_values(ascending=False).index.tolist()
    base = alt.Chart(frame).encode(
        x=alt.X("emotion:N", title=None, axis=alt.Axis(labelAngle=-35)), y=alt.Y("object:N", sort=order, title=None)
    )
    scale = alt.Scale(scheme="blueorange", domainMid=1, domain=[0, max(2.0, float(frame.lift.max()))])
    cells = base.mark_rect().encode(color=alt.Color("lift:Q", scale=scale))
    dots = base.transform_filter("datum.found").mark_circle(color="#222", size=26)
    return finish((cells + dots).properties(width=alt.Step(52), height=alt.Step(20)))
