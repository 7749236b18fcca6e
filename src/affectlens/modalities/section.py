"""Sections of the report: what each modality says in sentences and shows on the page. A modality's file brings its own."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from affectlens.core.disk.files import write_whole
from affectlens.core.disk.names import safe_name
from affectlens.core.registry import Registry
from affectlens.core.schema import Evidence
from affectlens.figures import charts
from affectlens.figures.html import environment
from affectlens.modalities.base import Clip, Finding
from affectlens.modalities.telling import Sentence, graded, who

ROWS_SHOWN = 200  # findings of one modality that the page shows
TABLE = "table.csv"  # where all rows are


@dataclass(frozen=True)
class Material:
    """What sections of the page are made of: the recording, all findings, and the evidence that the page may cite.

    ``folder`` takes the figures as files too; with None they are on the page alone.
    """

    clip: Clip
    findings: Sequence[Finding]
    evidence: Sequence[Evidence]
    folder: Path | None = None

    def of(self, modality: str) -> list[Finding]:
        """The findings of one modality."""
        return [finding for finding in self.findings if finding.row.modality == modality]


@dataclass(frozen=True)
class Section:
    """One part of the report, for the kinds of evidence that name it.

    Parameters
    ----------
    name : str
        As ``EvidenceKind.section`` has it.
    sentences : callable, optional
        From the evidence of these kinds about one person to sentences; each row's own clause where it is not given.
    page : callable, optional
        From `Material` to html, empty for nothing.
    view : callable, optional
        From a finding with pictures, its evidence and the folder to the html that stands beside the pictures.
    story_order, page_order : int
        Places among the sentences and on the page, lowest first.
    """

    name: str
    sentences: Callable[[list[Evidence]], list[Sentence]] | None = None
    page: Callable[[Material], str] | None = None
    view: Callable[[Finding, Sequence[Evidence], Path | None], str] | None = None
    story_order: int = 85
    page_order: int = 65

    @property
    def home(self) -> str:
        """Where it was declared, so that a name taken twice is noticed."""
        declared = self.sentences or self.page or self.view
        return f"{declared.__module__}.{declared.__qualname__}" if declared else self.name


SECTIONS: Registry[Section] = Registry("section of the report", "affectlens.modalities", "affectlens.fusion")


def render(template: str, **context: object) -> str:
    """A template of this package with the words and colours that all sections use."""
    return environment().get_template(template).render(graded=graded, who=who, colour=charts.colour, **context)


def embedded(image: np.ndarray, name: str, folder: Path | None, quality: int = 88) -> str:
    """A picture as the address of an ``img``; also saved as ``name``.jpg in the folder where one is given."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    if folder:
        write_whole(folder / f"{safe_name(name)}.jpg", lambda path: path.write_bytes(buffer.getvalue()))
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def figure(chart: object, name: str, folder: Path | None) -> str:
    """A chart as svg; also saved as ``name``.svg in the folder where one is given."""
    return charts.save_svg(chart, folder / safe_name(name)) if folder else charts.svg(chart)


def bars(shares: Sequence[Evidence]) -> list[dict[str, object]]:
    """Signed values as bars of which the widest is 1."""
    widest = max((abs(share.value) for share in shares), default=1.0) or 1.0
    return [{"name": share.subject, "value": share.value, "share": abs(share.value) / widest} for share in shares]
