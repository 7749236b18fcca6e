"""When in a turn: moments that were planted are found, quieting them tells more than silencing others, and it is kept."""

import json

import numpy as np
import pytest

from affectlens.explainers.faithfulness import faithfulness
from affectlens.modalities.voice.evidence import VoiceDetail, waveform
from affectlens.modalities.voice.hearing import Heard, hear, kept_sound, moments_of, quieted
from affectlens.modalities.voice.judging import Clearest, Judge, Said
from affectlens.models.base import load_model
from affectlens.models.whisper.states import pooled
from affectlens.perception.people.speaker import SpeakerChoice
from tests.modalities.voices import model_of_tones, sounds


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return model_of_tones(tmp_path_factory.mktemp("voice"), np.random.default_rng(0))


@pytest.fixture
def sound(rng):
    """Two seconds, eight moments; the tone is the sixth."""
    out = rng.normal(0, 0.01, 32000)
    out[20000:24000] += 0.1 * np.sin(2 * np.pi * 440 * np.arange(4000) / 16000)
    return out.astype(np.float32)


def said(model, sound):
    judge = Judge(load_model("speech"), model)
    answer = hear(model, sound)
    row = np.concatenate([np.zeros(88), answer.logits])
    return Said(None, answer, 0, 0, judge, row, np.zeros(4), np.zeros((1, 88)))


def test_a_moment_that_was_planted_is_the_strongest(model, sound):
    values = said(model, sound).moments(0)
    assert len(values) == moments_of(100) == 8 and values.argmax() == 5 and values[5] > 2 * np.abs(np.delete(values, 5)).max()


def test_without_a_moment_is_what_the_others_say(model, sound):
    answer = hear(model, sound)
    states = model.states(sound)
    keep = np.arange(100) * 8 // 100 != 2
    np.testing.assert_allclose(answer.moments[2], model.heard(pooled(states[:, keep]))[0], atol=1e-3)


def test_quieting_the_strongest_moments_beats_random_ones(model, sound, rng):
    sound[8000:12000] = sound[20000:24000]  # two tones: a random order seldom takes both first
    turn = said(model, sound)
    values = turn.moments(0)
    assert set(np.argsort(values)[-2:]) == {2, 5}
    listen = quieted(model, kept_sound(sound), len(values))
    scored = faithfulness(values, lambda masks: turn.with_states(listen(masks))[:, 0], 0, steps=8)
    assert scored.deletion_p <= 0.05 and scored.gain > 0.05
    wrong = faithfulness(-values, lambda masks: turn.with_states(listen(masks))[:, 0], 0, steps=8)
    assert wrong.deletion_p > 0.5  # the test can fail


def test_nothing_quieted_is_the_turn_itself(model, sound):
    listen = quieted(model, kept_sound(sound), 8)
    np.testing.assert_allclose(listen(np.ones((1, 8), bool))[0], hear(model, sound).logits, atol=0.05)


def test_what_was_heard_is_kept_exactly(model, sound):
    answer = hear(model, sound)
    again = Heard.of(json.loads(json.dumps(answer.to_json())))
    for name in ("logits", "moments", "envelope"):
        np.testing.assert_array_equal(getattr(again, name), getattr(answer, name))
    clear = Clearest().or_this(3, answer, 0.8, sound).or_this(4, answer, 0.7, sound)
    back = Clearest.of(json.loads(json.dumps(clear.to_json())))
    assert back.number == clear.number == 3 and np.array_equal(back.sound, clear.sound) and back.rank == clear.rank


def test_turns_of_every_length(model, rng):
    assert hear(model, np.zeros(100, np.float32)) is None
    for seconds in (0.15, 0.4, 6.0):
        answer = hear(model, rng.normal(0, 0.01, int(16000 * seconds)).astype(np.float32))
        assert np.isfinite(answer.logits).all() and len(answer.moments) in (0, 2, 24)
    assert np.isfinite(hear(model, np.zeros(16000, np.float32)).logits).all()


def test_what_is_unlike_all_sounds_is_not_typical(model, rng):
    usual = [hear(model, sound).typical for sound in sounds(rng, 6)]
    strange = hear(model, rng.choice([-1.0, 1.0], 32000) * (np.arange(32000) % 700 == 0)).typical
    assert np.median(usual) > 0.1 > strange


def test_the_waveform_is_coloured_by_its_moments():
    detail = VoiceDetail(None, SpeakerChoice(0, "", {}), (0.5, -1.0), (0.1, 0.2, 0.4, 0.0))
    drawn = waveform(detail)
    assert [(line["way"], line["share"]) for line in drawn] == [("for", 0.5), ("for", 0.5), ("against", 1.0), ("against", 1.0)]
    assert [line["half"] for line in drawn] == [0.125, 0.25, 0.5, 0.0] and [line["x"] for line in drawn] == [0, 0.25, 0.5, 0.75]
    assert waveform(VoiceDetail(None, SpeakerChoice(0, "", {}))) == []
