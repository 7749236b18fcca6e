"""The answer for a turn of what was measured of it and of what Whisper's encoder heard, whole or in part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from affectlens.core.labels import IEMOCAP4, align
from affectlens.modalities.voice.hearing import Heard, kept_sound
from affectlens.models.base import Calibration
from affectlens.models.shipped.speech import SpeechModel
from affectlens.models.shipped.voice import VoiceModel
from affectlens.perception.words.turns import Turn


@dataclass(frozen=True)
class Judge:
    """Calibrated probabilities of turns.

    Its inputs are rows ``(n, 88)`` of normalised functionals, followed by the four centred logits of Whisper's states where
    there is a ``voice``.
    """

    acoustic: SpeechModel
    voice: VoiceModel | None = None

    @property
    def calibration(self) -> Calibration:
        """That of the answer."""
        return self.acoustic.calibration if self.voice is None else self.voice.calibration

    @property
    def average(self) -> np.ndarray:
        """The row of the average turn, ``(88,)`` or ``(92,)``."""
        measured = np.zeros(self.acoustic.net.config.features)
        if self.voice is None:
            return measured
        return np.concatenate([measured, self.voice.net.head.bias.detach().numpy()])

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Probabilities ``(n, 4)`` in the order of IEMOCAP4; each row sums to one."""
        width = self.acoustic.net.config.features
        logits = self.acoustic.predict(rows[:, :width]).astype(np.float64)
        if self.voice is not None:
            logits = self.voice.joined(rows[:, width:], logits)
        probabilities = align(self.calibration.probabilities(logits), self.acoustic.labels, IEMOCAP4.labels)
        return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Said:
    """A turn among those of its person.

    Attributes
    ----------
    turn : Turn
        The turn.
    answer : Heard or None
        What the encoder heard.
    number : int
        Its place in the recording.
    position : int
        Its place among the person's turns.
    judge : Judge
        Answers.
    row : numpy.ndarray
        What the judge is given of the turn.
    moved : numpy.ndarray
        ``(4,)``, what the person's other turns change of the encoder's logits.
    real : numpy.ndarray
        ``(turns, 88)``, functionals of all turns of the person in real units.
    """

    turn: Turn
    answer: Heard | None
    number: int
    position: int
    judge: Judge
    row: np.ndarray
    moved: np.ndarray
    real: np.ndarray

    def with_states(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities ``(n, 4)`` had the encoder's logits by themselves been these ``(n, 4)``."""
        rows = np.repeat(self.row[None], len(logits), axis=0)
        rows[:, -logits.shape[1] :] = logits + self.moved
        return self.judge(rows)

    def moments(self, target: int) -> np.ndarray:
        """By how much each moment raises the log probability of a class ``(k,)``; empty where nothing was heard."""
        if self.answer is None or not len(self.answer.moments):
            return np.zeros(0)
        whole, without = self.judge(self.row[None])[0, target], self.with_states(self.answer.moments)[:, target]
        return np.asarray(np.log(np.clip(whole, 1e-9, 1)) - np.log(np.clip(without, 1e-9, 1)))


@dataclass(frozen=True)
class Clearest:
    """The turn whose sound is kept, so that what is said of its moments can be tested: the surest of good quality."""

    number: int = -1
    rank: float = 0.0
    sound: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16), repr=False, compare=False)

    def or_this(self, number: int, answer: Heard, quality: float, sound: np.ndarray) -> Clearest:
        """The better one of this turn and another."""
        powers = np.exp(answer.logits - answer.logits.max())
        rank = float(quality * powers.max() / powers.sum())
        return Clearest(number, rank, kept_sound(sound)) if rank > self.rank else self

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {"number": self.number, "rank": self.rank, "sound": self.sound.tolist()}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Clearest:
        """The inverse of ``to_json``."""
        return cls(int(state["number"]), float(state["rank"]), np.array(state["sound"], np.int16))
