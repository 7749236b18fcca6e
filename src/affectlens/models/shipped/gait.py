"""The shipped gait model: a skeleton sequence to four classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from affectlens.core.errors import MediaError
from affectlens.models.base import register_model
from affectlens.models.nets.gait import GaitNet, GaitNetConfig
from affectlens.models.weights import read_weights, weights_path
from affectlens.perception.body.gait import RATE, SHORTEST, measure
from affectlens.perception.body.joints import Motion, normalised, resampled

FRAMES = 60  # of a window, two seconds


def window(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Joints ``(60, 18, 3)`` in body coordinates and features ``(36,)`` of a motion of up to two seconds.

    A shorter one is played to and fro until it fills the window, so that no frame stands still that did not.

    Raises:
        MediaError: fewer than 15 frames at 30 a second, a body whose size is not known, or one that is upside down.
    """
    m = resampled(motion, RATE)
    if len(m) < SHORTEST:
        raise MediaError(f"{len(m) / RATE:.1f} s of motion; at least {SHORTEST / RATE:.1f} are needed")
    up = m.of("head")[:, 1] - m.of("pelvis")[:, 1]
    if np.isfinite(up).any() and np.nanmedian(up) < 0:
        raise MediaError("the head is below the hips: upside down, or another axis points up; turn the recording")
    x = normalised(m).points[:FRAMES]
    n = len(x)
    if n < FRAMES:
        t = np.arange(FRAMES) % (2 * n - 2)
        x = x[np.where(t < n, t, 2 * n - 2 - t)]
    return x.astype(np.float32), measure(m.part(0, FRAMES)).astype(np.float32)


class GaitModel:
    """Windows of joints and features to logits ``(n, 4)``."""

    name = "gait"
    modality = "gait"

    def __init__(self, path: Path | None = None) -> None:
        tensors, self.meta, self.calibration = read_weights(path or weights_path("gait"))
        config = dict(self.meta["config"])
        config["parts"] = tuple(config["parts"])
        self.net = GaitNet(GaitNetConfig(**config))
        self.net.load_state_dict({k: v.float() for k, v in tensors.items()})
        self.net.eval()
        self.labels: tuple[str, ...] = tuple(self.meta["labels"])
        self.mean, self.deviation = (np.array(v, dtype=np.float32) for v in self.meta["scale"])

    def standardised(self, features: np.ndarray) -> np.ndarray:
        """Features ``(n, 36)`` in deviations from the training corpus, clipped at 3; missing ones stay missing."""
        return np.clip((features - self.mean) / self.deviation, -3, 3).astype(np.float32)

    def predict(self, batch: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Logits ``(n, 4)`` float32 of joints ``(n, 60, 18, 3)`` and features ``(n, 36)`` in real units."""
        joints, features = batch
        with torch.inference_mode():
            x = torch.from_numpy(self.standardised(features))
            return np.asarray(self.net(torch.from_numpy(np.asarray(joints, np.float32)), x).numpy())

    def deep(self, batch: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Deep features ``(n, 64)`` for early fusion."""
        joints, features = batch
        with torch.inference_mode():
            x = torch.from_numpy(self.standardised(features))
            return np.asarray(self.net.deep(torch.from_numpy(np.asarray(joints, np.float32)), x).numpy())


@register_model("gait")
def load(path: Path | None = None) -> GaitModel:
    """The shipped gait model."""
    return GaitModel(path)
