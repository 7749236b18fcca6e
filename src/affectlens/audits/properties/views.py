"""What the properties of each modality look at, made of the items of a corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from affectlens.core.errors import MediaError
from affectlens.corpora.base import Item

View = Callable[[Item], tuple[Any, str]]  # what properties look at, or None and the reason


def view_maker(modality: str, corpus: str, path: Path | None) -> View:
    """What turns an item into what the properties of its modality look at, or gives None and the reason.

    Parameters
    ----------
    modality : str
        face, voice, words or gait.
    corpus : str
        Name of the corpus.
    path : Path or None
        Where it lies, which features of voices are kept by.

    Returns
    -------
    callable
        Takes an item.
    """
    if modality == "face":
        return _face()
    if modality == "voice":
        return _voice(corpus, path)
    return _gait if modality == "gait" else _as_it_is


def _as_it_is(item: Item) -> tuple[Any, str]:
    return item.data, ""


def _face() -> View:
    from affectlens.features.properties.face import FaceViewer

    viewer = FaceViewer()

    def view(item: Item) -> tuple[Any, str]:
        face = viewer(item.data)
        return face, "" if face is not None else "no face found"

    return view


def _voice(corpus: str, path: Path | None) -> View:
    from affectlens.features.properties.voice import VoiceView
    from affectlens.perception.voice.egemaps import NAMES

    features = voice_features(corpus, path)
    rows = {row["key"]: (i, row) for i, row in enumerate(features.rows.to_dict("records"))}

    def view(item: Item) -> tuple[Any, str]:
        if item.key not in rows:
            return None, features.missed.get(f"{corpus}/{item.key}", "no features")
        i, row = rows[item.key]
        facts = {column: str(row[column]) for column in ("gender", "language", "speaker") if row.get(column)}
        return VoiceView(dict(zip(NAMES, features.features[i], strict=True)), item.data, facts), ""

    return view


def voice_features(corpus: str, path: Path | None) -> Any:
    """Acoustic features of every clip of a corpus, from the cache where they were measured before."""
    from affectlens.core.errors import UsageError
    from affectlens.features.speech import speech_table

    if path is None:
        raise UsageError(f"{corpus}: give a corpus of speech as NAME=PATH, since its features are kept by its path")
    return speech_table({corpus: path})


def _gait(item: Item) -> tuple[Any, str]:
    from affectlens.perception.body.formats import of_corpus

    try:
        return of_corpus(item.data, item.meta or {}), ""
    except MediaError as error:
        return None, str(error)
