"""Concepts of face and head, from one of three sources brought to the same columns.

Blendshapes and pose of our own perception (``with_video``), action units (``with_action_units``: intensities 0 to 5 as
OpenFace and Py-Feat write them), or IEMOCAP's markers (``markers``). All are against the speaker's own median.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from affectlens.audits.concepts.library.base import beyond_own_median
from affectlens.core.errors import UsageError

for _name, _meaning, _column in (
    ("smile", "corners of the lips raised at least one deviation above the person's own median", "face_smile"),
    ("brow lowered", "brows lowered at least one deviation more than the person's own median", "face_brow_down"),
    ("brow raised", "brows raised at least one deviation more than the person's own median", "face_brow_up"),
    ("gaze away", "eyes turned aside or down at least one deviation more than the person's own median", "face_gaze_away"),
    ("head down", "head pitched down at least one deviation more than the person's own median", "face_head_down"),
    ("head shake", "head turns to and fro at least one deviation more than the person's own median", "face_head_shake"),
    ("mouth open", "jaw open at least one deviation more than the person's own median", "face_jaw_open"),
):
    beyond_own_median(_name, "face", _meaning, _column)

_AWAY = ("eyeLookDownLeft", "eyeLookOutLeft", "eyeLookInLeft", "eyeLookDownRight", "eyeLookOutRight", "eyeLookInRight")
_SHAPES = {
    "face_smile": ("mouthSmileLeft", "mouthSmileRight"),
    "face_brow_down": ("browDownLeft", "browDownRight"),
    "face_brow_up": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "face_gaze_away": _AWAY,
    "face_jaw_open": ("jawOpen",),
}
_UNITS = {
    "face_smile": ("AU12",), "face_brow_down": ("AU04",), "face_brow_up": ("AU01", "AU02"), "face_jaw_open": ("AU25", "AU26"),
}  # fmt: skip
# Height of markers above the nose bridge that stay with the skull; names of IEMOCAP's marker plan.
_MARKERS = {
    "face_smile": (("RC2", "LC2", "MOU1", "MOU5"), 1),
    "face_brow_up": (("RBRO1", "RBRO2", "LBRO1", "LBRO2"), 1),
    "face_brow_down": (("RBRO1", "RBRO2", "LBRO1", "LBRO2"), -1),
    "face_jaw_open": (("CH1", "CH2", "CH3"), -1),
}


def with_video(rows: pd.DataFrame, features: np.ndarray, names: tuple[str, ...]) -> pd.DataFrame:
    """From mean and deviation of blendshapes and pose, columns ``names`` of ``features`` ``(n, 110)``; zeros: no face."""
    measured = np.abs(features).sum(axis=1) > 0
    table = pd.DataFrame(np.where(measured[:, None], features, np.nan), columns=list(names), index=rows.index)
    columns = {name: table[[f"{shape} mean" for shape in shapes]].mean(axis=1) for name, shapes in _SHAPES.items()}
    columns |= {"face_head_down": table["pitch mean"], "face_head_shake": table["yaw deviation"]}
    return rows.assign(**columns)


def with_action_units(rows: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """The rows with the face columns from a table of mean action units per utterance.

    Parameters
    ----------
    rows : DataFrame
        Utterances.
    units : DataFrame
        ``key``, ``AU12`` or ``AU12_r`` and so on; ``pose_Rx`` (down) and ``pose_Ry_std`` where there.

    Returns
    -------
    DataFrame
        With a column for each face measure that the table has.

    Raises
    ------
    UsageError
        No column of keys.
    """
    if "key" not in units:
        raise UsageError(f"columns {list(units.columns)[:6]}; action units need a column key with the utterances' keys")
    table = units.rename(columns={column: column.removesuffix("_r") for column in units}).set_index("key").reindex(rows.key)
    columns = {}
    for name, unit_names in _UNITS.items():
        present = [unit for unit in unit_names if unit in table]
        if present:
            columns[name] = table[present].astype(float).mean(axis=1).to_numpy()
    for name, column in (("face_head_down", "pose_Rx"), ("face_head_shake", "pose_Ry_std")):
        if column in table:
            columns[name] = table[column].astype(float).to_numpy()
    return rows.assign(**columns)


def markers(face: pd.DataFrame, head: pd.DataFrame) -> dict[str, float]:
    """The face columns of one turn from IEMOCAP's markers (height of a group of markers, mm) and head rotation (degrees)."""
    out = {}
    for name, (marker_names, sign) in _MARKERS.items():
        heights = face[[f"{marker}_z" for marker in marker_names if f"{marker}_z" in face]].to_numpy()
        if np.isfinite(heights).any():
            out[name] = sign * float(np.nanmean(heights))
    if "pitch" in head and len(head):
        out["face_head_down"] = float(np.nanmean(head.pitch))
        out["face_head_shake"] = float(np.nanstd(head.yaw))
    return out
