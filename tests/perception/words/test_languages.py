"""Languages between pauses: by hand, with a recogniser that stands in for Whisper, and with real speech where it is there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import faster_whisper
import numpy as np
import pytest
import torch

from affectlens.media.frames import Problems
from affectlens.media.sound.audio import Sound
from affectlens.perception.words import transcript
from affectlens.perception.words.languages import stretches
from affectlens.perception.words.transcript import RATE, SpeechChunk, WordRecogniser
from tests.conftest import asset_path

CASE = Path(__file__).resolve().parents[4] / "shared" / "cases" / "audio" / "switch_en_de_en.wav"


def divided(heard, before=None):
    """Stretches of spans given in seconds, at ten samples a second."""
    given = {(round(10 * a), round(10 * b)): p for (a, b), p in heard.items()}
    return [(s.first / 10, s.last / 10, s.languages) for s in stretches(list(given), given.__getitem__, 10, before)]


def test_one_language_is_one_stretch():
    heard = {(0, 2): {"en": 0.9}, (2.5, 3): {"nn": 0.6, "en": 0.4}, (4, 8): {"en": 0.8}}
    assert divided({k: v for k, v in heard.items() if k != (2.5, 3)}) == [(0, 8, ("en",))]
    assert divided({**heard, (2.5, 3): {"nn": 0.3, "en": 0.2}}) == [(0, 8, ("en",))]
    assert divided(heard)[1] == (2.5, 3, ("nn", "en"))  # likely enough to be heard in both


def test_a_language_between_two_others_is_its_own():
    heard = {(0, 3): {"en": 0.9}, (3.5, 8): {"de": 0.95}, (8.5, 10): {"en": 0.5, "de": 0.1}, (11, 14): {"en": 0.8}}
    assert divided(heard) == [(0, 3, ("en",)), (3.5, 8, ("de",)), (8.5, 10, ("en", "de")), (11, 14, ("en",))]


def test_what_is_short_is_not_certain():
    assert divided({(0, 0.5): {"ja": 0.9, "en": 0.05}, (1, 4): {"en": 0.9}})[0] == (0, 0.5, ("ja", "en"))
    assert divided({(0, 0.5): {"ja": 0.4, "en": 0.3}, (1, 4): {"en": 0.9}}) == [(0, 4, ("en",))]


def test_where_nothing_is_certain_there_is_one_language():
    heard = {(0, 3): {"pl": 0.3, "cs": 0.2}, (4, 6): {"cs": 0.4, "pl": 0.35}}
    assert divided(heard) == [(0, 6, ("pl",))]
    assert divided(heard, before="en") == [(0, 6, ("en",))]
    assert divided({(0, 3): {"pl": 0.6, "en": 0.3}}, before="en") == [(0, 3, ("pl",))]
    assert divided({}) == []


def looked_at_closely(glances, close, before=None):
    """Which spans a closer look was needed for, and the languages; spans in seconds, at ten samples a second."""
    looked = []

    def detect(span):
        looked.append((span[0] / 10, span[1] / 10))
        return close[looked[-1]]

    spans = [(round(10 * a), round(10 * b)) for a, b in glances]
    found = stretches(spans, detect, 10, before, lambda span: glances[span[0] / 10, span[1] / 10])
    return looked, [(s.first / 10, s.last / 10, s.languages) for s in found]


def test_a_glance_is_enough_where_it_is_clear():
    clear = {(0, 3): {"en": 0.95}, (4, 4.5): {"en": 0.3, "ja": 0.2}, (5, 8): {"en": 0.92}}
    assert looked_at_closely(clear, {}) == ([], [(0, 8, ("en",))])
    alone = {(0, 3): {"en": 0.95}}
    assert looked_at_closely(alone, {(0, 3): {"en": 0.99}})[0] == [(0, 3)]  # what is encoded serves the transcript


def test_a_glance_that_is_not_clear_is_followed_by_a_closer_look():
    glances = {(0, 3): {"en": 0.95}, (4, 4.5): {"ja": 0.4, "en": 0.3}, (5, 8): {"de": 0.8, "en": 0.1}}
    close = {(4, 4.5): {"en": 0.8}, (5, 8): {"de": 0.97}}
    looked, found = looked_at_closely(glances, close)
    assert looked == [(4, 4.5), (5, 8)] and found == [(0, 3, ("en",)), (4, 4.5, ("en", "de")), (5, 8, ("de",))]
    short = {(0, 0.5): {"en": 0.4}, (1, 4): {"en": 0.95}}
    assert looked_at_closely(short, {(0, 0.5): {"de": 0.7, "en": 0.2}}, before="de")[0] == [(0, 0.5)]


class Whisper:
    """Hears a language by the sign of the samples, and writes better text in the right one."""

    def __init__(self):
        self.asked = []

    def detect_language(self, samples):
        share = float((samples > 0).mean())
        ranked = sorted({"en": share, "de": 1 - share}.items(), key=lambda pair: -pair[1])
        return (*ranked[0], ranked)

    def transcribe(self, samples, language, task="transcribe", **_):
        self.asked.append((language, len(samples) / RATE) if task == "transcribe" else (task, language))
        right = "en" if (samples > 0).mean() > 0.45 else "de"
        spoken = language if task == "transcribe" else "english"
        word = SimpleNamespace(word=f" {spoken}.", start=0.1, end=0.4, probability=0.9)
        score = -0.2 if language == right else -0.9
        return iter([SimpleNamespace(words=[word], no_speech_prob=0, avg_logprob=score, compression_ratio=1)]), None


def recogniser(language=None, translate=False):
    made = object.__new__(WordRecogniser)
    made._model, made._language, made._translate, made.left_out = Whisper(), language, translate, Counter()
    made._languages = lambda samples, after=None: dict(made._model.detect_language(samples)[2])
    return made


def heard(made, monkeypatch, shares, seconds=2.0):
    """Utterances of one chunk of spans, each positive in a share of its samples."""
    n = round(seconds * RATE)
    samples = np.concatenate([np.where(np.arange(n) % 100 < 100 * share, 0.5, -0.5) for share in shares]).astype(np.float32)
    active = tuple((100 + k * seconds, 100 + (k + 1) * seconds) for k in range(len(shares)))
    monkeypatch.setattr(transcript, "speech_chunks", lambda _: [SpeechChunk(100.0, samples, active)])
    ((_, utterances),) = made([])
    return [(u.language, round(u.start, 1)) for u in utterances]


def test_each_stretch_is_heard_in_its_own_language(monkeypatch):
    made = recogniser()
    assert heard(made, monkeypatch, [0.9, 0.8, 0.1, 0.9]) == [("en", 100.1), ("de", 104.1), ("en", 106.1)]
    assert made._model.asked == [("en", 4.0), ("de", 2.0), ("en", 2.0)]


def test_in_doubt_the_better_text_tells(monkeypatch):
    made = recogniser()
    assert heard(made, monkeypatch, [0.9, 0.5, 0.1]) == [("en", 100.1), ("en", 102.1), ("de", 104.1)]
    assert Counter(language for language, _ in made._model.asked) == {"en": 2, "de": 2}  # the one in doubt in both
    assert heard(recogniser(), monkeypatch, [0.9, 0.4, 0.1]) == [("en", 100.1), ("de", 102.1), ("de", 104.1)]


def test_a_language_that_is_given_holds_throughout(monkeypatch):
    made = recogniser("de")
    assert heard(made, monkeypatch, [0.9, 0.1]) == [("de", 100.1)]
    assert made._model.asked == [("de", 4.0)]


def test_what_is_not_english_is_translated_where_that_is_asked_for(monkeypatch):
    found = []
    spied = transcript._utterances
    monkeypatch.setattr(transcript, "_utterances", lambda *a, **k: found.extend(spied(*a, **k)) or spied(*a, **k))
    made = recogniser(translate=True)
    assert heard(made, monkeypatch, [0.9, 0.1]) == [("en", 100.1), ("de", 102.1)]
    assert [(u.text, u.language, u.translated) for u in found] == [("en.", "en", False), ("english.", "de", True)]
    assert ("translate", "de") in made._model.asked and ("translate", "en") not in made._model.asked
    plain = recogniser()
    heard(plain, monkeypatch, [0.1])
    assert all(task != "translate" for task, _ in plain._model.asked) and not found[-1].translated


def test_threads_of_the_recogniser_are_not_those_of_torch(monkeypatch):
    """CTranslate2 sets OpenMP's number of threads as it loads a model, and torch takes its own from there."""

    def loaded(_, cpu_threads, **__):
        torch.set_num_threads(cpu_threads)
        return SimpleNamespace(encode=len)

    monkeypatch.setattr(faster_whisper, "WhisperModel", loaded)
    before = torch.get_num_threads()
    WordRecogniser(Path("nowhere"), threads=before + 1)
    assert torch.get_num_threads() == before


