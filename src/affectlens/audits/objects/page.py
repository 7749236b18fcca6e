"""The page of an audit of objects: findings, heat map of lifts, ranked objects, groups, examples, agreement, changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from affectlens.audits.objects import figures as draw
from affectlens.audits.objects.effects import Effects
from affectlens.audits.objects.findings import foretold_text, seen_text
from affectlens.core.disk.files import write_json
from affectlens.core.listing import rest
from affectlens.figures.page import Figure, Section, one_line, write_page

if TYPE_CHECKING:
    from affectlens.audits.objects.result import ObjectAudit

_COLUMNS = [
    "emotion", "object", "images", "lift", "low", "high", "p_bh", "p_exchanged_bh", "p_others_bh", "over_others",
    "importance", "mean", "share", "area", "dice", "jaccard", "yule_q", "odds_ratio", "p_presence_bh",
]  # fmt: skip
_MAPS = """
Each picture's map of one emotion (its label, else the model's answer) is joined with what lies in the picture. Only positive
relevance counts for shares; maps are not scaled picture by picture. Lift is the summed share of relevance over the summed
share of area; its interval comes from 500 draws of pictures. p: against the object's form put at every place in the picture
where it fits, each picture's share drawn anew from 40 such places and its own. p exchanged: the maps of pictures with the
same object and emotion dealt anew. p others: Welch's t of the rank of the object's share among those places, emotions dealt
anew among pictures with the object; over others is the difference of mean ranks. p presence: Fisher's exact test of object
and emotion. As many draws as the number of tests needs (Besag & Clifford 1991), all arrangements where they are few; two-
sided, corrected by Benjamini and Hochberg (BH) over all emotions and objects. Importance is EmoCAM's: the mean in the object
of the positive map drawn to [0, 1]. Boxes of one class are united; boxes of different classes may overlap and each keeps
what lies in it, unless the settings give shared pixels to the smallest box. Fewer than 5 pictures of a pair give no test."""
_CHANGES = """
Changes: an object is removed by filling in from around it (Telea), blurred, greyed, or everything else is blurred; the
control is the same patch at up to three places away from the object. Things cut out of other pictures are put in, their
control is the same cut-out with its parts in disorder. p-values flip the signs of the paired differences by picture, as
often as the number of tests needs and in all ways up to 15 pictures; they are corrected by Holm, those over all emotions and
those of single ones apart."""
METHODS = (one_line(_MAPS), one_line(_CHANGES))
LIMITS = one_line(
    """A map says where a network's answer comes from under one method; it is no effect of the object. Changes are effects
    on the model, but a filled hole or a pasted thing is also an unusual picture; the controls account for the patch, not for
    everything. What stands beside an object shares its box. The audit speaks of this model on these pictures, and of expressed
    or evoked emotion as labelled, never of what anybody felt."""
)
_LIFT = one_line(
    """Lift: share of the positive relevance over share of the area; 1 is what chance gives. A full dot marks p ≤ .05
    (Benjamini-Hochberg over all pairs) both against the same form anywhere else in the picture and, in the same direction,
    against other emotions' pictures of the object, a ring against the form elsewhere alone."""
)
_RANKED = (
    f"The {draw.EACH} objects with the largest lifts of each emotion, with 95 % intervals; full where p ≤ .05 against the form "
    "elsewhere. All are in the table."
)
_EFFECTS = one_line(
    """Mean change of the probability of the picture's emotion (dot, 95 % interval) and of its control (tick); full where
    p ≤ .05 after Holm's correction."""
)
_WHOLE = "Changes of the whole picture, against the picture as it is."
_FORETOLD = "Rank correlation of an object's share of relevance with the fall of the probability when it is removed."


def _with_rest(caption: str, table: pd.DataFrame) -> str:
    """The caption of a chart of the objects of most pictures, with how many it leaves out."""
    return f"{caption} {rest(draw.MOST, table.object.nunique(), 'objects, those of most pictures,', 'the table')}".rstrip()


def charts(audit: ObjectAudit) -> dict[str, Callable[[], Any]]:
    """What draws each chart, by name."""
    changes = audit.effects
    tables = {
        "lifts": (draw.lifts, audit.first),
        "ranked": (draw.ranked, audit.first),
        "groups": (draw.lifts, next(iter(audit.groups.values()))),
        "agreement": (draw.agreement, audit.agreement),
        "effects": (draw.effects, None if changes is None else changes.table),
        "foretold": (draw.foretold, None if changes is None else changes.foretold),
    }
    return {name: partial(_drawn, function, table) for name, (function, table) in tables.items()}


