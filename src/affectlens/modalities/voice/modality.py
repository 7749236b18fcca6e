"""The voice: one row a turn, judged by how it sounds against the same person's other turns, and explained in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from affectlens.assets.store import locate
from affectlens.core.errors import AssetError
from affectlens.core.labels import IEMOCAP4, valence_arousal
from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.explainers.faithfulness import faithfulness
from affectlens.explainers.shapley import group_shapley
from affectlens.media.sound.audio import AudioBlock
from affectlens.modalities.base import Clip, Finding, register_modality, weights_for
from affectlens.modalities.faithfulness import faithfulness_evidence
from affectlens.modalities.listening import ListeningModality
from affectlens.modalities.voice.evidence import MomentDetail, Neighbour, VoiceDetail, VoiceDifference, VoiceRelevance
from affectlens.modalities.voice.hearing import Heard, hear, quieted
from affectlens.modalities.voice.judging import Clearest, Judge, Said
from affectlens.models.base import load_model
from affectlens.models.shipped.voice import VoiceModel
from affectlens.perception.people.speaker import SpeakerChoice
from affectlens.perception.voice.catalogue import GROUPS, catalogue, group_of
from affectlens.perception.words.turns import Turn, turns

OWN = 3  # turns of a person from which their own average is a baseline
CLEAR = 0.7  # standard deviations from which a difference is worth a word
MOST = 3  # differences of a turn that evidence is given of
STATES = "the sound as Whisper's encoder hears it"
STEPS = 4  # of quieting moments, in the test of what they are said to do
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
    assets = ("whisper-base",)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        fitted = weights_for(options, "voice")
        self.model = load_model("speech", fitted)
        self.voice: VoiceModel | None = load_model("voice")
        self._without = ""  # why the encoder's states are missing
        try:
            locate("whisper-base")
        except AssetError as error:
            self.voice, self._without = None, f"the voice was judged by eGeMAPS alone, which errs more: {error}"
        if fitted is not None:  # how the two answers are joined was learnt with the weights that ship
            self.voice, self._without = None, f"the voice was judged by eGeMAPS alone, with the weights {fitted.name}"
        named = np.array(group_of())
        self._groups = [np.flatnonzero(named == group) for group in GROUPS]

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks in use."""
        return (self.model,) if self.voice is None else (self.model, self.voice)

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        super().begin(clip)
        self._turns: list[Turn] = []
        self._answers: list[Heard | None] = []
        self._clearest = Clearest()

    def take(self, blocks: Iterable[AudioBlock], channel: int | None) -> None:
        """Keep what is heard."""
        for turn in turns(blocks, self.borders):
            sound = turn.sound if turn.sound is not None else np.zeros(0, np.float32)
            answer = hear(self.voice, sound) if self.voice is not None else None
            if answer is not None and not turn.problem:
                self._clearest = self._clearest.or_this(len(self._turns), answer, turn.quality, sound)
            self._turns.append(replace(turn, channel=channel, sound=None))
            self._answers.append(answer)

    def heard(self) -> dict[str, Any]:
        """What was heard, as JSON types."""
        turns = []
        for turn, answer in zip(self._turns, self._answers, strict=True):
            turns.append(turn.to_json() | {"answer": answer.to_json() if answer else None})
        return {"heard": self._heard, "turns": turns, "clearest": self._clearest.to_json()}

    def restore(self, state: dict[str, Any]) -> bool:
        """Take what an earlier run heard."""
        heard_by = {turn["answer"] is not None for turn in state["turns"]}
        if self.voice is None and True in heard_by:
            return False
        self._heard, self._clearest = state["heard"], Clearest.of(state["clearest"])
        self._answers = [Heard.of(turn["answer"]) if turn["answer"] else None for turn in state["turns"]]
        self._turns = [Turn.of_json(turn) for turn in state["turns"]]
        return True

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """The findings of the whole recording."""
        if not clip.info.audio_tracks:
            return [self.nothing(clip, "missing", "the recording has no audio track")], []
        if not self._turns:
            return [self.nothing(clip, "missing", "no speech in the audio")], []
        if self._without:
            clip.problems.add(self._without)
        choices = self.speakers(clip, self._turns)
        out: list[Finding | None] = [None] * len(self._turns)
        by_person: dict[tuple[int, bool], list[int]] = defaultdict(list)
        for number, (turn, answer, choice) in enumerate(zip(self._turns, self._answers, choices, strict=True)):
            if reason := self._reason_against(turn, answer):
                row = Row(
                    clip.file,
                    turn.start,
                    turn.end,
                    choice.person,
                    self.name,
                    "abstained",
                    reason,
                    typical=answer.typical if answer else float("nan"),
                    scheme=IEMOCAP4,
                )
                out[number] = Finding(row, detail=VoiceDetail(turn, choice))
            else:
                by_person[choice.person, answer is not None].append(number)
        for members in by_person.values():
            for number, said in zip(members, self._said(members), strict=True):
                out[number] = self._finding(clip, choices[number], said)
        return [finding for finding in out if finding is not None], []

    def _reason_against(self, turn: Turn, answer: Heard | None) -> str:
        """Why a turn is not judged; empty where it is."""
        if turn.problem:
            return turn.problem
        if answer is None or self.voice is None:
            return turn.tonal
        if answer.typical < self.voice.least_typical:
            kind = f" ({turn.tonal})" if turn.tonal else ""
            return f"unlike the speech that the model learnt from{kind}: typicality p = {answer.typical:.3f}"
        return ""

    def _said(self, members: list[int]) -> list[Said]:
        """The turns of one person, of which all were heard or none."""
        real = np.stack([self._turns[number].features for number in members])
        rows = self.model.normalise(real)
        answers = [answer for answer in (self._answers[number] for number in members) if answer is not None]
        judge, moved = Judge(self.model), np.zeros((len(members), len(IEMOCAP4.labels)))
        if self.voice is not None and answers:
            alone = np.stack([answer.logits for answer in answers])
            centred = self.voice.centred(alone)
            judge, moved, rows = Judge(self.model, self.voice), centred - alone, np.hstack([rows, centred])
        return [
            Said(self._turns[number], self._answers[number], number, place, judge, rows[place], moved[place], real)
            for place, number in enumerate(members)
        ]

    def _finding(self, clip: Clip, choice: SpeakerChoice, said: Said) -> Finding:
        turn, calibration = said.turn, said.judge.calibration
        probabilities = said.judge(said.row[None])[0]
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
            typical=said.answer.typical if said.answer else float("nan"),
            scheme=IEMOCAP4,
        )
        values = said.moments(IEMOCAP4.labels.index(row.label)) if clip.explaining else np.zeros(0)
        envelope = said.answer.envelope if said.answer and clip.explaining else np.zeros(0)
        detail = VoiceDetail(turn, choice, tuple(values.tolist()), tuple(envelope.tolist()))
        normal = said.row[: self.model.net.config.features]
        deep = self.model.encode(normal[None])[0]
        finding = Finding(row, weight=calibration.reliability * turn.quality, detail=detail, rank=row.confidence, deep=deep)
        if not clip.explaining:
            return finding
        evidence = [*self._differences(clip, row, said.real, said.position), *self._relevance(clip, row, said)]
        evidence += [*self._neighbours(clip, row, normal), *self._moments(clip, row, values)]
        if said.number == self._clearest.number and len(values) > 1 and self.options.faithfulness:
            evidence += self._faithfulness(clip, row, said, values)
        return replace(finding, evidence=tuple(evidence))

    def _moments(self, clip: Clip, row: Row, values: np.ndarray) -> list[Evidence]:
        """What each moment of the turn speaks for, where the encoder heard it."""
        edges = np.linspace(row.start, row.end, len(values) + 1)
        return [
            clip.evidence(
                row,
                "moment",
                value,
                subject=f"{edges[number]:.2f} to {edges[number + 1]:.2f} s",
                method="occlusion: the moment left out of mean and deviation of Whisper's states",
                detail=MomentDetail(round(float(edges[number]), 3), round(float(edges[number + 1]), 3)),
            )
            for number, value in enumerate(values)
        ]

    def _faithfulness(self, clip: Clip, row: Row, said: Said, values: np.ndarray) -> list[Evidence]:
        """Whether quieting the moments in that order changes the answer more than quieting them at random."""
        if self.voice is None:
            return []
        target = IEMOCAP4.labels.index(row.label)
        listen = quieted(self.voice, self._clearest.sound, len(values))

        def score(masks: np.ndarray) -> np.ndarray:
            return said.with_states(listen(masks))[:, target]

        tested = faithfulness(values, score, clip.rng, steps=STEPS, most=self.options.orders)
        return faithfulness_evidence(
            clip, row, tested, explains="occlusion of moments", blank="noise at the level of the turn's quietest tenth"
        )

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

    def _relevance(self, clip: Clip, row: Row, said: Said) -> list[Evidence]:
        names, groups = list(GROUPS), list(self._groups)
        if said.judge.voice is not None:
            width = self.model.net.config.features
            names, groups = [*names, STATES], [*groups, np.arange(width, len(said.row))]
        values = group_shapley(said.judge, said.row[None], said.judge.average[None], groups)[0]
        target = IEMOCAP4.labels.index(row.label)
        detail = VoiceRelevance("the average turn of the person or of the training corpora", len(names))
        return [
            clip.evidence(
                row,
                "relevance",
                values[number, target],
                subject=name,
                detail=detail,
                method="exact Shapley value over groups of features",
            )
            for number, name in enumerate(names)
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
