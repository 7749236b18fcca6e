"""Small recordings that are made on the spot, and one modality led through one as a run leads it."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from affectlens.core.options import Options
from affectlens.core.schema import Evidence
from affectlens.media.container import open_file
from affectlens.media.frames import Frame, MediaInfo, frames, probe
from affectlens.media.inputs import kind_of
from affectlens.media.pictures.images import read_image
from affectlens.media.sound.audio import Sound
from affectlens.modalities.base import Clip, Finding, Modality

Finder = Callable[[Frame], list[Any]]  # a frame to the people in it; a new one for each recording


@dataclass(frozen=True)
class Outcome:
    """What a modality gave for one recording."""

    clip: Clip
    findings: list[Finding]
    evidence: list[Evidence]
    heard: Any = None


def lead(
    modality: Modality, path: Path, *, explaining: bool = True, finder: Callable[[], Finder] | None = None, heard: Any = None
) -> Outcome:
    """Lead a modality through a recording: begin, listen, watch, window, finish.

    Parameters
    ----------
    modality : Modality
        Ready to begin.
    path : Path
        A picture, video, sound or motion.
    explaining : bool
        Whether evidence is wanted.
    finder : callable, optional
        Makes what finds the people in frames; nobody is in view when absent.
    heard : optional
        What an earlier ``listen`` learned, to be restored instead of listening.

    Returns
    -------
    Outcome
        All findings, further evidence, and what was heard.
    """
    options, info = modality.options, described(path)
    clip = Clip(path, info, options, explaining, np.random.default_rng(options.seed))
    modality.begin(clip)
    if info.audio_tracks and modality.needs_audio and not (heard is not None and modality.restore(heard)):
        modality.listen(clip, Sound(path, clip.problems), None)
    state = modality.heard() if info.audio_tracks else None
    findings: list[Finding] = []
    if info.video_tracks:
        people = finder() if finder else lambda _frame: []
        for start, end, shown in _windows(path, info, options):
            for frame in shown:
                modality.watch(clip, frame, people(frame))
            findings += modality.window(clip, start, end)
            clip.end = end
    new, more = modality.finish(clip, [finding for finding in findings if finding.row.modality == modality.name])
    return Outcome(clip, [*findings, *new], list(more), state)


def described(path: Path) -> MediaInfo:
    """What is known of a recording before it is read."""
    return MediaInfo(path, "motion", 0.0) if kind_of(path) == "motion" else probe(path)


def _windows(path: Path, info: MediaInfo, options: Options) -> Iterator[tuple[float, float, list[Frame]]]:
    if info.kind == "image":
        yield 0.0, 0.0, [Frame(0.0, read_image(path))]
        return
    shown: list[Frame] = []
    for frame in frames(path, options.rate):
        if shown and int(frame.time / options.window) != int(shown[0].time / options.window):
            yield (*_bounds(shown, options.window), shown)
            shown = []
        shown.append(frame)
    if shown:
        start, end = _bounds(shown, options.window)
        yield start, min(end, shown[-1].time + 1 / options.rate), shown


def _bounds(shown: list[Frame], window: float) -> tuple[float, float]:
    index = int(shown[0].time / window)
    return index * window, (index + 1) * window


def make_recordings(folder: Path) -> dict[str, Path]:
    """Make a picture, a silent film, a film with sound, a sound and silence, of nobody and nothing in particular.

    Parameters
    ----------
    folder : Path
        Where to.

    Returns
    -------
    dict of Path
        By what they are.
    """
    rng = np.random.default_rng(0)
    ground = rng.integers(60, 190, (12, 16, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    pictures = [np.roll(ground, 4 * i, axis=1) for i in range(15)]
    seconds = np.arange(32000) / 16000
    tone = (0.2 * np.sin(2 * np.pi * 180 * seconds) * (np.sin(2 * np.pi * 1.5 * seconds) > 0)).astype(np.float32)
    made = {name: folder / file for name, file in FILES.items()}
    Image.fromarray(ground).save(made["a picture"])
    _film(made["a silent film"], pictures)
    _film(made["a film with sound"], pictures, tone)
    _sound(made["a sound"], tone)
    _sound(made["silence"], np.zeros(16000, np.float32))
    return made


FILES = {
    "a picture": "picture.png",
    "a silent film": "silent.mp4",
    "a film with sound": "film.mkv",
    "a sound": "sound.wav",
    "silence": "silence.wav",
}


def _sound(path: Path, samples: np.ndarray, rate: int = 16000) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((samples * 32767).astype("<i2").tobytes())


def _film(path: Path, pictures: list[np.ndarray], samples: np.ndarray | None = None, rate: int = 10) -> None:
    with open_file(path, "w") as out:
        video: Any = out.add_stream("mpeg4", rate=rate)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = "yuv420p"
        audio: Any = None
        if samples is not None:
            audio = out.add_stream("pcm_s16le", rate=16000)
            audio.layout = "mono"
        for i, picture in enumerate(pictures):
            shown = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            shown.pts, shown.time_base = i, Fraction(1, rate)
            out.mux(video.encode(shown))
        out.mux(video.encode(None))
        if samples is not None:
            block = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], format="s16", layout="mono")
            block.sample_rate, block.pts, block.time_base = 16000, 0, Fraction(1, 16000)
            out.mux(audio.encode(block))
            out.mux(audio.encode(None))
