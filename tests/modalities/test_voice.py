"""The voice in the main job: turns, evidence, fusion with what else is there."""

import numpy as np
import pytest

from affectlens.core.errors import AssetError
from affectlens.core.labels import AFFECT, EKMAN7, IEMOCAP4, valence_arousal, widen
from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.fusion.grouping import segments_without_face
from affectlens.media.sound.audio import audio_blocks
from affectlens.modalities.base import Finding
from affectlens.modalities.voice.evidence import VoiceDifference, difference
from affectlens.modalities.voice.hearing import moments_of
from affectlens.modalities.voice.judging import Judge
from affectlens.perception.voice.catalogue import catalogue
from affectlens.pipeline import Engine, explain, recognize
from affectlens.report.narrative import narrative
from tests.conftest import asset_path, write_video
from tests.fusion.clips import clip_of


@pytest.fixture(scope="module")
def voice_engine(clip):
    asset_path("whisper-base")
    return Engine(Options(modalities=("voice",), threads=1, device="cpu"))


@pytest.fixture(scope="module")
def speech(clip):
    """The sample clip's voice three times over, with pauses, as samples."""
    once = np.concatenate([block.samples for block in audio_blocks(clip)])
    gap = np.zeros(16000, np.float32)
    return np.concatenate([once, gap, 0.4 * once, gap, once])


def test_turns_are_rows_with_evidence(voice_engine, speech, tmp_path):
    wav = write_video(tmp_path / "speech.wav", [], audio=speech)
    (result,) = explain(wav, tmp_path / "out", engine=voice_engine).results
    rows = result.table[result.table.modality == "voice"]
    good = rows[rows.status == "ok"]
    assert len(good) >= 5 and (good.scheme == "iemocap4").all() and (good.person == SCENE).all()
    probabilities = good[[f"p_{label}" for label in IEMOCAP4.labels]]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert good.p_fear.isna().all() and good.valence.between(-1, 1).all() and good.arousal.between(-1, 1).all()
    for row in good.itertuples():
        mine = result.evidence[(result.evidence.start == row.start) & (result.evidence.modality == "voice")]
        assert (mine.kind == "relevance").sum() == 6  # five groups of features, and what the encoder hears
        moments = mine[mine.kind == "moment"]
        assert abs(len(moments) - moments_of(round(50 * (row.end - row.start)))) <= 1
        assert row.typical >= 0.05
        assert (mine.kind == "sounds like").sum() == 3
    told = result.evidence[(result.evidence.kind == "voice") & result.evidence.subject.isin(["softer", "louder"])]
    assert len(told) and told.unit.eq("dB").all()  # the middle part is quieter, and the page says so
    page = result.report.read_text()
    assert "Sounds like:" in page and "median of the" in page
    fused = result.table[result.table.modality == "fused"]
    np.testing.assert_allclose(fused[fused.status == "ok"][[f"p_{label}" for label in EKMAN7.labels]].sum(axis=1), 1, atol=1e-6)


def test_relevance_sums_to_the_change_of_the_answer(voice_engine, speech, tmp_path):
    wav = write_video(tmp_path / "speech.wav", [], audio=speech)
    (result,) = explain(wav, tmp_path / "out", engine=voice_engine).results
    modality = voice_engine.modalities[0]
    judge = Judge(modality.model, modality.voice)
    mean = judge(judge.average[None])[0]
    row = next(entry for entry in result.table.itertuples() if entry.modality == "voice" and entry.status == "ok")
    mine = result.evidence[(result.evidence.start == row.start) & (result.evidence.kind == "relevance")]
    expected = np.log(row.confidence) - np.log(mean[IEMOCAP4.labels.index(row.label)])
    assert mine.value.sum() == pytest.approx(expected, abs=1e-3)


def test_the_same_numbers_again_and_after_a_stop(voice_engine, speech, tmp_path):
    wav = write_video(tmp_path / "speech.wav", [], audio=speech)
    modality = voice_engine.modalities[0]
    first = recognize(wav, engine=voice_engine).table
    state = modality.heard()
    modality.begin(None)
    assert modality.restore(state)
    again = modality.heard()
    assert again["turns"] == state["turns"]
    assert recognize(wav, engine=voice_engine).table.equals(first)


