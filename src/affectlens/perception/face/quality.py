"""How well a face can be read: size, sharpness, pose, light, what of it is in the picture and uncovered, each from 0 to 1."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np

from affectlens.perception.face.crops import REGION_RINGS, crop_points, filled, grey_crop
from affectlens.perception.face.landmarks import Landmarks

_PARTS = ("right eye", "left eye", "nose", "mouth")
_NEEDED = (*_PARTS, "right brow", "left brow")  # without which an expression is not read


@dataclass(frozen=True)
class FaceQuality:
    """Measured values with their units and ``score``, the product of all factors in [0, 1]."""

    eye_distance: float  # pixels
    sharpness: float  # standard deviation of the Laplacian of a 96 px crop, grey levels
    yaw: float  # degrees
    pitch: float  # degrees
    brightness: float  # mean grey level of the crop, 0 to 255
    contrast: float  # standard deviation of grey levels
    roll: float  # degrees
    inside: float  # share of brows, eyes, nose and mouth that lies in the picture, of the part of which least does
    mouth_contrast: float  # standard deviation of grey levels of the mouth over that of eyes and nose
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
            f"the head is tilted ({self.roll:.0f}°)": _upright(self.roll),
            f"the face is cut by the edge of the picture ({self.inside:.0%} of a part of it is inside)": _whole(self.inside),
            f"the lower face is covered or has no contrast ({self.mouth_contrast:.2f} of the eyes')": _open(
                self.mouth_contrast
            ),
        }
        return min(parts, key=parts.__getitem__)


def _rise(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))


def _pose(yaw: float, pitch: float) -> float:
    # On pictures from the web answers get worse from 20 degrees of yaw on, and profiles were hardly learnt.
    return (1 - _rise(abs(yaw), 20, 60)) * (1 - _rise(abs(pitch), 30, 70))


def _light(brightness: float, contrast: float) -> float:
    return min(_rise(brightness, 10, 50), _rise(255 - brightness, 5, 30), _rise(contrast, 4, 18))


def _upright(roll: float) -> float:
    return 1 - _rise(abs(roll), 60, 120) * 0.5


def _whole(inside: float) -> float:
    return _rise(inside, 0.4, 0.85)


def _open(mouth_contrast: float) -> float:
    # Of 135 ordinary faces the least had 0.27, with a quarter of the light too; painted masks have 0.01 to 0.2.
    return _rise(mouth_contrast, 0.13, 0.25)


def face_quality(image: np.ndarray, marks: Landmarks) -> FaceQuality:
    """Quality of one face in a frame.

    Parameters
    ----------
    image : array
        ``(h, w, 3)`` uint8, RGB.
    marks : Landmarks
        Of the face, in pixels of ``image``.

    Returns
    -------
    FaceQuality
        Its measures and their product.
    """
    crop = grey_crop(image, marks, 96)
    distance = float(np.linalg.norm(marks.eyes[1] - marks.eyes[0]))
    sharpness = float(cv2.Laplacian(crop, cv2.CV_64F).std())
    yaw, pitch, roll = marks.head_pose()
    brightness, contrast = float(crop.mean()), float(crop.std())
    inside, mouth = _inside(marks, image.shape), _mouth_contrast(crop, marks)
    score = _rise(distance, 6, 20) * _rise(sharpness, 1, 6) * _pose(yaw, pitch) * _light(brightness, contrast)
    score *= _upright(roll) * _whole(inside) * _open(mouth)
    return FaceQuality(distance, sharpness, yaw, pitch, brightness, contrast, roll, inside, mouth, score)


def _inside(marks: Landmarks, shape: tuple[int, ...]) -> float:
    """Share of the landmarks of a part that lies in the picture, of the part of which least does."""
    points = marks.points[:, :2]
    within = np.all((points >= 0) & (points < np.array([shape[1], shape[0]])), axis=1)
    return min(float(within[list(REGION_RINGS[part])].mean()) for part in _NEEDED)


def _mouth_contrast(crop: np.ndarray, marks: Landmarks) -> float:
    points = crop_points(marks, len(crop))
    masks = {part: filled(points, REGION_RINGS[part], len(crop), 0 if part == "nose" else 5).astype(bool) for part in _PARTS}
    mouth, others = crop[masks["mouth"]], crop[masks["right eye"] | masks["left eye"] | masks["nose"]]
    return float(mouth.std()) / max(float(others.std()), 1.0) if mouth.size and others.size else 0.0
