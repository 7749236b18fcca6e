"""Speech corpora as turns that Whisper's encoder has heard, clean and as other recordings would have them, kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.assets.store import locate
from affectlens.core.disk.cache import contents_of, kept_arrays
from affectlens.core.disk.files import key_of, sha256_of
from affectlens.core.disk.places import cache_dir
from affectlens.core.errors import CorpusError
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import Corpus, items_of, open_corpus
from affectlens.features.speech import SpeechTable, speech_table
from affectlens.learning.augmentation.sounds import augmented
from affectlens.media.sound.audio import AudioBlock
from affectlens.models.whisper.encoder import WhisperEncoder, from_ctranslate2
from affectlens.models.whisper.states import DEPTH, pooled, states_of
from affectlens.perception.words.transcript import RATE, speech_chunks

VERSION = 1  # of the states and of how clips are cut and changed; raise it when their values change


@dataclass(frozen=True)
class TurnTable:
    """Clips as turns.

    Attributes
    ----------
    acoustic : SpeechTable
        Their functionals of eGeMAPS, and who says them.
    states : numpy.ndarray
        ``(n, features)`` float32, pooled over the speech of each clip.
    changed : numpy.ndarray
        ``(copies, n, features)``: the same of copies as other recordings would have them.
    """

    acoustic: SpeechTable
    states: np.ndarray
    changed: np.ndarray


def turn_table(
    corpora: dict[str, Path], copies: int, seed: int, cache: Path | None = None, progress: Progress = silent
) -> TurnTable:
    """What is heard of every four-class clip of some corpora, from the cache where it was heard before.

    Parameters
    ----------
    corpora : dict of str to Path
        Where each corpus lies.
    copies : int
        Changed copies of each clip.
    seed : int
        Draws the changes.
    cache : Path, optional
        Keeps what is heard, by the content of the clips and of the encoder; the package's cache by default.
    progress : Progress
        Told of clips, corpus by corpus.

    Returns
    -------
    TurnTable
        Clips that could not be used are in ``acoustic.missed``.

    Raises
    ------
    CorpusError
        A corpus without a usable clip.
    AssetError
        The encoder is not here and cannot be had.
    """
    model = locate("whisper-base")
    net = from_ctranslate2(model, DEPTH)
    folder = cache or cache_dir() / "features"
    acoustic = speech_table(corpora, folder, progress)
    clean, changed = [], []
    for name, path in corpora.items():
        corpus = open_corpus(name, path)
        table = corpus.table("four")
        keys = list(acoustic.rows.key[acoustic.rows.corpus == name])
        parts = table[["start", "end"]].astype(float).to_numpy()
        key = key_of(VERSION, sha256_of(model), copies, seed, keys, contents_of(list(table.path)), parts)

        def make(name: str = name, corpus: Corpus = corpus, keys: list[str] = keys) -> dict[str, np.ndarray]:
            return _hear(net, name, corpus, keys, copies, seed, progress)

        stored = kept_arrays(folder, f"{name}-states", key, make)
        clean.append(stored["states"])
        changed.append(stored["changed"])
    return TurnTable(acoustic, np.concatenate(clean), np.concatenate(changed, axis=1))


def _hear(
    net: WhisperEncoder, name: str, corpus: Corpus, keys: list[str], copies: int, seed: int, progress: Progress
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    wanted, clean, changed = set(keys), [], []
    for item in items_of(corpus, "four"):
        if item.key not in wanted:
            continue
        if item.data is None:
            raise CorpusError(f"{name}/{item.key}: {item.problem}; it could be read when its features were measured")
        sound = speech_of(item.data)
        clean.append(pooled(states_of(net, sound))[0])
        changed.append([pooled(states_of(net, augmented(sound, rng)))[0] for _ in range(copies)])
        progress(f"{name}: listening", len(clean), len(keys))
    copied = np.array(changed, np.float32).reshape(len(clean), copies, -1)
    return {"states": np.array(clean), "changed": np.swapaxes(copied, 0, 1)}


def speech_of(sound: np.ndarray) -> np.ndarray:
    """From the first to the last moment of speech, as the main job cuts turns; all of it where none is found.

    Parameters
    ----------
    sound : (n,) float array
        A clip at 16 kHz.

    Returns
    -------
    numpy.ndarray
        ``(m,)`` float32.
    """
    sound = np.asarray(sound, np.float32)
    chunks = list(speech_chunks([AudioBlock(0.0, sound, RATE)]))
    if not chunks:
        return sound
    return sound[round(chunks[0].active[0][0] * RATE) : round(chunks[-1].active[-1][1] * RATE)]


def speakers_of(rows: pd.DataFrame) -> np.ndarray:
    """Who says each clip ``(n,)``, unique over corpora."""
    return np.asarray((rows.corpus + "/" + rows.speaker.astype(str)).to_numpy(dtype=object))
