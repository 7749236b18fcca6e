"""Who speaks when, on conversations put together from speech corpora, each with spaces of voices fitted on the other corpora.

``SPEECH`` names the folder of the corpora (``emodb``, ``ravdess``, ``urdu``, ``nemo``); ``DIARISATION_MIXTURES`` how many
conversations are made (100 unless it says otherwise).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from affectlens.assets.store import locate
from affectlens.corpora.base import items_of, open_corpus
from affectlens.media.audio import AudioBlock
from affectlens.models.speakers.alike import VoiceSpace, fit_voices
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
    """Clips of a corpus: samples, speakers, vectors ``(n, 256)``."""

    samples: list[np.ndarray]
    people: np.ndarray
    vectors: np.ndarray


def voices_of(name: str, encoder: VoiceEncoder) -> Voices:
    """All clips of a corpus; vectors are kept below ``runs/diarisation``."""
    items = [item for item in items_of(open_corpus(name, FOLDER / name), "four") if item.data is not None]
    samples = [np.asarray(item.data, np.float32) for item in items]
    kept = Path("runs/diarisation") / f"{name}.npy"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, np.stack([voice_windows(encoder, clip)[1].mean(axis=0) for clip in samples]))
    return Voices(samples, np.array([str(item.group) for item in items]), np.load(kept))


def space_of(corpora: dict[str, Voices]) -> VoiceSpace:
    """The space that some corpora give."""
    vectors = np.concatenate([voices.vectors for voices in corpora.values()])
    recordings = np.concatenate([np.full(len(voices.people), name) for name, voices in corpora.items()])
    people = np.concatenate([[f"{name} {person}" for person in voices.people] for name, voices in corpora.items()])
    return fit_voices(vectors, people, recordings)


def conversation(voices: Voices, count: int, rng: np.random.Generator) -> tuple[np.ndarray, list[VoiceSpan]]:
    """Sound and truth: people of one corpus in turn, 5 to 12 clips each in whatever mood, pauses of .1 to .8 s."""
    names, clips = np.unique(voices.people, return_counts=True)
    people = rng.choice(names[clips >= 5], count, replace=False)
    order = []
    for number, person in enumerate(people):
        own = np.flatnonzero(voices.people == person)
        order += [(number, clip) for clip in rng.choice(own, min(len(own), int(rng.integers(5, 13))), replace=False)]
    order = [order[place] for place in rng.permutation(len(order))]
    gain = 10 ** (rng.uniform(-3, 3, count) / 20)
    parts, truth, now = [], [], 0.0
    for number, clip in order:
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


def main() -> None:
    """Print error rates and how often the number of voices is right."""
    encoder = load_encoder(locate("voice-encoder"))
    corpora = {name: voices_of(name, encoder) for name in CORPORA}
    spaces = {name: space_of({other: corpora[other] for other in CORPORA if other != name}) for name in CORPORA}
    rows = []
    spent = heard = 0.0
    for number in range(COUNT):
        name, count = CORPORA[number % 4], 2 + number // 4 % 3
        rng = np.random.default_rng([number, 17])
        sound, truth = conversation(corpora[name], count, rng)
        blocks = [AudioBlock(0.0, sound, RATE)]
        began = time.process_time()
        answer = diarise(blocks, encoder, spaces[name])
        spent, heard = spent + time.process_time() - began, heard + len(sound) / RATE
        given = diarise(blocks, encoder, spaces[name], count)
        seconds = len(sound) / RATE
        rows.append(
            (
                name,
                count,
                len({span.voice for span in answer}),
                errors(truth, answer, seconds, COLLAR),
                errors(truth, answer, seconds, 0.0),
                errors(truth, given, seconds, COLLAR),
            )
        )
        print(f"{number + 1}/{COUNT} {name} {count} voices, {rows[-1][2]} found", flush=True)
    print(f"{len(rows)} conversations of {heard / 60:.0f} minutes; {spent / heard:.3f} s of processor time a second")
    for name in (*CORPORA, "all"):
        own = [row for row in rows if name in ("all", row[0])]
        right = wilson(sum(row[1] == row[2] for row in own), len(own))
        parts = []
        for column, what in ((3, "error"), (4, "error without a collar"), (5, "error, number of voices given")):
            total = np.sum([row[column] for row in own], axis=0)
            rates = total[:3] / total[3]
            parts.append(f"{what} {rates.sum():.3f} (missed {rates[0]:.3f}, invented {rates[1]:.3f}, confused {rates[2]:.3f})")
        print(f"{name}: {'; '.join(parts)}; number right {right.value:.2f} [{right.low:.2f}, {right.high:.2f}] of {len(own)}")
    for count in (2, 3, 4):
        own = [row for row in rows if row[1] == count]
        print(f"{count} voices: found {[row[2] for row in own]}")
