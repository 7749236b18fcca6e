"""Which concepts are tested: those of the library, queries, examples, and one concept against another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from affectlens.audits.concepts.cav.tcav import relative
from affectlens.audits.concepts.library.base import Concept, concepts, find, from_folder, from_query
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.core.errors import UsageError


def choose(settings: ConceptSettings) -> list[Concept]:
    """The concepts that settings ask for; all of the library where they name none of any kind."""
    named = settings.concepts or settings.query or settings.examples
    selected = find(list(settings.concepts)) if named else list(concepts().values())
    for text in settings.query:
        name, _, query = text.partition("=")
        selected.append(from_query(name.strip(), query.strip()))
    return [*selected, *(from_folder(Path(path)) for path in settings.examples)]


def with_pairs(targets: Mapping[str, np.ndarray], pairs: Sequence[str], reasons: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The targets with those of one concept against another, for every ``"CONCEPT:OTHER"``.

    Returns
    -------
    dict[str, np.ndarray]
        Targets ``(n,)`` by concept.

    Raises
    ------
    UsageError
        A concept that was not asked for, or that the corpus does not support (``why``).
    """
    out = dict(targets)
    for pair in pairs:
        first, _, second = (part.strip() for part in pair.partition(":"))
        for name in (first, second):
            if name not in targets:
                reason = reasons.get(name) or f"{name!r} is not among the concepts asked for"
                raise UsageError(f"--against {pair!r}: {reason}")
        out[f"{first} against {second}"] = relative(targets[first], targets[second])
    return out
