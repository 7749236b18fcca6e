"""Which things and surfaces are met at which kinds of place: the table behind places that are inferred from pictures.

Names are Places365's categories, shortened to the word that several share (``park`` for its parks). The probabilities are our
own estimates, made before any picture was scored: how often a photograph of such a place shows the thing.
"""

from __future__ import annotations

from dataclasses import dataclass

# Surfaces that a place can show, with the measure and the level from which it does.
SURFACES = {"sky": ("sky", 0.35), "greenery": ("greenery", 0.25), "water": ("water", 0.35), "snow": ("snow", 0.5)}
RATE = 0.006  # of a thing at a place where it is not listed
SURFACE_RATE = 0.05


@dataclass(frozen=True)
class Kind:
    """A kind of place: whether it is indoors, its share of everyday photographs, and what it shows how often."""

    indoor: bool
    prior: float
    shows: dict[str, float]


KINDS: dict[str, Kind] = {
    "street": Kind(False, 0.12, {"car": 0.6, "person": 0.6, "traffic light": 0.25, "bus": 0.15, "truck": 0.15, "bicycle": 0.2,
                                 "motorcycle": 0.15, "stop sign": 0.06, "fire hydrant": 0.06, "parking meter": 0.05,
                                 "sky": 0.35, "greenery": 0.15, "umbrella": 0.06, "handbag": 0.2, "backpack": 0.15}),
    "highway": Kind(False, 0.02, {"car": 0.8, "truck": 0.45, "bus": 0.2, "sky": 0.6, "greenery": 0.3, "motorcycle": 0.1}),
    "park": Kind(False, 0.06, {"person": 0.6, "bench": 0.35, "dog": 0.15, "bicycle": 0.1, "greenery": 0.7, "sky": 0.3,
                               "bird": 0.08, "frisbee": 0.04, "kite": 0.04, "sports ball": 0.06}),
    "forest": Kind(False, 0.04, {"greenery": 0.85, "sky": 0.1, "person": 0.25, "bird": 0.1, "bear": 0.05, "dog": 0.05}),
    "field": Kind(False, 0.05, {"greenery": 0.65, "sky": 0.65, "cow": 0.2, "sheep": 0.15, "horse": 0.2, "person": 0.3,
                              "bird": 0.05, "dog": 0.05, "elephant": 0.04, "zebra": 0.04, "giraffe": 0.04}),
    "athletic_field": Kind(False, 0.04, {"person": 0.8, "sports ball": 0.4, "baseball bat": 0.25, "baseball glove": 0.25,
                                         "tennis racket": 0.2, "greenery": 0.5, "frisbee": 0.05, "sky": 0.15}),
    "beach": Kind(False, 0.05, {"person": 0.55, "surfboard": 0.2, "boat": 0.12, "sky": 0.7, "water": 0.45, "umbrella": 0.12,
                                "kite": 0.06}),
    "harbor": Kind(False, 0.03, {"boat": 0.85, "water": 0.6, "sky": 0.55, "person": 0.25, "bird": 0.06}),
    "lake": Kind(False, 0.03, {"water": 0.75, "sky": 0.5, "greenery": 0.35, "boat": 0.15, "bird": 0.1, "person": 0.2}),
    "mountain": Kind(False, 0.04, {"sky": 0.8, "snow": 0.2, "greenery": 0.25, "person": 0.2}),
    "ski_slope": Kind(False, 0.02, {"skis": 0.55, "snowboard": 0.3, "snow": 0.85, "person": 0.75, "sky": 0.5}),
    "airfield": Kind(False, 0.02, {"airplane": 0.9, "sky": 0.55, "truck": 0.2, "person": 0.25}),
    "railway_station": Kind(False, 0.02, {"train": 0.85, "person": 0.5, "sky": 0.25, "bench": 0.12, "suitcase": 0.1}),
    "living_room": Kind(True, 0.07, {"couch": 0.65, "tv": 0.45, "chair": 0.5, "potted plant": 0.3, "vase": 0.2, "book": 0.25,
                                     "remote": 0.15, "person": 0.4, "clock": 0.1, "cat": 0.08, "dog": 0.08}),
    "bedroom": Kind(True, 0.06, {"bed": 0.85, "chair": 0.2, "book": 0.15, "tv": 0.15, "person": 0.35, "teddy bear": 0.06,
                                 "clock": 0.1, "vase": 0.08}),
    "kitchen": Kind(True, 0.06, {"oven": 0.5, "refrigerator": 0.45, "sink": 0.5, "microwave": 0.35, "bowl": 0.35, "cup": 0.3,
                                 "bottle": 0.35, "knife": 0.15, "spoon": 0.12, "toaster": 0.05, "chair": 0.25, "person": 0.3,
                                 "dining table": 0.2, "potted plant": 0.15}),
    "bathroom": Kind(True, 0.03, {"toilet": 0.7, "sink": 0.65, "bottle": 0.2, "toothbrush": 0.1, "hair drier": 0.04,
                                  "person": 0.15}),
    "dining_room": Kind(True, 0.04, {"dining table": 0.8, "chair": 0.75, "bowl": 0.3, "cup": 0.35, "wine glass": 0.25,
                                     "fork": 0.2, "knife": 0.2, "spoon": 0.15, "vase": 0.2, "person": 0.35, "bottle": 0.25,
                                     "potted plant": 0.2, "cake": 0.08}),
    "restaurant": Kind(True, 0.06, {"dining table": 0.7, "chair": 0.6, "cup": 0.45, "wine glass": 0.3, "person": 0.7,
                                    "bottle": 0.35, "bowl": 0.35, "fork": 0.25, "knife": 0.2, "spoon": 0.2, "pizza": 0.12,
                                    "sandwich": 0.08, "cake": 0.06, "hot dog": 0.03}),
    "office": Kind(True, 0.06, {"laptop": 0.5, "keyboard": 0.45, "mouse": 0.35, "tv": 0.4, "chair": 0.6, "person": 0.6,
                                "book": 0.25, "cup": 0.2, "cell phone": 0.1, "clock": 0.08, "potted plant": 0.12}),
    "library": Kind(True, 0.02, {"book": 0.9, "chair": 0.4, "person": 0.4, "dining table": 0.15, "laptop": 0.15}),
}  # fmt: skip
