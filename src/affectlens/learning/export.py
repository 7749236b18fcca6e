"""From a finished run to what ships: temperature and conformal threshold from validation data, half-precision weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from affectlens.core.disk.files import write_whole
from affectlens.core.errors import CorpusError
from affectlens.models.base import Calibration
from affectlens.models.typicality import PREFIX
from affectlens.models.weights import save_weights
from affectlens.stats.classification import conformal_threshold, entropy_explained, fit_temperature, softmax

COVERAGE = 0.9


def calibrate(logits: np.ndarray, targets: np.ndarray) -> Calibration:
    """Temperature, conformal threshold and reliability from validation data.

    The temperature is fitted on one half of the rows and the threshold on the other, so that the coverage promised holds
    for the calibrated probabilities.

    Parameters
    ----------
    logits : numpy.ndarray
        ``(n, classes)``.
    targets : numpy.ndarray
        Target distributions ``(n, classes)``.

    Returns
    -------
    Calibration
        With coverage 0.9.

    Raises
    ------
    CorpusError
        Fewer than two rows.
    """
    if len(logits) < 2:
        raise CorpusError(f"{len(logits)} items to calibrate on; at least two are needed, of which each half fits one part")
    even = np.arange(len(logits)) % 2 == 0
    temperature = fit_temperature(logits[even], targets[even])
    probabilities = softmax(logits / temperature)
    return Calibration(
        temperature=temperature,
        conformal=conformal_threshold(probabilities[~even], targets[~even], COVERAGE),
        coverage=COVERAGE,
        reliability=entropy_explained(probabilities, targets),
        prior=tuple(float(share) for share in targets.mean(axis=0)),
    )


def calibrate_predictions(predictions: pd.DataFrame) -> Calibration:
    """Fit ``calibrate`` on predictions in a fixed random order, so that both halves hold rows of every kind.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``truth`` (class indices) and ``p0`` on.

    Returns
    -------
    Calibration
        Of those probabilities.
    """
    shuffled = predictions.sample(frac=1, random_state=0)
    return calibrate(*logits_and_targets(shuffled))


def logits_and_targets(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Log probabilities and one-hot targets, both ``(n, classes)``, of such a table."""
    columns = [column for column in predictions if str(column).startswith("p") and str(column)[1:].isdigit()]
    probabilities = predictions[columns].to_numpy()
    return np.log(np.clip(probabilities, 1e-9, 1)), np.eye(len(columns))[predictions.truth.to_numpy()]


def export(path: Path, tensors: dict[str, Tensor], meta: dict[str, Any], calibration: Calibration) -> None:
    """Write weights as they ship, whole or not at all.

    Parameters
    ----------
    path : Path
        A safetensors file.
    tensors : dict of str to torch.Tensor
        Written in half precision; running statistics and what typicality rests on stay in single.
    meta : dict
        Labels, configuration, corpus, licence and recipe.
    calibration : Calibration
        Of the network.
    """
    half = {}
    for name, tensor in tensors.items():
        halved = tensor.is_floating_point() and "running" not in name and not name.startswith(PREFIX)
        half[name] = tensor.detach().to(torch.float16) if halved else tensor.detach()
    write_whole(path, lambda partial: save_weights(partial, half, meta, calibration))
