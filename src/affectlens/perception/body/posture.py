"""One skeleton at one moment, ready to be looked at: upright, facing one way, measured in torso lengths."""

from __future__ import annotations

import numpy as np

from affectlens.perception.body.joints import JOINTS

_AT = {name: i for i, name in enumerate(JOINTS)}
LEAST = 5  # joints from which on there is a posture


def torso_scale(joints: np.ndarray) -> float:
    """The body's yardstick: from the hips to the neck, or 1.4 shoulder widths where the hips are not seen; NaN for neither."""
    trunk = float(np.linalg.norm(joints[_AT["neck"]] - joints[_AT["pelvis"]]))
    if np.isfinite(trunk) and trunk > 0:
        return trunk
    wide = float(np.linalg.norm(joints[_AT["left shoulder"]] - joints[_AT["right shoulder"]]))
    return 1.4 * wide if np.isfinite(wide) and wide > 0 else float("nan")


def upright(joints: np.ndarray) -> np.ndarray | None:
    """Joints about the neck, facing z, in torso lengths.

    The neck is the origin because the upper body is what most pictures show.

    Parameters
    ----------
    joints : (18, 3) array
        In the order of ``JOINTS``.

    Returns
    -------
    (18, 3) array or None
        None where fewer than five joints or no yardstick is seen.
    """
    points = np.asarray(joints, dtype=np.float64)
    scale, neck = torso_scale(points), points[_AT["neck"]]
    if not np.isfinite(scale) or not np.isfinite(neck).all() or np.isfinite(points).all(axis=1).sum() < LEAST:
        return None
    points = (points - neck) / scale
    across = points[_AT["left shoulder"]] - points[_AT["right shoulder"]]
    if not np.isfinite(across).all():
        across = points[_AT["left hip"]] - points[_AT["right hip"]]
    length = float(np.hypot(across[0], across[2]))
    if np.isfinite(length) and length > 1e-6:
        sine, cosine = -across[2] / length, across[0] / length  # facing is left turned by a quarter about the vertical
        points = np.stack(
            [cosine * points[:, 0] - sine * points[:, 2], points[:, 1], sine * points[:, 0] + cosine * points[:, 2]], axis=1
        )
    return points
