"""478 face landmarks and 52 blendshapes: the networks of MediaPipe's Face Landmarker, run one crop at a time.

The networks are the .tflite files inside ``face_landmarker.task``, run by LiteRT, which needs no system library; the crop
around each face, its rotation and the way back follow the published graph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from affectlens.perception.litert import LiteRtNetwork, graphs_of

BLENDSHAPES = (
    "_neutral",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
)
# The 146 landmarks that the blendshape network reads, in its order.
_BLENDSHAPE_POINTS = np.array(
    [
        "0",
        "1",
        "4",
        "5",
        "6",
        "7",
        "8",
        "10",
        "13",
        "14",
        "17",
        "21",
        "33",
        "37",
        "39",
        "40",
        "46",
        "52",
        "53",
        "54",
        "55",
        "58",
        "61",
        "63",
        "65",
        "66",
        "67",
        "70",
        "78",
        "80",
        "81",
        "82",
        "84",
        "87",
        "88",
        "91",
        "93",
        "95",
        "103",
        "105",
        "107",
        "109",
        "127",
        "132",
        "133",
        "136",
        "144",
        "145",
        "146",
        "148",
        "149",
        "150",
        "152",
        "153",
        "154",
        "155",
        "157",
        "158",
        "159",
        "160",
        "161",
        "162",
        "163",
        "168",
        "172",
        "173",
        "176",
        "178",
        "181",
        "185",
        "191",
        "195",
        "197",
        "234",
        "246",
        "249",
        "251",
        "263",
        "267",
        "269",
        "270",
        "276",
        "282",
        "283",
        "284",
        "285",
        "288",
        "291",
        "293",
        "295",
        "296",
        "297",
        "300",
        "308",
        "310",
        "311",
        "312",
        "314",
        "317",
        "318",
        "321",
        "323",
        "324",
        "332",
        "334",
        "336",
        "338",
        "356",
        "361",
        "362",
        "365",
        "373",
        "374",
        "375",
        "377",
        "378",
        "379",
        "380",
        "381",
        "382",
        "384",
        "385",
        "386",
        "387",
        "388",
        "389",
        "390",
        "397",
        "398",
        "400",
        "402",
        "405",
        "409",
        "415",
        "454",
        "466",
        "468",
        "469",
        "470",
        "471",
        "472",
        "473",
        "474",
        "475",
        "476",
        "477",
    ],
    dtype=np.int64,
)
RIGHT_EYE = (33, 133)  # outer and inner corner
LEFT_EYE = (263, 362)
_SIDE = 256


@dataclass(frozen=True)
class Landmarks:
    """Mesh of a face.

    Attributes
    ----------
    points : (478, 3) array
        x, y in pixels of the frame, z in the same scale (smaller is nearer).
    blendshapes : (52,) array
        In [0, 1] in the order of ``BLENDSHAPES``.
    presence : float
        The network's probability of a face.
    """

    points: np.ndarray
    blendshapes: np.ndarray
    presence: float

    @property
    def eyes(self) -> np.ndarray:
        """Centres of the person's right and left eye, ``(2, 2)`` in pixels."""
        return np.stack([self.points[list(pair), :2].mean(axis=0) for pair in (RIGHT_EYE, LEFT_EYE)])

    @property
    def mouth_opening(self) -> float:
        """Gap between the inner lips over the distance between the eyes."""
        gap = float(np.linalg.norm(self.points[13, :2] - self.points[14, :2]))
        return gap / max(float(np.linalg.norm(self.eyes[1] - self.eyes[0])), 1e-6)

    def head_pose(self) -> tuple[float, float, float]:
        """How the head is turned; zero when it faces the camera.

        Returns
        -------
        yaw, pitch, roll : float
            Degrees; positive yaw is to the viewer's right, positive pitch is down, positive roll is clockwise.
        """
        x_axis = self.points[263] - self.points[33]
        y_axis = self.points[152] - self.points[10]
        x_axis = x_axis / max(float(np.linalg.norm(x_axis)), 1e-9)
        y_axis = y_axis - x_axis * float(y_axis @ x_axis)
        y_axis = y_axis / max(float(np.linalg.norm(y_axis)), 1e-9)
        z_axis = np.cross(x_axis, y_axis)
        yaw = math.degrees(math.atan2(-z_axis[0], z_axis[2]))
        pitch = math.degrees(math.asin(float(np.clip(z_axis[1], -1, 1))))
        roll = math.degrees(math.atan2(x_axis[1], x_axis[0]))
        return yaw, pitch, roll


