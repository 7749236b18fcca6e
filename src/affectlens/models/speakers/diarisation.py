"""From a stream of sound to who speaks when: short segments of speech are grouped by voice, then borders are moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from affectlens.media.sound.audio import AudioBlock
from affectlens.models.speakers.alike import VoiceSpace
from affectlens.models.speakers.clustering import clusters, in_order
from affectlens.models.speakers.dips import FRAME, parts_between, quiet_frames
from affectlens.models.speakers.encoder import VoiceEncoder, voice_windows
from affectlens.models.speakers.spans import VoiceSpan
from affectlens.perception.words.transcript import RATE, speech_chunks

SEGMENT = 3.0  # seconds of a segment that is taken for one voice at first
SHORTEST = 0.3  # seconds of speech under which nothing is said of the voice
FULL = 2.5  # seconds of speech that count as one whole observation
MOST = 3000  # segments that are compared with each other; the shortest of more are given to the likeliest voice
STAY = 4.0  # logarithm of how much likelier it is that the same voice goes on from one window to the next
STAY_AT_DIP = 1.0  # the same where the sound dips
_SHARE = 0.25  # of a window's likelihood that counts: four windows overlap


@dataclass(frozen=True)
class _Stretch:
    """Speech without a pause: middles of its windows in seconds of the recording, their vectors, and the part each lies in."""

    start: float
    end: float
    times: np.ndarray
    vectors: np.ndarray
    part: np.ndarray
    seconds: np.ndarray  # of each part


def diarise(
    blocks: Iterable[AudioBlock], encoder: VoiceEncoder, space: VoiceSpace, count: int | None = None
) -> list[VoiceSpan]:
    """Who speaks when.

    Two who speak at the same time are one span: overlapping speech is not found.

    Parameters
    ----------
    blocks : iterable of AudioBlock
        At 16 kHz.
    encoder : VoiceEncoder
        Of the voices.
    space : VoiceSpace
        How alike two voices are.
    count : int, optional
        Voices, where that is known; it is found otherwise.

    Returns
    -------
    list of VoiceSpan
        In order, without overlap.
    """
    stretches = [stretch for chunk in speech_chunks(blocks) for stretch in _stretches(encoder, chunk.samples, chunk.active)]
    if not stretches:
        return []
    pieces = [piece for number, stretch in enumerate(stretches) for piece in _pieces(number, stretch)]
    vectors = np.stack([stretches[number].vectors[members].mean(axis=0) for number, members, _ in pieces])
    weights = weight_of(np.array([seconds for _, _, seconds in pieces]))
    middle = np.average(vectors, axis=0, weights=weights)
    coordinates = space.coordinates(vectors, middle)
    compared = np.sort(np.argsort(-weights, kind="stable")[:MOST])
    label = clusters(space, coordinates[compared], weights[compared], count)
    means, spread = _voices(space, coordinates[compared], weights[compared], label)
    return _spans(
        stretches, [_path(stretch, space.coordinates(stretch.vectors, middle), means, spread) for stretch in stretches]
    )


def weight_of(seconds: np.ndarray) -> np.ndarray:
    """How much stretches of speech of some seconds ``(n,)`` say of their voice; 1 for one of 2.5 s."""
    return np.asarray(np.clip(seconds / FULL, 0.1, 1.2))


def _stretches(encoder: VoiceEncoder, samples: np.ndarray, active: Iterable[tuple[float, float]]) -> Iterable[_Stretch]:
    """Windows of each stretch of a chunk whose first stretch begins with its first sample; no window spans a dip."""
    spans = list(active)
    quiet = quiet_frames(samples)
    for start, end in spans:
        if end - start < SHORTEST:
            continue
        first = round((start - spans[0][0]) * RATE)
        parts = parts_between(quiet[first // FRAME : round((end - spans[0][0]) * RATE) // FRAME])
        windows = [voice_windows(encoder, samples[first + a * FRAME : first + b * FRAME]) for a, b in parts]
        yield _Stretch(
            start,
            end,
            np.concatenate([start + a * FRAME / RATE + times for (a, _), (times, _) in zip(parts, windows, strict=True)]),
            np.concatenate([vectors for _, vectors in windows]),
            np.repeat(np.arange(len(parts)), [len(times) for times, _ in windows]),
            np.array([(b - a) * FRAME / RATE for a, b in parts]),
        )


def _pieces(number: int, stretch: _Stretch) -> Iterable[tuple[int, np.ndarray, float]]:
    """Equal pieces of at most three seconds of each part: number of the stretch, its windows in the piece, seconds."""
    for part, seconds in enumerate(stretch.seconds):
        members = np.flatnonzero(stretch.part == part)
        for piece in np.array_split(members, min(int(np.ceil(seconds / SEGMENT)), len(members))):
            yield number, piece, seconds * len(piece) / len(members)


def _voices(
    space: VoiceSpace, coordinates: np.ndarray, weights: np.ndarray, label: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Expected coordinates of each voice given its segments, and how uncertain they are, ``(voices, directions)`` each."""
    members = label[None, :] == np.arange(label.max() + 1)[:, None]
    weight = space.worth * (members @ weights)[:, None]
    total = space.worth * (members @ (coordinates * weights[:, None]))
    precision = 1 + weight * space.between
    return total * space.between / precision, space.between / precision


def _path(stretch: _Stretch, windows: np.ndarray, means: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The likeliest voice of each window where voices seldom change, and rather at a dip than elsewhere (Viterbi)."""
    variance = 1 + spread
    distance = (windows[:, None, :] - means[None]) ** 2 / variance[None] + np.log(variance)[None]
    score = -0.5 * _SHARE * distance.sum(axis=2)
    stay = np.where(np.diff(stretch.part) > 0, STAY_AT_DIP, STAY)
    best, back = score[0], []
    for now, penalty in zip(score[1:], stay, strict=True):
        change = best.max() - penalty
        back.append(np.where(best >= change, np.arange(len(best)), best.argmax()))
        best = np.maximum(best, change) + now
    path = [int(best.argmax())]
    for came in reversed(back):
        path.append(int(came[path[-1]]))
    return np.array(path[::-1])


def _spans(stretches: list[_Stretch], paths: list[np.ndarray]) -> list[VoiceSpan]:
    """Borders midway between windows of different voices; voices are numbered as they are heard."""
    flat = iter(in_order(np.concatenate(paths)))
    out = []
    for stretch in stretches:
        voices = np.array([next(flat) for _ in stretch.times])
        turns = np.flatnonzero(np.diff(voices)) + 1
        borders = [stretch.start, *((stretch.times[turns - 1] + stretch.times[turns]) / 2), stretch.end]
        for first, start, end in zip([0, *turns], borders[:-1], borders[1:], strict=True):
            out.append(VoiceSpan(float(start), float(end), int(voices[first])))
    return out
