"""What a network is given: its number type, the axis of the inputs, the axis of a picture's channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_CHANNELS = (1, 2, 3, 4)  # grey, grey with alpha, colour, colour with alpha


def as_dtype_of(net: nn.Module, values: Tensor) -> Tensor:
    """Real numbers in the precision of the network's weights (half, bfloat16, double); whole numbers as they are."""
    dtype = next((weight.dtype for weight in net.parameters() if weight.is_floating_point()), None)
    return values.to(dtype) if dtype is not None and values.is_floating_point() else values


def with_batch_axis(net: nn.Module, values: Tensor, run: Callable[[Tensor], Tensor]) -> Tensor:
    """The values with an axis of inputs first: one picture that was given without it gets it.

    Parameters
    ----------
    net : torch.nn.Module
        The network; only one with convolutions over pictures takes pictures.
    values : Tensor
        Inputs, or one picture.
    run : callable
        From inputs to logits ``(n, classes)``; what it cannot take is an exception.

    Returns
    -------
    Tensor
        As given where the network gives a row for each entry of the first axis, else ``(1, ...)`` where it gives one row.
    """
    if values.ndim not in (2, 3) or not any(isinstance(module, nn.Conv2d) for module in net.modules()):
        return values
    if not _answers(run, values[:2]) and _answers(run, values.unsqueeze(0)):
        return values.unsqueeze(0)
    return values


def _answers(run: Callable[[Tensor], Tensor], values: Tensor) -> bool:
    try:
        with torch.no_grad():
            return len(run(values)) == len(values)
    except Exception:  # whatever a network raises on an input of another form
        return False


def channels_axis(pictures: Any) -> int | None:
    """The axis of the channels in a batch of pictures.

    Parameters
    ----------
    pictures : Tensor or ndarray
        ``(n, c, h, w)``, ``(n, h, w, c)``, or ``(n, h, w)`` without channels.

    Returns
    -------
    int or None
        1 or 3; None without channels. Where both could hold channels the first is taken.

    Examples
    --------
    >>> channels_axis(torch.zeros(2, 3, 24, 16)), channels_axis(torch.zeros(2, 24, 16, 3))
    (1, 3)
    """
    if pictures.ndim != 4:
        return None
    return 3 if pictures.shape[3] in _CHANNELS and pictures.shape[1] not in _CHANNELS else 1
