"""Gaze and openings of the eyes from the mesh."""

from __future__ import annotations

import math

import numpy as np

RIGHT, LEFT = (33, 133, 159, 145, 468), (362, 263, 386, 374, 473)  # corners from the viewer's left, lids, middle of the iris
EYEBALL = 12.0  # mm, radius
FISSURE = 15.0  # mm, half of the distance between the corners of an eye


def eye_openings(points: np.ndarray) -> tuple[float, float]:
    """Distance between the lids over that between the corners, of the person's right and left eye.

    Parameters
    ----------
    points : (478, 3) array
        The mesh.

    Returns
    -------
    right, left : float
        About 0.3 in an open eye, 0 in a closed one.
    """
    right, left = (_opening(points, eye) for eye in (RIGHT, LEFT))
    return right, left


def _opening(points: np.ndarray, eye: tuple[int, ...]) -> float:
    first, last, upper, lower, _ = eye
    width = float(np.linalg.norm(points[last, :2] - points[first, :2]))
    return float(np.linalg.norm(points[upper, :2] - points[lower, :2])) / max(width, 1e-6)


def gaze(points: np.ndarray) -> tuple[float, float]:
    """Where the eyes look, against the head.

    The iris moves over an eyeball of 12 mm behind lids whose corners lie 30 mm apart: an approximation for everybody, good to
    tell looking aside from looking ahead, not to tell what is looked at.

    Parameters
    ----------
    points : (478, 3) array
        The mesh, with its irises.

    Returns
    -------
    yaw, pitch : float
        Degrees, the mean of both eyes; positive yaw is to the viewer's right, positive pitch is down; NaN where an eye is
        closed, since the place of its iris is then a guess.
    """
    angles = []
    for eye in (RIGHT, LEFT):
        first, last, _, _, iris = eye
        if _opening(points, eye) < 0.12:
            continue
        across = points[last, :2] - points[first, :2]
        half = float(np.linalg.norm(across)) / 2
        if half < 1e-6:
            continue
        across = across / (2 * half)
        down = np.array([-across[1], across[0]])
        away = points[iris, :2] - (points[first, :2] + points[last, :2]) / 2
        scale = FISSURE / EYEBALL / half
        angles.append([math.degrees(math.asin(float(np.clip(away @ axis * scale, -1, 1)))) for axis in (across, down)])
    if not angles:
        return float("nan"), float("nan")
    yaw, pitch = np.mean(angles, axis=0)
    return float(yaw), float(pitch)
