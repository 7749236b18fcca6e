"""The voice: one row a turn, judged by how it sounds against the same person's other turns, and explained in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from affectlens.core.labels import IEMOCAP4, align, valence_arousal
from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.explainers.shapley import group_shapley
from affectlens.media.audio import AudioBlock
from affectlens.media.frames import Frame
from affectlens.modalities.base import Clip, Finding, Modality, register_modality
from affectlens.models.base import load_model
from affectlens.perception.people.finder import Person
from affectlens.perception.people.speaker import SpeakerChoice
from affectlens.perception.voice.catalogue import GROUPS, catalogue, group_of
from affectlens.perception.words.turns import Turn, turns

OWN = 3  # turns of a person from which their own average is a baseline
CLEAR = 0.7  # standard deviations from which a difference is worth a word
TOLD = 3
# What depends on whose voice it is and how it was recorded says nothing beside other people's voices.
_PERSONAL = {
    "F0semitoneFrom27.5Hz_sma3nz_amean",
    "equivalentSoundLevel_dBp",
    "F1frequency_sma3nz_amean",
}


@register_modality
class VoiceModality(Modality):
    """Expressed emotion from how it is said."""

    name = "voice"
    needs_audio = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.model = load_model("speech")
        named = np.array(group_of())
        self._groups = [np.flatnonzero(named == g) for g in GROUPS]

    @property
    def models(self) -> tuple[Any, ...]:
        return (self.model,)

    def begin(self, clip: Clip) -> None:
        self._turns: list[Turn] = []
        self._heard = 0.0

    def listen(self, clip: Clip, blocks: Iterable[AudioBlock], progress: Callable[[float], None] | None) -> None:
        def counted() -> Iterable[AudioBlock]:
            for block in blocks:
                self._heard = block.start + len(block.samples) / block.rate
                if progress:
                    progress(self._heard)
                yield block

        self._turns.extend(turns(counted()))

    def heard(self) -> dict[str, Any]:
        return {"heard": self._heard, "turns": [asdict(t) | {"features": t.features.tolist()} for t in self._turns]}

    def restore(self, state: dict[str, Any]) -> bool:
        self._heard = state["heard"]
        self._turns = [Turn(**(t | {"features": np.array(t["features"])})) for t in state["turns"]]
        return True

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        for person in people:
            clip.mouths.add(person.id, frame.time, person.marks.mouth_opening)

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        if not clip.info.audio_tracks:
            return [self._none(clip, "the recording has no audio track")], []
        if not self._turns:
            return [self._none(clip, "no speech in the audio")], []
        choices = [self._speaker(clip, t) for t in self._turns]
        out: list[Finding | None] = [None] * len(self._turns)
        mine: dict[int, list[int]] = defaultdict(list)
        for i, (turn, choice) in enumerate(zip(self._turns, choices, strict=True)):
            if turn.problem:
                row = Row(clip.file, turn.start, turn.end, choice.person, self.name, "abstained", turn.problem, scheme=IEMOCAP4)
                out[i] = Finding(row, detail={"turn": turn, "speaker": choice})
            else:
                mine[choice.person].append(i)
        for members in mine.values():
            real = np.stack([self._turns[i].features for i in members])
            normal = self.model.normalise(real)
            p = align(self.model.calibration.probabilities(self.model.predict(normal)), self.model.labels, IEMOCAP4.labels)
            for k, i in enumerate(members):
                out[i] = self._finding(clip, self._turns[i], choices[i], p[k], normal[k], real, k)
        return [f for f in out if f is not None], []

    def _none(self, clip: Clip, reason: str) -> Finding:
        end = max(clip.end, self._heard)
        return Finding(Row(clip.file, 0.0, end, SCENE, self.name, "missing", reason, scheme=IEMOCAP4))

    @staticmethod
    def _speaker(clip: Clip, turn: Turn) -> SpeakerChoice:
        if not clip.info.video_tracks:
            return SpeakerChoice(SCENE, "the recording has no picture", {})
        return clip.mouths.speaker(turn.start, turn.end, clip.options.rate)

    def _finding(
        self, clip: Clip, turn: Turn, choice: SpeakerChoice, p: np.ndarray, normal: np.ndarray, real: np.ndarray, k: int
    ) -> Finding:
        calibration = self.model.calibration
        p = p / p.sum()
        valence, arousal = valence_arousal(p, IEMOCAP4.labels)
        row = Row(
            clip.file, turn.start, turn.end, choice.person, self.name,
            probabilities=tuple(float(v) for v in p), valence=valence, arousal=arousal,
            conformal=calibration.conformal_set(p, IEMOCAP4.labels), quality=turn.quality, scheme=IEMOCAP4,
        )  # fmt: skip
        detail: dict[str, Any] = {"turn": turn, "speaker": choice}
        deep = self.model.encode(normal[None])[0]
        found = Finding(row, weight=calibration.reliability * turn.quality, detail=detail, rank=row.confidence, deep=deep)
        if not clip.explaining:
            return found
        told = self._told(clip, row, real, k)
        shares = self._relevance(clip, row, normal)
        near = self._neighbours(clip, row, normal)
        detail = detail | {"told": told, "relevance": shares, "neighbours": near}
        return replace(found, evidence=(*told, *shares, *near), detail=detail)

    def _told(self, clip: Clip, row: Row, real: np.ndarray, k: int) -> list[Evidence]:
        """What a listener would notice: the plainest differences from the person's other turns, or from the training voices."""
        own = len(real) >= OWN
        scale = self.model.scale
        middle = np.median(real, axis=0) if own else scale.mean
        out: list[tuple[float, int]] = []
        difference = real[k] - middle
        for j, feature in enumerate(catalogue()):
            if feature.plain[0] and (own or feature.name not in _PERSONAL):
                out.append((float(difference[j] / scale.deviation[j]), j))
        chosen = sorted((v for v in out if abs(v[0]) >= CLEAR), key=lambda v: -abs(v[0]))[:TOLD]
        against = "average of the training corpora"
        if own:
            against = f"median of {'the' if row.person == SCENE else 'their'} {len(real)} turns in this recording"
        evidence = []
        for size, j in chosen:
            f = catalogue()[j]
            settings = {"feature": f.name, "against": against, "own": own, "probability": round(row.confidence, 4),
                        "value": round(float(real[k, j]), 5), "baseline": round(float(middle[j]), 5),
                        "deviations": round(size, 3)}  # fmt: skip
            evidence.append(
                clip.evidence(row, "instance", f"voice: {f.plain[size <= 0]}", difference[j], _unit(f.unit),
                              "difference of an eGeMAPS functional", settings=settings)
            )  # fmt: skip
        return evidence

    def _relevance(self, clip: Clip, row: Row, normal: np.ndarray) -> list[Evidence]:
        def predict(x: np.ndarray) -> np.ndarray:
            return align(self.model.calibration.probabilities(self.model.predict(x)), self.model.labels, IEMOCAP4.labels)

        values = group_shapley(predict, normal[None], np.zeros((1, len(normal))), self._groups)[0]
        target = IEMOCAP4.labels.index(row.label)
        settings = {"baseline": "the average turn of the person or of the training corpora", "groups": len(GROUPS)}
        return [
            clip.evidence(row, "instance", f"relevance: {name}", values[g, target], "log probability",
                          "exact Shapley value over groups of features", settings=settings)
            for g, name in enumerate(GROUPS)
        ]  # fmt: skip

    def _neighbours(self, clip: Clip, row: Row, normal: np.ndarray) -> list[Evidence]:
        near = self.model.neighbours(self.model.encode(normal[None])[0])
        return [
            clip.evidence(row, "latent", f"sounds like: {n.label}", n.distance, "median distance between training clips",
                          "nearest training clip in the latent (Euclidean)",
                          settings={"corpus": n.corpus, "key": n.key, "language": n.language, "gender": n.gender})
            for n in near
        ]  # fmt: skip


def _unit(unit: str) -> str:
    """The unit of a difference."""
    return {"semitones over 27.5 Hz": "semitones", "dB of full scale": "dB"}.get(unit, unit)
