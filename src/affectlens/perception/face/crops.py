"""The upright grey crop that the face network reads, and named face regions in that crop."""

from __future__ import annotations

import cv2
import numpy as np

from affectlens.perception.face.landmarks import Landmarks

SIDE = 48
# Medians over FER2013's training pictures (scripts/fer_template.py), made symmetric: right eye, left eye, mouth.
TEMPLATE = np.array([[0.319, 0.400], [0.681, 0.400], [0.500, 0.790]])

_RING = {
    "right brow": "70 63 105 66 107 55 65 52 53 46",
    "left brow": "300 293 334 296 336 285 295 282 283 276",
    "right eye": "33 246 161 160 159 158 157 173 133 155 154 153 145 144 163 7",
    "left eye": "263 466 388 387 386 385 384 398 362 382 381 380 374 373 390 249",
    "nose": "168 122 174 198 49 48 64 98 97 2 326 327 294 278 279 420 399 351",
    "mouth": "61 185 40 39 37 0 267 269 270 409 291 375 321 405 314 17 84 181 91 146",
}
_OVAL = (
    "10 338 297 332 284 251 389 356 454 323 361 288 397 365 379 378 400 377 152 148 176 149 150 136 172 58 132 93 234 127 "
    "162 21 54 103 67 109"
)
# Landmarks around each region.
REGION_RINGS = {name: tuple(int(number) for number in ring.split()) for name, ring in _RING.items()}
OVAL_RING = tuple(int(number) for number in _OVAL.split())
REGIONS = (*REGION_RINGS, "forehead", "right cheek", "left cheek", "chin and jaw", "outside the face")


def crop_matrix(marks: Landmarks, side: int = SIDE) -> np.ndarray:
    """Similarity map ``(2, 3)`` from the frame to the crop that best brings eyes and mouth to ``TEMPLATE``."""
    source = np.vstack([marks.eyes, marks.points[[13, 14], :2].mean(axis=0)])
    target = TEMPLATE * side
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    # Least squares over scale and rotation (Umeyama 1991 without reflection), written with complex numbers.
    za, zb = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    turn = (za.conj() @ zb) / max(float((za.conj() @ za).real), 1e-9)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, target.mean(axis=0) - linear @ source.mean(axis=0)])


def grey_crop(image: np.ndarray, marks: Landmarks, side: int = SIDE) -> np.ndarray:
    """The upright grey crop of a face that the face network reads; smoothed first where it is made smaller.

    Parameters
    ----------
    image : array
        ``(h, w, 3)`` uint8, RGB.
    marks : Landmarks
        Of the face, in pixels of ``image``.
    side : int
        Pixels of the crop's sides.

    Returns
    -------
    array
        ``(side, side)`` uint8; the picture's edge is repeated where the crop reaches beyond it.
    """
    matrix = crop_matrix(marks, side)
    shrink = 1 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-6)
    # Work on the face's surroundings only: a 1080p frame holds mostly other things.
    corners = cv2.transform(np.array([[[0, 0], [side, 0], [side, side], [0, side]]], float), cv2.invertAffineTransform(matrix))[
        0
    ]
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 4, 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 4
    patch = image[top:bottom, left:right]
    if patch.size == 0:
        return np.zeros((side, side), dtype=np.uint8)
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    if shrink > 1.5:
        grey = cv2.GaussianBlur(grey, (0, 0), 0.45 * shrink)
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ np.array([left, top], dtype=float)
    return cv2.warpAffine(grey, moved, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def crop_corners(image: np.ndarray, marks: Landmarks, side: int = SIDE) -> np.ndarray:
    """Where the crop of a face lies in the frame.

    Parameters
    ----------
    image : array
        ``(h, w, 3)``, the frame.
    marks : Landmarks
        Of the face, in pixels of ``image``.
    side : int
        Pixels of the crop's sides.

    Returns
    -------
    array
        ``(4, 2)``: the crop's left top, right top, right bottom, left bottom, as shares of the frame's width and height.
    """
    corners = np.array([[[0, 0], [side, 0], [side, side], [0, side]]], float)
    there = cv2.transform(corners, cv2.invertAffineTransform(crop_matrix(marks, side)))[0]
    return np.asarray(there / (image.shape[1], image.shape[0]))


def crop_points(marks: Landmarks, side: int = SIDE) -> np.ndarray:
    """Landmarks ``(478, 2)`` in pixels of the crop."""
    matrix = crop_matrix(marks, side)
    return np.asarray(marks.points[:, :2] @ matrix[:, :2].T + matrix[:, 2])


def filled(points: np.ndarray, ring: tuple[int, ...], side: int, grow: int = 0) -> np.ndarray:
    """The inside of a ring of landmarks as a mask.

    Parameters
    ----------
    points : array
        Landmarks ``(478, 2)`` in pixels of the crop.
    ring : tuple of int
        Landmarks around the region, in order.
    side : int
        Pixels of the crop's sides.
    grow : int
        Side in pixels of the square by which the region is made larger.

    Returns
    -------
    array
        ``(side, side)`` uint8, 1 inside.
    """
    mask = np.zeros((side, side), dtype=np.uint8)
    cv2.fillPoly(mask, [np.round(points[list(ring)]).astype(np.int32)], 1)
    return np.asarray(cv2.dilate(mask, np.ones((grow, grow), np.uint8))) if grow else mask


def region_map(marks: Landmarks, side: int = SIDE) -> np.ndarray:
    """The region of each pixel of a face's crop.

    Parameters
    ----------
    marks : Landmarks
        Of the face.
    side : int
        Pixels of the crop's sides.

    Returns
    -------
    array
        ``(side, side)`` int8: indices into ``REGIONS``; every pixel has one.
    """
    points = crop_points(marks, side)
    out = np.full((side, side), REGIONS.index("outside the face"), dtype=np.int8)
    oval = filled(points, OVAL_RING, side).astype(bool)
    rows, columns = np.mgrid[0:side, 0:side]
    brow_line, nose_x, mouth_y = points[[105, 334], 1].mean(), points[4, 0], points[[61, 291], 1].mean()
    out[oval & (rows < brow_line)] = REGIONS.index("forehead")
    below = oval & (rows >= brow_line)
    out[below & (columns < nose_x)] = REGIONS.index("right cheek")
    out[below & (columns >= nose_x)] = REGIONS.index("left cheek")
    out[oval & (rows > mouth_y)] = REGIONS.index("chin and jaw")
    for name, ring in REGION_RINGS.items():
        out[filled(points, ring, side, grow=3 if name != "nose" else 0).astype(bool)] = REGIONS.index(name)
    return out