@pytest.mark.parametrize("rate", [8000, 48000, 192000])
def test_sampling_rates(voice_engine, speech, tmp_path, rate):
    at = np.arange(int(len(speech) / 16000 * rate)) / rate * 16000
    x = np.interp(at, np.arange(len(speech)), speech)
    wav = write_video(tmp_path / "s.wav", [], audio=x, audio_rate=rate)
    table = recognize(wav, engine=voice_engine).table
    good = table[(table.modality == "voice") & (table.status == "ok")]
    assert len(good) >= 3 and good.confidence.between(0.25, 1).all()


def test_what_cannot_be_heard_gives_a_reason(voice_engine, speech, tmp_path, rng):
    loud = np.clip(speech * 15, -0.9, 0.9)
    noisy = np.clip(speech + rng.normal(0, speech.std() * 1.2, len(speech)), -1, 1)
    bad = speech.copy()
    bad[20000:20100] = np.nan
    files = {
        "clipped": write_video(tmp_path / "loud.wav", [], audio=loud),
        "noise": write_video(tmp_path / "noisy.wav", [], audio=noisy),
        "no speech": write_video(tmp_path / "silence.wav", [], audio=np.zeros(48000)),
        "dc": write_video(tmp_path / "dc.wav", [], audio=np.full(48000, 0.5)),
        "nan": write_video(tmp_path / "nan.wav", [], audio=bad),
        "short": write_video(tmp_path / "short.wav", [], audio=speech[16000:16320]),
    }
    run = recognize(list(files.values()), engine=voice_engine)
    assert run.failures == {}
    for name, path in files.items():
        rows = run.table[(run.table.file == str(path)) & (run.table.modality == "voice")]
        assert len(rows) and rows[rows.status != "ok"].reason.str.len().gt(5).all()
        assert rows[rows.status == "ok"].confidence.notna().all()
        if name in ("clipped", "noise", "no speech"):
            assert rows.reason.str.contains(name).any()
        if name in ("no speech", "dc", "short"):
            assert (rows.status != "ok").all()


def test_without_the_encoder_the_autoencoder_answers_and_says_so(clip, speech, tmp_path, monkeypatch):
    def missing(name):
        raise AssetError(f"asset {name!r} is not here")

    monkeypatch.setattr("affectlens.modalities.voice.modality.locate", missing)
    engine = Engine(Options(modalities=("voice",), threads=1, device="cpu"))
    wav = write_video(tmp_path / "speech.wav", [], audio=speech)
    (result,) = explain(wav, tmp_path / "out", engine=engine).results
    rows = result.table[(result.table.modality == "voice") & (result.table.status == "ok")]
    assert len(rows) >= 5 and rows.typical.isna().all() and "moment" not in set(result.evidence.kind)
    assert "judged by eGeMAPS alone" in result.report.read_text()


def test_moments_are_tested_once_and_drawn(voice_engine, speech, tmp_path):
    wav = write_video(tmp_path / "speech.wav", [], audio=speech)
    (result,) = explain(wav, tmp_path / "out", engine=voice_engine).results
    tests = result.evidence[result.evidence.kind == "faithfulness"]
    assert list(tests.subject) == ["deletion", "insertion"] and tests.p_value.between(0, 1).all()
    page = result.report.read_text()
    assert page.count('class="wave"') >= 5 and "quiet as the background" in page


def test_music_is_not_judged(voice_engine, tmp_path, rng):
    """Chords and noise: no turn, or a turn that is unlike speech."""
    at = np.arange(48000) / 16000
    chord = sum(np.sin(2 * np.pi * hertz * k * at) / k for hertz in (220, 277, 330) for k in range(1, 6)) * np.exp(-at % 1)
    for name, sound in (("chord", 0.05 * chord), ("noise", rng.normal(0, 0.1, 48000))):
        table = recognize(write_video(tmp_path / f"{name}.wav", [], audio=sound), engine=voice_engine).table
        assert (table[table.modality == "voice"].status != "ok").all(), name


