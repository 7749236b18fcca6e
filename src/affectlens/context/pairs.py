"""Adjective-noun pairs of a picture: nouns that were detected or inferred, adjectives that were measured.

Only pairs of the published vocabularies are told: the 2,089 of DeepSentiBank (Chen et al. 2014) and the 4,342 English ones of
MVSO (Jou et al. 2015). Which pairs our measurements can bear out, and by which threshold, is our own choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from affectlens.context.place import Place
from affectlens.context.place_table import SURFACES
from affectlens.core.barrier import reading
from affectlens.core.errors import ModelError
from affectlens.core.limits import within
from affectlens.core.untrusted.documents import read_json, read_text
from affectlens.models.adapters.onnx_file import check_onnx
from affectlens.perception.scene.appearance import adjectives, measure
from affectlens.perception.scene.objects import Thing

# noun (a thing, a kind of place, a surface, or "room" for every room), adjective, pair, vocabularies (D, M) that hold it
PAIRS: tuple[tuple[str, str, str, str], ...] = (
    ("person", "busy", "busy_crowd", "D"),
    ("bench", "empty", "empty_bench", "M"),
    ("chair", "empty", "empty_chair", "DM"),
    ("boat", "empty", "empty_boat", "D"),
    ("bird", "colorful", "colorful_bird", "DM"),
    ("cake", "colorful", "colorful_cake", "D"),
    ("bed", "warm", "warm_bed", "D"),
    ("street", "bright", "bright_street", "D"),
    ("street", "dark", "dark_street", "D"),
    ("street", "colorful", "colorful_street", "D"),
    ("street", "busy", "busy_street", "DM"),
    ("street", "crowded", "crowded_street", "D"),
    ("street", "empty", "empty_street", "DM"),
    ("street", "snowy", "snowy_road", "M"),
    ("highway", "empty", "empty_road", "M"),
    ("highway", "snowy", "snowy_road", "M"),
    ("highway", "clear", "clear_road", "D"),
    ("park", "dark", "dark_garden", "M"),
    ("park", "colorful", "colorful_garden", "D"),
    ("park", "busy", "busy_park", "D"),
    ("forest", "dark", "dark_forest", "DM"),
    ("forest", "colorful", "colorful_trees", "DM"),
    ("forest", "snowy", "snowy_trees", "M"),
    ("field", "dark", "dark_field", "M"),
    ("field", "cold", "cold_field", "M"),
    ("field", "empty", "empty_field", "D"),
    ("beach", "dark", "dark_beach", "M"),
    ("beach", "warm", "warm_beach", "D"),
    ("beach", "crowded", "crowded_beach", "D"),
    ("beach", "empty", "empty_beach", "M"),
    ("harbor", "dark", "dark_bay", "M"),
    ("lake", "warm", "warm_water", "DM"),
    ("mountain", "dark", "dark_mountain", "M"),
    ("mountain", "cold", "cold_mountain", "M"),
    ("mountain", "snowy", "snowy_mountain", "M"),
    ("ski_slope", "snowy", "snowy_mountain", "M"),
    ("ski_slope", "cold", "cold_snow", "DM"),
    ("ski_slope", "bright", "bright_snow", "D"),
    ("airfield", "empty", "empty_airport", "D"),
    ("room", "dark", "dark_room", "DM"),
    ("room", "cold", "cold_room", "D"),
    ("room", "cluttered", "messy_room", "M"),
    ("room", "empty", "empty_room", "DM"),
    ("bathroom", "empty", "empty_bathroom", "D"),
    ("office", "busy", "busy_office", "D"),
    ("office", "empty", "empty_office", "D"),
    ("sky", "dark", "dark_skies", "M"),
    ("sky", "clear", "clear_sky", "DM"),
    ("water", "warm", "warm_water", "DM"),
    ("water", "cold", "cool_water", "M"),
    ("snow", "bright", "bright_snow", "D"),
    ("snow", "cold", "cold_snow", "DM"),
)
ROOMS = ("living_room", "bedroom", "kitchen", "bathroom", "dining_room")
_OF_SCENE = ("empty", "busy", "crowded", "cluttered")  # told by what is there, not by the noun's own look
_VOCABULARY = {"D": "DeepSentiBank", "M": "MVSO"}


@dataclass(frozen=True)
class Pair:
    """An adjective-noun pair, why it is told, and which vocabularies hold it."""

    text: str
    noun: str
    adjective: str
    why: str
    vocabularies: tuple[str, ...]


def pairs_of(
    image: np.ndarray,
    things: Sequence[Thing],
    place: Place,
    measures: Mapping[str, float] | None = None,
) -> list[Pair]:
    """The pairs that a picture bears out.

    A thing is measured in its own box, a place or a surface in the whole picture without its people. Surfaces count only
    where the place is known to be outdoors: a white wall is no sky.

    Parameters
    ----------
    image : (h, w, 3) uint8 array
        RGB.
    things : sequence of Thing
        What was detected.
    place : Place
        Where it is, as far as that is known.
    measures : mapping of str to float
        What ``appearance.measure`` gave for the picture; measured here unless given.

    Returns
    -------
    list of Pair
        In the table's order.
    """
    whole = dict(measures if measures is not None else measure(image, things))
    of_scene = adjectives(whole)
    present: dict[str, tuple[str, dict[str, str]]] = {}
    for thing in sorted(things, key=lambda thing: thing.score):
        left, top, right, bottom = (round(edge) for edge in thing.box)
        of_thing: dict[str, str] = {}
        if thing.name != "person":
            of_thing = adjectives(measure(image[top : max(bottom, top + 2), left : max(right, left + 2)]))
        kept = {word: reason for word, reason in of_thing.items() if word not in _OF_SCENE}
        kept |= {word: reason for word, reason in of_scene.items() if word in _OF_SCENE}
        present[thing.name] = (f"{thing.name} seen ({thing.score:.2f})", kept)
    if place.kind:
        present[place.kind] = (f"place: {place.kind.replace('_', ' ')} ({place.source})", of_scene)
        if place.kind in ROOMS:
            present["room"] = present[place.kind]
    for surface, (name, level) in SURFACES.items():
        value = whole.get(name, float("nan"))
        if place.indoor is False and np.isfinite(value) and value >= level:
            present[surface] = (f"{name} {value:.2f}, at least {level:g}", of_scene)
    vehicles = {"car", "truck", "bus", "motorcycle", "bicycle"} & set(present)
    out = []
    for noun, adjective, text, holders in PAIRS:
        if noun not in present or adjective not in present[noun][1]:
            continue
        if adjective == "empty" and vehicles:
            continue
        because, words = present[noun]
        out.append(
            Pair(text, noun, adjective, f"{because}; {words[adjective]}", tuple(_VOCABULARY[holder] for holder in holders))
        )
    return out


class PairClassifier:
    """A DeepSentiBank-style network as ONNX with its list of pairs.

    Pictures are resized to the network's input, BGR with Caffe's means subtracted, as that network was trained.

    Parameters
    ----------
    folder : Path
        Holds ``model.onnx`` and ``classes.json`` (or ``classes.txt``, a pair a line).

    Raises
    ------
    ModelError
        One of the two is not there.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        model = folder / "model.onnx"
        lists = [path for path in (folder / "classes.json", folder / "classes.txt") if path.exists()]
        if not model.exists() or not lists:
            raise ModelError(f"{folder}: model.onnx and classes.json or classes.txt were expected in it")
        listed = read_json(lists[0], ModelError) if lists[0].suffix == ".json" else read_text(lists[0], ModelError).split()
        self.labels: tuple[str, ...] = tuple(map(str, listed))
        with reading(model, "a network in ONNX", ModelError):
            check_onnx(model)
            self._session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
            model_input = self._session.get_inputs()[0]
            self._name, self._side = model_input.name, int(model_input.shape[-1])
            within("pixels", self._side**2, model)

    def __call__(self, image: np.ndarray, most: int = 5) -> list[tuple[str, float]]:
        """The most probable pairs of an RGB picture, with their probabilities."""
        small = cv2.resize(image, (self._side, self._side), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        tensor = (small[..., ::-1] - np.array([104.0, 117.0, 123.0], np.float32)).transpose(2, 0, 1)[None]
        probabilities = np.asarray(self._session.run(None, {self._name: np.ascontiguousarray(tensor)})[0]).reshape(-1)
        if len(probabilities) != len(self.labels):
            raise ModelError(f"the network gives {len(probabilities)} values, its list has {len(self.labels)} pairs")
        if probabilities.min() < 0 or abs(float(probabilities.sum()) - 1) > 1e-3:
            probabilities = np.exp(probabilities - probabilities.max())
            probabilities /= probabilities.sum()
        return [(self.labels[i], float(probabilities[i])) for i in np.argsort(-probabilities, kind="stable")[:most]]
