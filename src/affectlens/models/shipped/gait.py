"""The shipped gait model: a skeleton sequence to four classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from affectlens.core.errors import MediaError, ModelError
from affectlens.models.base import register_model
from affectlens.models.nets.gait import GaitNet, GaitNetConfig
from affectlens.models.readers import motion_of
from affectlens.models.shipped.loaded import TrainedModel
from affectlens.perception.body.gait import RATE, SHORTEST, measure
from affectlens.perception.body.joints import Motion, normalised, resampled

FRAMES = 60  # of a window, two seconds
Windows = tuple[np.ndarray, np.ndarray] | Sequence[tuple[np.ndarray, np.ndarray]]


def window(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Joints ``(60, 18, 3)`` in body coordinates and features ``(36,)`` of a motion of up to two seconds.

    A shorter one is played to and fro until it fills the window, so that no frame stands still that did not.

    Returns
    -------
    tuple of numpy.ndarray
        Joints and features, float32.

    Raises
    ------
    MediaError
        Fewer than 15 frames at 30 a second, a body whose size is not known, or one that is upside down.
    """
    moving = resampled(motion, RATE)
    if len(moving) < SHORTEST:
        raise MediaError(f"{len(moving) / RATE:.1f} s of motion; at least {SHORTEST / RATE:.1f} are needed")
    up = moving.of("head")[:, 1] - moving.of("pelvis")[:, 1]
    if np.isfinite(up).any() and np.nanmedian(up) < 0:
        raise MediaError("the head is below the hips: upside down, or another axis points up; turn the recording")
    points = normalised(moving).points[:FRAMES]
    count = len(points)
    if count < FRAMES:
        step = np.arange(FRAMES) % (2 * count - 2)
        points = points[np.where(step < count, step, 2 * count - 2 - step)]
    return points.astype(np.float32), measure(moving.part(0, FRAMES)).astype(np.float32)


@register_model("gait")
class GaitModel(TrainedModel):
    """Windows of joints ``(n, 60, 18, 3)`` and features ``(n, 36)`` in real units to logits ``(n, 4)``."""

    kind = reads = "gait"
    network, shape = GaitNet, GaitNetConfig

    def read_scale(self) -> None:
        """Mean and deviation ``(36,)`` of the features."""
        self.mean, self.deviation = (np.array(values, dtype=np.float32) for values in self.meta["scale"])

    def read(self, item: Any) -> tuple[np.ndarray, np.ndarray]:
        """The middle two seconds of a motion: joints ``(60, 18, 3)`` and features ``(36,)``.

        Returns
        -------
        tuple of numpy.ndarray
            Joints and features, float32.

        Raises
        ------
        ModelError
            It is no motion, or one that is too short or upside down.
        """
        try:
            motion = resampled(motion_of(item), RATE)
            start = max(0, (len(motion) - FRAMES) // 2)
            return window(motion.part(start, start + FRAMES))
        except MediaError as error:
            raise ModelError(str(error)) from error

    def standardised(self, features: np.ndarray) -> np.ndarray:
        """Features ``(n, 36)`` in deviations from the training corpus, clipped at 3; missing ones stay missing."""
        return np.asarray(np.clip((features - self.mean) / self.deviation, -3, 3), np.float32)

    def predict(self, inputs: Windows) -> np.ndarray:
        """Logits ``(n, 4)`` float32 of windows, or of a tuple of all their joints and all their features."""
        joints, features = _stacked(inputs)
        return self.run(self.net, joints, self.standardised(features))

    def deep(self, inputs: Windows) -> np.ndarray:
        """Deep features ``(n, 64)`` for early fusion."""
        joints, features = _stacked(inputs)
        return self.run(self.net.deep, joints, self.standardised(features))


def _stacked(inputs: Windows) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(inputs, tuple):
        return inputs
    joints, features = zip(*inputs, strict=True)
    return np.stack(joints), np.stack(features)
