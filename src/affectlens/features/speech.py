"""Speech corpora as one table of acoustic features, kept on disk so that a corpus is listened to once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.disk.cache import contents_of, kept_arrays
from affectlens.core.disk.files import key_of
from affectlens.core.disk.places import cache_dir
from affectlens.core.errors import CorpusError, UsageError
from affectlens.core.failures import failure_of
from affectlens.core.labels import IEMOCAP4
from affectlens.core.progress import Progress
from affectlens.corpora.account import how_read
from affectlens.corpora.base import Corpus, Item, account_of, items_of, open_corpus
from affectlens.dispatch import ShareDoneError, current_running
from affectlens.models.shipped.speech_scale import Scale, against_own_clip
from affectlens.perception.voice.egemaps import SHORTEST, functionals
from affectlens.perception.voice.stream import describe

VERSION = 4  # of the features; raise it when their values change
NOT_NOTED = "how the clips were read was not noted when they were measured; remove the features in the cache to see it"
BLOCK = 32  # clips whose measures are kept together; shards share out whole ones
TURNS = 5  # of one speaker in a recording, for "recording"


@dataclass(frozen=True)
class SpeechTable:
    """Acoustic features of clips of speech.

    Attributes
    ----------
    features : ndarray
        ``(n, 88)`` in real units.
    rows : DataFrame
        Columns corpus, key, label, speaker, gender, language, seconds.
    missed : dict of str to str
        Clips that could not be used, and why.
    notes : tuple of str
        What has to be known of the corpora: what their readers left out, and how clips were read.
    """

    features: np.ndarray
    rows: pd.DataFrame
    missed: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> np.ndarray:
        """Class indices ``(n,)`` in the order of IEMOCAP4."""
        return np.array([IEMOCAP4.index(label) for label in self.rows.label])

    @property
    def corpus(self) -> np.ndarray:
        """Corpus names ``(n,)``."""
        return np.asarray(self.rows.corpus.to_numpy(dtype=object))

    @property
    def speaker(self) -> np.ndarray:
        """Speakers ``(n,)``, unique over corpora."""
        return np.asarray((self.rows.corpus + "/" + self.rows.speaker).to_numpy(dtype=object))

    def where(self, chosen: np.ndarray) -> SpeechTable:
        """The rows of a mask or of indices."""
        index = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return SpeechTable(self.features[index], self.rows.iloc[index].reset_index(drop=True), {})


def speech_table(
    corpora: dict[str, Path],
    cache: Path | None = None,
    progress: Progress | None = None,
    *,
    compatible: bool = False,
) -> SpeechTable:
    """Acoustic features of every four-class clip of some corpora, from the cache where they were measured before.

    Parameters
    ----------
    corpora : dict of str to Path
        Where each corpus lies.
    cache : Path, optional
        Keeps the features, by the content of the clips; the package's cache by default.
    progress : Progress, optional
        Told of clips, corpus by corpus.
    compatible : bool
        Whether features follow openSMILE where it differs from the published definitions.

    Returns
    -------
    SpeechTable
        Clips that cannot be read or are too short are in ``missed``.

    Raises
    ------
    UsageError
        No corpora, or one that holds no speech.
    CorpusError
        A corpus without a clip of the four classes, or none that can be read.
    ShareDoneError
        In a shard: its share of the clips is measured and kept, and the others are for other shards.
    """
    folder = cache or cache_dir() / "features"
    made = [_corpus_table(name, path, folder, progress, compatible) for name, path in corpora.items()]
    if not made:
        raise UsageError("no corpora were given: name at least one, as --corpus emodb=PATH")
    parts = [part for part in made if part is not None]
    if len(parts) < len(made):
        raise ShareDoneError
    rows = pd.concat([part.rows for part in parts], ignore_index=True)
    missed = {key: reason for part in parts for key, reason in part.missed.items()}
    notes = tuple(note for part in parts for note in part.notes)
    return SpeechTable(np.concatenate([part.features for part in parts]), rows, missed, notes)


def _corpus_table(name: str, path: Path, cache: Path, progress: Progress | None, compatible: bool) -> SpeechTable | None:
    """The clips of one corpus; None in a shard, which measures its share of them for the run that needs them all."""
    corpus = open_corpus(name, path)
    if corpus.info.modality != "voice":
        raise UsageError(f"{name} holds {corpus.info.modality}, not speech")
    table = corpus.table("four")
    if table.empty:
        raise CorpusError(f"{path}: no clip with one of the labels {', '.join(IEMOCAP4.labels)}")
    parts = table[["start", "end"]].astype(float).to_numpy()
    key = key_of(VERSION, compatible, list(table.key), contents_of(list(table.path)), parts)
    if not current_running().shard.is_whole:
        for _ in _blocks(name, corpus, len(table), cache, key, progress, compatible):
            pass
        return None
    stored = kept_arrays(cache, name, key, lambda: _measure(name, corpus, len(table), cache, key, progress, compatible))
    rows = _rows(table, name, stored["kept"], stored["seconds"])
    noted = how_read(json.loads(str(stored["notes"]))) if "notes" in stored else [NOT_NOTED]
    notes = tuple(f"{name}: {line}" for line in (*account_of(corpus).lines(), *noted))
    return SpeechTable(stored["features"], rows, json.loads(str(stored["missed"])), notes)


def _measure(
    name: str, corpus: Corpus, total: int, cache: Path, key: str, progress: Progress | None, compatible: bool
) -> dict[str, np.ndarray]:
    """Features ``(n, 88)`` of the clips that can be used, their rows and seconds, and why the others could not be."""
    blocks = list(_blocks(name, corpus, total, cache, key, progress, compatible))
    if progress:
        progress(name, total, total)
    missed = {clip: reason for block in blocks for clip, reason in json.loads(str(block["missed"])).items()}
    notes = {clip: noted for block in blocks for clip, noted in json.loads(str(block["notes"])).items()}
    kept = np.concatenate([block["kept"] for block in blocks])
    if not len(kept):
        raise CorpusError(f"{name}: none of {total} clips could be read; first: {next(iter(missed.values()))}")
    return {
        "features": np.concatenate([block["features"] for block in blocks if len(block["kept"])]),
        "kept": kept,
        "seconds": np.concatenate([block["seconds"] for block in blocks]),
        "missed": np.array(json.dumps(missed)),
        "notes": np.array(json.dumps(notes)),
    }


def _blocks(
    name: str, corpus: Corpus, total: int, cache: Path, key: str, progress: Progress | None, compatible: bool
) -> Iterator[dict[str, np.ndarray]]:
    """What is measured of some clips at a time, kept on disk, so that shards and broken-off runs add up; in order."""
    shard = current_running().shard
    waiting: list[tuple[int, Item]] = []

    def kept(number: int, clips: list[tuple[int, Item]]) -> dict[str, np.ndarray]:
        return kept_arrays(cache / "clips", f"{name}-{number}", key_of(key, number), lambda: _measured(name, clips, compatible))

    for place, item in enumerate(items_of(corpus, "four")):
        if progress:
            progress(name, place, total)
        if place // BLOCK % shard.count == shard.number - 1:
            waiting.append((place, item))
        if place % BLOCK == BLOCK - 1 and waiting:
            yield kept(place // BLOCK, waiting)
            waiting = []
    if waiting:
        yield kept(waiting[0][0] // BLOCK, waiting)


def _measured(name: str, clips: list[tuple[int, Item]], compatible: bool) -> dict[str, np.ndarray]:
    """What is measured of some clips with their places in the corpus."""
    features, kept, seconds, missed, notes = [], [], [], {}, {}
    for place, item in clips:
        if item.notes:
            notes[item.key] = item.notes
        length = 0.0 if item.data is None else len(item.data) / 16000
        if item.data is None or length < SHORTEST:
            missed[f"{name}/{item.key}"] = item.problem or f"{1000 * length:.0f} ms long; at least {1000 * SHORTEST:.0f} needed"
            continue
        try:
            measured = functionals(describe(item.data, compatible=compatible))
        except Exception as error:
            missed[f"{name}/{item.key}"] = failure_of(item.key, error).reason
            continue
        features.append(measured)
        kept.append(place)
        seconds.append(length)
    return {
        "features": np.array(features),
        "kept": np.array(kept, dtype=int),
        "seconds": np.array(seconds, dtype=float),
        "missed": np.array(json.dumps(missed)),
        "notes": np.array(json.dumps(notes)),
    }


def _rows(table: pd.DataFrame, name: str, kept: np.ndarray, seconds: np.ndarray) -> pd.DataFrame:
    rows = table.iloc[kept][["key", "label", "speaker", "gender", "language"]].reset_index(drop=True)
    return rows.assign(corpus=name, seconds=seconds, speaker=rows.speaker.astype(str))


def as_recordings(
    x: np.ndarray, speaker: np.ndarray, rows: np.ndarray, scale: Scale, seed: int, turns: int = TURNS
) -> np.ndarray:
    """Features as the main job would see them: each clip in a recording with a few turns of one speaker.

    Parameters
    ----------
    x : numpy.ndarray
        Features ``(n, features)`` in real units.
    speaker : numpy.ndarray
        Who speaks ``(n,)``.
    rows : numpy.ndarray
        The clips that are wanted ``(m,)``; only these are dealt to recordings.
    scale : Scale
        What a recording is scaled against.
    seed : int
        How clips are dealt.
    turns : int
        How many clips make a recording at most.

    Returns
    -------
    numpy.ndarray
        ``(m, features)``, normalised.
    """
    out = np.zeros((len(rows), x.shape[1]))
    for group in dealt(speaker[rows], seed, turns):
        out[group] = against_own_clip(x[rows[group]], scale)
    return out


def dealt(speaker: np.ndarray, seed: int, turns: int = TURNS) -> list[np.ndarray]:
    """Clips dealt to recordings of one speaker each.

    Parameters
    ----------
    speaker : numpy.ndarray
        Who speaks ``(n,)``.
    seed : int
        How they are dealt.
    turns : int
        How many clips make a recording at most.

    Returns
    -------
    list of numpy.ndarray
        Places of the clips of each recording.
    """
    rng = np.random.default_rng(seed)
    out = []
    for person in dict.fromkeys(speaker):
        clips = rng.permutation(np.flatnonzero(speaker == person))
        out += np.array_split(clips, max(1, -(-len(clips) // turns)))
    return out
