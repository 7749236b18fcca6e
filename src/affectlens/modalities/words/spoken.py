"""What is said, as the word recogniser writes it: the base of modules that read it."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from affectlens.assets.store import locate
from affectlens.core.options import Options, torch_device
from affectlens.core.schema import Evidence
from affectlens.media.sound.audio import AudioBlock
from affectlens.modalities.base import Clip, Finding
from affectlens.modalities.listening import ListeningModality
from affectlens.modalities.words.voices import by_voice
from affectlens.perception.people.speaker import SpeakerChoice
from affectlens.perception.words.invented import summary_of
from affectlens.perception.words.transcript import Utterance, Word, WordRecogniser


class SpokenWords(ListeningModality):
    """Base of modules that read what is said; each judges utterances in its own way."""

    name = "words"

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        folder = locate("whisper-base").parent
        device = torch_device(options.device)
        self.recogniser = WordRecogniser(folder, options.language, device, options.threads, options.translate)

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        super().begin(clip)
        self._utterances: list[Utterance] = []
        self._voiced: list[tuple[float, float]] = []
        self._left_out: Counter[str] = Counter()

    def take(self, blocks: Iterable[AudioBlock], channel: int | None) -> None:
        """Keep what is heard."""
        for chunk, utterances in self.recogniser(blocks):
            self._voiced.extend(chunk.active)
            parts = [part for utterance in utterances for part in by_voice(utterance, self._clip.voices)]
            self._utterances.extend(replace(part, channel=channel) for part in parts)
        self._left_out += self.recogniser.left_out

    def heard(self) -> dict[str, Any]:
        """What was heard, as JSON types."""
        utterances = [asdict(utterance) for utterance in self._utterances]
        return {"heard": self._heard, "voiced": self._voiced, "utterances": utterances, "left out": dict(self._left_out)}

    def restore(self, state: dict[str, Any]) -> bool:
        """Take what an earlier run heard."""
        self._heard, self._voiced = state["heard"], [(begin, end) for begin, end in state["voiced"]]
        self._left_out = Counter(state.get("left out", {}))
        self._utterances = [
            Utterance(**(utterance | {"words": tuple(Word(**word) for word in utterance["words"])}))
            for utterance in state["utterances"]
        ]
        return True

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """The findings of the whole recording."""
        if not clip.info.audio_tracks:
            return [self.nothing(clip, "missing", "the recording has no audio track")], []
        if note := summary_of(self._left_out):
            clip.problems.add(note)
        if not self._utterances:
            reason = "no speech in the audio" if not self._voiced else "a voice is heard but no words were recognised"
            return [self.nothing(clip, "missing" if not self._voiced else "abstained", reason)], []
        return self.judged(clip, self._utterances, self.speakers(clip, self._utterances)), []

    @abstractmethod
    def judged(self, clip: Clip, utterances: list[Utterance], choices: list[SpeakerChoice]) -> list[Finding]:
        """A finding for each utterance, whose speakers are chosen."""
