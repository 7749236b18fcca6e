import numpy as np
import pytest

from affectlens.media.sound.audio import AudioBlock, audio_blocks
from affectlens.perception.people.speaker import MouthMotion
from affectlens.perception.words.transcript import RATE, Word, _utterances, speech_chunks


@pytest.fixture(scope="module")
def voice(clip):
    return np.concatenate([b.samples for b in audio_blocks(clip)])


def blocks(samples, seconds):
    step = int(seconds * RATE)
    return [AudioBlock(i / RATE, samples[i : i + step], RATE) for i in range(0, len(samples), step)]


def test_silence_and_noise_hold_no_speech(rng):
    assert list(speech_chunks(blocks(np.zeros(RATE * 20, np.float32), 3))) == []
    noise = rng.normal(0, 0.02, RATE * 20).astype(np.float32)
    assert list(speech_chunks(blocks(noise, 3))) == []
    assert list(speech_chunks([])) == []


def test_chunks_do_not_depend_on_the_blocks(voice):
    long = np.concatenate(
        [np.zeros(RATE * 2, np.float32), voice, np.zeros(RATE * 20, np.float32), voice, np.zeros(RATE * 5, np.float32)]
    )
    coarse = list(speech_chunks(blocks(long, 60)))
    fine = list(speech_chunks(blocks(long, 2.5)))
    spoken = lambda chunks: sum(b - a for c in chunks for a, b in c.active)  # noqa: E731
    assert spoken(fine) == pytest.approx(spoken(coarse), rel=0.05)
    assert fine[0].start == pytest.approx(coarse[0].start, abs=0.1)
    second = next(c for c in fine if c.start > 20)
    assert second.active[0][0] - 2 - len(voice) / RATE - 20 == pytest.approx(fine[0].active[0][0] - 2, abs=0.25)


def test_chunks_are_short_and_in_order(voice):
    long = np.tile(voice, 10)
    chunks = list(speech_chunks(blocks(long, 10)))
    assert all(len(c.samples) <= 29 * RATE for c in chunks)
    times = [t for c in chunks for a, b in c.active for t in (a, b)]
    assert times == sorted(times) and times[-1] <= len(long) / RATE + 0.2
    covered = sum(len(c.samples) for c in chunks) / len(long)
    assert covered > 0.8


def word(text, start, end):
    return Word(text, start, end, 0.9)


def test_utterances_end_at_sentences_and_pauses():
    words = [word("Hello.", 0, 0.4), word("Well,", 0.5, 0.8), word("yes", 0.9, 1.1), word("so", 2.5, 2.7)]
    found = list(_utterances(words, "en", 0.9))
    assert [u.text for u in found] == ["Hello.", "Well, yes", "so"]
    assert (found[1].start, found[1].end) == (0.5, 1.1)


def moving(mouths, person, amplitude, start=0.0, end=4.0, rate=5.0):
    for k in range(int((end - start) * rate)):
        t = start + k / rate
        speaking = 1.0 <= t <= 3.0
        mouths.add(person, t, 0.05 + amplitude * (k % 2) * speaking + 0.001 * (k % 3))


def test_the_one_whose_mouth_moves_speaks():
    mouths = MouthMotion()
    moving(mouths, 0, 0.01)
    moving(mouths, 1, 0.2)
    choice = mouths.speaker(1.0, 3.0, 5.0)
    assert choice.person == 1 and choice.scores[1] > 3 * choice.scores[0]


def test_nobody_is_named_without_evidence():
    mouths = MouthMotion()
    assert "no face" in mouths.speaker(0, 2, 5).reason
    moving(mouths, 0, 0.0)
    assert "no visible mouth" in mouths.speaker(1, 3, 5).reason
    both = MouthMotion()
    moving(both, 0, 0.2)
    moving(both, 1, 0.2)
    assert both.speaker(1, 3, 5).person == -1 and "about equally" in both.speaker(1, 3, 5).reason
    gone = MouthMotion()
    moving(gone, 0, 0.2, end=1.2)
    assert gone.speaker(1.0, 3.0, 5.0).person == -1
