"""Weights that let classes of unlike frequency count alike."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def class_weights(labels: np.ndarray, classes: int, power: float = 1.0) -> Tensor:
    """Weights ``(classes,)`` float32 for labels ``(n,)`` of class indices: count to the power of ``-power``, mean 1 over the
    classes that occur.

    A class that does not occur has weight 0: smoothed labels would otherwise teach the network to answer with it.
    """
    count = np.bincount(labels, minlength=classes).astype(np.float64)
    weight = np.where(count > 0, np.maximum(count, 1) ** -power, 0.0)
    return torch.from_numpy((weight / weight[count > 0].mean()).astype(np.float32))
