"""Weights that let classes and recordings of unlike size count alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor


def class_weights(labels: np.ndarray, classes: int, power: float = 1.0) -> Tensor:
    """Weights under which classes of unlike frequency count alike.

    Parameters
    ----------
    labels : numpy.ndarray
        Class indices ``(n,)``.
    classes : int
        How many classes there are.
    power : float
        Weights are counts to the power of minus this: 1 evens classes out, 0.5 goes half the way.

    Returns
    -------
    torch.Tensor
        ``(classes,)`` float32 with mean 1 over the classes that occur. A class that does not occur has weight 0: smoothed
        labels would otherwise teach the network to answer with it.

    Examples
    --------
    >>> class_weights(np.array([0, 0, 0, 1]), 3).tolist()
    [0.5, 1.5, 0.0]
    """
    count = np.bincount(labels, minlength=classes).astype(np.float64)
    weight = np.where(count > 0, np.maximum(count, 1) ** -power, 0.0)
    return torch.from_numpy((weight / weight[count > 0].mean()).astype(np.float32))


def recording_weights(rows: pd.DataFrame) -> np.ndarray:
    """Weights ``(n,)`` of mean 1 under which every recording (column ``key``) counts alike, however many rows it gave."""
    weights = 1 / rows.groupby("key").label.transform("size").to_numpy()
    return np.asarray(weights / weights.mean())
