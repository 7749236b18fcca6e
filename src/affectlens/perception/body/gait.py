"""Posture and gait in numbers with names and units, after what people read in walking.

Speed, stride, arm swing, angles of head and trunk, openness, symmetry, jerk (Montepare et al. 1987; Roether et al. 2009;
Crenn et al. 2016).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from affectlens.perception.body.joints import Motion, normalised, resampled

RATE = 30.0
SHORTEST = 15  # frames from which on rhythm can be told


@dataclass(frozen=True)
class BodyFeature:
    """A measurement: its name, unit, what it means in plain words, and whether it needs motion or depth."""

    name: str
    unit: str
    meaning: str
    moving: bool = False
    deep: bool = False


FEATURES: tuple[BodyFeature, ...] = (
    BodyFeature("speed", "legs/s", "how fast the pelvis moves over the ground", True, True),
    BodyFeature("forward speed", "legs/s", "the same towards where the person faces", True, True),
    BodyFeature("stride rate", "1/s", "strides a second, from the rhythm of the feet", True),
    BodyFeature("rhythm", "share", "how regular that rhythm is: share of the feet's motion at the stride rate", True),
    BodyFeature("stride length", "legs", "way between two contacts of one foot", True, True),
    BodyFeature("step width", "legs", "sideways distance of the feet"),
    BodyFeature("foot lift", "legs", "height of the feet, 90th percentile", True),
    BodyFeature("knee bend", "degrees", "mean flexion of the knees"),
    BodyFeature("knee range", "degrees", "range of knee flexion", True),
    BodyFeature("arm swing", "degrees", "range of the upper arms fore and aft", True),
    BodyFeature("arm swing asymmetry", "share", "difference of left and right range over their sum", True),
    BodyFeature("elbow bend", "degrees", "mean flexion of the elbows"),
    BodyFeature("elbow range", "degrees", "range of elbow flexion", True),
    BodyFeature("arms away", "degrees", "mean angle of the upper arms from the trunk"),
    BodyFeature("hand height", "legs", "mean height of the hands over the pelvis"),
    BodyFeature("hand distance", "legs", "mean distance of the hands from each other"),
    BodyFeature("hands before trunk", "legs", "mean distance of the hands in front of the pelvis", False, True),
    BodyFeature("head down", "degrees", "mean tilt of the head forward against the vertical", False, True),
    BodyFeature("head range", "degrees", "range of that tilt", True, True),
    BodyFeature("head height", "legs", "mean height of the head over the pelvis"),
    BodyFeature("trunk lean", "degrees", "mean tilt of the trunk forward", False, True),
    BodyFeature("trunk sway", "degrees", "deviation of the trunk's sideways tilt", True),
    BodyFeature("trunk twist", "degrees", "range of the shoulders' turn against the hips", True, True),
    BodyFeature("slump", "share", "distance from pelvis to head over the length of the bones between"),
    BodyFeature("shoulder lift", "legs", "mean height of the shoulders over the chest"),
    BodyFeature("openness", "legs", "mean distance of hands and elbows from the trunk's axis"),
    BodyFeature("bounce", "legs", "deviation of the pelvis's height", True),
    BodyFeature("pelvis height", "legs", "mean height of the pelvis"),
    BodyFeature("symmetry", "correlation", "correlation of the left side with the right half a stride later", True),
    BodyFeature("energy", "legs/s", "mean speed of hands, feet and head against the pelvis", True),
    BodyFeature("hand speed", "legs/s", "mean speed of the hands against the pelvis", True),
    BodyFeature("head speed", "legs/s", "mean speed of the head against the pelvis", True),
    BodyFeature("hand acceleration", "legs/s²", "median acceleration of the hands", True),
    BodyFeature("jerk", "log10 legs/s³", "median jerk of the hands, logarithm", True),
    BodyFeature("foot jerk", "log10 legs/s³", "median jerk of the feet, logarithm", True),
    BodyFeature("head jerk", "log10 legs/s³", "median jerk of the head, logarithm", True),
)
NAMES = tuple(feature.name for feature in FEATURES)


def measure(motion: Motion) -> np.ndarray:
    """The features of a sequence in the order of ``FEATURES``.

    The motion is put to 30 frames a second, turned to face z and measured in leg lengths first.

    Parameters
    ----------
    motion : Motion
        Of one person.

    Returns
    -------
    (36,) array
        NaN where joints, depth or motion lack for one.
    """
    body = normalised(resampled(motion, RATE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means over nothing are NaN, which is what they should be
        values = _posture(body)
        if len(body) >= SHORTEST:
            values |= _movement(body)
    out = np.full(len(FEATURES), np.nan)
    for number, feature in enumerate(FEATURES):
        if feature.name in values and not (feature.deep and body.flat):
            out[number] = values[feature.name]
    return out


def _angle(first: np.ndarray, corner: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Flexion at ``b`` in degrees ``(frames,)``: 0 for a straight limb."""
    before, after = corner - first, last - corner
    cosine = (before * after).sum(-1) / np.maximum(np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1), 1e-9)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _range(values: np.ndarray) -> float:
    """90th less 10th percentile of what is known."""
    low, high = np.nanpercentile(values, [10, 90])
    return float(high - low)


