"""Properties that can be measured: each a function with a name, a unit, what it says and where it is weak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from affectlens.core.errors import UsageError, unknown
from affectlens.core.registry import Registry

Measure = Callable[[Any], float | str | None]
KINDS = ("continuous", "ordinal", "binary", "categorical")


@dataclass(frozen=True)
class Property:
    """Something that can be measured of a face, a clip, a text or a motion.

    Attributes
    ----------
    name, modality : str
        Its name, and what it is measured of: face, voice, words or gait.
    kind : str
        continuous, ordinal, binary or categorical.
    unit, says : str
        Unit, and what a large value means.
    measure : callable
        Takes what its modality gives (a face's view, a clip's features, a text, a motion) and returns a number or a word, or
        None where it cannot be measured.
    weak : str
        A warning of where it misleads.
    """

    name: str
    modality: str
    kind: str
    unit: str
    says: str
    measure: Measure
    weak: str = ""


PROPERTIES: Registry[tuple[Property, Measure]] = Registry("property", "affectlens.features.properties")


def register_property(
    name: str, modality: str, *, kind: str = "continuous", unit: str = "", says: str = "", weak: str = ""
) -> Callable[[Measure], Measure]:
    """Decorator: make a measurement available under ``name``; users add theirs in the same way.

    Returns
    -------
    callable
        Takes the measurement and gives it back.

    Raises
    ------
    UsageError
        A kind that is none of the four.

    Examples
    --------
    >>> @register_property("question marks", "words", kind="ordinal", says="how many there are")
    ... def question_marks(text):
    ...     return float(text.count("?"))
    >>> property_named("question marks").measure("Who? Me?")
    2.0
    >>> _ = PROPERTIES.remove("question marks")
    """
    if kind not in KINDS:
        raise UsageError(f"property {name}: kind {kind!r}; {', '.join(KINDS)} were expected")

    def add(function: Measure) -> Measure:
        PROPERTIES.add(name, (Property(name, modality, kind, unit, says, function, weak), function))
        return function

    return add


def properties(modality: str = "") -> list[Property]:
    """All properties, or those of a modality, by name."""
    return [entry for entry, _ in PROPERTIES.values() if not modality or entry.modality == modality]


def property_named(name: str, modality: str = "") -> Property:
    """The property of that name, of that modality where one is given.

    Returns
    -------
    Property
        As it was registered.

    Raises
    ------
    UsageError
        There is none; the message names the nearest ones.
    """  # noqa: DOC501
    by_name = {entry.name: entry for entry in properties(modality)}
    if name not in by_name:
        raise unknown(f"property of {modality}" if modality else "property", name, list(by_name))
    return by_name[name]
