"""A model of the user's on words: one row an utterance, explained by leaving each word out."""

from __future__ import annotations

from typing import Any

import numpy as np

from affectlens.core.options import Options
from affectlens.core.schema import Evidence, Row
from affectlens.explainers.faithfulness import faithfulness
from affectlens.modalities.base import Clip, Finding, register_own
from affectlens.modalities.faithfulness import faithfulness_evidence
from affectlens.modalities.own.answers import RELIABILITY, OwnModel, spec_of
from affectlens.modalities.words.evidence import WordDetail, WordsDetail
from affectlens.modalities.words.spoken import SpokenWords
from affectlens.models.readers import text_of
from affectlens.perception.people.speaker import SpeakerChoice
from affectlens.perception.words.transcript import Utterance

_MOST = 3  # words of an utterance that evidence is given of
_LEAST = 4  # words of an utterance that is tested
_TINY = 1e-12


@register_own
class OwnWordsModality(SpokenWords):
    """Expressed emotion from what is said, by a model of the user's."""

    assets = ("whisper-base",)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.own = OwnModel(spec_of(options, self.name), self.name, options, text_of)
        self.scheme = self.own.scheme

    @property
    def models(self) -> tuple[Any, ...]:
        """The model in use."""
        return (self.own.model,)

    def judged(self, clip: Clip, utterances: list[Utterance], choices: list[SpeakerChoice]) -> list[Finding]:
        """A finding an utterance."""
        for note in self.own.notes:
            clip.problems.add(note)
        probabilities = self.own.probabilities([utterance.text for utterance in utterances])
        pairs = zip(utterances, choices, probabilities, strict=True)
        return [self._finding(clip, utterance, choice, row) for utterance, choice, row in pairs]

    def _finding(self, clip: Clip, utterance: Utterance, choice: SpeakerChoice, probabilities: np.ndarray) -> Finding:
        quality = float(np.mean([word.probability for word in utterance.words]))
        row = Row(
            clip.file,
            utterance.start,
            utterance.end,
            choice.person,
            self.name,
            probabilities=tuple(float(value) for value in probabilities),
            conformal=self.scheme.labels,
            text=utterance.text,
            language=utterance.language,
            quality=quality,
            scheme=self.scheme,
        )
        finding = Finding(row, weight=RELIABILITY * quality, detail=WordsDetail(choice), rank=row.confidence)
        if not clip.explaining or len(utterance.words) < 2:
            return finding
        return Finding(row, tuple(self._explain(clip, row)), finding.weight, detail=finding.detail, rank=finding.rank)

    def _explain(self, clip: Clip, row: Row) -> list[Evidence]:
        words, index = row.text.split(), self.scheme.index(row.label)

        def odds(masks: np.ndarray) -> np.ndarray:
            texts = [" ".join(word for word, kept in zip(words, mask, strict=True) if kept) or "." for mask in masks]
            chances = self.own.probabilities(texts)[:, index]
            return np.asarray(np.log(chances + _TINY) - np.log(1 - chances + _TINY))

        every = np.ones((len(words) + 1, len(words)), bool)
        every[np.arange(1, len(words) + 1), np.arange(len(words))] = False
        answers = odds(every)
        drops = answers[0] - answers[1:]
        out = [
            clip.evidence(
                row,
                "word",
                drops[position],
                subject=words[position],
                method="the word left out (Li 2016)",
                detail=WordDetail(0, "left out", 0.0, round(float(drops[position]), 4)),
            )
            for position in np.argsort(-np.abs(drops), kind="stable")[:_MOST]
        ]
        if len(words) >= _LEAST:
            tested = faithfulness(drops, odds, clip.rng, steps=min(6, len(words)), most=self.options.orders)
            out += faithfulness_evidence(clip, row, tested, explains="words left out one by one", blank="left out")
        return out