def _sides(name: str, body: Motion) -> tuple[np.ndarray, np.ndarray]:
    return body.of(f"left {name}"), body.of(f"right {name}")


def _posture(body: Motion) -> dict[str, float]:
    pelvis, chest, neck, head = (body.of(joint) for joint in ("pelvis", "chest", "neck", "head"))
    elbows, wrists, shoulders = _sides("elbow", body), _sides("wrist", body), _sides("shoulder", body)
    hips, knees, ankles = _sides("hip", body), _sides("knee", body), _sides("ankle", body)
    trunk, tip = neck - pelvis, head - neck
    bones = np.linalg.norm(chest - pelvis, axis=1) + np.linalg.norm(neck - chest, axis=1) + np.linalg.norm(tip, axis=1)
    axis = trunk / np.maximum(np.linalg.norm(trunk, axis=1, keepdims=True), 1e-9)
    away = []
    for joint in (*wrists, *elbows):
        offset = joint - pelvis
        away.append(np.linalg.norm(offset - (offset * axis).sum(1, keepdims=True) * axis, axis=1))
    arms = [
        _angle(pelvis - trunk, pelvis, pelvis + (elbow - shoulder)) for shoulder, elbow in zip(shoulders, elbows, strict=True)
    ]
    return {
        "step width": float(np.nanmean(np.abs(ankles[0][:, 0] - ankles[1][:, 0]))),
        "knee bend": float(np.nanmean([_angle(*corner) for corner in zip(hips, knees, ankles, strict=True)])),
        "elbow bend": float(np.nanmean([_angle(*corner) for corner in zip(shoulders, elbows, wrists, strict=True)])),
        # The angle between trunk (up) and arm (down) is 180 degrees for a hanging arm.
        "arms away": float(180 - np.nanmean(arms)),
        "hand height": float(np.nanmean([wrist[:, 1] - pelvis[:, 1] for wrist in wrists])),
        "hand distance": float(np.nanmean(np.linalg.norm(wrists[0] - wrists[1], axis=1))),
        "hands before trunk": float(np.nanmean([wrist[:, 2] - pelvis[:, 2] for wrist in wrists])),
        "head down": float(np.nanmean(np.degrees(np.arctan2(tip[:, 2], tip[:, 1])))),
        "head height": float(np.nanmean(head[:, 1] - pelvis[:, 1])),
        "trunk lean": float(np.nanmean(np.degrees(np.arctan2(trunk[:, 2], trunk[:, 1])))),
        "slump": float(np.nanmean(np.linalg.norm(head - pelvis, axis=1) / np.maximum(bones, 1e-9))),
        "shoulder lift": float(np.nanmean([shoulder[:, 1] - chest[:, 1] for shoulder in shoulders])),
        "openness": float(np.nanmean(away)),
        "pelvis height": float(np.nanmean(pelvis[:, 1])),
    }


