"""What a face does, against that person's own baseline in the same recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.perception.face.landmarks import BLENDSHAPES

# Left and right are merged; each movement's plain words for the narrative.
MOVEMENTS = {
    "brows lowered": ("browDownLeft", "browDownRight"),
    "inner brows raised": ("browInnerUp",),
    "outer brows raised": ("browOuterUpLeft", "browOuterUpRight"),
    "eyes closed": ("eyeBlinkLeft", "eyeBlinkRight"),
    "eyes narrowed": ("eyeSquintLeft", "eyeSquintRight"),
    "eyes wide": ("eyeWideLeft", "eyeWideRight"),
    "jaw open": ("jawOpen",),
    "lip corners raised": ("mouthSmileLeft", "mouthSmileRight"),
    "lip corners lowered": ("mouthFrownLeft", "mouthFrownRight"),
    "lips pressed": ("mouthPressLeft", "mouthPressRight"),
    "lips puckered": ("mouthPucker",),
    "upper lip raised": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "nose wrinkled": ("noseSneerLeft", "noseSneerRight"),
    "lips stretched": ("mouthStretchLeft", "mouthStretchRight"),
    "gaze down": ("eyeLookDownLeft", "eyeLookDownRight"),
}
_COLUMNS = [[BLENDSHAPES.index(name) for name in names] for names in MOVEMENTS.values()]


@dataclass(frozen=True)
class Movement:
    """One movement in one segment.

    Attributes
    ----------
    name : str
        From ``MOVEMENTS``.
    value : float
        Its mean in [0, 1].
    baseline : float
        The person's median.
    deviation : float
        In robust standard deviations (1.4826 median absolute deviations, at least 0.02).
    """

    name: str
    value: float
    baseline: float
    deviation: float


def movements(shapes: np.ndarray) -> np.ndarray:
    """Blendshapes ``(..., 52)`` to movements ``(..., 15)``, left and right averaged."""
    return np.stack([np.asarray(shapes)[..., columns].mean(axis=-1) for columns in _COLUMNS], axis=-1)


def against_baseline(segments: np.ndarray) -> list[list[Movement]]:
    """For each segment of one person its deviations from what is usual for them, largest first.

    Parameters
    ----------
    segments : (segments, 15) array
        Mean movements.

    Returns
    -------
    list of list of Movement
        Fewer than four segments make no baseline: the lists are empty.
    """
    if len(segments) < 4:
        return [[] for _ in segments]
    middle = np.median(segments, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(segments - middle), axis=0), 0.02)
    out = []
    for row in segments:
        deviation = (row - middle) / spread
        changes = [Movement(name, float(row[i]), float(middle[i]), float(deviation[i])) for i, name in enumerate(MOVEMENTS)]
        out.append(sorted(changes, key=lambda movement: -abs(movement.deviation)))
    return out
