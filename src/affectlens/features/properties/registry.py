"""Properties that can be measured: each a function with a name, a unit, what it says and where it is weak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from affectlens.core.errors import unknown


@dataclass(frozen=True)
class Property:
    """``kind`` is continuous, ordinal, binary or categorical; ``measure`` takes what its modality gives (a face's view, a
    clip's features, a text) and returns a number or a word, or None where it cannot be told; ``weak`` warns where it
    misleads."""

    name: str
    modality: str
    kind: str
    unit: str
    says: str
    measure: Callable[[Any], float | str | None]
    weak: str = ""


_REGISTRY: dict[str, Property] = {}
Measure = Callable[[Any], float | str | None]


def register_property(
    name: str, modality: str, *, kind: str = "continuous", unit: str = "", says: str = "", weak: str = ""
) -> Callable[[Measure], Measure]:
    """Decorator: make a measurement available under ``name``; users add theirs in the same way."""

    def add(function: Measure) -> Measure:
        _REGISTRY[name] = Property(name, modality, kind, unit, says, function, weak)
        return function

    return add


def properties(modality: str = "") -> list[Property]:
    """All properties, or those of a modality, by name."""
    _load_all()
    return sorted((p for p in _REGISTRY.values() if not modality or p.modality == modality), key=lambda p: p.name)


def property_named(name: str, modality: str = "") -> Property:
    """The property of that name, of that modality where one is given."""
    known = {p.name: p for p in properties(modality)}
    if name not in known:
        raise unknown(f"property of {modality}" if modality else "property", name, list(known))
    return known[name]


def _load_all() -> None:
    from affectlens.features.properties import face, gait, voice, words

    assert face and gait and voice and words
