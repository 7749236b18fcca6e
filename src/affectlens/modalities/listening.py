"""What modalities share that hear the whole recording: the stream, whose mouth moved, what is missing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator

from affectlens.core.labels import EKMAN7, LabelScheme
from affectlens.core.schema import SCENE, Row
from affectlens.media.audio import AudioBlock
from affectlens.media.frames import Frame
from affectlens.modalities.base import Clip, Finding, Modality
from affectlens.perception.people.finder import Person
from affectlens.perception.people.speaker import SpeakerChoice


class ListeningModality(Modality):
    """Base of modalities that hear the recording as a stream and give what they hear to the person who speaks."""

    needs_audio = True
    scheme: LabelScheme = EKMAN7

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        self._heard = 0.0

    @abstractmethod
    def take(self, blocks: Iterable[AudioBlock]) -> None:
        """Work through the stream."""

    def listen(self, clip: Clip, blocks: Iterable[AudioBlock], progress: Callable[[float], None] | None) -> None:
        """Hear the whole recording."""

        def counted() -> Iterator[AudioBlock]:
            for block in blocks:
                self._heard = block.start + len(block.samples) / block.rate
                if progress:
                    progress(self._heard)
                yield block

        self.take(counted())

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        """See one sampled frame."""
        for person in people:
            clip.mouths.add(person.id, frame.time, person.marks.mouth_opening)

    def speaker(self, clip: Clip, start: float, end: float) -> SpeakerChoice:
        """Whose mouth moved between two times in seconds."""
        if not clip.info.video_tracks:
            return SpeakerChoice(SCENE, "the recording has no picture", {})
        return clip.mouths.speaker(start, end, clip.options.rate)

    def nothing(self, clip: Clip, status: str, reason: str) -> Finding:
        """The row of a recording in which there is nothing to hear."""
        end = max(clip.end, self._heard)
        return Finding(Row(clip.file, 0.0, end, SCENE, self.name, status, reason, scheme=self.scheme))