def test_the_same_sound_is_encoded_once():
    encoded = []
    encode = transcript._Encoded(lambda features: encoded.append(1) or float(features.sum()))
    sounds = [np.full((2, 3), number, np.float32) for number in range(encode.KEPT + 1)]
    assert [encode(sound) for sound in (sounds[0], sounds[0].copy(), sounds[1], sounds[0][:, ::-1])] == [0, 0, 6, 0]
    assert len(encoded) == 2  # what is mirrored is the same here
    for sound in sounds:
        encode(sound)
    assert len(encode._known) == encode.KEPT and encode(sounds[0]) == 0 and len(encoded) == encode.KEPT + 2


def test_telling_the_language_and_writing_down_what_is_said_share_one_encoding(clip):
    hear = WordRecogniser(asset_path("whisper-base").parent, threads=1)
    encoder, encoded = hear._model.encode._encode, []
    hear._model.encode._encode = lambda features: (encoded.append(1), encoder(features))[1]
    chunks = list(transcript.speech_chunks(Sound(clip, Problems())))
    samples = chunks[0].samples
    probabilities = hear._languages(samples)
    assert max(probabilities, key=probabilities.get) == hear._model.detect_language(samples)[0] == "en"
    before = len(encoded)
    segments, _ = hear._model.transcribe(samples, language="en")
    assert "".join(segment.text for segment in segments) and len(encoded) == before


def test_a_glance_hears_the_language_of_a_sentence(clip):
    hear = WordRecogniser(asset_path("whisper-base").parent, threads=1)
    samples = next(iter(transcript.speech_chunks(Sound(clip, Problems())))).samples
    close, glance = hear._languages(samples), hear._languages(samples, after=transcript.GLANCE)
    assert max(glance, key=glance.get) == "en" and glance["en"] == pytest.approx(close["en"], abs=0.02)


def test_a_german_turn_between_english_ones_is_german():
    """Its last words, a second and a half after a pause, are heard as either: that hangs on the processor's 8-bit arithmetic."""
    if not CASE.exists():
        pytest.skip("the cases are not here")
    hear = WordRecogniser(asset_path("whisper-base").parent, threads=1)
    found = [u for _, utterances in hear(Sound(CASE, Problems())) for u in utterances]
    german = [u for u in found if u.language == "de"]
    assert german and all(5.2 < u.start < 11.3 for u in german) and sum(u.end - u.start for u in german) > 3
    assert all(u.end < 5.4 or u.start > 9.3 for u in found if u.language == "en") and len(german) < len(found)
