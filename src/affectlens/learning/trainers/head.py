"""The last layer of a network fitted anew to a few labels, held near the one that it had."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

STRENGTHS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)  # weights of the squared distance from the layer before, strongest first
_STEPS = 200


def fit_head(
    features: np.ndarray, targets: np.ndarray, weight: np.ndarray, bias: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Multinomial logistic regression whose penalty draws it to a layer that is known, not to zero.

    A class without an item keeps what was known of it but for what the others take from it. Features are scaled to deviations
    inside, so that ``strength`` means the same for every network.

    Parameters
    ----------
    features : numpy.ndarray
        ``(n, width)``.
    targets : numpy.ndarray
        Distributions over the classes ``(n, classes)``.
    weight, bias : numpy.ndarray
        The layer before ``(classes, width)`` and ``(classes,)``.
    strength : float
        Weight of the squared distance from it; above zero.

    Returns
    -------
    tuple of numpy.ndarray
        The new weight and bias, float64.

    Examples
    --------
    >>> before = np.zeros((2, 1)), np.zeros(2)
    >>> weight, bias = fit_head(np.array([[-1.0], [1.0]]), np.eye(2), *before, 0.01)
    >>> bool(weight[1, 0] > 0 > weight[0, 0])
    True
    """
    middle, deviation = features.mean(axis=0), features.std(axis=0)
    deviation = np.where(deviation > 1e-8, deviation, 1.0)
    scaled = torch.from_numpy((features - middle) / deviation)
    known = torch.from_numpy(np.concatenate([weight * deviation, (bias + weight @ middle)[:, None]], axis=1))
    wanted = torch.from_numpy(np.asarray(targets, float))
    layer = known.clone().requires_grad_(True)
    optimiser = torch.optim.LBFGS([layer], max_iter=_STEPS, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = F.cross_entropy(scaled @ layer[:, :-1].T + layer[:, -1], wanted) + strength / 2 * (layer - known).square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    fitted = layer.detach().numpy()
    new = fitted[:, :-1] / deviation
    return new, fitted[:, -1] - new @ middle


def choose_strength(
    features: np.ndarray,
    targets: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
) -> float:
    """The strength with the least cross-entropy on rows that the layer was not fitted to; the strongest of those alike.

    Parameters
    ----------
    features, targets, weight, bias : numpy.ndarray
        As in ``fit_head``.
    folds : list of (numpy.ndarray, numpy.ndarray)
        Rows to fit on and rows to look at, without people on both sides.

    Returns
    -------
    float
        One of ``STRENGTHS``.
    """
    wanted = torch.from_numpy(np.asarray(targets, float))
    losses = []
    for strength in STRENGTHS:
        total = 0.0
        for fit, look in folds:
            new, level = fit_head(features[fit], targets[fit], weight, bias, strength)
            logits = torch.from_numpy(features[look] @ new.T + level)
            total += float(F.cross_entropy(logits, wanted[look], reduction="sum"))
        losses.append(total)
    return STRENGTHS[int(np.argmin(losses))]
