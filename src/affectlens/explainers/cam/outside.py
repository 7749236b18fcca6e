"""Maps of black boxes, from answers alone: RISE with signed weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from affectlens.stats.generators import Rng, generator

CELLS, KEPT, MASKS = 7, 0.5, 400


def rise(
    probabilities: Callable[[Sequence[np.ndarray]], np.ndarray],
    picture: np.ndarray,
    rng: Rng,
    *,
    masks: int = MASKS,
    cells: int = CELLS,
    batch_size: int = 32,
) -> np.ndarray:
    """Draw the covariance of a place's being seen with each class's probability (RISE, Petsiuk et al. 2018).

    Zero is no effect. Smooth random masks show about half of the picture, the rest is blurred.

    Parameters
    ----------
    probabilities : callable
        Takes a list of pictures and gives ``(n, classes)``.
    picture : ndarray
        ``(h, w)``, ``(h, w, channels)`` or ``(channels, h, w)``.
    rng : int or Generator
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
    >>> rise(brightness, np.ones((12, 16)), 0, masks=8).shape
    (2, 12, 16)
    """
    source = generator(rng)
    first = picture.ndim == 3 and picture.shape[0] in (1, 3, 4) and picture.shape[2] not in (1, 3, 4)
    image = np.moveaxis(picture, 0, -1) if first else picture
    height, width = image.shape[:2]
    ground = cv2.GaussianBlur(image, (0, 0), max(height, width) / 12).reshape(image.shape)
    shown = np.zeros((height, width))
    scores: list[np.ndarray] = []
    weighted: list[np.ndarray] = []
    for start in range(0, masks, batch_size):
        drawn_masks = [_mask(source, height, width, cells) for _ in range(min(batch_size, masks - start))]
        changed = []
        for mask in drawn_masks:
            part = mask if image.ndim == 2 else mask[..., None]
            mixed = image * part + ground * (1 - part)
            mixed = np.clip(np.round(mixed), 0, 255).astype(np.uint8) if image.dtype == np.uint8 else mixed.astype(image.dtype)
            changed.append(np.moveaxis(mixed, -1, 0) if first else mixed)
        answers = np.asarray(probabilities(changed))
        scores.append(answers)
        stack = np.stack(drawn_masks)
        weighted.append(np.einsum("nk,nhw->khw", answers, stack))
        shown += stack.sum(axis=0)
    all_scores = np.concatenate(scores)
    total = np.sum(weighted, axis=0)
    return np.asarray((total - all_scores.mean(axis=0)[:, None, None] * shown[None]) / len(all_scores), dtype=np.float32)


def _mask(rng: np.random.Generator, height: int, width: int, cells: int) -> np.ndarray:
    """A grid of cells shown or hidden, made smooth, and shifted by a part of a cell."""
    high, wide = -(-height // cells), -(-width // cells)
    grid = (rng.random((cells + 1, cells + 1)) < KEPT).astype(np.float32)
    large = cv2.resize(grid, ((cells + 1) * wide, (cells + 1) * high), interpolation=cv2.INTER_LINEAR)
    top, left = int(rng.integers(0, high)), int(rng.integers(0, wide))
    return np.asarray(large[top : top + height, left : left + width])
