"""The join of one picture's map with what lies in it: one row an object, all that is kept of a picture.

Maps and masks are brought to a common grid of at most 64 cells a side; a mask holds the share of each cell that the object
covers. Rows of several runs are put together by concatenation, and every statistic is computed from rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

import cv2
import numpy as np

SIDE = 64  # cells along the longer side
SMALL = 10  # cells a side of what is kept for exchanging pictures
PLACES = 40  # drawn places of an object's form whose shares are kept
COLUMNS = ("image", "emotion", "object", "score", "relevance", "area", "mean", "importance", "moved", "placed", "map", "mask")
Box = tuple[float, float, float, float]


def grid_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of the grid of a picture ``(h, w, …)``."""
    height, width = shape[:2]
    longest = max(height, width)
    return max(1, round(height * min(SIDE, longest) / longest)), max(1, round(width * min(SIDE, longest) / longest))


def box_mask(box: Box, shape: tuple[int, ...]) -> np.ndarray:
    """Share of each grid cell that a box (left, top, right, bottom in pixels) covers, clipped to the picture."""
    rows, columns = grid_shape(shape)
    height, width = shape[:2]
    vertical = _covered(box[1] * rows / height, box[3] * rows / height, rows)
    horizontal = _covered(box[0] * columns / width, box[2] * columns / width, columns)
    return np.asarray(vertical[:, None] * horizontal[None], dtype=np.float32)


def _covered(low: float, high: float, cells: int) -> np.ndarray:
    edges = np.arange(cells)
    return np.asarray(np.clip(np.minimum(high, edges + 1) - np.maximum(low, edges), 0, 1))


def boxes_to_masks(boxes: Iterable[tuple[str, Box]], shape: tuple[int, ...], exclusive: bool = False) -> dict[str, np.ndarray]:
    """Join the boxes of each class into one mask on the grid, so that nothing counts twice for a class.

    Parameters
    ----------
    boxes : iterable of (str, Box)
        Classes, and boxes as left, top, right, bottom in pixels; those of no size are left out.
    shape : tuple of int
        Of the picture, ``(h, w, ...)``.
    exclusive : bool
        Where boxes of different classes overlap, the smaller one keeps what lies in both; else each keeps all.

    Returns
    -------
    dict of ndarray
        By class the share ``(rows, columns)`` of each cell that is covered.

    Examples
    --------
    >>> masks = boxes_to_masks([("cup", (0, 0, 2, 4)), ("cup", (1, 0, 2, 4))], (4, 4, 3))
    >>> float(masks["cup"].sum())
    8.0
    """
    masks: dict[str, np.ndarray] = {}
    covered = np.zeros(grid_shape(shape), np.float32)
    for name, box in sorted(boxes, key=lambda entry: (entry[1][2] - entry[1][0]) * (entry[1][3] - entry[1][1])):
        mask = box_mask(box, shape)
        if exclusive:
            mask = np.minimum(mask, 1 - covered)
            covered = np.maximum(covered, mask)
        if mask.any():
            masks[name] = np.maximum(masks[name], mask) if name in masks else mask
    return masks


def placed_shares(positive: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Move a mask to every place in the picture where it fits whole, and take the share of relevance in it there.

    Parameters
    ----------
    positive : ndarray
        Positive relevance ``(h, w)``.
    mask : ndarray
        ``(h, w)``.

    Returns
    -------
    ndarray
        Shares ``(a, b)``, one a place.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    form = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    shares = cv2.matchTemplate((positive / positive.sum()).astype(np.float32), form, cv2.TM_CCORR)
    return np.asarray(np.maximum(shares, 0), dtype=np.float64)  # the transform behind it leaves tiny negative numbers


def image_rows(
    image: str, emotion: str, relevance: np.ndarray, masks: Mapping[str, np.ndarray], scores: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Measure how much of a picture's map lies in each of its objects.

    Parameters
    ----------
    image, emotion : str
        The picture's name and the class of its map.
    relevance : ndarray
        The raw, signed map ``(h, w)``.
    masks : mapping of ndarray
        By object ``(h', w')`` on the grid.
    scores : mapping of float, optional
        By object how sure its detector was; 1 when absent.

    Returns
    -------
    list of dict
        A row an object with ``COLUMNS``: ``relevance`` is the share of the positive relevance in the mask, ``area`` the mask's
        share of the picture, ``mean`` the mean relevance in the mask over the map's largest magnitude, ``importance`` the mean
        in the mask of the positive map drawn to [0, 1] (EmoCAM), ``moved`` the mean share of the mask over all places where it
        fits, ``placed`` the shares at 40 drawn ones (always the same for a picture and object); ``map`` and ``mask`` are both
        on 10 x 10. A map without positive relevance gives no row.
    """
    rows: list[dict[str, Any]] = []
    if not masks:
        return rows
    height, width = next(iter(masks.values())).shape
    wide = cv2.resize(np.asarray(relevance, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    positive = np.maximum(wide, 0).astype(np.float64)
    total, largest = float(positive.sum()), float(np.abs(wide).max())
    if total <= 0:
        return rows
    scaled = (positive - positive.min()) / max(float(np.ptp(positive)), 1e-12)
    small = _small(positive / total)
    for name, mask in masks.items():
        size = float(mask.sum())
        if size <= 0:
            continue
        places = placed_shares(positive, mask).ravel()
        drawn_at = np.random.default_rng(crc32(f"{image}/{name}".encode())).integers(0, len(places), PLACES)
        rows.append(
            {
                "image": image,
                "emotion": emotion,
                "object": name,
                "score": float((scores or {}).get(name, 1.0)),
                "relevance": float((positive * mask).sum()) / total,
                "area": size / mask.size,
                "mean": float((wide * mask).sum()) / size / largest,
                "importance": float((scaled * mask).sum()) / size,
                "moved": float(places.mean()),
                "placed": places[drawn_at].astype(np.float32).tobytes(),
                "map": small,
                "mask": _small(mask),
            }
        )
    return rows


def _small(grid: np.ndarray) -> bytes:
    return cv2.resize(grid.astype(np.float32), (SMALL, SMALL), interpolation=cv2.INTER_AREA).astype(np.float16).tobytes()
