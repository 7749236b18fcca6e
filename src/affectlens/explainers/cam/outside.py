"""Maps of black boxes, from answers alone: RISE with signed weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

CELLS, KEPT, MASKS = 7, 0.5, 400


def rise(
    probabilities: Callable[[Sequence[np.ndarray]], np.ndarray], picture: np.ndarray, rng: np.random.Generator, *,
    masks: int = MASKS, cells: int = CELLS, batch_size: int = 32,
) -> np.ndarray:  # fmt: skip
    """Draw the covariance of a place's being seen with each class's probability (RISE, Petsiuk et al. 2018).

    Zero is no effect. Smooth random masks show about half of the picture, the rest is blurred.

    Parameters
    ----------
    probabilities : callable
        Takes a list of pictures and gives ``(n, classes)``.
    picture : ndarray
        ``(h, w)``, ``(h, w, channels)`` or ``(channels, h, w)``.
    rng : Generator
        Draws the masks.
    masks, cells, batch_size : int
        How many masks, of how many cells a side, and how many pictures are asked about at once.

    Returns
    -------
    ndarray
        ``(classes, h, w)`` float32, signed.

    Examples
    --------
    >>> def brightness(pictures):
    ...     return np.array([[x.mean(), 1 - x.mean()] for x in pictures])
    >>> rise(brightness, np.ones((12, 16)), np.random.default_rng(0), masks=8).shape
    (2, 12, 16)
    """
    first = picture.ndim == 3 and picture.shape[0] in (1, 3, 4) and picture.shape[2] not in (1, 3, 4)
    x = np.moveaxis(picture, 0, -1) if first else picture
    h, w = x.shape[:2]
    ground = cv2.GaussianBlur(x, (0, 0), max(h, w) / 12).reshape(x.shape)
    shown = np.zeros((h, w))
    scores: list[np.ndarray] = []
    weighted: list[np.ndarray] = []
    for start in range(0, masks, batch_size):
        drawn = [_mask(rng, h, w, cells) for _ in range(min(batch_size, masks - start))]
        changed = []
        for m in drawn:
            part = m if x.ndim == 2 else m[..., None]
            mixed = x * part + ground * (1 - part)
            mixed = np.clip(np.round(mixed), 0, 255).astype(np.uint8) if x.dtype == np.uint8 else mixed.astype(x.dtype)
            changed.append(np.moveaxis(mixed, -1, 0) if first else mixed)
        p = np.asarray(probabilities(changed))
        scores.append(p)
        stack = np.stack(drawn)
        weighted.append(np.einsum("nk,nhw->khw", p, stack))
        shown += stack.sum(axis=0)
    every = np.concatenate(scores)
    total = np.sum(weighted, axis=0)
    return np.asarray((total - every.mean(axis=0)[:, None, None] * shown[None]) / len(every), dtype=np.float32)


def _mask(rng: np.random.Generator, h: int, w: int, cells: int) -> np.ndarray:
    """A grid of cells shown or hidden, made smooth, and shifted by a part of a cell."""
    high, wide = -(-h // cells), -(-w // cells)
    grid = (rng.random((cells + 1, cells + 1)) < KEPT).astype(np.float32)
    large = cv2.resize(grid, ((cells + 1) * wide, (cells + 1) * high), interpolation=cv2.INTER_LINEAR)
    y, x = int(rng.integers(0, high)), int(rng.integers(0, wide))
    return np.asarray(large[y : y + h, x : x + w])
