"""The page of an audit of objects: findings, heat map of lifts, ranked objects, groups, examples, agreement, changes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.objects import figures as draw
from affectlens.audits.objects.effects import Effects
from affectlens.audits.objects.examples import Example
from affectlens.figures.page import Figure, Section, write_page

_LIFT = (
    "Lift: share of the positive relevance over share of the area; 1 is what chance gives. A full dot marks p ≤ .05 "
    "(Benjamini-Hochberg over all pairs) both against the same form anywhere else in the picture and, in the same direction, "
    "against other emotions' pictures of the object, a ring against the form elsewhere alone."
)
_RANKED = (
    "Objects with the largest lifts of each emotion, with 95 % intervals; full where p ≤ .05 against the same form elsewhere."
)
_EFFECTS = (
    "Mean change of the probability of the picture's emotion (dot, 95 % interval) and of its control (tick); full where p ≤ "
    ".05 "
    "after Holm's correction."
)
_FORETOLD = "Rank correlation of an object's share of relevance with the fall of the probability when it is removed."
_COLUMNS = [
    "emotion", "object", "images", "lift", "low", "high", "p (BH)", "p exchanged (BH)", "p others (BH)", "over others",
    "importance", "mean", "share", "area", "Dice", "Jaccard", "Yule Q", "odds ratio", "p presence (BH)",
]  # fmt: skip
METHODS = (
    "Each picture's map of one emotion (its label, else the model's answer) is joined with what lies in the picture. Only "
    "positive relevance counts for shares; maps are not scaled picture by picture. Lift is the summed share of relevance over "
    "the summed share of area; its interval comes from 500 draws of pictures. p: against the object's form put at every place "
    "in "
    "the picture where it fits, each picture's share drawn anew from 40 such places and its own. p exchanged: the maps of "
    "pictures with the same "
    "object and emotion dealt anew. p others: Welch's t, emotions dealt anew among pictures with the object. p presence: "
    "Fisher's exact "
    "test of object and emotion. Up to 9,999 draws (Besag & Clifford 1991), two-sided, corrected by Benjamini and Hochberg "
    "over "
    "all emotions and objects. Importance is EmoCAM's: the mean in the object of the positive map drawn to [0, 1]. Boxes of "
    "one "
    "class are united; boxes of different classes may overlap and each keeps what lies in it, unless the smaller box was told "
    "to "
    "keep it. Fewer than 5 pictures of a pair give no test.",
    "Changes: an object is removed by filling in from around it (Telea), blurred, greyed, or everything else is blurred; the "
    "control is the same patch at up to three places away from the object. Things cut out of other pictures are put in, their "
    "control is the same cut-out with its parts in disorder. p-values flip the signs of the paired differences by picture "
    "(9,999 draws) and are corrected by Holm, those over all emotions and those of single ones apart.",
)
LIMITS = (
    "A map says where a network's answer comes from under one method; it is no effect of the object. Changes are effects on "
    "the "
    "model, but a filled hole or a pasted thing is also an unusual picture; the controls account for the patch, not for "
    "everything. What stands beside an object shares its box. The audit speaks of this model on these pictures, and of "
    "expressed or evoked emotion as labelled, never of what anybody felt."
)


@dataclass
class ObjectAudit:
    """What the page shows: tables by method, of objects and of groups, agreement, and what else was done."""

    title: str
    about: str
    tables: dict[str, pd.DataFrame]
    groups: dict[str, pd.DataFrame]
    agreement: pd.DataFrame
    images: pd.DataFrame
    missed: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    examples: list[Example] = field(default_factory=list)
    effects: Effects | None = None
    detected: bool = True
    recall: pd.DataFrame | None = None

    @property
    def first(self) -> pd.DataFrame:
        """The table of the first method, which findings are told from."""
        return next(iter(self.tables.values()))


def write_object_report(audit: ObjectAudit, folder: Path) -> Path:
    """Write ``audit.html``, ``audit.json`` and the tables as csv below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = [Section("Findings", tuple(findings(audit)))]
    for n, (method, table) in enumerate(audit.tables.items()):
        sections += _of_method(method, table, audit.groups[method], n == 0)
        if n == 0 and audit.examples:
            text = ("The picture, the map of the emotion (orange speaks for it, blue against) and the objects' boxes.",)
            sections.append(Section("Examples", text, pictures=draw.example_pictures(audit.examples)))
    if len(audit.agreement):
        drawn = (
            Figure(draw.agreement(audit.agreement), "agreement", "Spearman correlation of the lifts of every two methods."),
        )
        text = ("p: Mantel test, objects exchanged. High agreement does not make the maps right: see what removal does.",)
        sections.append(Section("Do the methods agree?", text, drawn, audit.agreement, "Correlations"))
    sections += _changes(audit.effects)
    sections.append(_seen(audit))
    sections.append(Section("Methods", METHODS))
    sections.append(Section("Limits", (LIMITS,)))
    _write_tables(audit, folder)
    return write_page(folder, audit.title, audit.about, sections)


