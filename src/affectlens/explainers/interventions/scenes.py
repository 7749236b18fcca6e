"""What can be done to an object in a picture, and to a whole picture.

Objects are given as soft masks ``(h, w)`` in [0, 1] of the picture's size.
"""

from __future__ import annotations

import cv2
import numpy as np

from affectlens.explainers.interventions.registry import register_intervention
from affectlens.explainers.overlap import Box
from affectlens.perception.scene.objects import GREY

_SIDE = 256  # the longer side at which holes are filled in and large pictures are blurred
_BLUR = 0.06  # of the longer side


def mask_of(boxes: list[Box], shape: tuple[int, ...]) -> np.ndarray:
    """Hard mask ``(h, w)`` float32 of boxes (left, top, right, bottom in pixels)."""
    mask = np.zeros(shape[:2], np.float32)
    for left, top, right, bottom in boxes:
        first_column, first_row = max(0, int(left)), max(0, int(top))
        mask[first_row : max(first_row + 1, round(bottom)), first_column : max(first_column + 1, round(right))] = 1
    return mask


@register_intervention("remove", "object")
def remove(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The object filled in from around it (Telea 2004, by OpenCV), at a small size: a hole has no fine detail to keep."""
    height, width = picture.shape[:2]
    factor = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    covered = (cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0.05).astype(np.uint8)
    hole = cv2.dilate(covered, np.ones((3, 3), np.uint8))
    if hole.all():
        return np.full_like(picture, GREY)
    filled = cv2.resize(cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA), (width, height), interpolation=cv2.INTER_LINEAR)
    return _mixed(filled, picture, cv2.resize(hole.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))


@register_intervention("blur", "object")
def blur(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The object out of focus."""
    return _mixed(_blurred(picture), picture, mask)


@register_intervention("grey", "object")
def grey(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The object under a mid-grey patch."""
    return _mixed(np.full_like(picture, GREY), picture, mask)


@register_intervention("blur all but", "object", controlled=False)
def blur_all_but(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Everything out of focus but the object."""
    return _mixed(picture, _blurred(picture), mask)


def swap_background(picture: np.ndarray, mask: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The object before another picture, drawn to this one's size."""
    return _mixed(picture, _like(background, picture), cv2.GaussianBlur(mask, (0, 0), 2))


def insert(picture: np.ndarray, cutout: np.ndarray, alpha: np.ndarray, at: tuple[float, float], size: float) -> np.ndarray:
    """A cut-out put into the picture.

    Parameters
    ----------
    picture : ndarray
        ``(h, w, 3)`` or ``(h, w)`` uint8.
    cutout : ndarray
        ``(a, b, 3)`` uint8.
    alpha : ndarray
        Its outline ``(a, b)`` in [0, 1].
    at : tuple of float
        Where its middle lies, x and y as shares of the room that is left.
    size : float
        Its longer side as a share of the picture's.

    Returns
    -------
    ndarray
        The changed picture, of the same shape.
    """
    height, width = picture.shape[:2]
    factor = size * max(height, width) / max(cutout.shape[:2])
    wide, high = min(width, max(2, round(cutout.shape[1] * factor))), min(height, max(2, round(cutout.shape[0] * factor)))
    thing = _like(cutout, picture, (wide, high))
    mask = cv2.resize(alpha.astype(np.float32), (wide, high), interpolation=cv2.INTER_AREA)
    left, top = round(at[0] * (width - wide)), round(at[1] * (height - high))
    out = picture.copy()
    part = np.s_[top : top + high, left : left + wide]
    out[part] = _mixed(thing, picture[part], mask)
    return out


def cut_out(picture: np.ndarray, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """An object with its outline, by GrabCut from its box (Rother et al. 2004).

    The box itself where no outline is found.

    Returns
    -------
    tuple of ndarray
        Patch ``(a, b, 3)`` uint8 and alpha ``(a, b)`` in [0, 1].
    """
    height, width = picture.shape[:2]
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right, bottom = min(width, round(box[2])), min(height, round(box[3]))
    # A margin of background around the box is what GrabCut learns the background's colours from.
    margin_x, margin_y = max(1, (right - left) // 8), max(1, (bottom - top) // 8)
    x, y = max(0, left - margin_x), max(0, top - margin_y)
    patch = np.ascontiguousarray(picture[y : min(height, bottom + margin_y), x : min(width, right + margin_x)])
    mask = np.zeros(patch.shape[:2], np.uint8)
    inside = (left - x, top - y, max(1, right - left), max(1, bottom - top))
    alpha = np.zeros(patch.shape[:2], np.float32)
    try:
        cv2.setRNGSeed(0)
        cv2.grabCut(patch, mask, inside, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_RECT)
        alpha = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    except cv2.error:  # a patch of one colour
        pass
    if alpha.mean() < 0.05:
        alpha[inside[1] : inside[1] + inside[3], inside[0] : inside[0] + inside[2]] = 1
    return patch, cv2.GaussianBlur(alpha, (0, 0), 1)


def _blurred(picture: np.ndarray) -> np.ndarray:
    """Out of focus; a large picture is blurred at a small size, since nothing finer than the blur is left of it."""
    height, width = picture.shape[:2]
    factor = min(1.0, _SIDE / max(height, width))
    if factor == 1:
        return cv2.GaussianBlur(picture, (0, 0), _BLUR * max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.GaussianBlur(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), (0, 0), _BLUR * _SIDE)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _like(other: np.ndarray, picture: np.ndarray, size: tuple[int, int] | None = None) -> np.ndarray:
    """``other`` at the size, and with the channels, of ``picture``."""
    out = cv2.resize(other, size or picture.shape[1::-1], interpolation=cv2.INTER_AREA)
    if out.ndim == 3 and picture.ndim == 2:
        return cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(out, cv2.COLOR_GRAY2RGB) if out.ndim == 2 and picture.ndim == 3 else out


def _mixed(inside: np.ndarray, outside: np.ndarray, mask: np.ndarray) -> np.ndarray:
    part = mask[..., None] if inside.ndim == 3 else mask
    return np.asarray(np.clip(np.round(inside * part + outside.astype(np.float32) * (1 - part)), 0, 255).astype(np.uint8))


@register_intervention("no colour", "scene")
def without_colour(picture: np.ndarray) -> np.ndarray:
    """Only its grey levels."""
    if picture.ndim == 2:
        return picture.copy()
    return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


@register_intervention("other colours", "scene")
def turned_colours(picture: np.ndarray) -> np.ndarray:
    """Hues turned by a third of the circle."""
    if picture.ndim == 2:
        return picture.copy()
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + 60) % 180
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


@register_intervention("darker", "scene")
def darker(picture: np.ndarray) -> np.ndarray:
    """50 grey levels darker."""
    return _light(picture, -50)


@register_intervention("lighter", "scene")
def lighter(picture: np.ndarray) -> np.ndarray:
    """50 grey levels lighter."""
    return _light(picture, 50)


def _light(picture: np.ndarray, step: int) -> np.ndarray:
    return np.clip(picture.astype(np.int16) + step, 0, 255).astype(np.uint8)


@register_intervention("flip", "scene")
def flip(picture: np.ndarray) -> np.ndarray:
    """Left and right exchanged."""
    return np.ascontiguousarray(picture[:, ::-1])


@register_intervention("crop", "scene")
def crop(picture: np.ndarray) -> np.ndarray:
    """The middle 70 % of each side."""
    height, width = picture.shape[:2]
    top, left = round(0.15 * height), round(0.15 * width)
    return np.ascontiguousarray(picture[top : max(top + 1, height - top), left : max(left + 1, width - left)])
