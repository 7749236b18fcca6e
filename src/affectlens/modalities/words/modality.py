"""The words: one row an utterance, given to the person whose mouth moved with it, explained word by word."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from affectlens.audits.concepts.bank import ConceptBank
from affectlens.audits.concepts.layers import read_layers
from affectlens.audits.concepts.library.base import words_held
from affectlens.core.labels import EKMAN7, align
from affectlens.core.options import Options, torch_device
from affectlens.core.schema import Evidence, Row
from affectlens.explainers.faithfulness import faithfulness
from affectlens.explainers.words import MASK_ID, WordAttribution, attribute_words, words_of
from affectlens.modalities.base import Clip, Finding, register_modality, weights_for
from affectlens.modalities.faithfulness import faithfulness_evidence
from affectlens.modalities.words.evidence import ConceptDetail, SpeakerDetail, WordDetail, WordsDetail
from affectlens.modalities.words.spoken import SpokenWords
from affectlens.models.base import load_model
from affectlens.models.nets.words import MAX_TOKENS
from affectlens.models.shipped.words import text_logits, unreadable
from affectlens.models.typicality import LEAST_TYPICAL
from affectlens.models.weights import weights_path
from affectlens.perception.people.speaker import SpeakerChoice
from affectlens.perception.words.transcript import Utterance

_SHORT = 2  # utterances of fewer words say too little


class _Answer(NamedTuple):
    """What the model says of one utterance: probabilities ``(7,)``, embedding ``(384,)`` and p-value of typicality."""

    probabilities: np.ndarray
    deep: np.ndarray
    typical: float


@register_modality
class WordsModality(SpokenWords):
    """Expressed emotion from what is said."""

    name = "words"
    assets = ("whisper-base", "minilm")

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        device = torch_device(options.device)
        self.model = load_model("words", weights_for(options, "words"))
        self.model.net.to(device)
        self.model.device = next(self.model.net.parameters()).device
        self.bank = ConceptBank.load(weights_path("concepts-words"))

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks in use."""
        return (self.model,)

    def judged(self, clip: Clip, utterances: list[Utterance], choices: list[SpeakerChoice]) -> list[Finding]:
        """A finding an utterance; those that cannot be read are abstained from."""
        readable = [utterance for utterance in utterances if not self._why_not(utterance)]
        answers = dict(zip(map(id, readable), self._answers([utterance.text for utterance in readable]), strict=True))
        pairs = zip(utterances, choices, strict=True)
        return [self._finding(clip, utterance, choice, answers.get(id(utterance))) for utterance, choice in pairs]

    def _answers(self, texts: list[str]) -> list[_Answer]:
        if not texts:
            return []
        deep = self.model.embed(texts)
        logits = self.model.name_class(deep)
        probabilities = align(self.model.calibration.probabilities(logits), self.model.labels, EKMAN7.labels)
        typical = self.model.typical(deep)
        return [_Answer(*answer) for answer in zip(probabilities, deep, map(float, typical), strict=True)]

    def _why_not(self, utterance: Utterance) -> str:
        """Why an utterance cannot be read; empty for one that can."""
        if utterance.language not in self.model.languages and not utterance.translated:
            known = ", ".join(self.model.languages)
            language, certain = utterance.language, utterance.language_probability
            language = f"{language} ({certain:.0%} certain)" if certain >= 0.5 else f"probably {language}"
            return f"the words model reads {known}, this is {language}"
        if reason := unreadable(utterance.text):
            return reason
        if not any(char.isalnum() for char in utterance.text):
            return "only symbols, no word"
        if len(utterance.words) < _SHORT:
            return "one word is too little to judge"
        cut = self.model.tokens(utterance.text).truncated
        return f"longer than the {MAX_TOKENS} pieces of words that are read, so its end would be cut" if cut else ""

    def _finding(self, clip: Clip, utterance: Utterance, choice: SpeakerChoice, answer: _Answer | None) -> Finding:
        quality = float(np.mean([word.probability for word in utterance.words]))
        common: dict[str, Any] = {"text": utterance.text, "language": utterance.language, "quality": quality}
        if answer is None or answer.typical < LEAST_TYPICAL:
            common |= {"typical": answer.typical} if answer else {}
            reason = self._why_not(utterance) or (
                f"these words are unlike all that was learnt from (p = {common['typical']:.3f}, at least {LEAST_TYPICAL:g} is "
                "needed): perhaps another language, names or nonsense"
            )
            row = Row(clip.file, utterance.start, utterance.end, choice.person, self.name, "abstained", reason, **common)
            return Finding(row, detail=WordsDetail(choice))
        calibration, probabilities = self.model.calibration, answer.probabilities
        row = Row(
            clip.file,
            utterance.start,
            utterance.end,
            choice.person,
            self.name,
            probabilities=tuple(float(probability) for probability in probabilities / probabilities.sum()),
            conformal=calibration.conformal_set(probabilities, EKMAN7.labels),
            typical=answer.typical,
            reason=f"translated by Whisper from {utterance.language} into English" if utterance.translated else "",
            **common,
        )
        weight = calibration.reliability * quality
        if not clip.explaining:
            return Finding(row, weight=weight, detail=WordsDetail(choice), deep=answer.deep)
        attribution = attribute_words(self.model, utterance.text, row.label)
        evidence = self._explain(clip, row, attribution, choice)
        detail = WordsDetail(choice, attribution)
        return Finding(row, tuple(evidence), weight, detail=detail, rank=row.confidence, deep=answer.deep)

    def _explain(self, clip: Clip, row: Row, attribution: WordAttribution, choice: SpeakerChoice) -> list[Evidence]:
        out = []
        gap = round(attribution.completeness, 4)
        for position in np.argsort(-np.abs(attribution.gradients), kind="stable")[:3]:
            out.append(
                clip.evidence(
                    row,
                    "word",
                    attribution.gradients[position],
                    subject=attribution.words[position],
                    method="integrated gradients (Sundararajan 2017)",
                    detail=WordDetail(attribution.steps, "[MASK]", gap, round(float(attribution.left_out[position]), 4)),
                )
            )
        out.extend(self._concepts(clip, row))
        if clip.info.video_tracks:
            ranked = sorted(choice.scores.values(), reverse=True)
            out.append(
                clip.evidence(
                    row,
                    "speaker",
                    choice.person,
                    method="mouth motion during the words",
                    detail=SpeakerDetail(choice.reason, tuple(round(float(score), 4) for score in ranked[:4])),
                )
            )
        if len(attribution.words) >= 4:
            out.extend(self._test(clip, row, attribution))
        return out

    def _concepts(self, clip: Clip, row: Row) -> list[Evidence]:
        """What each concept that the utterance holds does for its label; p-values are corrected over those that it holds."""
        holds = words_held(row.text, self.bank.names)
        indices = np.array([number for number, name in enumerate(self.bank.names) if holds[name]], dtype=int)
        if not len(indices):
            return []
        ids = self.model.tokens(row.text).ids
        target = self.model.labels.index(row.label)
        layer = self.bank.layer
        read = read_layers(self.model.net, [ids], [layer], [target], forward=text_logits)[layer]
        assert read.gradients is not None
        cosines, p_values = self.bank.sensitivity(read.gradients[0, 0], indices)
        about: Any = self.bank.about
        out = []
        for number, cosine, chance in zip(indices, cosines, p_values, strict=True):
            name = self.bank.names[number]
            detail = ConceptDetail(layer, about["accuracy"][name], len(self.bank.null))
            out.append(
                clip.evidence(
                    row,
                    "concept",
                    cosine,
                    subject=name,
                    method="concept activation vector (Kim 2018)",
                    p_value=float(chance),
                    test="rank among pseudo-concepts, two-sided, Holm",
                    detail=detail,
                )
            )
        return out

    def _test(self, clip: Clip, row: Row, attribution: WordAttribution) -> list[Evidence]:
        tokens = self.model.tokens(row.text)
        index = self.model.labels.index(row.label)
        members = [member for _, member in words_of(tokens.spans, row.text)]

        def score(masks: np.ndarray) -> np.ndarray:
            variants = []
            for mask in masks:
                dropped = {token for kept, group in zip(mask, members, strict=True) if not kept for token in group}
                variants.append([MASK_ID if position in dropped else token for position, token in enumerate(tokens.ids)])
            return np.asarray(self.model.calibration.probabilities(self.model.predict_ids(variants))[:, index])

        tested = faithfulness(attribution.gradients, score, clip.rng, steps=min(6, len(members)), most=self.options.orders)
        return faithfulness_evidence(clip, row, tested, explains="integrated gradients", blank="[MASK]")
