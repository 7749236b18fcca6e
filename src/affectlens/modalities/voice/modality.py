"""The voice: one row a turn, judged by how it sounds against the same person's other turns, and explained in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from affectlens.core.labels import IEMOCAP4, align, valence_arousal
from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.explainers.shapley import group_shapley
from affectlens.media.audio import AudioBlock
from affectlens.modalities.base import Clip, Finding, register_modality
from affectlens.modalities.listening import ListeningModality
from affectlens.modalities.voice.evidence import Neighbour, VoiceDetail, VoiceDifference, VoiceRelevance
from affectlens.models.base import load_model
from affectlens.perception.people.speaker import SpeakerChoice
from affectlens.perception.voice.catalogue import GROUPS, catalogue, group_of
from affectlens.perception.words.turns import Turn, turns

OWN = 3  # turns of a person from which their own average is a baseline
CLEAR = 0.7  # standard deviations from which a difference is worth a word
MOST = 3  # differences of a turn that evidence is given of
# What depends on whose voice it is and how it was recorded says nothing beside other people's voices.
_PERSONAL = {
    "F0semitoneFrom27.5Hz_sma3nz_amean",
    "equivalentSoundLevel_dBp",
    "F1frequency_sma3nz_amean",
}


@register_modality
class VoiceModality(ListeningModality):
    """Expressed emotion from how it is said."""

    name = "voice"
    scheme = IEMOCAP4

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.model = load_model("speech")
        named = np.array(group_of())
        self._groups = [np.flatnonzero(named == group) for group in GROUPS]

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks in use."""
        return (self.model,)

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        super().begin(clip)
        self._turns: list[Turn] = []

    def take(self, blocks: Iterable[AudioBlock], channel: int | None) -> None:
        """Keep what is heard."""
        self._turns.extend(replace(turn, channel=channel) for turn in turns(blocks, self.borders))

    def heard(self) -> dict[str, Any]:
        """What was heard, as JSON types."""
        return {"heard": self._heard, "turns": [asdict(turn) | {"features": turn.features.tolist()} for turn in self._turns]}

    def restore(self, state: dict[str, Any]) -> bool:
        """Take what an earlier run heard."""
        self._heard = state["heard"]
        self._turns = [Turn(**(turn | {"features": np.array(turn["features"])})) for turn in state["turns"]]
        return True

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """The findings of the whole recording."""
        if not clip.info.audio_tracks:
            return [self.nothing(clip, "missing", "the recording has no audio track")], []
        if not self._turns:
            return [self.nothing(clip, "missing", "no speech in the audio")], []
        choices = self.speakers(clip, self._turns)
        out: list[Finding | None] = [None] * len(self._turns)
        by_person: dict[int, list[int]] = defaultdict(list)
        for number, (turn, choice) in enumerate(zip(self._turns, choices, strict=True)):
            if turn.problem:
                row = Row(clip.file, turn.start, turn.end, choice.person, self.name, "abstained", turn.problem, scheme=IEMOCAP4)
                out[number] = Finding(row, detail=VoiceDetail(turn, choice))
            else:
                by_person[choice.person].append(number)
        for members in by_person.values():
            real = np.stack([self._turns[number].features for number in members])
            normal = self.model.normalise(real)
            probabilities = align(
                self.model.calibration.probabilities(self.model.predict(normal)), self.model.labels, IEMOCAP4.labels
            )
            for position, number in enumerate(members):
                out[number] = self._finding(
                    clip, self._turns[number], choices[number], probabilities[position], normal[position], real, position
                )
        return [finding for finding in out if finding is not None], []

    def _finding(
        self,
        clip: Clip,
        turn: Turn,
        choice: SpeakerChoice,
        probabilities: np.ndarray,
        normal: np.ndarray,
        real: np.ndarray,
        position: int,
    ) -> Finding:
        calibration = self.model.calibration
        probabilities = probabilities / probabilities.sum()
        valence, arousal = valence_arousal(probabilities, IEMOCAP4.labels)
        row = Row(
            clip.file,
            turn.start,
            turn.end,
            choice.person,
            self.name,
            probabilities=tuple(float(probability) for probability in probabilities),
            valence=valence,
            arousal=arousal,
            conformal=calibration.conformal_set(probabilities, IEMOCAP4.labels),
            quality=turn.quality,
            scheme=IEMOCAP4,
        )
        detail = VoiceDetail(turn, choice)
        deep = self.model.encode(normal[None])[0]
        finding = Finding(row, weight=calibration.reliability * turn.quality, detail=detail, rank=row.confidence, deep=deep)
        if not clip.explaining:
            return finding
        differences = self._differences(clip, row, real, position)
        shares = self._relevance(clip, row, normal)
        near = self._neighbours(clip, row, normal)
        return replace(finding, evidence=(*differences, *shares, *near))

    def _differences(self, clip: Clip, row: Row, real: np.ndarray, position: int) -> list[Evidence]:
        """What a listener would notice: the plainest differences from the person's other turns, or from the training voices."""
        own = len(real) >= OWN
        scale = self.model.scale
        middle = np.median(real, axis=0) if own else scale.mean
        sizes: list[tuple[float, int]] = []
        difference = real[position] - middle
        for column, feature in enumerate(catalogue()):
            if feature.plain[0] and (own or feature.name not in _PERSONAL):
                sizes.append((float(difference[column] / scale.deviation[column]), column))
        chosen = sorted((entry for entry in sizes if abs(entry[0]) >= CLEAR), key=lambda entry: -abs(entry[0]))[:MOST]
        against = "average of the training corpora"
        if own:
            against = f"median of {'the' if row.person == SCENE else 'their'} {len(real)} turns in this recording"
        evidence = []
        for size, column in chosen:
            feature = catalogue()[column]
            higher, lower = feature.plain
            detail = VoiceDifference(
                feature.name,
                against,
                own,
                round(row.confidence, 4),
                round(float(real[position, column]), 5),
                round(float(middle[column]), 5),
                round(size, 3),
            )
            evidence.append(
                clip.evidence(
                    row,
                    "voice",
                    difference[column],
                    subject=higher if size > 0 else lower,
                    unit=_unit(feature.unit),
                    method="difference of an eGeMAPS functional",
                    detail=detail,
                )
            )
        return evidence

    def _relevance(self, clip: Clip, row: Row, normal: np.ndarray) -> list[Evidence]:
        def predict(features: np.ndarray) -> np.ndarray:
            return align(self.model.calibration.probabilities(self.model.predict(features)), self.model.labels, IEMOCAP4.labels)

        values = group_shapley(predict, normal[None], np.zeros((1, len(normal))), self._groups)[0]
        target = IEMOCAP4.labels.index(row.label)
        detail = VoiceRelevance("the average turn of the person or of the training corpora", len(GROUPS))
        return [
            clip.evidence(
                row,
                "relevance",
                values[number, target],
                subject=name,
                detail=detail,
                method="exact Shapley value over groups of features",
            )
            for number, name in enumerate(GROUPS)
        ]

    def _neighbours(self, clip: Clip, row: Row, normal: np.ndarray) -> list[Evidence]:
        near = self.model.neighbours(self.model.encode(normal[None])[0])
        return [
            clip.evidence(
                row,
                "sounds like",
                neighbour.distance,
                subject=neighbour.label,
                method="nearest training clip in the latent (Euclidean)",
                detail=Neighbour(neighbour.corpus, neighbour.key, neighbour.language, neighbour.gender),
            )
            for neighbour in near
        ]


def _unit(unit: str) -> str:
    """The unit of a difference."""
    return {"semitones over 27.5 Hz": "semitones", "dB of full scale": "dB"}.get(unit, unit)
