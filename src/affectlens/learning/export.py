"""From a finished run to what ships: temperature and conformal threshold from validation data, half-precision weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from affectlens.models.base import Calibration
from affectlens.models.weights import save_weights
from affectlens.stats.classification import conformal_threshold, entropy_explained, fit_temperature, softmax

COVERAGE = 0.9


def calibrate(logits: np.ndarray, targets: np.ndarray) -> Calibration:
    """Fit temperature, conformal threshold and reliability on validation logits ``(n, classes)`` and target distributions.

    The temperature is fitted on one half of the rows and the threshold on the other, so that the coverage promised holds
    for the calibrated probabilities.
    """
    even = np.arange(len(logits)) % 2 == 0
    temperature = fit_temperature(logits[even], targets[even])
    p = softmax(logits / temperature)
    return Calibration(
        temperature=temperature,
        conformal=conformal_threshold(p[~even], targets[~even], COVERAGE),
        coverage=COVERAGE,
        reliability=entropy_explained(p, targets),
        prior=tuple(float(v) for v in targets.mean(axis=0)),
    )


def export(path: Path, tensors: dict[str, Tensor], meta: dict[str, Any], calibration: Calibration) -> None:
    """Write weights in half precision (running statistics stay in single)."""
    half = {k: v.to(torch.float16) if v.is_floating_point() and "running" not in k else v for k, v in tensors.items()}
    save_weights(path, half, meta, calibration)
