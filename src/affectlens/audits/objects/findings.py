"""What an audit of objects found, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from affectlens.audits.objects.effects import FEWEST, Effects
from affectlens.audits.objects.statistics import ALPHA, own, shown
from affectlens.core.listing import rest, some
from affectlens.stats.resolution import out_of_reach, reach_of

if TYPE_CHECKING:
    from affectlens.audits.objects.result import ObjectAudit


REASONS = 20  # why pictures were not looked at


def glance(audit: ObjectAudit) -> dict[str, str]:
    """What was asked and found in plain words, without a number that needs explaining."""
    pairs = audit.first
    top = pairs[shown(pairs)].sort_values("lift", ascending=False).drop_duplicates("emotion")
    named = [f"the {row.object} under {row.emotion}" for row in top.itertuples()]
    without = [str(emotion) for emotion in dict.fromkeys(pairs.emotion) if emotion not in set(top.emotion)]
    none = "No object is shown to hold more than its share."
    if out_of_reach(pairs, "Benjamini-Hochberg"):
        none = "Nothing: with so few pictures nothing can be shown."
    unknown = [f"{some(without, 7)}: nothing is shown, or there are too few pictures"] if without else []
    if len(audit.missed):
        unknown.append(f"{len(audit.missed)} pictures could not be looked at")
    unknown.append("why the network weighs what it weighs")
    return {
        "Asked": f"Where in {len(audit.images)} pictures does the network look when it answers?",
        "Found": f"More than its size would have it, at {some(named, 5)}." if named else none,
        "How sure": "Of the objects that are named one in twenty is expected to be named wrongly, at most.",
        "Not known": f"{'; '.join(unknown)}.",
    }


def findings(audit: ObjectAudit) -> list[str]:
    """The human against the rest, then for each emotion the object that is shown to drive it most, then what changes did."""
    out = []
    groups = next(iter(audit.groups.values()))
    human = groups[(groups.object == "human") & groups.lift.notna()]
    if len(human):
        mean = float(np.average(human.lift, weights=human.images))
        words = f"Human parts (face, body, hands) hold {mean:.2f} times their area's share of the relevance on average"
        out.append(f"{words}; above chance for {int(shown(human).sum())} of {len(human)} emotions that could be tested.")
    blind = out_of_reach(audit.first, "Benjamini-Hochberg")
    for emotion, of_emotion in audit.first.groupby("emotion"):
        out.append(_of_emotion(str(emotion).capitalize(), of_emotion, blind))
    if audit.first.lift.notna().any() and (reach := reach_of(audit.first, "Benjamini-Hochberg")):
        out.append(f"Emotions and objects:{reach}")
    out += _of_effects(audit.effects)
    if not out and len(audit.missed):
        return [f"No picture was looked at; the first for this reason: {audit.missed.reason.iloc[0]}"]
    return out or ["There is no picture."]


def _of_emotion(name: str, pairs: pd.DataFrame, blind: bool) -> str:
    """The object that holds most, and the one that holds most of those that are this emotion's own."""
    if pairs.lift.isna().all():
        return f"{name}: no object lies in five of its pictures, nothing can be tested."
    above_chance = pairs[shown(pairs)].sort_values("lift", ascending=False)
    if above_chance.empty and blind:
        return f"{name}: whether an object holds more than its share of the relevance cannot be shown."
    if above_chance.empty:
        return f"{name}: no object is shown to hold more than its share of the relevance."
    first = above_chance.iloc[0]
    interval = f"{first['low']:.2f} to {first['high']:.2f}, {int(first['images'])} pictures"
    words = f"{name}: {first['object']} holds {first['lift']:.2f} times its area's share of the relevance ({interval})"
    if not np.isfinite(first["p_others"]):
        return words + "; it is in too few pictures of other emotions to compare."
    of_its_own = above_chance[own(above_chance)]
    if len(of_its_own) and of_its_own.iloc[0]["object"] == first["object"]:
        return words + ", more than under other emotions."
    words += ", not shown to be more than under other emotions"
    return words + (f"; {of_its_own.iloc[0]['object']} is ({of_its_own.iloc[0]['lift']:.2f})." if len(of_its_own) else ".")


