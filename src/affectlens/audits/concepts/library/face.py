"""Concepts of face and head, from one of three sources brought to the same columns.

Blendshapes and pose of our own perception (``with_video``), action units (``with_action_units``: intensities 0 to 5 as
OpenFace and Py-Feat write them), or IEMOCAP's markers (``markers``). All are against the speaker's own median.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from affectlens.audits.concepts.library.base import above, against_speaker, concept
from affectlens.core.errors import UsageError


def _more(rows: pd.DataFrame, column: str, by: float = 1.0) -> np.ndarray:
    return above(against_speaker(rows[column], rows), by)


@concept("smile", "face", "corners of the lips raised at least one deviation above the person's own median", "face_smile")
def _smile(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, "face_smile")


@concept("brow lowered", "face", "brows lowered at least one deviation more than the person's own median", "face_brow_down")
def _brow_lowered(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, "face_brow_down")


@concept("brow raised", "face", "brows raised at least one deviation more than the person's own median", "face_brow_up")
def _brow_raised(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, "face_brow_up")


@concept(
    "gaze away", "face", "eyes turned aside or down at least one deviation more than the person's own median", "face_gaze_away"
)
def _gaze_away(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, "face_gaze_away")


@concept("head down", "face", "head pitched down at least one deviation more than the person's own median", "face_head_down")
def _head_down(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, "face_head_down")


@concept(
    "head shake", "face", "head turns to and fro at least one deviation more than the person's own median", "face_head_shake"
)
def _head_shake(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, "face_head_shake")


@concept("mouth open", "face", "jaw open at least one deviation more than the person's own median", "face_jaw_open")
def _mouth_open(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, "face_jaw_open")


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
    known = np.abs(features).sum(axis=1) > 0
    x = pd.DataFrame(np.where(known[:, None], features, np.nan), columns=list(names), index=rows.index)
    made = {k: x[[f"{n} mean" for n in shapes]].mean(axis=1) for k, shapes in _SHAPES.items()}
    made |= {"face_head_down": x["pitch mean"], "face_head_shake": x["yaw deviation"]}
    return rows.assign(**made)


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
    u = units.rename(columns={c: c.removesuffix("_r") for c in units}).set_index("key").reindex(rows.key)
    made = {}
    for name, wanted in _UNITS.items():
        columns = [c for c in wanted if c in u]
        if columns:
            made[name] = u[columns].astype(float).mean(axis=1).to_numpy()
    for name, column in (("face_head_down", "pose_Rx"), ("face_head_shake", "pose_Ry_std")):
        if column in u:
            made[name] = u[column].astype(float).to_numpy()
    return rows.assign(**made)


def markers(face: pd.DataFrame, head: pd.DataFrame) -> dict[str, float]:
    """The face columns of one turn from IEMOCAP's markers (height of a group of markers, mm) and head rotation (degrees)."""
    out = {}
    for name, (wanted, sign) in _MARKERS.items():
        heights = face[[f"{m}_z" for m in wanted if f"{m}_z" in face]].to_numpy()
        if np.isfinite(heights).any():
            out[name] = sign * float(np.nanmean(heights))
    if "pitch" in head and len(head):
        out["face_head_down"] = float(np.nanmean(head.pitch))
        out["face_head_shake"] = float(np.nanstd(head.yaw))
    return out
