"""What Whisper's encoder hears of a turn: the answer for the whole of it, and for it without each of its moments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from affectlens.models.shipped.voice import VoiceModel
from affectlens.models.whisper.encoder import FRAMES
from affectlens.models.whisper.spectrogram import RATE
from affectlens.models.whisper.states import SHORTEST, levelled, pooled, states_of

MOMENT = 0.25  # seconds
MOST = 24  # moments of a turn
PARTS = 6  # of a moment that the waveform is drawn in
_FRAME = 400  # samples, 25 ms
_STEP = 32767  # of 16-bit samples, in which the sound of a turn is kept


@dataclass(frozen=True)
class Heard:
    """What was heard of a turn.

    Attributes
    ----------
    logits : numpy.ndarray
        ``(4,)``, of the turn by itself.
    moments : numpy.ndarray
        ``(k, 4)``: the same with each moment left out of mean and deviation.
    typical : float
        How ordinary it is among what was learnt from, a p-value.
    envelope : numpy.ndarray
        ``(b,)``, the largest sample of each of several equal parts, for the picture of the waveform.
    """

    logits: np.ndarray
    moments: np.ndarray
    typical: float
    envelope: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        arrays = {name: getattr(self, name).tolist() for name in ("logits", "moments", "envelope")}
        return arrays | {"typical": self.typical}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Heard:
        """The inverse of ``to_json``."""
        moments = np.array(state["moments"]).reshape(-1, len(state["logits"]))
        return cls(np.array(state["logits"]), moments, float(state["typical"]), np.array(state["envelope"]))


def hear(model: VoiceModel, sound: np.ndarray) -> Heard | None:
    """Listen to a turn ``(n,)`` at 16 kHz; None where it is too short for the encoder."""
    if len(sound) < SHORTEST * RATE:
        return None
    states = model.states(sound)
    whole = pooled(states)
    count = moments_of(states.shape[1])
    kept = 1 - torch.from_numpy(_membership(states.shape[1], count)).float()
    without = model.without(states, kept) if count > 1 else np.zeros((0, len(model.labels)))
    envelope = np.array([np.abs(part).max() for part in np.array_split(sound, max(1, min(PARTS * count, len(sound))))])
    return Heard(model.heard(whole)[0], without, float(model.typicality_of(whole)[0]), envelope)


def moments_of(frames: int) -> int:
    """How many moments a turn of that many frames is divided into.

    Returns
    -------
    int
        From 1 to ``MOST``, of about ``MOMENT`` seconds.

    Examples
    --------
    >>> moments_of(10), moments_of(150), moments_of(1500)
    (1, 12, 24)
    """
    return int(np.clip(round(frames / FRAMES / MOMENT), 1, MOST))


def _membership(frames: int, count: int) -> np.ndarray:
    """Which frames belong to which moment, ``(count, frames)`` bool."""
    return np.asarray(np.arange(frames) * count // frames == np.arange(count)[:, None])


def kept_sound(sound: np.ndarray) -> np.ndarray:
    """A sound in 16-bit samples, as it is kept."""
    return np.asarray(np.clip(np.round(np.asarray(sound) * _STEP), -_STEP, _STEP), np.int16)


def quieted(model: VoiceModel, sound: np.ndarray, count: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function that listens to a turn again with some of its moments as quiet as its background.

    Instead of them there is noise at the level of the turn's quietest tenth: digital silence would be a sound of its own.

    Parameters
    ----------
    model : VoiceModel
        Listens.
    sound : numpy.ndarray
        ``(n,)`` int16, of `kept_sound`.
    count : int
        Moments.

    Returns
    -------
    callable
        Takes masks ``(m, count)`` of the moments kept and gives the head's logits ``(m, 4)``.
    """
    loud = levelled(sound.astype(np.float64) / _STEP)  # at its own level, whatever is silent
    frames = loud[: max(1, len(loud) // _FRAME) * _FRAME].reshape(-1, min(_FRAME, len(loud)))
    floor = np.sqrt(np.quantile((frames.astype(np.float64) ** 2).mean(axis=1), 0.1))
    quiet = np.random.default_rng(0).normal(0, floor, len(loud)).astype(np.float32)
    moment = np.minimum(np.arange(len(loud)) * count // len(loud), count - 1)

    def listen(masks: np.ndarray) -> np.ndarray:
        return np.concatenate(
            [model.heard(pooled(states_of(model.encoder, np.where(mask[moment], loud, quiet), level=False))) for mask in masks]
        )

    return listen
