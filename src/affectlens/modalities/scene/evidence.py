"""What evidence the surroundings give, in words, and what the report shows of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.schema import Evidence
from affectlens.modalities.base import SceneView
from affectlens.modalities.section import SECTIONS, Material, Section, embedded, render
from affectlens.modalities.telling import Sentence, article, graded, of_kind, sentence

_LINE = (240, 138, 24)


@dataclass(frozen=True)
class PlaceDetail(Detail):
    """The kind of place (empty: not known), whether it is indoors (None: not known), and what says so.

    With the probabilities of the kinds that what is seen speaks for most.
    """

    kind: str
    indoor: bool | None
    source: str
    alternatives: dict[str, float]


@dataclass(frozen=True)
class ThingDetail(Detail):
    """Mean score of the detector, how many were seen at once at most, and in how many windows was looked."""

    score: float
    most_at_once: int
    windows: int


@dataclass(frozen=True)
class LookDetail(Detail):
    """The word that the measurement bears out and its threshold, both empty where none, over how many windows."""

    word: str
    why: str
    windows: int


@dataclass(frozen=True)
class PairDetail(Detail):
    """What bears the pair out, the published vocabularies that hold it, and how sure it is (0 to 1)."""

    why: str
    vocabularies: tuple[str, ...]
    sure: float


@evidence_kind("place", PlaceDetail, unit="probability", level="situation", section="scene")
def place_clause(evidence: Evidence) -> str:
    """For example: Place: an office (given)", or "Place: unknown (best guess office, 60 %)."""
    place = evidence.detail_as(PlaceDetail)
    if place.kind:
        kind = article(spoken(place.kind))
        if place.source in ("given", "file name"):
            return f"place: {kind} ({place.source})"
        return f"place: {graded(evidence.value)} {kind} ({evidence.value:.0%}; {place.source})"
    where = "" if place.indoor is None else f", but {'in' if place.indoor else 'out'}doors"
    best = max(place.alternatives, key=lambda kind: place.alternatives[kind], default="")
    guess = f"best guess {spoken(best)}, {place.alternatives[best]:.0%}" if best else place.source
    return f"place: unknown{where} ({guess})"


@evidence_kind("thing", ThingDetail, unit="share of windows", level="situation", section="scene")
def thing_clause(evidence: Evidence) -> str:
    """For example: car seen in 40 % of segments, at most 2 at once."""
    thing = evidence.detail_as(ThingDetail)
    if thing.windows == 1:
        return f"{thing.most_at_once} × {evidence.subject} seen"
    return f"{evidence.subject} seen in {evidence.value:.0%} of segments, at most {thing.most_at_once} at once"


@evidence_kind("look", LookDetail, level="situation", section="scene")
def look_clause(evidence: Evidence) -> str:
    """For example: it looks dark (brightness 20, at most 28)."""
    look = evidence.detail_as(LookDetail)
    return f"it looks {look.word} ({look.why})" if look.word else f"{evidence.subject} {evidence.value:.3g} ({evidence.unit})"


@evidence_kind("pair", PairDetail, level="situation", section="scene")
def pair_clause(evidence: Evidence) -> str:
    """For example: “dark street” (brightness 20, at most 28)."""
    return f"“{spoken(evidence.subject)}” ({evidence.detail_as(PairDetail).why})"


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """The place with the things seen most, then the plainest looks with the first pairs."""
    looks = [entry for entry in of_kind(rows, "look") if entry.detail_as(LookDetail).word]
    things = sorted(of_kind(rows, "thing"), key=lambda entry: -entry.value)
    return sentence(of_kind(rows, "place") + things[:4]) + sentence(looks[:3] + of_kind(rows, "pair")[:4])


def page(material: Material) -> str:
    """The picture with its things, the place, looks and pairs; nothing where the surroundings were not looked at."""
    rows = [entry for entry in material.evidence if entry.modality == "scene"]
    if not rows:
        return ""
    place = next(iter(of_kind(rows, "place")), None)
    where = place_clause(place) if place else ""
    alternatives = place.detail_as(PlaceDetail).alternatives if place else {}
    view = material.clip.scene
    return render(
        "scene.html",
        place=where[:1].upper() + where[1:],
        alternatives={spoken(kind): probability for kind, probability in alternatives.items()},
        picture=embedded(boxed(view), "scene", material.folder, 86) if view else "",
        things=[(entry.subject, entry.value, entry.detail_as(ThingDetail)) for entry in of_kind(rows, "thing")],
        looks=[(entry, entry.detail_as(LookDetail)) for entry in of_kind(rows, "look")],
        pairs=[(spoken(entry.subject), entry.detail_as(PairDetail)) for entry in of_kind(rows, "pair")],
    )


def spoken(name: str) -> str:
    """A name of a vocabulary as words: "waiting_room" is "waiting room"."""
    return name.replace("_", " ")


def boxed(view: SceneView) -> np.ndarray:
    """The picture with a frame and a name around each thing, the surest drawn last."""
    canvas = Image.fromarray(view.picture)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(13)
    for thing in sorted(view.things, key=lambda thing: thing.score):
        left, top, right, bottom = thing.box
        draw.rectangle((left, top, right, bottom), outline=_LINE, width=2)
        text = f"{thing.name} {thing.score:.2f}"
        wide = draw.textlength(text, font)
        corner = max(0.0, min(left, view.picture.shape[1] - wide - 6)), max(0.0, top - 17)
        draw.rectangle((*corner, corner[0] + wide + 6, corner[1] + 17), fill=_LINE)
        draw.text((corner[0] + 3, corner[1] + 1), text, fill=(20, 20, 20), font=font)
    return np.asarray(canvas)


SECTIONS.add("scene", Section("scene", sentences, page, story_order=20, page_order=20))
