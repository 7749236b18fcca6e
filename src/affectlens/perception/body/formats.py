"""Skeletons of other sources on the common one: MediaPipe, COCO, OpenPose, Kinect, STEP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.barrier import reading
from affectlens.core.errors import MediaError
from affectlens.core.limits import within
from affectlens.core.untrusted.documents import json_of
from affectlens.perception.body.bvh import read_bvh
from affectlens.perception.body.joints import JOINTS, Motion


@dataclass(frozen=True)
class Layout:
    """How a source's joints become the common ones: each is the mean of the listed source joints, missing where one is."""

    name: str
    count: int
    joints: dict[str, tuple[int, ...]]
    flat: bool = False

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Source joints ``(frames, count, 2 or 3)`` as ``(frames, 18, 3)``; a flat source has depth 0."""
        if points.ndim != 3 or points.shape[1] < self.count or points.shape[2] not in (2, 3):
            raise MediaError(f"joints {points.shape}; {self.name} has (frames, {self.count}, {2 if self.flat else 3})")
        if points.shape[2] == 2:
            points = np.concatenate([points, np.where(np.isfinite(points[..., :1]), 0.0, np.nan)], axis=2)
        out = np.full((len(points), len(JOINTS), 3), np.nan)
        for name, at in self.joints.items():
            out[:, JOINTS.index(name)] = points[:, list(at)].mean(axis=1)
        return out


def _sides(
    shoulder: int, elbow: int, wrist: int, hip: int, knee: int, ankle: int, side: str, toe: int = -1
) -> dict[str, tuple[int, ...]]:
    parts = {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "hip": hip, "knee": knee, "ankle": ankle, "toe": toe}
    return {f"{side} {joint}": (place,) for joint, place in parts.items() if place >= 0}


MEDIAPIPE = Layout(
    "MediaPipe", 33,
    {"pelvis": (23, 24), "chest": (11, 12, 23, 24), "neck": (11, 12), "head": (7, 8)}
    | _sides(11, 13, 15, 23, 25, 27, "left", 31) | _sides(12, 14, 16, 24, 26, 28, "right", 32),
)  # fmt: skip
COCO = Layout(
    "COCO", 17,
    {"pelvis": (11, 12), "chest": (5, 6, 11, 12), "neck": (5, 6), "head": (3, 4)}
    | _sides(5, 7, 9, 11, 13, 15, "left") | _sides(6, 8, 10, 12, 14, 16, "right"),
    flat=True,
)  # fmt: skip
OPENPOSE = Layout(
    "OpenPose BODY_25", 25,
    {"pelvis": (8,), "chest": (1, 8), "neck": (1,), "head": (17, 18)}
    | _sides(5, 6, 7, 12, 13, 14, "left", 19) | _sides(2, 3, 4, 9, 10, 11, "right", 22),
    flat=True,
)  # fmt: skip
KINECT = Layout(
    "Kinect v2", 25,
    {"pelvis": (0,), "chest": (1,), "neck": (2,), "head": (3,)}
    | _sides(4, 5, 6, 12, 13, 14, "left", 15) | _sides(8, 9, 10, 16, 17, 18, "right", 19),
)  # fmt: skip
STEP = Layout(
    "STEP (E-Gait)", 16,
    {"pelvis": (0,), "chest": (1,), "neck": (2,), "head": (3,)}
    | _sides(4, 5, 6, 10, 11, 12, "left") | _sides(7, 8, 9, 13, 14, 15, "right"),
)  # fmt: skip
OPENPOSE18 = Layout(
    "OpenPose COCO 18", 18,
    {"pelvis": (8, 11), "chest": (1, 8, 11), "neck": (1,), "head": (16, 17)}
    | _sides(5, 6, 7, 11, 12, 13, "left") | _sides(2, 3, 4, 8, 9, 10, "right"),
    flat=True,
)  # fmt: skip
LAYOUTS = {
    "mediapipe": MEDIAPIPE, "coco": COCO, "openpose": OPENPOSE, "openpose18": OPENPOSE18, "kinect": KINECT, "step": STEP,
}  # fmt: skip


_MOST = max(layout.count for layout in LAYOUTS.values())


def of_corpus(data: Path | np.ndarray, meta: dict[str, object]) -> Motion:
    """The motion of a gait corpus's item.

    Parameters
    ----------
    data : Path or array
        A BVH file, or joints ``(frames, joints, 2 or 3)``; points of a flat layout are pixels with a score, y down.
    meta : dict
        Names the ``layout`` of an array and its ``rate`` (frames a second).

    Returns
    -------
    Motion
        On the common skeleton.
    """
    if isinstance(data, Path):
        return read_bvh(data)
    layout, rate = LAYOUTS[str(meta["layout"])], float(str(meta["rate"]))
    if not layout.flat:
        return from_array(data, layout, rate, source=str(meta.get("key", "")))
    frames = np.stack([_scored(frame, 0.05) for frame in data]) * np.array([1.0, -1.0])
    return from_array(frames, layout, rate, "px", str(meta.get("key", "")))


def from_array(points: np.ndarray, layout: Layout, rate: float, unit: str = "m", source: str = "") -> Motion:
    """A motion from an array in the source's own order of joints, y up.

    Parameters
    ----------
    points : array
        ``(frames, joints, 2 or 3)`` or ``(frames, joints × 3)``.
    layout : Layout
        Which joints the source has.
    rate : float
        Frames a second.
    unit : str
        Of the coordinates: m, px, or body.
    source : str
        The file or item, for messages.

    Returns
    -------
    Motion
        On the common skeleton; joints that the source does not have are NaN.
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim == 2:
        array = array.reshape(len(array), layout.count, -1)
    return Motion(layout(array), rate, unit, source, layout.flat)