def _of_method(method: str, table: pd.DataFrame, groups: pd.DataFrame, main: bool) -> list[Section]:
    figures = []
    known = table.lift.notna().any()
    if known:
        figures.append(Figure(draw.lifts(table), f"lift-{method}", _LIFT if main else "Lift, marked as above."))
    if known and main:
        figures.append(Figure(draw.ranked(table), f"ranked-{method}", _RANKED))
    shown = table.sort_values(["emotion", "lift"], ascending=[True, False])[_COLUMNS] if len(table) else None
    text = () if known else ("No object lies in five pictures of one emotion: lifts are not told.",)
    out = [Section(f"Emotion and object: {method}", text, tuple(figures), shown, "All pairs")]
    if main and groups.lift.notna().any():
        caption = "Lift of groups of objects; human is face, body and hands. Dots as above."
        ranked = groups.sort_values(["object", "emotion"])[_COLUMNS]
        out.append(Section("The human against everything else", (), (Figure(draw.lifts(groups), "groups", caption),), ranked,
                           "All groups"))  # fmt: skip
    return out


def _changes(effects: Effects | None) -> list[Section]:
    if effects is None:
        return [Section("What changes do", ("No picture was changed; --effects N changes N pictures.",))]
    count = effects.single.image.nunique()
    out = []
    whole = effects.table[effects.table.object == ""]
    objects = effects.table[effects.table.object != ""]
    figures = []
    if len(objects):
        figures.append(Figure(draw.effects(objects), "effects", _EFFECTS))
    if len(whole):
        figures.append(
            Figure(draw.effects(whole), "effects-whole", "Changes of the whole picture, against the picture as it is.")
        )
    text = (f"{count} pictures were changed" + (f", {len(effects.missed)} could not be." if effects.missed else "."),)
    out.append(Section("What changes do", text, tuple(figures), effects.table, "All changes"))
    if len(effects.foretold):
        drawn = (Figure(draw.foretold(effects.foretold), "foretold", _FORETOLD),)
        says = (foretold_text(effects.foretold),)
        title = "Do the maps foretell what removal does?"
        out.append(Section(title, says, drawn, effects.foretold, "Correlations"))
    return out


def foretold_text(table: pd.DataFrame) -> str:
    """Whether any method does better than the bare area of an object."""
    area = table[table.method == "area alone"]
    maps = table[table.method != "area alone"].sort_values("Spearman", ascending=False)
    if maps.empty or area.empty:
        return "Too few objects were removed to tell."
    best, bare = maps.iloc[0], float(area.Spearman.iloc[0])
    says = f"{best.method} foretells it best (rho {best.Spearman:.2f}, {best.low:.2f} to {best.high:.2f})"
    if best.low <= 0:
        return f"{says}, which is not shown to be above zero. The object's area alone: {bare:.2f}."
    return f"{says}; the object's area alone gives {bare:.2f}."


def _seen(audit: ObjectAudit) -> Section:
    text = list(audit.notes)
    if audit.recall is None and not audit.detected:
        text.append("Regions come from landmarks of the face; pictures without a face that could be found are left out.")
    elif audit.recall is None:
        text.append("An object that the detector does not see cannot be blamed. How much it sees is not known here: give true "
                    "boxes with --truth to have its recall measured.")  # fmt: skip
    else:
        found, boxes = int(audit.recall.found.sum()), int(audit.recall.boxes.sum())
        share = f"{found} of {boxes} true boxes ({found / max(boxes, 1):.0%})"
        text.append(f"The detector finds {share}; what it does not see cannot be blamed.")
    without = int((audit.images.things == 0).sum())
    text.append(
        f"{len(audit.images)} pictures read, {without} of them without any object; {len(audit.missed)} could not be read."
    )
    reasons: dict[str, list[str]] = {}
    for key, why in audit.missed.items():
        reasons.setdefault(why.replace(key, "it"), []).append(key)
    for why, keys in sorted(reasons.items(), key=lambda r: -len(r[1]))[:20]:
        more = f" and {len(keys) - 5} more, see missed.csv" if len(keys) > 5 else ""
        text.append(f"{why}: {', '.join(keys[:5])}{more}.")
    return Section("What was seen", tuple(text), (), audit.recall, "Recall by object")


