"""A modality is a plug-in: it listens, watches, and says what it found. Adding one is one file with one decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from affectlens.context.place import Place
from affectlens.core.disk.places import written
from affectlens.core.errors import UsageError
from affectlens.core.kinds import EVIDENCE, Detail
from affectlens.core.options import Options, fitted_weights, given_for
from affectlens.core.registry import Registry
from affectlens.core.schema import Evidence, Row
from affectlens.media.frames import Frame, MediaInfo, Problems
from affectlens.media.sound.audio import AudioBlock
from affectlens.models.speakers.spans import VoiceSpan
from affectlens.perception.people.finder import Person, Sighting
from affectlens.perception.people.speaker import MouthMotion
from affectlens.perception.scene.objects import Thing


@dataclass(frozen=True)
class Picture:
    """A small RGB picture ``(h, w, 3)`` uint8 that belongs to a piece of evidence."""

    name: str
    caption: str
    image: np.ndarray


@dataclass(frozen=True)
class RelevanceMap:
    """A map over a part of one frame, as numbers.

    Attributes
    ----------
    name, method : str
        ``map`` or ``attention``, and how it was made.
    time : float
        Seconds of the frame.
    cells : ndarray
        ``(rows, columns)``, signed where the method signs them.
    corners : ndarray
        ``(4, 2)``: the picture's left top, right top, right bottom, left bottom, as shares of the frame's width and height.
    """

    name: str
    method: str
    time: float
    cells: np.ndarray
    corners: np.ndarray


VOICE_ENCODER = "voice-encoder"  # the asset that tells voices apart, for all modalities that hear


class FindingDetail:
    """Base of the records of what the report shows of a finding and the table cannot: attributed words, region shares."""

    def slim(self) -> FindingDetail | None:
        """What has to stay once the finding's evidence and pictures are written."""
        return self


F = TypeVar("F", bound=FindingDetail)


@dataclass(frozen=True)
class Finding:
    """One row of the table with the evidence for it.

    Parameters
    ----------
    row : Row
        With the conformal set that fusion uses.
    evidence : tuple of Evidence
        What explains the row.
    weight : float
        Reliability times quality, the modality's pull in the fused answer before normalising.
    pictures : tuple of Picture
        Kept for the best findings of a person only.
    detail : FindingDetail, optional
        What the report shows beside the evidence.
    rank : float
        How good a sample of its person and class the segment is.
    deep : ndarray (features,), optional
        What early fusion joins.
    maps : tuple of RelevanceMap
        Where the pictures' maps lie in the recording.
    """

    row: Row
    evidence: tuple[Evidence, ...] = ()
    weight: float = 0.0
    pictures: tuple[Picture, ...] = ()
    detail: FindingDetail | None = None
    rank: float = 0.0
    deep: np.ndarray | None = field(default=None, repr=False)
    maps: tuple[RelevanceMap, ...] = field(default=(), repr=False)

    def detail_as(self, wanted: type[F]) -> F | None:
        """The detail where it is of this type, else None."""
        return self.detail if isinstance(self.detail, wanted) else None

    def of(self, *kinds: str) -> list[Evidence]:
        """Its evidence of the given kinds."""
        return [entry for entry in self.evidence if entry.kind in kinds]

    def slim(self) -> Finding:
        """Without evidence, pictures and maps: an hour of rows must stay small."""
        return replace(self, evidence=(), pictures=(), maps=(), detail=self.detail.slim() if self.detail else None)


