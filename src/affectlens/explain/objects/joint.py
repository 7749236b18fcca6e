"""The join of one picture's map with what lies in it: one row an object, all that is kept of a picture.

Maps and masks are brought to a common grid of at most 64 cells a side; a mask holds the share of each cell that the object
covers. Rows of several runs are put together by concatenation, and every statistic is computed from rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import cv2
import numpy as np

SIDE = 64  # cells along the longer side
SMALL = 10  # cells a side of what is kept for exchanging pictures
COLUMNS = ("image", "emotion", "object", "score", "relevance", "area", "mean", "importance", "moved", "map", "mask")
Box = tuple[float, float, float, float]


def grid_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of the grid of a picture ``(h, w, …)``."""
    h, w = shape[:2]
    longest = max(h, w)
    return max(1, round(h * min(SIDE, longest) / longest)), max(1, round(w * min(SIDE, longest) / longest))


def box_mask(box: Box, shape: tuple[int, ...]) -> np.ndarray:
    """Share of each grid cell that a box (left, top, right, bottom in pixels) covers, clipped to the picture."""
    rows, columns = grid_shape(shape)
    h, w = shape[:2]
    y = _covered(box[1] * rows / h, box[3] * rows / h, rows)
    x = _covered(box[0] * columns / w, box[2] * columns / w, columns)
    return np.asarray(y[:, None] * x[None], dtype=np.float32)


def _covered(low: float, high: float, cells: int) -> np.ndarray:
    edges = np.arange(cells)
    return np.clip(np.minimum(high, edges + 1) - np.maximum(low, edges), 0, 1)


def boxes_to_masks(boxes: Iterable[tuple[str, Box]], shape: tuple[int, ...], exclusive: bool = False) -> dict[str, np.ndarray]:
    """Masks on the grid by class: the union of each class's boxes, so that nothing counts twice for a class; boxes of no size
    are left out.

    Boxes of different classes may overlap and each keeps all that lies in it; with ``exclusive`` the smaller box keeps it.
    """
    out: dict[str, np.ndarray] = {}
    taken = np.zeros(grid_shape(shape), np.float32)
    for name, box in sorted(boxes, key=lambda b: (b[1][2] - b[1][0]) * (b[1][3] - b[1][1])):
        mask = box_mask(box, shape)
        if exclusive:
            mask = np.minimum(mask, 1 - taken)
            taken = np.maximum(taken, mask)
        if mask.any():
            out[name] = np.maximum(out[name], mask) if name in out else mask
    return out


def expected_share(positive: np.ndarray, mask: np.ndarray) -> float:
    """Mean share of ``positive`` ``(h, w)`` in a mask of the same form over all places in the picture where it fits whole."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    form = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float64)
    high, wide = positive.shape[0] - form.shape[0] + 1, positive.shape[1] - form.shape[1] + 1
    # How often each cell is covered is the form convolved with a field of ones: differences of its cumulative sums.
    padded = np.zeros((positive.shape[0] + 1, positive.shape[1] + 1))
    padded[1 : form.shape[0] + 1, 1 : form.shape[1] + 1] = form
    for axis, reach in ((0, high), (1, wide)):
        total = padded.cumsum(axis=axis)
        before = np.roll(total, reach, axis=axis)
        before[(slice(None),) * axis + (slice(0, reach),)] = 0
        padded = total - before
    return float((positive * padded[1:, 1:]).sum() / (positive.sum() * high * wide))


def image_rows(
    image: str, emotion: str, relevance: np.ndarray, masks: Mapping[str, np.ndarray], scores: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Rows of one picture from its raw map ``(h, w)`` (signed) and a mask ``(h', w')`` an object, on the grid.

    ``relevance`` is the share of the positive relevance in the mask, ``area`` the mask's share of the picture, ``mean`` the
    mean relevance in the mask over the map's largest magnitude, ``importance`` the mean in the mask of the positive map drawn
    to [0, 1] (EmoCAM), ``moved`` the mean share of the mask put anywhere else; ``map`` and ``mask`` are both on 10 x 10.
    A map without positive relevance gives no row.
    """
    rows: list[dict[str, Any]] = []
    if not masks:
        return rows
    h, w = next(iter(masks.values())).shape
    wide = cv2.resize(np.asarray(relevance, np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
    positive = np.maximum(wide, 0).astype(np.float64)
    total, largest = float(positive.sum()), float(np.abs(wide).max())
    if total <= 0:
        return rows
    drawn = (positive - positive.min()) / max(float(np.ptp(positive)), 1e-12)
    small = _small(positive / total)
    for name, mask in masks.items():
        size = float(mask.sum())
        if size <= 0:
            continue
        rows.append({
            "image": image, "emotion": emotion, "object": name, "score": float((scores or {}).get(name, 1.0)),
            "relevance": float((positive * mask).sum()) / total, "area": size / mask.size,
            "mean": float((wide * mask).sum()) / size / largest, "importance": float((drawn * mask).sum()) / size,
            "moved": expected_share(positive, mask), "map": small, "mask": _small(mask),
        })  # fmt: skip
    return rows


def _small(x: np.ndarray) -> bytes:
    return cv2.resize(x.astype(np.float32), (SMALL, SMALL), interpolation=cv2.INTER_AREA).astype(np.float16).tobytes()
