"""Rows of measurements: a row a frame and person, a row every 10 ms of the voice, a row a frame and body."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from affectlens.measures.geometry import eye_openings, gaze
from affectlens.measures.units import UNITS, action_units
from affectlens.perception.body.pose import Pose
from affectlens.perception.face.landmarks import BLENDSHAPES
from affectlens.perception.people.finder import Person
from affectlens.perception.voice.descriptors import Descriptors

SHAPES = BLENDSHAPES  # with `_neutral`, which the network gives too: 52 in all
STEP = 0.01  # seconds between two rows of the voice
LEVELS = {
    "semitones": "F0semitoneFrom27.5Hz", "loudness": "loudness", "flux": "spectralFlux", "jitter": "jitterLocal",
    "shimmer": "shimmerLocaldB", "noise": "HNRdBACF", "first_harmonics": "logRelF0-H1-H2", "third_formant": "logRelF0-H1-A3",
    "alpha": "alphaRatio", "hammarberg": "hammarbergIndex", "low_slope": "slope0-500", "high_slope": "slope500-1500",
}  # fmt: skip
FORMANTS = {"formant": "frequency", "bandwidth": "bandwidth", "level": "amplitudeLogRelF0"}
# MediaPipe's 33 points of a body.
JOINTS = (
    "nose", "left eye inner", "left eye", "left eye outer", "right eye inner", "right eye", "right eye outer", "left ear",
    "right ear", "mouth left", "mouth right", "left shoulder", "right shoulder", "left elbow", "right elbow", "left wrist",
    "right wrist", "left pinky", "right pinky", "left index", "right index", "left thumb", "right thumb", "left hip",
    "right hip", "left knee", "right knee", "left ankle", "right ankle", "left heel", "right heel", "left foot index",
    "right foot index",
)  # fmt: skip


def clock(time: float) -> str:
    """A time as Py-Feat writes it, minutes and seconds."""
    return f"{int(time // 60):02d}:{int(time % 60):02d}"


def closing(person: Person) -> float:
    """How far the eyes are closed, 0 to 1."""
    shapes = person.marks.blendshapes
    return float(shapes[[BLENDSHAPES.index("eyeBlinkLeft"), BLENDSHAPES.index("eyeBlinkRight")]].mean())


def face_row(name: str, number: int, time: float, person: Person, shut: bool, landmarks: bool) -> dict[str, Any]:
    """One face of one frame, with the columns of Py-Feat's ``Fex`` and more."""
    marks = person.marks
    yaw, pitch, roll = marks.head_pose()
    right, left = eye_openings(marks.points)
    gaze_yaw, gaze_pitch = gaze(marks.points)
    box = dict(zip(("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"), person.face.box, strict=True))
    row: dict[str, Any] = {"input": name, "frame": number, "time": time, "approx_time": clock(time)}
    row |= {"person": person.id, "Identity": f"Person_{person.id}"} | box | {"FaceScore": float(person.face.score)}
    row |= {"Pitch": pitch, "Roll": roll, "Yaw": yaw, "gaze_yaw": gaze_yaw, "gaze_pitch": gaze_pitch}
    row |= {"eye_opening_right": right, "eye_opening_left": left, "eyes_shut": shut, "mouth_opening": marks.mouth_opening}
    row |= {"presence": float(marks.presence), "quality": float(person.quality.score)}
    units = action_units(marks.blendshapes, marks.mouth_opening)
    row |= {unit.name: float(value) for unit, value in zip(UNITS, units, strict=True)}
    row |= {shape: float(value) for shape, value in zip(SHAPES, marks.blendshapes, strict=True)}
    if landmarks:
        for axis, letter in enumerate("xyz"):
            row |= {f"{letter}_{place}": float(value) for place, value in enumerate(marks.points[:, axis])}
    return row


def voice_rows(name: str, first: int, made: Descriptors) -> pd.DataFrame:
    """The 25 low-level descriptors of eGeMAPS every 10 ms, unsmoothed, and the pitch in Hz.

    Parameters
    ----------
    name : str
        The recording.
    first : int
        Number of the first row.
    made : Descriptors
        Of ``n`` frames.

    Returns
    -------
    DataFrame
        ``n`` rows; what is of voiced frames only is NaN where there is no voice.
    """
    count = len(made)
    voiced = made.hertz > 0
    out: dict[str, Any] = {
        "input": name,
        "time": (first + np.arange(count)) * STEP,
        "hertz": np.where(voiced, made.hertz, np.nan),
    }
    only_voiced = {"semitones", "jitter", "shimmer", "noise", "first_harmonics", "third_formant"}
    for field, column in LEVELS.items():
        values = np.asarray(getattr(made, field), dtype=float)
        out[column] = np.where(voiced, values, np.nan) if field in only_voiced else values
    for place in range(3):
        for field, ending in FORMANTS.items():
            out[f"F{place + 1}{ending}"] = np.where(voiced, np.asarray(getattr(made, field))[:, place], np.nan)
    for place in range(4):
        out[f"mfcc{place + 1}"] = made.mfcc[:, place]
    return pd.DataFrame(out)


def body_rows(name: str, number: int, time: float, poses: Iterable[Pose]) -> list[dict[str, Any]]:
    """Bodies of one frame: 33 joints in pixels and in metres about the hips, with how surely each is seen."""
    rows = []
    for body, pose in enumerate(poses):
        row: dict[str, Any] = {"input": name, "frame": number, "time": time, "body": body, "presence": float(pose.presence)}
        for place, joint in enumerate(JOINTS):
            for axis, letter in enumerate("xyz"):
                row[f"{joint} {letter}"] = float(pose.points[place, axis])
                row[f"{joint} {letter} (m)"] = float(pose.world[place, axis])
            row[f"{joint} visible"] = float(pose.visible[place])
        rows.append(row)
    return rows
