"""The speech model on a whole corpus, each clip scaled by its corpus and, where that can be trusted, by its speaker."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectlens.core.errors import CorpusError
from affectlens.core.failures import failure_of
from affectlens.core.progress import Progress, silent
from affectlens.corpora.account import how_read
from affectlens.corpora.base import Corpus, items_of, label_targets, open_corpus
from affectlens.evaluation.predictions import Predictions
from affectlens.features.speech import speech_table
from affectlens.models.readers import functionals_of
from affectlens.models.shipped.speech import SpeechModel
from affectlens.models.shipped.speech_scale import normalise

SPLIT = "four"


def predict_speech(
    model: SpeechModel,
    corpus: str,
    source: Path | Corpus,
    progress: Progress = silent,
    cache: Path | None = None,
) -> Predictions:
    """Calibrated probabilities of every four-class clip; clips that could not be used stay as missed rows.

    Scaling uses the corpus's own features without labels; groups are speakers.

    Parameters
    ----------
    model : SpeechModel
        The model.
    corpus : str
        Name of the corpus.
    source : Path or Corpus
        Where it lies, so that what was measured before is read from the cache; or the corpus itself.
    progress : callable
        Takes the corpus, clips done, and clips in all.
    cache : Path, optional
        Folder of measured features.

    Returns
    -------
    Predictions
        One row a clip, in the corpus's order.

    Raises
    ------
    CorpusError
        No clip could be used.
    """
    opened = open_corpus(corpus, source) if isinstance(source, Path) else source
    clips = opened.table(SPLIT)
    if isinstance(source, Path):
        table = speech_table({corpus: source}, cache, progress)
        keys, features, missed, notes = list(table.rows.key), table.features, table.missed, table.notes
    else:
        keys, features, missed, notes = _measured(corpus, source, len(clips), progress)
    position = {key: i for i, key in enumerate(clips.key)}
    rows = [position[key] for key in keys]
    speaker = clips.speaker.astype(str).to_numpy(dtype=object)[rows]
    probabilities = np.full((len(clips), len(model.labels)), np.nan)
    scaled = normalise(features, np.full(len(rows), corpus, dtype=object), speaker)
    probabilities[rows] = model.probabilities(scaled)
    return Predictions(
        probabilities,
        label_targets([(label,) for label in clips.label], model.labels),
        clips.speaker.to_numpy(dtype=object),
        list(clips.key),
        model.labels,
        {key.removeprefix(f"{corpus}/"): reason for key, reason in missed.items()},
        notes,
    )


def _measured(
    corpus: str, source: Corpus, total: int, progress: Progress
) -> tuple[list[str], np.ndarray, dict[str, str], tuple[str, ...]]:
    """Keys and features ``(n, 88)`` of the clips that can be used, why the others cannot, and notes on how they were read."""
    features: dict[str, np.ndarray] = {}
    missed: dict[str, str] = {}
    noted: dict[str, tuple[str, ...]] = {}
    for i, item in enumerate(items_of(source, SPLIT)):
        if item.notes:
            noted[item.key] = item.notes
        try:
            features[item.key] = functionals_of(item)
        except Exception as error:
            missed[item.key] = failure_of(item.key, error).reason
        progress(corpus, i + 1, total)
    if not features:
        raise CorpusError(f"{corpus}: none of {total} clips could be read; first: {next(iter(missed.values()))}")
    notes = tuple(f"{corpus}: {line}" for line in how_read(noted))
    return list(features), np.stack(list(features.values())), missed, notes
