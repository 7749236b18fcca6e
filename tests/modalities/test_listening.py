"""Who speaks: a person a channel where each has one, else whose mouth moves, else one for all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from affectlens.core.options import Options
from affectlens.core.schema import SCENE
from affectlens.media.frames import MediaInfo, Problems
from affectlens.media.sound.audio import AudioBlock, Sound, audio_blocks
from affectlens.modalities.listening import ListeningModality
from affectlens.models.speakers.spans import VoiceSpan
from affectlens.perception.people.finder import Sighting
from affectlens.perception.words.transcript import Utterance, Word
from affectlens.pipeline import Engine, recognize
from tests.fusion.clips import clip_of
from tests.media.test_channels import noise, syllables, write


class Ear(ListeningModality):
    """Keeps what it hears."""

    name = "ear"

    def take(self, blocks, channel):
        self.taken = [*getattr(self, "taken", []), (channel, sum(len(block.samples) for block in blocks))]


def said(start, end, channel=None):
    return Utterance((Word("so", start, end, 0.9),), "en", 0.9, channel)


def recording(video=0, sighted=()):
    clip = clip_of(explaining=False)
    clip.info = MediaInfo(clip.path, "video" if video else "audio", 10.0, video_tracks=video, audio_tracks=1)
    clip.sightings += [Sighting(0.0, person, (0, 0, 1, 1)) for person in sighted]
    return clip


def move(clip, person, start, end):
    for k in range(round(10 * clip.options.rate)):
        time = k / clip.options.rate
        clip.mouths.add(person, time, 0.05 + 0.2 * (k % 2) * (start <= time <= end))


def people(clip, *spoken):
    return [choice.person for choice in Ear(Options()).speakers(clip, spoken)]


def test_each_channel_is_a_person_where_there_is_no_picture():
    clip = recording()
    assert people(clip, said(0, 2, 1), said(1, 3, 2), said(4, 5, 1)) == [0, 1, 0]
    assert clip.problems.notes == []


def test_all_voices_of_one_channel_are_one_person_and_that_is_said():
    clip = recording()
    choices = Ear(Options()).speakers(clip, [said(0, 2), said(3, 4)])
    assert [choice.person for choice in choices] == [SCENE, SCENE]
    assert "sounds like one voice" in choices[0].reason
    assert len(clip.problems.notes) == 1 and "taken for one person" in clip.problems.notes[0]
    once = recording()
    assert people(once, said(0, 2)) == [SCENE] and once.problems.notes == []


def test_voices_that_sound_different_are_people_of_their_own():
    clip = recording()
    clip.voices = (VoiceSpan(0.0, 2.5, 0), VoiceSpan(3.0, 5.0, 1), VoiceSpan(5.0, 6.0, 0))
    assert people(clip, said(0, 2), said(3, 4), said(4.5, 5.8), said(8, 9)) == [0, 1, 0, SCENE]
    (note,) = clip.problems.notes
    assert "2 voices were told apart by how they sound, as many as they seem to be" in note
    ear = Ear(Options())
    ear.begin(clip)
    assert ear.borders == [2.75, 5.0]


def test_a_channel_belongs_to_the_face_whose_mouth_moves_with_it():
    clip = recording(video=1, sighted=(0, 1))
    move(clip, 0, 20, 30)
    move(clip, 1, 0, 4)
    # The second utterance of channel 2 moved no mouth: it is the channel's speaker. Channel 1's speaker is never seen.
    assert people(clip, said(0.5, 3.5, 2), said(7, 9, 2), said(5, 6, 1)) == [1, 1, 2]
    assert people(clip, said(0.5, 3.5), said(7, 9)) == [1, SCENE]


def test_speakers_are_heard_one_by_one(tmp_path):
    first, second = syllables(8.0, 120.0, 1, [(3, 8)]), syllables(8.0, 210.0, 2, [(0, 3.2)])
    path = write(tmp_path / "call.wav", np.stack([first, second]) + noise(len(first), 1e-4))
    ear, heard = Ear(Options()), []
    clip = recording()
    clip.info = replace(clip.info, duration=8.0)
    ear.begin(clip)
    ear.listen(clip, Sound(path, Problems()), heard.append)
    assert ear.taken == [(1, len(first)), (2, len(first))]
    assert heard == sorted(heard) and heard[-1] == pytest.approx(8.0) and ear._heard == pytest.approx(8.0)
    ear.taken = []
    ear.listen(clip, [AudioBlock(0.0, first, 16000)], None)
    assert ear.taken == [(None, len(first))]


def test_a_call_is_two_people_in_the_table(clip, tmp_path):
    once = np.concatenate([block.samples for block in audio_blocks(clip)])
    still = np.zeros_like(once)
    call = np.stack([np.concatenate([once, still]), np.concatenate([still, 0.5 * once])])
    path = write(tmp_path / "call.wav", call)
    engine = Engine(Options(modalities=("voice",), threads=1, device="cpu"))
    run = recognize(path, engine=engine)
    voice = run.table[(run.table.modality == "voice") & (run.table.status == "ok")]
    half = len(once) / 16000
    assert set(voice.person) == {0, 1}
    assert (voice[voice.person == 0].end < half + 0.3).all() and (voice[voice.person == 1].start > half - 0.3).all()
    fused = run.table[run.table.modality == "fused"]
    assert fused[["start", "end", "person"]].values.tolist() == voice[["start", "end", "person"]].values.tolist()