def findings(audit: ObjectAudit) -> list[str]:
    """Plain sentences: the human against the rest, then for each emotion the object that is shown to drive it most."""
    out = []
    groups = next(iter(audit.groups.values()))
    human = groups[(groups.object == "human") & groups.lift.notna()]
    if len(human):
        held = human[(human["p (BH)"] <= 0.05) & (human.lift > 1)]
        mean = float(np.average(human.lift, weights=human.images))
        words = f"Human parts (face, body, hands) hold {mean:.2f} times their area's share of the relevance on average"
        out.append(f"{words}; above chance for {len(held)} of {len(human)} emotions that could be tested.")
    for emotion, mine in audit.first.groupby("emotion"):
        out.append(_finding(str(emotion).capitalize(), mine))
    out += _effect_findings(audit.effects)
    return out or ["No picture could be read."]


def _finding(name: str, mine: pd.DataFrame) -> str:
    """The object that holds most, and the one that holds most of those that are this emotion's own."""
    if mine.lift.isna().all():
        return f"{name}: no object lies in five of its pictures, nothing can be tested."
    held = mine[(mine["p (BH)"] <= 0.05) & (mine.lift > 1)].sort_values("lift", ascending=False)
    if held.empty:
        return f"{name}: no object is shown to hold more than its share of the relevance."
    r = held.iloc[0]
    interval = f"{r['low']:.2f} to {r['high']:.2f}, {int(r['images'])} pictures"
    words = f"{name}: {r['object']} holds {r['lift']:.2f} times its area's share of the relevance ({interval})"
    if not np.isfinite(r["p others"]):
        return words + "; it is in too few pictures of other emotions to compare."
    own = held[(held["p others (BH)"] <= 0.05) & (held["over others"] > 0)]
    if len(own) and own.iloc[0]["object"] == r["object"]:
        return words + ", more than under other emotions."
    words += ", not shown to be more than under other emotions"
    return words + (f"; {own.iloc[0]['object']} is ({own.iloc[0]['lift']:.2f})." if len(own) else ".")


def _effect_findings(effects: Effects | None) -> list[str]:
    """The object whose removal does most beyond its control, and whether the maps foretold it."""
    if effects is None:
        return []
    table = effects.table[(effects.table.change == "remove") & (effects.table.emotion == "all")]
    shown = table[(table["p (Holm)"] <= 0.05) & (table.effect < table.control)]
    if shown.empty:
        return ["Removing no object is shown to lower the probability of the picture's emotion more than its control does."]
    r = shown.loc[(shown.effect - shown.control).idxmin()]
    words = (
        f"Changes: removing {r.object} does most: the probability of the picture's emotion moves by {r.effect:+.2f} "
        f"({r.low:+.2f} to {r.high:+.2f}, {r.images} pictures), the same patch elsewhere by {r.control:+.2f}."
    )
    return [words, *([f"Maps: {foretold_text(effects.foretold)}"] if len(effects.foretold) else [])]


def _write_tables(audit: ObjectAudit, folder: Path) -> None:
    held: dict[str, Any] = {
        "title": audit.title, "about": audit.about, "findings": findings(audit), "notes": list(audit.notes),
        "images": len(audit.images), "missed": audit.missed, "methods": list(METHODS), "limits": LIMITS,
    }  # fmt: skip
    frames = {f"objects-{m}": t for m, t in audit.tables.items()} | {f"groups-{m}": t for m, t in audit.groups.items()}
    frames |= {"agreement": audit.agreement, "images": audit.images}
    if audit.effects is not None:
        frames |= {"effects": audit.effects.table, "effects-single": audit.effects.single, "foretold": audit.effects.foretold}
    if audit.recall is not None:
        frames["recall"] = audit.recall
    if audit.missed:
        frames["missed"] = pd.DataFrame({"picture": list(audit.missed), "why": list(audit.missed.values())})
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
        if name not in ("images", "effects-single", "missed"):
            held[name] = json.loads(frame.to_json(orient="records"))
    (folder / "audit.json").write_text(json.dumps(held, indent=1, ensure_ascii=False), encoding="utf-8")
