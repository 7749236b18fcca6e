"""How well a face can be read: size, sharpness, pose and light, each from 0 (unusable) to 1."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np

from affectlens.perception.face.crops import grey_crop
from affectlens.perception.face.landmarks import Landmarks


@dataclass(frozen=True)
class FaceQuality:
    """Measured values with their units and ``score``, the product of the four factors in [0, 1]."""

    eye_distance: float  # pixels
    sharpness: float  # standard deviation of the Laplacian of a 96 px crop, grey levels
    yaw: float  # degrees
    pitch: float  # degrees
    brightness: float  # mean grey level of the crop, 0 to 255
    contrast: float  # standard deviation of grey levels
    score: float

    def to_dict(self) -> dict[str, float]:
        """Names and values."""
        return asdict(self)

    def weakness(self) -> str:
        """What limits reading the most, in words."""
        parts = {
            f"the face is small ({self.eye_distance:.0f} px between the eyes)": _rise(self.eye_distance, 6, 20),
            f"the face is blurred (sharpness {self.sharpness:.1f})": _rise(self.sharpness, 1, 6),
            f"the head is turned (yaw {self.yaw:.0f}°, pitch {self.pitch:.0f}°)": _pose(self.yaw, self.pitch),
            f"the light is poor (brightness {self.brightness:.0f}, contrast {self.contrast:.0f})": _light(
                self.brightness, self.contrast
            ),
        }
        return min(parts, key=parts.__getitem__)


def _rise(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))


def _pose(yaw: float, pitch: float) -> float:
    return 1 - _rise(abs(yaw), 25, 70) * 0.5 - _rise(abs(pitch), 25, 60) * 0.5 if abs(yaw) < 70 else 0.0


def _light(brightness: float, contrast: float) -> float:
    return min(_rise(brightness, 10, 50), _rise(255 - brightness, 5, 30), _rise(contrast, 4, 18))


def face_quality(image: np.ndarray, marks: Landmarks) -> FaceQuality:
    """Quality of one face in an RGB frame."""
    crop = grey_crop(image, marks, 96)
    distance = float(np.linalg.norm(marks.eyes[1] - marks.eyes[0]))
    sharpness = float(cv2.Laplacian(crop, cv2.CV_64F).std())
    yaw, pitch, _ = marks.head_pose()
    brightness, contrast = float(crop.mean()), float(crop.std())
    score = _rise(distance, 6, 20) * _rise(sharpness, 1, 6) * _pose(yaw, pitch) * _light(brightness, contrast)
    return FaceQuality(distance, sharpness, yaw, pitch, brightness, contrast, score)