def _movement(body: Motion) -> dict[str, float]:
    pelvis, neck, head = (body.of(joint) for joint in ("pelvis", "neck", "head"))
    wrists, ankles, elbows, shoulders = (_sides(joint, body) for joint in ("wrist", "ankle", "elbow", "shoulder"))
    hips, knees = _sides("hip", body), _sides("knee", body)
    seconds = (len(body) - 1) / body.rate
    way = (pelvis[-1] - pelvis[0])[[0, 2]]
    speed = float(np.linalg.norm(way)) / seconds
    rate, rhythm = _rhythm(ankles[0] - ankles[1], body.rate)
    swings = [
        _range(np.degrees(np.arctan2((elbow - shoulder)[:, 2], -(elbow - shoulder)[:, 1])))
        for shoulder, elbow in zip(shoulders, elbows, strict=True)
    ]
    trunk = neck - pelvis
    twist = _turn(shoulders) - _turn(hips)
    tip = head - neck
    relative = [point - pelvis for point in (*wrists, *ankles, head)]
    out = {
        "speed": speed,
        "forward speed": float(way[1]) / seconds,
        "stride rate": rate,
        "rhythm": rhythm,
        "stride length": speed / rate if rate > 0 else float("nan"),
        "foot lift": float(np.nanmean([np.nanpercentile(ankle[:, 1], 90) for ankle in ankles])),
        "knee range": float(np.nanmean([_range(_angle(*j)) for j in zip(hips, knees, ankles, strict=True)])),
        "arm swing": float(np.nanmean(swings)),
        "arm swing asymmetry": abs(swings[0] - swings[1]) / max(swings[0] + swings[1], 1e-6),
        "elbow range": float(np.nanmean([_range(_angle(*j)) for j in zip(shoulders, elbows, wrists, strict=True)])),
        "head range": _range(np.degrees(np.arctan2(tip[:, 2], tip[:, 1]))),
        "trunk sway": float(np.nanstd(np.degrees(np.arctan2(trunk[:, 0], trunk[:, 1])))),
        "trunk twist": _range(np.degrees(twist)),
        "bounce": float(np.nanstd(pelvis[:, 1])),
        "symmetry": _symmetry(body, rate),
        "energy": float(np.nanmean([_speed(point, body.rate) for point in relative])),
        "hand speed": float(np.nanmean([_speed(wrist - pelvis, body.rate) for wrist in wrists])),
        "head speed": _speed(head - pelvis, body.rate),
        "hand acceleration": float(np.nanmean([_derivative(wrist - pelvis, body.rate, 2) for wrist in wrists])),
    }
    for name, joints in (("jerk", wrists), ("foot jerk", ankles), ("head jerk", (head,))):
        jerk = float(np.nanmean([_derivative(joint - pelvis, body.rate, 3) for joint in joints]))
        out[name] = float(np.log10(max(jerk, 1e-6)))
    return out


def _turn(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Turn about the vertical of the line from right to left ``(frames,)``, radians."""
    apart = pair[0] - pair[1]
    return np.asarray(np.arctan2(-apart[:, 2], apart[:, 0]))


def _speed(points: np.ndarray, rate: float) -> float:
    return float(np.nanmean(np.linalg.norm(np.diff(points, axis=0), axis=1)) * rate)


def _derivative(points: np.ndarray, rate: float, order: int) -> float:
    """Median magnitude of a derivative, after smoothing over five frames: differences amplify noise."""
    kernel = np.ones(5) / 5
    smooth = np.stack([np.convolve(points[:, i], kernel, "valid") for i in range(3)], axis=1)
    change = np.diff(smooth, n=order, axis=0) * rate**order
    return float(np.nanmedian(np.linalg.norm(change, axis=1))) if len(change) else float("nan")


def _rhythm(feet: np.ndarray, rate: float) -> tuple[float, float]:
    """Frequency of the strides and the share of the feet's motion at it, from the axis on which they move most.

    Parameters
    ----------
    feet : (frames, axes) array
        Way of one foot against the other.
    rate : float
        Frames a second.

    Returns
    -------
    float, float
        Strides a second, from 0.3 to 3, and a share from 0 to 1.
    """
    points = feet[np.isfinite(feet).all(axis=1)]
    if len(points) < SHORTEST:
        return float("nan"), float("nan")
    points = points - points.mean(axis=0)
    along = points @ np.linalg.svd(points, full_matrices=False)[2][0]
    size = 8 * len(along)
    power = np.abs(np.fft.rfft(along * np.hanning(len(along)), size)) ** 2
    hertz = np.fft.rfftfreq(size, 1 / rate)
    band = (hertz >= 0.3) & (hertz <= 3)
    best = int(np.argmax(np.where(band, power, 0)))
    width = rate / len(along)
    near = np.abs(hertz - hertz[best]) <= width
    return float(hertz[best]), float(power[near].sum() / max(power.sum(), 1e-12))


def _symmetry(body: Motion, rate: float) -> float:
    """Correlation of the left side's joints with the right's half a stride later, mirrored."""
    if not np.isfinite(rate) or rate <= 0:
        return float("nan")
    lag = round(body.rate / rate / 2)
    if lag < 1 or len(body) - lag < SHORTEST:
        return float("nan")
    likeness = []
    for joint in ("wrist", "ankle", "knee", "elbow"):
        left, right = _sides(joint, body)
        pelvis = body.of("pelvis")
        left, right = (left - pelvis)[:-lag, 1:], (right - pelvis)[lag:, 1:]
        left, right = (path - np.nanmean(path, axis=0) for path in (left, right))
        seen = np.isfinite(left).all(1) & np.isfinite(right).all(1)
        size = np.sqrt((left[seen] ** 2).sum() * (right[seen] ** 2).sum())
        if seen.any() and size > 0:
            likeness.append(float((left[seen] * right[seen]).sum() / size))
    return float(np.mean(likeness)) if likeness else float("nan")