@dataclass(frozen=True)
class SceneView:
    """A picture ``(h, w, 3)`` uint8 of the surroundings with the things that were found in it."""

    picture: np.ndarray
    things: tuple[Thing, ...]


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
    place: Place | None = None  # as given or inferred, once the scene was looked at
    scene: SceneView | None = None  # for the report
    voices: tuple[VoiceSpan, ...] = ()  # who speaks when, where only the sound can tell
    called: str = ""  # what rows call it where its own name is not to be told
    _ids: int = 0

    @property
    def file(self) -> str:
        """The name under which rows list this recording, as `affectlens.core.disk.places.written` has it."""
        return self.called or written(self.path)

    def evidence(
        self,
        row: Row,
        kind: str,
        value: float,
        *,
        method: str,
        subject: str = "",
        unit: str = "",
        detail: Detail | None = None,
        **more: Any,
    ) -> Evidence:
        """Evidence about a row, with the next free id.

        Parameters
        ----------
        row : Row
            What it speaks of.
        kind, subject : str
            As in `Evidence`; level, and unit where none is given, are those of the kind.
        value, unit, method, detail
            As in `Evidence`.
        **more
            Other fields of `Evidence`; ``target`` is the row's label where it is not among them.

        Returns
        -------
        Evidence
            Of this recording.
        """
        declared = EVIDENCE.get(kind)
        self._ids += 1
        given: dict[str, Any] = {"target": row.label, **more}
        return Evidence(
            f"e{self._ids:05d}",
            row.file,
            row.start,
            row.end,
            row.person,
            declared.level,
            row.modality,
            kind=kind,
            subject=subject,
            value=float(value),
            unit=unit or declared.unit,
            method=method,
            detail=detail or Detail(),
            **given,
        )


class Modality:
    """Base of all modalities; each overrides what it needs. One instance serves many recordings in turn.

    The order of calls for a recording: ``begin``, ``listen`` (where there is audio and ``needs_audio``), for each sampled
    frame ``watch``, after the last frame of each window ``window``, at the end ``finish``. Where all that listen say
    ``hears_apart``, ``listen`` is called in a second thread while ``watch`` and ``window`` are.
    """

    name = ""
    needs_audio = False
    hears_apart = False  # whether ``listen`` uses and changes nothing but what it hears, so that others may see meanwhile
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


MODALITIES: Registry[type[Modality]] = Registry("modality", "affectlens.modalities")


# What reads with a model of the user's in place of the one that ships, by modality.
OWN: Registry[type[Modality]] = Registry("modality that takes a model of one's own", "affectlens.modalities.own")


def register_modality(cls: type[Modality]) -> type[Modality]:
    """Decorator: make a modality available under its ``name``."""
    return MODALITIES.add(cls.name, cls)


def register_own(cls: type[Modality]) -> type[Modality]:
    """Decorator: let a modality read with the model that ``--model`` names, instead of the one that is registered for it."""
    return OWN.add(cls.name, cls)


def assets_of(options: Options) -> list[str]:
    """Assets that the modalities of a run and what it is compared with need."""
    chosen = [MODALITIES.get(name) for name in options.modalities]
    needed = [asset for modality in chosen for asset in modality.assets]
    if any(modality.needs_audio for modality in chosen):
        needed.append(VOICE_ENCODER)
    return [*needed, options.prior] if options.prior else needed


def modality_names() -> list[str]:
    """Names of all modalities."""
    return MODALITIES.names()


def build(options: Options) -> list[Modality]:
    """The modalities that the options name, models loaded.

    Returns
    -------
    list of Modality
        In the order of the options.

    Raises
    ------
    UsageError
        An unknown name, or a modality that lacks what it needs.
    """
    names = list(dict.fromkeys(options.modalities))
    given = {entry.partition("=")[0] for entry in options.model}
    if unused := given - set(names):
        raise UsageError(f"--model {', '.join(sorted(unused))}=…: not among --modalities {','.join(names)}")
    own = {name for name in given if weights_for(options, name) is None}
    if unused := {entry.partition("=")[0] for entry in options.model_labels} - own:
        raise UsageError(f"--model-labels {', '.join(sorted(unused))}=…: without a --model of others for it; leave it out")
    return [(OWN.get(name) if name in own else MODALITIES.get(name))(options) for name in names]


def weights_for(options: Options, name: str) -> Path | None:
    """Weights of ours that ``--model NAME=FILE.safetensors`` gives a modality in place of those that ship; None without."""
    return fitted_weights(given_for(options.model, name))