def test_three_classes_more_take_no_evidence():
    widened = widen(np.array([0.7, 0.1, 0.1, 0.1]), IEMOCAP4.labels, EKMAN7.labels)
    assert widened.sum() == pytest.approx(1) and widened[EKMAN7.index("fear")] == pytest.approx(1 / 7)
    assert widened[EKMAN7.index("anger")] == pytest.approx(0.7 * 4 / 7)
    np.testing.assert_allclose(widen(np.full(4, 0.25), IEMOCAP4.labels, EKMAN7.labels), 1 / 7)
    assert valence_arousal(np.array([1.0, 0, 0, 0]), IEMOCAP4.labels) == AFFECT["anger"]


def test_voice_and_words_of_one_stretch_are_one_segment():
    def finding(modality, start, end):
        return Finding(Row("f", start, end, SCENE, modality, "missing", "none"))

    findings = [finding("words", 0, 4), finding("voice", 0.2, 2), finding("voice", 2.1, 4.2), finding("voice", 9, 10)]
    assert segments_without_face([0, 1, 2, 3], findings) == [[0, 1, 2], [3]]
    assert segments_without_face([1, 2], findings) == [[1], [2]]


def test_plain_words_state_their_numbers():
    def told(words, value, unit, deviations, own=True, person=0, against="median of their 5 turns in this recording"):
        detail = VoiceDifference("F0", against, own, 0.7, 1.0, 2.0, deviations)
        return Evidence(
            "e1", "f", 1.0, 2.0, person, "instance", "voice", "anger", "voice", words, value, unit, "m", detail=detail
        )

    assert difference(told("higher pitch", 4.13, "semitones", 1.2)) == "higher pitch by 4.1 semitones"
    assert difference(told("softer", -8.2, "dB", -1)) == "softer by 8.2 dB"
    assert difference(told("longer pauses", 0.234, "s", 1)) == "longer pauses by 0.23 s"
    assert difference(told("mouth more open", 61.7, "Hz", 1)) == "mouth more open by 62 Hz"
    assert difference(told("slower", -0.62, "1/s", -1)) == "slower by 0.6 syllable-like peaks a second"
    assert difference(told("rougher voice", 0.01, "share of the period", 1.5)) == "rougher voice (+1.5 SD)"
    (sentence,) = narrative([told("higher pitch", 4.13, "semitones", 1.2)])
    assert "probably expresses anger" in sentence.text and "person 0's other turns" in sentence.text
    (sentence,) = narrative([told("higher pitch", 4.13, "semitones", 1.2, person=SCENE)])
    assert "than the median of their 5 turns in this recording" in sentence.text


@pytest.mark.parametrize("own", [True, False])
def test_higher_is_said_of_what_is_higher(voice_engine, own):
    """Each plain word of the catalogue, for a turn that lies far above or below what it is compared with."""
    modality, clip = voice_engine.modalities[0], clip_of()
    row = Row("f", 0, 1, 0, "voice", probabilities=(0.7, 0.1, 0.1, 0.1), scheme=IEMOCAP4)
    scale = modality.model.scale
    said = set()
    for j, feature in enumerate(catalogue()):
        if not feature.plain[0]:
            continue
        for sign, word in ((1, feature.plain[0]), (-1, feature.plain[1])):
            turns = np.repeat(scale.mean[None], 3 if own else 1, axis=0)
            turns[0, j] += sign * 2 * scale.deviation[j]
            told = modality._differences(clip, row, turns, 0)
            if told:
                (only,) = told
                assert only.subject == word and np.sign(only.value) == sign
                assert only.detail.deviations == pytest.approx(2 * sign) and only.detail.own == own
                assert only.detail.value - only.detail.baseline == pytest.approx(only.value, abs=1e-4)
                said.add(word)
    assert {"louder" in said, "softer" in said, "higher pitch" in said, "lower pitch" in said} == {own}
    assert {"faster", "slower", "longer pauses", "shorter pauses", "rougher voice", "smoother voice"} <= said
