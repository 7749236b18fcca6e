"""A model of the user's on voices: one row a turn, explained by the moments without which its answer changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from affectlens.core.options import Options
from affectlens.core.schema import Evidence, Row
from affectlens.explainers.faithfulness import faithfulness
from affectlens.media.sound.audio import AudioBlock
from affectlens.modalities.base import Clip, Finding, register_own
from affectlens.modalities.faithfulness import faithfulness_evidence
from affectlens.modalities.listening import ListeningModality
from affectlens.modalities.own.answers import RELIABILITY, OwnModel, spec_of
from affectlens.modalities.voice.evidence import MomentDetail, VoiceDetail
from affectlens.models.readers import sound_of
from affectlens.perception.people.speaker import SpeakerChoice
from affectlens.perception.words.turns import Turn, turns

MOMENT = 0.4  # seconds
_TINY = 1e-12


@register_own
class OwnVoiceModality(ListeningModality):
    """Expressed emotion from how it is said, by a model of the user's."""

    name = "voice"

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.own = OwnModel(spec_of(options, self.name), self.name, options, sound_of)
        self.scheme = self.own.scheme

    @property
    def models(self) -> tuple[Any, ...]:
        """The model in use."""
        return (self.own.model,)

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        super().begin(clip)
        self._turns: list[Turn] = []
        self._changed: list[np.ndarray] = []  # answers to each turn as it is, then without each of its moments
        self._clearest = (-1, np.zeros(0, np.float32))  # the turn whose explanation is tested, and its sound

    def take(self, blocks: Iterable[AudioBlock], channel: int | None) -> None:
        """Ask about each turn while its sound is there."""
        for turn in turns(blocks, self.borders):
            sound = np.zeros(0, np.float32) if turn.sound is None else turn.sound
            answers = np.zeros((0, len(self.scheme.labels)))
            if not turn.problem:
                wanted = (
                    [sound, *(without_moment(sound, part) for part in moments(sound))] if self._clip.explaining else [sound]
                )
                answers = self.own.probabilities(wanted)
                best = self._clearest[0]
                if best < 0 or turn.quality * answers[0].max() > self._turns[best].quality * self._changed[best][0].max():
                    self._clearest = (len(self._turns), sound)
            self._turns.append(replace(turn, channel=channel, sound=None))
            self._changed.append(answers)

    def heard(self) -> dict[str, Any]:
        """What was heard, as JSON types."""
        listed = [
            turn.to_json() | {"answers": answers.tolist()} for turn, answers in zip(self._turns, self._changed, strict=True)
        ]
        return {"heard": self._heard, "turns": listed, "clearest": [self._clearest[0], self._clearest[1].tolist()]}

    def restore(self, state: dict[str, Any]) -> bool:
        """Take what an earlier run heard."""
        self._heard = state["heard"]
        classes = len(self.scheme.labels)
        self._changed = [np.array(turn["answers"]).reshape(-1, classes) for turn in state["turns"]]
        self._turns = [Turn.of_json(turn) for turn in state["turns"]]
        number, sound = state["clearest"]
        self._clearest = (number, np.array(sound, np.float32))
        return True

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """The findings of the whole recording."""
        if not clip.info.audio_tracks:
            return [self.nothing(clip, "missing", "the recording has no audio track")], []
        if not self._turns:
            return [self.nothing(clip, "missing", "no speech in the audio")], []
        for note in self.own.notes:
            clip.problems.add(note)
        choices = self.speakers(clip, self._turns)
        return [self._finding(clip, number, choice) for number, choice in enumerate(choices)], []

    def _finding(self, clip: Clip, number: int, choice: SpeakerChoice) -> Finding:
        turn, answers = self._turns[number], self._changed[number]
        if turn.problem:
            row = Row(clip.file, turn.start, turn.end, choice.person, self.name, "abstained", turn.problem, scheme=self.scheme)
            return Finding(row, detail=VoiceDetail(turn, choice))
        row = Row(
            clip.file,
            turn.start,
            turn.end,
            choice.person,
            self.name,
            probabilities=tuple(float(value) for value in answers[0]),
            conformal=self.scheme.labels,
            quality=turn.quality,
            scheme=self.scheme,
        )
        finding = Finding(row, weight=RELIABILITY * turn.quality, detail=VoiceDetail(turn, choice), rank=row.confidence)
        return replace(finding, evidence=tuple(self._explain(clip, row, number))) if len(answers) > 2 else finding

    def _explain(self, clip: Clip, row: Row, number: int) -> list[Evidence]:
        index = self.scheme.index(row.label)
        logs = np.log(self._changed[number][:, index] + _TINY)
        values = logs[0] - logs[1:]
        edges = np.linspace(row.start, row.end, len(values) + 1)
        out = [
            clip.evidence(
                row,
                "moment",
                value,
                subject=f"{edges[place]:.2f} to {edges[place + 1]:.2f} s",
                method="occlusion: the moment made silent",
                detail=MomentDetail(round(float(edges[place]), 3), round(float(edges[place + 1]), 3)),
            )
            for place, value in enumerate(values)
        ]
        if number == self._clearest[0] and self.options.faithfulness:
            sound = self._clearest[1]
            parts = moments(sound)

            def score(masks: np.ndarray) -> np.ndarray:
                changed = []
                for mask in masks:
                    heard = sound.copy()
                    for part, kept in zip(parts, mask, strict=True):
                        heard = heard if kept else without_moment(heard, part)
                    changed.append(heard)
                return np.asarray(self.own.probabilities(changed)[:, index])

            tested = faithfulness(values, score, clip.rng, steps=min(4, len(values)), most=self.options.orders)
            out += faithfulness_evidence(clip, row, tested, explains="occlusion of moments", blank="silence")
        return out


def moments(sound: np.ndarray, rate: int = 16000) -> list[slice]:
    """Equal parts of about .4 s of a sound ``(n,)``.

    Returns
    -------
    list of slice
        In order; together the whole sound.

    Examples
    --------
    >>> [part.stop for part in moments(np.zeros(16000))]
    [8000, 16000]
    """
    count = max(int(len(sound) / (MOMENT * rate)), 1)
    edges = np.linspace(0, len(sound), count + 1).astype(int)
    return [slice(int(first), int(last)) for first, last in pairwise(edges)]


def without_moment(sound: np.ndarray, part: slice) -> np.ndarray:
    """The sound with a part of it silent."""
    changed = sound.copy()
    changed[part] = 0
    return changed