def _of_effects(effects: Effects | None) -> list[str]:
    """The object whose removal does most beyond its control, and whether the maps foretold it."""
    if effects is None:
        return []
    removed = effects.table[(effects.table.change == "remove") & (effects.table.emotion == "all")]
    if removed.p_holm.isna().all():
        return [f"Whether removing an object does anything was not tested: none was removed from {FEWEST} pictures."]
    lowered = removed[(removed.p_holm <= ALPHA) & (removed.effect < removed.control)]
    pooled = effects.table[effects.table.emotion == "all"]
    reach = reach_of(pooled)
    if lowered.empty and out_of_reach(pooled):
        return [f"Whether removing an object lowers the probability of the picture's emotion cannot be shown.{reach}"]
    if lowered.empty:
        text = "Removing no object is shown to lower the probability of the picture's emotion more than its control does."
        return [f"{text}{reach}"]
    row = lowered.loc[(lowered.effect - lowered.control).idxmin()]
    words = (
        f"Changes: removing {row.object} does most: the probability of the picture's emotion moves by {row.effect:+.2f} "
        f"({row.low:+.2f} to {row.high:+.2f}, {row.images} pictures), the same patch elsewhere by {row.control:+.2f}.{reach}"
    )
    return [words, *([f"Maps: {foretold_text(effects.foretold)}"] if len(effects.foretold) else [])]


def foretold_text(table: pd.DataFrame) -> str:
    """Whether any method does better than the bare area of an object."""
    area = table[table.method == "area alone"]
    maps = table[table.method != "area alone"].sort_values("spearman", ascending=False)
    if maps.empty or area.empty:
        return "Too few objects were removed to tell."
    best, area_alone = maps.iloc[0], float(area.spearman.iloc[0])
    text = f"{best.method} foretells it best (rho {best.spearman:.2f}, {best.low:.2f} to {best.high:.2f})"
    if best.low <= 0:
        return f"{text}, which is not shown to be above zero. The object's area alone: {area_alone:.2f}."
    return f"{text}; the object's area alone gives {area_alone:.2f}."


def seen_text(audit: ObjectAudit) -> list[str]:
    """What was and was not seen: notes, recall of the detector, pictures without objects, pictures that were missed."""
    text = list(audit.notes)
    if audit.recall is None and not audit.detected:
        text.append("Regions come from landmarks of the face; pictures without a face that could be found are left out.")
    elif audit.recall is None:
        text.append(
            "An object that the detector does not see cannot be blamed. How much it sees is not known here: give true boxes "
            "with --truth to have its recall measured."
        )
    else:
        hits, boxes = int(audit.recall.found.sum()), int(audit.recall.boxes.sum())
        share = f"{hits} of {boxes} true boxes ({hits / max(boxes, 1):.0%})"
        text.append(f"The detector finds {share}; what it does not see cannot be blamed.")
    without = int((audit.images.things == 0).sum())
    text.append(
        f"{len(audit.images)} pictures were looked at, {without} of them without any object; {len(audit.missed)} were "
        "not, for the reasons that follow."
        if len(audit.missed)
        else f"{len(audit.images)} pictures were looked at, {without} of them without any object."
    )
    reasons: dict[str, list[str]] = {}
    for key, problem in zip(audit.missed.key, audit.missed.reason, strict=True):
        reasons.setdefault(problem.replace(key, "it"), []).append(key)
    commonest = sorted(reasons.items(), key=lambda entry: -len(entry[1]))
    for problem, keys in commonest[:REASONS]:
        text.append(f"{problem}: {some(keys, 5)}{', see missed.csv' if len(keys) > 5 else ''}.")
    left_out = rest(REASONS, len(commonest), "reasons", "missed.csv")
    return [*text, left_out] if left_out else text