def crop_matrix(eyes: np.ndarray, centre: tuple[float, float], side: float) -> np.ndarray:
    """Affine map ``(2, 3)`` from the frame to an upright 256 x 256 crop of ``side`` pixels around ``centre``."""
    angle = math.atan2(eyes[1, 1] - eyes[0, 1], eyes[1, 0] - eyes[0, 0])
    factor = _SIDE / side
    cos, sin = math.cos(angle) * factor, math.sin(angle) * factor
    matrix = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])
    matrix[:, 2] = _SIDE / 2 - matrix[:, :2] @ np.asarray(centre)
    return matrix


def face_patch(image: np.ndarray, marks: Landmarks) -> np.ndarray:
    """The face and its surroundings, turned upright by its eyes: ``(256, 256, 3)`` uint8."""
    low, high = marks.points[:, :2].min(axis=0), marks.points[:, :2].max(axis=0)
    middle, side = (low + high) / 2, 2 * float((high - low).max())
    matrix = crop_matrix(marks.points[[33, 263], :2], (float(middle[0]), float(middle[1])), max(side, 8.0))
    return np.asarray(cv2.warpAffine(image, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


class FaceLandmarker:
    """Landmarks and blendshapes of one face at a time; deterministic, no state between faces."""

    def __init__(self, task: Path, threads: int = 2) -> None:
        mesh, shapes = graphs_of(task, "face_landmarks_detector", "face_blendshapes")
        self._mesh, self._shapes = LiteRtNetwork(mesh, threads), LiteRtNetwork(shapes, 1)

    def __call__(self, image: np.ndarray, eyes: np.ndarray, box: tuple[float, float, float, float]) -> Landmarks:
        """Landmarks of one face; the crop is placed twice, by the detector's box, then by the landmarks found in it.

        Parameters
        ----------
        image : (h, w, 3) uint8 array
            RGB.
        eyes : (2, 2) array
            Give the face's roll.
        box : tuple of float
            Left, top, width, height, in pixels.

        Returns
        -------
        Landmarks
            In pixels of the frame.
        """
        centre = (box[0] + box[2] / 2, box[1] + box[3] / 2)
        first, _ = self._run(image, eyes, centre, 1.5 * max(box[2], box[3]))
        low, high = first[:, :2].min(axis=0), first[:, :2].max(axis=0)
        again = first[[33, 263], :2]
        middle = (low + high) / 2
        points, presence = self._run(image, again, (float(middle[0]), float(middle[1])), 1.5 * float((high - low).max()))
        self._shapes.run(points[_BLENDSHAPE_POINTS, :2][None].astype(np.float32))
        shapes = self._shapes.tensor(next(iter(self._shapes.outputs))).astype(np.float64).reshape(-1)
        return Landmarks(points, shapes, presence)

    def _run(self, image: np.ndarray, eyes: np.ndarray, centre: tuple[float, float], side: float) -> tuple[np.ndarray, float]:
        matrix = crop_matrix(eyes, centre, max(side, 8.0))
        crop = cv2.warpAffine(image, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        self._mesh.run(crop[None].astype(np.float32) / 255)
        points = self._mesh.tensor("Identity").reshape(-1, 3).astype(np.float64)
        logit = float(self._mesh.tensor("Identity_1").reshape(-1)[0])
        inverse = cv2.invertAffineTransform(matrix)
        placed = np.column_stack([points[:, :2] @ inverse[:, :2].T + inverse[:, 2], points[:, 2] * side / _SIDE])
        return placed, 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))
