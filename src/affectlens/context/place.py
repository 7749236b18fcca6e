"""What kind of place a recording was made at, and when, as far as it says itself. It abstains rather than guesses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from affectlens.context.place_table import KINDS, RATE, SURFACE_RATE, SURFACES
from affectlens.core.errors import UsageError

# Everyday kinds of place, our own list in the spelling of Places365 where that has one; True: indoors, None: either.
PLACES: dict[str, bool | None] = {
    "airport": True, "bar": True, "bathroom": True, "beach": False, "bedroom": True, "bridge": False, "bus": True,
    "cafeteria": True, "church": True, "classroom": True, "clinic": True, "coffee_shop": True, "conference_room": True,
    "corridor": True, "courtroom": True, "factory": True, "farm": False, "forest": False, "garden": False, "gym": True,
    "hospital": True, "hotel": True, "kitchen": True, "laboratory": True, "lecture_hall": True, "library": True,
    "living_room": True, "market": None, "mountain": False, "museum": True, "office": True, "park": False,
    "parking_lot": False, "playground": False, "prison": True, "restaurant": True, "school": True, "shopping_mall": True,
    "square": False, "stadium": None, "stage": True, "station": None, "street": False, "studio": True, "supermarket": True,
    "theater": True, "train": True, "waiting_room": True, "zoo": False,
}  # fmt: skip
_SAME = {"cafe": "coffee_shop", "mall": "shopping_mall", "theatre": "theater", "plaza": "square", "lounge": "living_room"}


@dataclass(frozen=True)
class Place:
    """A kind of place.

    Attributes
    ----------
    kind : str
        Empty where there is no answer.
    indoor : bool or None
        None where it is not known.
    source : str
        What says so, or why there is no answer.
    sure : float
        Probability of an inferred kind.
    """

    kind: str
    indoor: bool | None
    source: str
    sure: float = 1.0


SURE = 0.6  # posterior from which an inferred kind of place is told
SURE_INDOOR = 0.85


def infer_place(seen: Mapping[str, float], measures: Mapping[str, float]) -> tuple[Place, dict[str, float]]:
    """The kind of place that detected things and measured surfaces speak for.

    A naive Bayes model over ``place_table``: things that are seen count, each by its score; things that are not seen say
    nothing, since the detector misses many; surfaces count both ways.

    Parameters
    ----------
    seen : mapping of str to float
        Things by name with their surest score.
    measures : mapping of str to float
        What ``appearance.measure`` gave.

    Returns
    -------
    Place
        Below ``SURE`` no kind is told, below ``SURE_INDOOR`` not even whether it is indoors; without any listed thing and with
        fewer than two surfaces nothing is told at all.
    dict of str to float
        The posterior of all kinds.
    """
    names = list(KINDS)
    log = np.log([KINDS[kind].prior for kind in names])
    clues = 0
    for thing, score in seen.items():
        p = np.array([KINDS[kind].shows.get(thing, RATE) for kind in names])
        if np.ptp(p) > 0:
            clues += thing != "person"
            log = log + np.log(score * p / RATE + 1 - score)
    for surface, (name, level) in SURFACES.items():
        value = measures.get(name, float("nan"))
        if np.isfinite(value):
            p = np.array([KINDS[kind].shows.get(surface, SURFACE_RATE) for kind in names])
            shown = value >= level
            clues += bool(shown)
            # A surface is measured, not recognised: half of what the table says.
            log = log + 0.5 * np.log(p if shown else 1 - p)
    p = np.exp(log - log.max())
    p /= p.sum()
    posterior = {kind: float(share) for kind, share in sorted(zip(names, p, strict=True), key=lambda entry: -entry[1])}
    indoors = float(sum(share for kind, share in posterior.items() if KINDS[kind].indoor))
    best, sure = next(iter(posterior.items()))
    if clues < 1 or max(indoors, 1 - indoors) < SURE_INDOOR:
        return Place("", None, "what is seen does not tell the place", sure), posterior
    if sure < SURE:
        return Place(
            "", indoors > 0.5, f"what is seen tells only that it is {'in' if indoors > 0.5 else 'out'}doors", sure
        ), posterior
    return Place(best, KINDS[best].indoor, "things and surfaces seen", sure), posterior


def place_of(path: Path, given: str = "") -> Place:
    """The place that was given, else the one that the names of file and folder tell alone; two different ones are no answer."""
    if given.strip():
        kind = re.sub(r"[\s\-/]+", "_", given.strip().lower())
        if not re.fullmatch(r"[a-z0-9_]{2,60}", kind):
            raise UsageError(f"--place {given!r}: a kind of place such as office, street or waiting_room was expected")
        return Place(_SAME.get(kind, kind), PLACES.get(_SAME.get(kind, kind)), "given")
    words = "_".join(re.findall(r"[a-z]+", f"{path.parent.name} {path.stem}".lower()))
    kinds = {_SAME.get(word, word) for word in (*PLACES, *_SAME) if re.search(rf"(^|_){word}s?($|_)", words)}
    # "waiting_room" holds no other place, but "train station" is a station, not a train.
    kinds -= {first for first in kinds for second in kinds if first != second and f"{first}_{second}" in words}
    if len(kinds) == 1:
        kind = kinds.pop()
        return Place(kind, PLACES[kind], "file name")
    return Place("", None, f"the file name tells {len(kinds)} places" if kinds else "nothing tells the place")


def parse_time(text: str) -> datetime:
    """A time such as 2024-05-17 14:30, 2024-05-17T14:30:00Z or EXIF's 2024:05:17 14:30:00, as the clock there showed it."""
    plain = re.sub(r"^(\d{4}):(\d\d):(\d\d)", r"\1-\2-\3", text.strip())
    try:
        return datetime.fromisoformat(plain.replace("Z", "+00:00")).replace(tzinfo=None, microsecond=0)
    except ValueError:
        raise UsageError(f"{text!r} is not a time; expected for example 2024-05-17 14:30") from None


def recorded_at(path: Path, kind: str, given: str = "") -> tuple[datetime | None, str]:
    """When it was recorded and what says so.

    Parameters
    ----------
    path : Path
        A recording or a picture.
    kind : str
        ``image``, ``video`` or ``audio``.
    given : str
        A time that was named by the user, which comes first.

    Returns
    -------
    datetime or None
        From what was given, EXIF of a picture, or the container's creation time; never the file's own time, which says when it
        was copied.
    str
        Where it is from, or why there is none.
    """
    if given:
        return parse_time(given), "given"
    try:
        if kind == "image":
            from PIL import Image

            with Image.open(path) as image:
                exif = image.getexif()
                text = exif.get_ifd(0x8769).get(0x9003) or exif.get(0x0132)
            source = "EXIF"
        else:
            from affectlens.media.frames import open_container

            with open_container(path) as container:
                text = container.metadata.get("creation_time")
            source = "container"
        return (parse_time(str(text)), source) if text else (None, "nothing tells the time")
    except Exception:
        return None, "nothing tells the time"
