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
    x = np.asarray(joints, dtype=np.float64)
    scale, neck = torso_scale(x), x[_AT["neck"]]
    if not np.isfinite(scale) or not np.isfinite(neck).all() or np.isfinite(x).all(axis=1).sum() < LEAST:
        return None
    x = (x - neck) / scale
    across = x[_AT["left shoulder"]] - x[_AT["right shoulder"]]
    if not np.isfinite(across).all():
        across = x[_AT["left hip"]] - x[_AT["right hip"]]
    length = float(np.hypot(across[0], across[2]))
    if np.isfinite(length) and length > 1e-6:
        s, c = -across[2] / length, across[0] / length  # facing is left turned by a quarter about the vertical
        x = np.stack([c * x[:, 0] - s * x[:, 2], x[:, 1], s * x[:, 0] + c * x[:, 2]], axis=1)
    return x
