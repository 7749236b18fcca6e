"""The common skeleton, and sequences of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from affectlens.core.errors import MediaError

JOINTS = (
    "pelvis", "chest", "neck", "head",
    "left shoulder", "left elbow", "left wrist", "right shoulder", "right elbow", "right wrist",
    "left hip", "left knee", "left ankle", "left toe", "right hip", "right knee", "right ankle", "right toe",
)  # fmt: skip
BONES = (
    ("pelvis", "chest"), ("chest", "neck"), ("neck", "head"),
    ("neck", "left shoulder"), ("left shoulder", "left elbow"), ("left elbow", "left wrist"),
    ("neck", "right shoulder"), ("right shoulder", "right elbow"), ("right elbow", "right wrist"),
    ("pelvis", "left hip"), ("left hip", "left knee"), ("left knee", "left ankle"), ("left ankle", "left toe"),
    ("pelvis", "right hip"), ("right hip", "right knee"), ("right knee", "right ankle"), ("right ankle", "right toe"),
)  # fmt: skip
MIRROR = tuple(
    JOINTS.index(joint.replace("left", "#").replace("right", "left").replace("#", "right")) for joint in JOINTS
)  # left and right exchanged
_AT = {name: i for i, name in enumerate(JOINTS)}


@dataclass(frozen=True)
class Motion:
    """Joints over time.

    Attributes
    ----------
    points : (frames, 18, 3) array
        In the order of ``JOINTS``, NaN where a joint is missing; x to the person's left, y up, z forward where the source tells
        them (a camera's: x right, y up, z towards it).
    rate : float
        Frames a second.
    unit : str
        Of the source: ``m``, ``cm``, ``px``, or ``body`` for lengths relative to the leg.
    source : str
        Where it is from.
    flat : bool
        Whether there is no depth.
    """

    points: np.ndarray
    rate: float
    unit: str
    source: str = ""
    flat: bool = False

    def __post_init__(self) -> None:
        if self.points.ndim != 3 or self.points.shape[1:] != (len(JOINTS), 3):
            raise MediaError(f"joints {self.points.shape}; expected (frames, {len(JOINTS)}, 3)")
        if not self.rate > 0:
            raise MediaError(f"a rate of {self.rate} frames a second; expected more than 0")

    def __len__(self) -> int:
        return len(self.points)

    def of(self, *names: str) -> np.ndarray:
        """One joint ``(frames, 3)``, or the mean of several; NaN where any of them is missing."""
        return np.asarray(np.mean([self.points[:, _AT[name]] for name in names], axis=0))

    def part(self, start: int, end: int) -> Motion:
        """Frames from ``start`` to ``end``."""
        return replace(self, points=self.points[start:end])

    @property
    def seen(self) -> np.ndarray:
        """Share of frames in which each joint is known ``(18,)``."""
        return np.asarray(np.isfinite(self.points).all(axis=2).mean(axis=0)) if len(self) else np.zeros(len(JOINTS))


def resampled(motion: Motion, rate: float) -> Motion:
    """The motion at another rate, by linear interpolation between known frames; gaps of a joint stay gaps.

    Parameters
    ----------
    motion : Motion
        Any motion; one of a single frame only has its rate changed.
    rate : float
        Frames a second that are wanted.

    Returns
    -------
    Motion
        Over the same time.
    """
    count = len(motion)
    if count < 2 or abs(motion.rate - rate) < 1e-9:
        return replace(motion, rate=rate) if count < 2 else motion
    length = (count - 1) / motion.rate
    at = np.arange(0, length + 1e-9, 1 / rate) * motion.rate
    low = np.minimum(at.astype(int), count - 2)
    share = (at - low)[:, None, None]
    return replace(motion, points=motion.points[low] * (1 - share) + motion.points[low + 1] * share, rate=rate)


def bone_directions(skeletons: np.ndarray) -> np.ndarray:
    """Unit vectors along ``BONES`` ``(n, 51)`` of skeletons ``(n, 18, 3)``, free of place and proportions."""
    ends = np.array([[_AT[first], _AT[second]] for first, second in BONES])
    bones = skeletons[:, ends[:, 1]] - skeletons[:, ends[:, 0]]
    lengths = np.linalg.norm(bones, axis=2, keepdims=True)
    return np.asarray(bones / np.maximum(lengths, 1e-6)).reshape(len(skeletons), -1)


def leg_length(motion: Motion) -> float:
    """Median length of thigh and shank over frames and sides, the person's own yardstick; NaN where no leg is seen whole."""
    lengths = []
    for side in ("left", "right"):
        hip, knee, ankle = (motion.of(f"{side} {joint}") for joint in ("hip", "knee", "ankle"))
        lengths.append(np.linalg.norm(hip - knee, axis=1) + np.linalg.norm(knee - ankle, axis=1))
    known = np.concatenate(lengths)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else float("nan")


def heading(motion: Motion) -> np.ndarray:
    """Direction in which the person faces, across the line of hips and shoulders, the mean over frames.

    Parameters
    ----------
    motion : Motion
        A flat one faces as its source says (z).

    Returns
    -------
    (2,) array
        Unit vector in the ground plane (x, z); NaN where neither pair is seen.
    """
    if motion.flat:
        return np.array([0.0, 1.0])
    across = []
    for pair in (("left hip", "right hip"), ("left shoulder", "right shoulder")):
        across.append(motion.of(pair[0]) - motion.of(pair[1]))
    mean = (
        np.nanmean(np.concatenate(across)[:, [0, 2]], axis=0)
        if np.isfinite(np.concatenate(across)).any()
        else np.full(2, np.nan)
    )
    length = float(np.linalg.norm(mean))
    # Left of a person who faces z is x: facing is left turned by a quarter.
    return np.array([-mean[1], mean[0]]) / length if length > 0 else np.full(2, np.nan)


def normalised(motion: Motion) -> Motion:
    """Free of place, view and size: the mean pelvis of the whole sequence above the origin, facing z, lengths in legs.

    Height is measured from the lowest foot. A joint that is missing stays missing.

    Parameters
    ----------
    motion : Motion
        In any unit.

    Returns
    -------
    Motion
        With unit ``body``.

    Raises
    ------
    MediaError
        No leg is seen whole in any frame.
    """
    leg = leg_length(motion)
    if not np.isfinite(leg) or leg <= 0:
        raise MediaError("no leg is seen whole in any frame, so the body's size is not known")
    points = motion.points / leg
    face = heading(motion)
    if np.isfinite(face).all() and not motion.flat:
        cosine, sine = face[1], face[0]  # turn (sine, cosine) onto (0, 1)
        points = np.stack(
            [cosine * points[..., 0] - sine * points[..., 2], points[..., 1], sine * points[..., 0] + cosine * points[..., 2]],
            axis=-1,
        )
    pelvis = np.nanmean(points[:, _AT["pelvis"]], axis=0) if np.isfinite(points[:, _AT["pelvis"]]).any() else np.zeros(3)
    feet = points[:, [_AT[f"{side} {part}"] for side in ("left", "right") for part in ("ankle", "toe")], 1]
    ground = np.nanmin(feet) if np.isfinite(feet).any() else pelvis[1] - 1
    points = points - np.array([pelvis[0], ground, pelvis[2]])
    return replace(motion, points=points, unit="body")