def _drawn(function: Callable[[pd.DataFrame], Any], table: pd.DataFrame | None) -> Any:
    """The chart of a table, or None where there is nothing in it."""
    if table is None or table.empty or ("lift" in table and table.lift.isna().all()):
        return None
    return function(table)


def write(audit: ObjectAudit, folder: Path) -> Path:
    """Write ``audit.html`` with its figures, and ``audit.json`` with what it says; gives the page's path."""
    sections = [Section("Findings", tuple(audit.findings()))]
    for number, (method, table) in enumerate(audit.objects.items()):
        sections += _of_method(method, table, audit.groups[method], number == 0)
        if number == 0 and audit.examples:
            text = ("The picture, the map of the emotion (orange speaks for it, blue against) and the objects' boxes.",)
            sections.append(Section("Examples", text, pictures=draw.example_pictures(audit.examples)))
    if len(audit.agreement):
        caption = "Spearman correlation of the lifts of every two methods."
        drawn = (Figure(draw.agreement(audit.agreement), "agreement", caption),)
        text = (
            "p: Mantel test, objects exchanged, in all ways up to eight; corrected by Holm. High agreement does not make the "
            "maps right: see what removal does.",
        )
        sections.append(Section("Do the methods agree?", text, drawn, audit.agreement, "Correlations"))
    sections += _changes(audit.effects)
    sections.append(Section("What was seen", tuple(seen_text(audit)), (), audit.recall, "Recall by object"))
    sections.append(Section("Methods", METHODS, quiet=True))
    sections.append(Section("Limits", (LIMITS,)))
    write_json(folder / "audit.json", facts(audit))
    return write_page(folder, audit.title, audit.about, sections, glance=audit.glance())


def facts(audit: ObjectAudit) -> dict[str, Any]:
    """What the page says, as JSON types; the tables are beside it as csv and parquet."""
    return {
        "title": audit.title, "about": audit.about, "findings": audit.findings(), "notes": list(audit.notes),
        "images": len(audit.images), "missed": dict(zip(audit.missed.key, audit.missed.reason, strict=True)),
        "methods": list(METHODS), "limits": LIMITS,
    }  # fmt: skip


def _of_method(method: str, table: pd.DataFrame, groups: pd.DataFrame, main: bool) -> list[Section]:
    figures = []
    tested = table.lift.notna().any()
    if tested:
        caption = _with_rest(_LIFT if main else "Lift, marked as above.", table)
        figures.append(Figure(draw.lifts(table), f"lift-{method}", caption))
    if tested and main:
        figures.append(Figure(draw.ranked(table), f"ranked-{method}", _RANKED))
    ranked = table.sort_values(["emotion", "lift"], ascending=[True, False])[_COLUMNS] if len(table) else None
    text = () if tested else ("No object lies in five pictures of one emotion: there are no lifts.",)
    out = [Section(f"Emotion and object: {method}", text, tuple(figures), ranked, "All pairs")]
    if main and groups.lift.notna().any():
        drawn = (
            Figure(draw.lifts(groups), "groups", "Lift of groups of objects; human is face, body and hands. Dots as above."),
        )
        ordered = groups.sort_values(["object", "emotion"])[_COLUMNS]
        out.append(Section("The human against everything else", (), drawn, ordered, "All groups"))
    return out


def _changes(effects: Effects | None) -> list[Section]:
    if effects is None:
        return [Section("What changes do", ("No picture was changed; --effects N changes N pictures.",))]
    count = effects.single.image.nunique()
    whole = effects.table[effects.table.object == ""]
    objects = effects.table[effects.table.object != ""]
    figures = [Figure(draw.effects(objects), "effects", _with_rest(_EFFECTS, objects))] if len(objects) else []
    figures += [Figure(draw.effects(whole), "effects-whole", _WHOLE)] if len(whole) else []
    text = (f"{count} pictures were changed" + (f", {len(effects.missed)} could not be." if effects.missed else "."),)
    out = [Section("What changes do", text, tuple(figures), effects.table, "All changes")]
    if len(effects.foretold):
        drawn = (Figure(draw.foretold(effects.foretold), "foretold", _FORETOLD),)
        title, summary = "Do the maps foretell what removal does?", (foretold_text(effects.foretold),)
        out.append(Section(title, summary, drawn, effects.foretold, "Correlations"))
    return out
