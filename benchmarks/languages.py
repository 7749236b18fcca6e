"""The language of speech told at a glance (the stretch and two seconds of silence) against the closer look (half a minute).

``FILES=16 python -m benchmarks languages``. Recordings in German, Polish, English and Urdu, whole and cut to 1.2 and 0.7 s.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from affectlens.assets.store import locate
from affectlens.perception.words.languages import CLEAR, LEAST, SURE
from affectlens.perception.words.transcript import GLANCE, RATE, WordRecogniser

CORPORA = ("emodb", "nemo", "ravdess", "urdu")
CUTS = (None, 1.2, 0.7)  # seconds


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """How often a glance is clear, and says something else then; what it says of short stretches."""
    folder = Path("../shared/data/speech")
    if not folder.exists():
        yield "languages at a glance: the recordings are not here", "", "", None
        return
    from faster_whisper.audio import decode_audio

    hear = WordRecogniser(locate("whisper-base").parent, threads=1)
    rng, count = np.random.default_rng(0), int(os.environ.get("FILES", "16"))
    long, clear, other, unsure, short, agree = 0, 0, 0, 0, 0, 0
    for corpus in CORPORA:
        files = sorted((folder / corpus).rglob("*.flac"))
        for place in rng.choice(len(files), count, replace=False):
            whole = decode_audio(str(files[place]))
            for cut in CUTS:
                first = len(whole) // 3 if cut else 0
                samples = whole[first : first + round(cut * RATE)] if cut else whole
                close, glance = hear._languages(samples), hear._languages(samples, after=GLANCE)
                near, far = max(close, key=close.__getitem__), max(glance, key=glance.__getitem__)
                if len(samples) < LEAST * RATE:
                    short, agree = short + 1, agree + (near == far)
                    continue
                is_clear = glance[far] >= CLEAR
                long, clear = long + 1, clear + is_clear
                other, unsure = other + (is_clear and near != far), unsure + (is_clear and close[near] < SURE)
    yield f"stretches of at least {LEAST:.0f} s that a glance is clear of", f"{clear} of {long}", "", None
    yield "  another language at a closer look", f"{other}", "at most 5 %", other <= 0.05 * clear
    yield "  not sure at a closer look", f"{unsure}", "", None
    yield "shorter stretches of the same language at a closer look", f"{agree} of {short}", "", None
