"""Who speaks when, on conversations put together from speech corpora, each with spaces of voices fitted on the other corpora.

``SPEECH`` names the folder of the corpora (``emodb``, ``ravdess``, ``urdu``, ``nemo``); ``DIARISATION_MIXTURES`` how many
conversations are made (100 unless it says otherwise).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from affectlens.assets.store import locate
from affectlens.corpora.base import items_of, open_corpus
from affectlens.learning.recipes.speakers import SpeakersRecipe
from affectlens.learning.trainers.speakers import PEOPLE, VoiceTable, fit_speakers
from affectlens.media.sound.audio import AudioBlock
from affectlens.models.speakers.clustering import in_order
from affectlens.models.speakers.diarisation import diarise
from affectlens.models.speakers.encoder import VoiceEncoder, load_encoder, voice_windows
from affectlens.models.speakers.spans import VoiceSpan
from affectlens.stats.resample import wilson

CORPORA = ("emodb", "ravdess", "urdu", "nemo")
COUNT = int(os.environ.get("DIARISATION_MIXTURES", "100"))
FOLDER = Path(os.environ.get("SPEECH", "../shared/data/speech"))
RATE = 16000
STEP = 0.01  # seconds at which truth and answer are compared
COLLAR = 0.25  # seconds about each true border that do not count, as is the custom


@dataclass(frozen=True)
class Voices:
    """Clips of a corpus: samples, speakers, and the table that spaces are fitted on."""

    samples: list[np.ndarray]
    table: VoiceTable


def voices_of(name: str, encoder: VoiceEncoder) -> Voices:
    """All clips of a corpus in the four classes; vectors are kept below ``runs/diarisation``."""
    items = [item for item in items_of(open_corpus(name, FOLDER / name), "four") if item.data is not None]
    samples = [np.asarray(item.data, np.float32) for item in items]
    kept = Path("runs/diarisation") / f"{name}.npy"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, np.stack([voice_windows(encoder, clip)[1].mean(axis=0) for clip in samples]))
    people = np.array([str(item.group) for item in items])
    return Voices(samples, VoiceTable(np.load(kept), people, np.array([len(clip) / RATE for clip in samples])))


def conversation(voices: Voices, count: int, rng: np.random.Generator) -> tuple[np.ndarray, list[VoiceSpan]]:
    """Sound and truth: people of one corpus in turn, 5 to 12 clips each in whatever mood, pauses of .1 to .8 s."""
    order = voices.table.conversation(count, rng)
    numbers = in_order(np.unique(voices.table.people[order], return_inverse=True)[1])
    gain = 10 ** (rng.uniform(-3, 3, count) / 20)
    parts, truth, now = [], [], 0.0
    for number, clip in zip(numbers.tolist(), order.tolist(), strict=True):
        pause = np.zeros(int(rng.uniform(0.1, 0.8) * RATE), np.float32)
        sound = voices.samples[clip] * gain[number]
        parts += [pause, sound]
        now += len(pause) / RATE
        first, last = spoken(sound)
        truth.append(VoiceSpan(now + first, now + last, number))
        now += len(sound) / RATE
    sound = np.concatenate(parts)
    return (sound + rng.normal(size=len(sound)) * 1e-4).astype(np.float32), truth


def spoken(sound: np.ndarray) -> tuple[float, float]:
    """Seconds at which a clip's first and last sound within 35 dB of its loudest begin and end."""
    size = RATE // 100
    level = np.array([np.square(sound[start : start + size]).mean() for start in range(0, len(sound) - size, size)])
    loud = np.flatnonzero(level > level.max() * 10**-3.5)
    return loud[0] * 0.01, (loud[-1] + 1) * 0.01


def errors(truth: list[VoiceSpan], answer: list[VoiceSpan], seconds: float, collar: float) -> np.ndarray:
    """Seconds missed, invented, given to the wrong voice, and spoken in truth."""
    size = int(seconds / STEP) + 1
    real, said, counts = np.full(size, -1), np.full(size, -1), np.ones(size, bool)
    for line, spans in ((real, truth), (said, answer)):
        for span in spans:
            line[round(span.start / STEP) : round(span.end / STEP)] = span.voice
    for span in truth:
        for border in (span.start, span.end):
            counts[max(round((border - collar) / STEP), 0) : round((border + collar) / STEP)] = False
    real, said = real[counts], said[counts]
    both = (real >= 0) & (said >= 0)
    table = np.zeros((real.max(initial=0) + 1, said.max(initial=0) + 1))
    np.add.at(table, (real[both], said[both]), 1)
    right = table[linear_sum_assignment(-table)].sum()
    return STEP * np.array(
        [((real >= 0) & (said < 0)).sum(), ((real < 0) & (said >= 0)).sum(), both.sum() - right, (real >= 0).sum()]
    )


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Error rates, how often the number of voices is right, and the cost."""
    if not FOLDER.is_dir():
        yield "diarisation", f"no corpora at {FOLDER} (SPEECH=FOLDER)", "", None
        return
    encoder = load_encoder(locate("voice-encoder"))
    corpora = {name: voices_of(name, encoder) for name in CORPORA}
    recipe, tables = SpeakersRecipe(), {name: voices.table for name, voices in corpora.items()}
    spaces = {name: fit_speakers({other: tables[other] for other in CORPORA if other != name}, recipe) for name in CORPORA}
    spent = heard = 0.0
    answers: list[_Answer] = []
    for number in range(COUNT):
        name, count = CORPORA[number % len(CORPORA)], PEOPLE[number // len(CORPORA) % len(PEOPLE)]
        sound, truth = conversation(corpora[name], count, np.random.default_rng([number, 17]))
        blocks, seconds = [AudioBlock(0.0, sound, RATE)], len(sound) / RATE
        began = time.process_time()
        found = diarise(blocks, encoder, spaces[name])
        spent, heard = spent + time.process_time() - began, heard + seconds
        given = diarise(blocks, encoder, spaces[name], count)
        rates = [
            errors(truth, found, seconds, COLLAR),
            errors(truth, found, seconds, 0.0),
            errors(truth, given, seconds, COLLAR),
        ]
        answers.append(_Answer(name, count, len({span.voice for span in found}), *rates))
    for name in (*CORPORA, "all"):
        own = [answer for answer in answers if name in ("all", answer.corpus)]
        right = wilson(sum(answer.count == answer.found for answer in own), len(own))
        limit = "<= .15" if name == "all" else ""
        yield _rate(f"{name}: error, collar .25 s", [answer.error for answer in own], limit)
        yield _rate(f"{name}: error, no collar", [answer.strict for answer in own])
        yield _rate(f"{name}: error, number of voices given", [answer.given for answer in own])
        least = ">= .80" if name == "all" else ""
        value = f"{right.value:.2f} [{right.low:.2f}, {right.high:.2f}] of {len(own)}"
        yield f"{name}: number of voices right", value, least, right.value >= 0.8 if least else None
    yield "processor time a second of sound", f"{spent / heard:.3f} s", "", None


@dataclass(frozen=True)
class _Answer:
    """Seconds missed, invented, confused and spoken in a conversation: with a collar, without one, with the number given."""

    corpus: str
    count: int
    found: int
    error: np.ndarray
    strict: np.ndarray
    given: np.ndarray


def _rate(what: str, seconds: list[np.ndarray], limit: str = "") -> tuple[str, str, str, bool | None]:
    total = np.sum(seconds, axis=0)
    missed, invented, confused = total[:3] / total[3]
    value = missed + invented + confused
    return what, f"{value:.3f} ({missed:.3f} + {invented:.3f} + {confused:.3f})", limit, value <= 0.15 if limit else None