def read_keypoints(paths: Iterable[Path], rate: float, person: int = 0, least: float = 0.05) -> Motion:
    """A motion from OpenPose's files, one a frame, or from one COCO results file.

    Parameters
    ----------
    paths : iterable of Path
        Files with ``pose_keypoints_2d`` of 25 or 18 points, or one with ``keypoints`` of 17 points a frame.
    rate : float
        Frames a second.
    person : int
        Which person of each frame, in the file's order.
    least : float
        Points with a lower score are missing.

    Returns
    -------
    Motion
        Flat, in pixels, y turned up.

    Raises
    ------
    MediaError
        A file that is neither, or in which nobody was found in any frame.
    """
    frames: list[np.ndarray] = []
    layout = OPENPOSE
    files = list(paths)
    for path in files:
        with reading(path, "keypoints of OpenPose or COCO"):
            content = json_of(path)
            if isinstance(content, list):
                layout = COCO
                frames += [_points(record["keypoints"], least) for record in content if "keypoints" in record]
            elif isinstance(content, dict) and "people" in content:
                people = content["people"]
                present = len(people) > person
                frames.append(_points(people[person]["pose_keypoints_2d"], least) if present else np.full((25, 2), np.nan))
            else:
                raise MediaError(f"{path}: neither OpenPose's people nor COCO's list of keypoints")
        within("frames", len(frames), path)
    if not frames or not any(np.isfinite(frame).any() for frame in frames):
        raise MediaError(f"{files[0] if files else 'no file'}: nobody was found in {len(frames)} frames")
    if any(len(frame) < layout.count for frame in frames):
        raise MediaError(f"{files[0]}: {len(frames[0])} points a frame; {layout.name} has {layout.count}")
    points = np.stack([frame[: layout.count] for frame in frames]) * np.array([1.0, -1.0])
    return Motion(layout(points), rate, "px", str(files[0]), True)


def _points(values: Any, least: float) -> np.ndarray:
    """Points ``(points, 2)`` of a flat list of x, y and score; none is needed behind the most that a layout has."""
    if not isinstance(values, list):
        raise TypeError("keypoints that are no list")
    if len(values) % 3:
        raise ValueError(f"{len(values)} numbers for points of x, y and score")
    return _scored(np.array(values[: 3 * _MOST], dtype=float).reshape(-1, 3), least)


def _scored(points: np.ndarray, least: float) -> np.ndarray:
    return np.where((points[:, 2] > least)[:, None], points[:, :2], np.nan)
