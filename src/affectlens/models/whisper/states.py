"""What the encoder's lower layers hold of a turn of speech: mean and deviation of their states over time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from affectlens.core.errors import ModelError
from affectlens.models.whisper.encoder import LONGEST, WhisperEncoder
from affectlens.models.whisper.spectrogram import RATE, log_mel

DEPTH = 4  # layers that are run: the upper ones hold what is said more than how
SHORTEST = 0.1  # seconds
_FRAME = 400  # samples of the frames that level is measured in, 25 ms
_LEVEL = 0.05  # RMS that every turn is brought to


def levelled(samples: np.ndarray) -> np.ndarray:
    """A sound without its offset, the louder half of its frames at one level, so that a microphone's gain changes nothing.

    Parameters
    ----------
    samples : (n,) float array
        At 16 kHz.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` float32; silence, and what is shorter than 25 ms, stays as it is.

    Examples
    --------
    >>> tone = np.sin(np.arange(16000) / 10)
    >>> bool(np.allclose(levelled(tone), levelled(7 * tone + 1), atol=1e-6))
    True
    """
    given = np.asarray(samples, np.float64)
    if len(given) < _FRAME:
        return given.astype(np.float32)
    centred = given - given.mean()
    frames = centred[: len(centred) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.sort((frames**2).mean(axis=1))
    loud = float(power[len(power) // 2 :].mean())
    return np.asarray(centred * (_LEVEL / np.sqrt(loud)) if loud > 1e-12 else centred, np.float32)


def states_of(net: WhisperEncoder, samples: np.ndarray, *, level: bool = True) -> Tensor:
    """States of one turn.

    Parameters
    ----------
    net : WhisperEncoder
        With at least ``DEPTH`` blocks.
    samples : (n,) float array
        At 16 kHz, full scale 1; of more than 30 s the first 30.
    level : bool
        Whether it is brought to the level of all turns first.

    Returns
    -------
    torch.Tensor
        ``(DEPTH + 1, frames, width)``: after the convolutions and after each block, 50 a second.

    Raises
    ------
    ModelError
        A sound that is too short, or holds values that are no numbers.
    """
    if len(samples) < SHORTEST * RATE:
        raise ModelError(f"{1000 * len(samples) / RATE:.0f} ms of sound; at least {1000 * SHORTEST:.0f} are needed")
    if not np.isfinite(samples).all():
        raise ModelError("the sound holds values that are not numbers")
    with torch.inference_mode():
        heard = np.asarray(samples[: int(LONGEST * RATE)], np.float32)
        spectrogram = log_mel(levelled(heard) if level else heard)
        return torch.stack(net(spectrogram[None], depth=DEPTH))[:, 0]


def pooled(states: Tensor, share: Tensor | None = None) -> np.ndarray:
    """Mean and deviation over time, layer by layer.

    Parameters
    ----------
    states : (layers, frames, width) tensor
        Of a turn.
    share : (m, frames) tensor, optional
        What each frame counts, in ``m`` ways; all count alike, in one way, without it.

    Returns
    -------
    numpy.ndarray
        ``(m, layers * 2 * width)`` float32: of each layer the means, then the deviations.

    Examples
    --------
    >>> pooled(torch.tensor([[[1.0], [3.0]]])).tolist()
    [[2.0, 1.0]]
    """
    if share is None:
        share = torch.ones(1, states.shape[1])
    share = share / share.sum(dim=1, keepdim=True)
    middle = states.mean(dim=1, keepdim=True)  # taken off first: squares of large numbers would lose what varies
    mean = torch.einsum("mf,lfw->mlw", share, states - middle)
    square = torch.einsum("mf,lfw->mlw", share, (states - middle) ** 2)
    deviation = (square - mean**2).clamp_min(0).sqrt()
    return np.asarray(torch.cat([mean + middle[:, 0], deviation], dim=-1).flatten(1).numpy(), np.float32)
