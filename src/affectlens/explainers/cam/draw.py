"""A map drawn over its picture."""

from __future__ import annotations

import cv2
import numpy as np

_FOR, _AGAINST = np.array([240, 138, 24], np.float32), np.array([40, 120, 220], np.float32)
_STRENGTH = 0.65  # the picture stays visible


def heat(picture: np.ndarray, relevance: np.ndarray, size: tuple[int, int], signed: bool = True) -> np.ndarray:
    """Draw a map over its picture in grey: orange for relevance that speaks for the class, blue against.

    Parameters
    ----------
    picture : ndarray
        ``(h, w)`` or ``(h, w, 3)`` uint8.
    relevance : ndarray
        ``(h', w')``; it is scaled by its largest magnitude, or where it is unsigned by its range.
    size : (int, int)
        Width and height of the drawing.
    signed : bool
        Whether zero means no relevance.

    Returns
    -------
    ndarray
        ``(height, width, 3)`` uint8.
    """
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    smaller = grey.shape[1] > size[0]
    drawn = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    ground = cv2.cvtColor(drawn, cv2.COLOR_GRAY2RGB).astype(np.float32)
    wide = cv2.resize(relevance.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    low = 0.0 if signed else float(wide.min())
    top = float(np.abs(wide).max()) if signed else float(wide.max()) - low
    wide = (wide - low) / np.float32(max(top, 1e-9))
    strength = np.clip(np.abs(wide), 0, 1)[..., None] * _STRENGTH
    colour = np.where(wide[..., None] >= 0, _FOR, _AGAINST)
    return np.asarray(np.clip(ground * (1 - strength) + colour * strength, 0, 255).astype(np.uint8))
