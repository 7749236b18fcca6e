"""A modality is a plug-in: it listens, watches, and says what it found. Adding one is one file with one decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.context.place import Place
from affectlens.core.errors import unknown
from affectlens.core.options import Options
from affectlens.core.schema import Evidence, Row
from affectlens.explainers.faithfulness import Faithfulness
from affectlens.media.audio import AudioBlock
from affectlens.media.frames import Frame, MediaInfo, Problems
from affectlens.perception.people.finder import Person, Sighting
from affectlens.perception.people.speaker import MouthMotion


@dataclass(frozen=True)
class Picture:
    """A small RGB picture ``(h, w, 3)`` uint8 that belongs to a piece of evidence."""

    name: str
    caption: str
    image: np.ndarray


@dataclass(frozen=True)
class Finding:
    """One row of the table with the evidence for it; ``conformal`` and ``weight`` travel on for fusion.

    ``detail`` holds what the report shows and the table cannot: attributed words, region shares. ``rank`` says how good a
    sample of its person and class the segment is; pictures are kept for the best only. ``deep`` are the features that early
    fusion joins.
    """

    row: Row
    evidence: tuple[Evidence, ...] = ()
    weight: float = 0.0
    pictures: tuple[Picture, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    rank: float = 0.0
    deep: np.ndarray | None = field(default=None, repr=False)


@dataclass
class Clip:
    """One recording while it is worked on: what is known of it so far, shared by all modalities."""

    path: Path
    info: MediaInfo
    options: Options
    explaining: bool
    rng: np.random.Generator
    problems: Problems = field(default_factory=Problems)
    mouths: MouthMotion = field(default_factory=MouthMotion)
    sightings: list[Sighting] = field(default_factory=list)
    end: float = 0.0
    place: Place | None = None  # as told or inferred, once the scene was looked at
    scene: dict[str, Any] = field(default_factory=dict)  # a picture with its things, for the report
    _ids: int = 0

    @property
    def file(self) -> str:
        """The name under which rows list this recording."""
        return str(self.path)

    def evidence(self, row: Row, level: str, name: str, value: float, unit: str, method: str, **more: Any) -> Evidence:
        """Evidence about a row, with the next free id."""
        self._ids += 1
        given: dict[str, Any] = {"target": row.label, **more}
        return Evidence(
            f"e{self._ids:05d}", row.file, row.start, row.end, row.person, level, row.modality,
            name=name, value=float(value), unit=unit, method=method, **given,
        )  # fmt: skip


def faithfulness_evidence(clip: Clip, row: Row, found: Faithfulness, settings: dict[str, Any]) -> list[Evidence]:
    """The two rows, deletion and insertion, that say whether an explanation of ``row`` beats random orders."""
    out = []
    for name, value, chance, p in (
        ("deletion", found.deletion, found.deletion_random, found.deletion_p),
        ("insertion", found.insertion, found.insertion_random, found.insertion_p),
    ):
        more = {"auc": round(value, 4), "random_auc": round(chance, 4), "random_orders": found.random}
        out.append(
            clip.evidence(row, "instance", f"faithfulness: {name}", value - chance, "AUC minus random AUC",
                          f"{name} (Petsiuk 2018)", p_value=p, test="rank among random orders, one-sided",
                          settings=settings | more)
        )  # fmt: skip
    return out


class Modality:
    """Base of all modalities; each overrides what it needs. One instance serves many recordings in turn.

    The order of calls for a recording: ``begin``, ``listen`` (where there is audio and ``needs_audio``), for each sampled
    frame ``watch``, after the last frame of each window ``window``, at the end ``finish``.
    """

    name = ""
    needs_video = False
    needs_audio = False
    assets: tuple[str, ...] = ()  # names of the third-party assets in use, fetched before a run and listed with their licences

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def models(self) -> tuple[Any, ...]:
        """The models in use, for provenance: each has ``name`` and ``meta``."""
        return ()

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""

    def listen(self, clip: Clip, blocks: Iterable[AudioBlock], progress: Callable[[float], None] | None) -> None:
        """Hear the whole recording as a stream; ``progress`` takes the seconds heard so far."""

    def heard(self) -> dict[str, Any] | None:
        """What ``listen`` learned, as JSON types, so that an interrupted run need not listen again; None for nothing."""
        return None

    def restore(self, state: dict[str, Any]) -> bool:
        """Take what an earlier ``listen`` learned; False when it cannot be used."""
        return False

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        """See one sampled frame."""

    def window(self, clip: Clip, start: float, end: float) -> list[Finding]:
        """What was found in the window that just ended."""
        return []

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """New findings, and further evidence about rows that this modality gave before (``findings``)."""
        return [], []


_REGISTRY: dict[str, type[Modality]] = {}


def register_modality(cls: type[Modality]) -> type[Modality]:
    """Decorator: make a modality available under its ``name``."""
    _REGISTRY[cls.name] = cls
    return cls


def assets_of(names: tuple[str, ...]) -> list[str]:
    """Assets that the named modalities need; unknown names are passed over, `build` reports them."""
    _load_all()
    return [a for name in names if name in _REGISTRY for a in _REGISTRY[name].assets]


def modality_names() -> list[str]:
    """Names of all modalities."""
    _load_all()
    return sorted(_REGISTRY)


def build(options: Options) -> list[Modality]:
    """The modalities that the options name, models loaded."""
    _load_all()
    for name in options.modalities:
        if name not in _REGISTRY:
            raise unknown("modality", name, list(_REGISTRY))
    return [_REGISTRY[name](options) for name in dict.fromkeys(options.modalities)]


def _load_all() -> None:
    import importlib
    import pkgutil

    import affectlens.modalities as package

    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
