"""Properties of a recorded motion: the view it was seen from, its speed and size, and what of it is missing."""

from __future__ import annotations

import numpy as np

from affectlens.features.properties.registry import register_property
from affectlens.perception.body.gait import FEATURES, measure
from affectlens.perception.body.joints import Motion, heading, leg_length


@register_property("view", "gait", unit="degrees", says="direction of walking against the first axis of the recording")
def _view(motion: Motion) -> float | None:
    way = heading(motion)
    return float(np.degrees(np.arctan2(way[1], way[0]))) if np.isfinite(way).all() else None


@register_property("leg length", "gait", unit="units of the recording", says="how large the body is")
def _leg(motion: Motion) -> float | None:
    value = leg_length(motion)
    return float(value) if np.isfinite(value) else None


@register_property("missing joints", "gait", unit="share", says="joints that were not seen")
def _missing(motion: Motion) -> float:
    return 1 - float(motion.seen.mean())


@register_property("length of the recording", "gait", unit="s", says="how long it is")
def _long(motion: Motion) -> float:
    return len(motion) / motion.rate


def _feature(at: int) -> None:
    feature = FEATURES[at]

    @register_property(feature.name, "gait", unit=feature.unit, says=feature.meaning)
    def _value(motion: Motion) -> float | None:
        value = float(measure(motion)[at])
        return value if np.isfinite(value) else None


for _at, _name in enumerate(feature.name for feature in FEATURES):
    if "speed" in _name or "stride" in _name:
        _feature(_at)
