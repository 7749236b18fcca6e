"""What modalities share that hear the whole recording: the stream, who speaks, what is missing."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from affectlens.core.labels import EKMAN7, LabelScheme
from affectlens.core.schema import SCENE, Row
from affectlens.media.frames import Frame
from affectlens.media.sound.audio import AudioBlock, Sound
from affectlens.modalities.base import Clip, Finding, Modality
from affectlens.models.speakers.spans import borders, voice_at
from affectlens.perception.people.finder import Person
from affectlens.perception.people.speaker import SpeakerChoice
from affectlens.perception.words.transcript import Utterance
from affectlens.perception.words.turns import Turn


class ListeningModality(Modality):
    """Base of modalities that hear the recording as a stream and give what they hear to the person who speaks."""

    needs_audio = True
    hears_apart = True
    scheme: LabelScheme = EKMAN7

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        self._heard = 0.0
        self._clip = clip

    @property
    def borders(self) -> list[float]:
        """Seconds at which one voice of the recording at hand gives way to another."""
        return borders(self._clip.voices)

    @abstractmethod
    def take(self, blocks: Iterable[AudioBlock], channel: int | None) -> None:
        """Work through the stream of one channel, counted from 1, or of all channels together (None)."""

    def listen(self, clip: Clip, blocks: Iterable[AudioBlock], progress: Callable[[float], None] | None) -> None:
        """Hear the whole recording, speaker by speaker where each has a channel of its own."""
        voices = blocks.voices if isinstance(blocks, Sound) else (blocks,)

        def counted(number: int, voice: Iterable[AudioBlock]) -> Iterator[AudioBlock]:
            for block in voice:
                end = block.start + len(block.samples) / block.rate
                self._heard = max(self._heard, end)
                if progress:
                    progress((number * clip.info.duration + end) / len(voices))
                yield block

        for number, voice in enumerate(voices):
            self.take(counted(number, voice), voice.channel if isinstance(voice, Sound) else None)

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        """See one sampled frame."""
        for person in people:
            clip.mouths.add(person.id, frame.time, person.marks.mouth_opening)

    def speakers(self, clip: Clip, spoken: Sequence[Turn | Utterance]) -> list[SpeakerChoice]:
        """Whose each turn or utterance is: the person's whose mouth moved with it.

        Where each speaker has a channel, what no mouth moved with belongs to the channel's speaker.

        Parameters
        ----------
        clip : Clip
            The recording; a note is made where voices cannot be told apart.
        spoken : sequence of Turn or Utterance
            All that was heard.

        Returns
        -------
        list of SpeakerChoice
            In the same order.
        """
        seen = [self._seen(clip, speech.start, speech.end) for speech in spoken]
        by_channel: dict[int, Counter[int]] = {}
        for speech, choice in zip(spoken, seen, strict=True):
            if speech.channel is not None:
                by_channel.setdefault(speech.channel, Counter())[choice.person] += choice.person != SCENE
        known = {
            channel: next((person for person, count in sightings.most_common(1) if count), None)
            for channel, sightings in by_channel.items()
        }
        unseen = 1 + max((speech.person for speech in clip.sightings), default=-1)  # numbers of people that nobody saw
        out = []
        for speech, choice in zip(spoken, seen, strict=True):
            if speech.channel is not None and choice.person == SCENE:
                usual = known[speech.channel]
                person = unseen + speech.channel - 1 if usual is None else usual
                choice = replace(
                    choice, person=person, reason=f"heard on channel {speech.channel}, where only one person speaks"
                )
            out.append(choice)
        if not clip.info.video_tracks and len(spoken) > 1 and not by_channel:
            clip.problems.add(_told_apart(clip))
        return out

    def _seen(self, clip: Clip, start: float, end: float) -> SpeakerChoice:
        if not clip.info.video_tracks:
            return self._by_sound(clip, start, end)
        return clip.mouths.speaker(start, end, clip.options.rate)

    def _by_sound(self, clip: Clip, start: float, end: float) -> SpeakerChoice:
        count = len({span.voice for span in clip.voices})
        if count < 2:
            return SpeakerChoice(SCENE, "the recording has no picture, and all that is said sounds like one voice", {})
        voice = voice_at(clip.voices, start, end)
        if voice is None:
            return SpeakerChoice(SCENE, "the recording has no picture, and this is too short to tell whose voice it is", {})
        return SpeakerChoice(voice, f"voice {voice + 1} of {count}, told apart by how they sound", {})

    def nothing(self, clip: Clip, status: str, reason: str) -> Finding:
        """The row of a recording in which there is nothing to hear."""
        end = max(clip.end, self._heard)
        return Finding(Row(clip.file, 0.0, end, SCENE, self.name, status, reason, scheme=self.scheme))


def _told_apart(clip: Clip) -> str:
    """How people were told apart in a recording without a picture, for its notes."""
    count = len({span.voice for span in clip.voices})
    how = "as --voices says" if clip.options.voices else "as many as they seem to be"
    if count < 2:
        return "all voices were taken for one person, as they sound alike (--voices N says how many people speak)"
    return f"{count} voices were told apart by how they sound, {how}; people who speak at the same time are taken for one"
