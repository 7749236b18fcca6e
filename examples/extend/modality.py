"""A modality: how bright the picture is, as if light went with happiness and darkness with sadness.

It has no more to do with expressed emotion than that, and shows all that a modality brings: rows, evidence of a kind of its
own, the clause that states it, and a section of the report. Fusion takes its rows in with their weight.

    AFFECTLENS_PLUGINS=modality.py affectlens explain clip.mp4 --modalities light
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.labels import EKMAN7
from affectlens.core.schema import Evidence, Row
from affectlens.media.frames import Frame
from affectlens.modalities.base import Clip, Finding, Modality, register_modality
from affectlens.modalities.section import SECTIONS, Material, Section
from affectlens.modalities.telling import at, who
from affectlens.perception.people.finder import Person


@dataclass(frozen=True)
class Light(Detail):
    """How bright the darkest and the brightest frame of the window are, from 0 to 1."""

    darkest: float
    brightest: float


@evidence_kind("light", Light, unit="share of white", section="light")
def light_clause(e: Evidence) -> str:
    """``at 1.0 s the picture around person 0 is bright (0.71 of white)``."""
    return f"{at(e)} the picture around {who(e.person)} is {'bright' if e.value > 0.5 else 'dark'} ({e.value:.2f} of white)"


def light_page(material: Material) -> str:
    """The section of the report: brightness over time."""
    rows = [f"<li>{f.row.start:.1f} s: {e.value:.2f}</li>" for f in material.of("light") for e in f.of("light")]
    return f"<h2>Light</h2><ul>{''.join(rows)}</ul>" if rows else ""


SECTIONS.add("light", Section("light", page=light_page))


@register_modality
class LightModality(Modality):
    """One row a person and window."""

    name = "light"

    def begin(self, clip: Clip) -> None:
        self._levels: list[float] = []
        self._people: set[int] = set()

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        self._levels.append(float(frame.image.mean()) / 255)
        self._people.update(p.id for p in people)

    def window(self, clip: Clip, start: float, end: float) -> list[Finding]:
        levels, people, self._levels, self._people = self._levels, sorted(self._people), [], set()
        return [self._finding(clip, start, end, person, levels) for person in people]

    def _finding(self, clip: Clip, start: float, end: float, person: int, levels: list[float]) -> Finding:
        level = float(np.mean(levels))
        p = dict.fromkeys(EKMAN7.labels, 0.1) | {"happiness": 0.5 * level, "sadness": 0.5 * (1 - level)}
        row = Row(clip.file, start, end, person, self.name, probabilities=tuple(p.values()), quality=1.0)
        evidence = ()
        if clip.explaining:
            detail = Light(min(levels), max(levels))
            evidence = (clip.evidence(row, "light", level, method="mean of all pixels", detail=detail),)
        return Finding(row, evidence, weight=0.05, rank=row.confidence)
