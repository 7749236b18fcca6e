"""The speech model on a whole corpus, each clip scaled by its corpus and, where that can be trusted, by its speaker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from affectlens.corpora.base import label_targets, open_corpus
from affectlens.evaluation.evaluate import Predictions
from affectlens.features.speech import speech_table
from affectlens.models.shipped.speech import SpeechModel
from affectlens.models.shipped.speech_scale import normalise


def predict_speech(
    model: SpeechModel, corpus: str, path: Path, progress: Callable[[int, int], None] | None = None, cache: Path | None = None
) -> Predictions:
    """Calibrated probabilities of every four-class clip; clips that could not be used stay as missed rows.

    Scaling uses the corpus's own features without labels; groups are speakers.
    """
    table = speech_table({corpus: path}, cache, (lambda _, done, total: progress(int(done), int(total))) if progress else None)
    wanted = open_corpus(corpus, path).table("four")
    probabilities = np.full((len(wanted), len(model.labels)), np.nan)
    place = {key: i for i, key in enumerate(wanted.key)}
    rows = [place[key] for key in table.rows.key]
    z = normalise(table.features, table.corpus, table.speaker)
    probabilities[rows] = model.calibration.probabilities(model.predict(z))
    missed = {key.removeprefix(f"{corpus}/"): why for key, why in table.missed.items()}
    return Predictions(
        probabilities, label_targets([(v,) for v in wanted.label], model.labels), wanted.speaker.to_numpy(dtype=object),
        list(wanted.key), model.labels, missed,
    )  # fmt: skip
