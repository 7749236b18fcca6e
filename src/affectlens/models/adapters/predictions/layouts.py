"""The layouts of other programs' tables: which column is of which class, and which rows hold no answer, and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from affectlens.core.labels import EKMAN7, canonical
from affectlens.core.untrusted.sheets import numbers, words
from affectlens.models.scores import DIMENSIONS

PROBABILITIES, SCORES, UNITS, LABELS, VALUES = "probabilities", "scores", "units", "labels", "values"
FAILED = {
    "FIND_FAILED": "FIND_FAILED: no face was found",
    "FIT_FAILED": "FIT_FAILED: the face was found, but the model of it did not fit",
}
EMPTY = ("", "nan", "na", "n/a", "none", "null", "-", "unknown")
WORDS = ("facial_expression", "dominant_emotion", "prediction", "predicted", "predicted_label", "expression")
CLASSES = (*EKMAN7.labels, "contempt")
Columns = dict[str, str]  # by class


@dataclass(frozen=True)
class Layout:
    """A program's table.

    Attributes
    ----------
    name : str
        The program.
    columns : callable
        Takes the table and gives the column of each class or unit; empty where the layout does not fit.
    kind : str
        What the columns hold: probabilities, independent scores from 0 to 1, intensities of action units, values of valence
        and arousal, or nothing but the label that was said.
    """

    name: str
    columns: Callable[[pd.DataFrame], Columns]
    kind: str = PROBABILITIES


def of_numbers(column: pd.Series) -> bool:
    """Whether a column holds numbers, beside cells that are empty or say that something failed."""
    present = numbers(column).notna()
    rest = words(column[~present]).str.strip()
    return bool(present.any()) or bool((rest.isin(list(FAILED)) | rest.str.lower().isin(EMPTY)).all())


def named(frame: pd.DataFrame) -> Columns:
    """Columns of numbers by the class that their name tells; of another scheme whatever is marked as ``p_``."""
    columns = [column for column in frame.columns if _may_name_a_class(column) and of_numbers(frame[column])]
    out: Columns = {}
    for column in columns:
        plain = canonical(re.sub(r"^(p_|prob_|probability_|emotion[._])", "", column.lower()))
        if plain in CLASSES:
            out.setdefault(plain, column)
    marked = {column[2:]: column for column in columns if column.startswith("p_")}
    return out if len(out) >= max(2, len(marked)) else marked


def _may_name_a_class(column: str) -> bool:
    plain = canonical(re.sub(r"^(p_|prob_|probability_|emotion[._])", "", column.lower()))
    return column.startswith("p_") or plain in CLASSES


def units(frame: pd.DataFrame) -> Columns:
    """Columns of intensities of action units, as OpenFace (``AU01_r``) and LibreFace (``au_1_intensity``) name them."""
    out: Columns = {}
    for column in frame.columns:
        if matched := re.fullmatch(r"AU(\d\d)_r|au_(\d+)_intensity", column):
            out[f"AU{int(matched[1] or matched[2]):02d}"] = column
    return out


def dimensions(frame: pd.DataFrame) -> Columns:
    """Columns of numbers that are named after dimensions of affect: valence, arousal and their like."""
    names = {re.sub(r"^(p_|pred_|predicted_)", "", column.lower().strip()): column for column in frame.columns}
    return {name: names[name] for name in DIMENSIONS if name in names and of_numbers(frame[names[name]])}


def answered(frame: pd.DataFrame) -> str:
    """The column of words that says which class was answered; empty without one."""
    return next((column for column in frame.columns if column.lower() in WORDS), "")


def _facereader(frame: pd.DataFrame) -> Columns:
    return named(frame) if {"Video Time", "Image"} & set(frame.columns) and "Neutral" in frame.columns else {}


def _pyfeat(frame: pd.DataFrame) -> Columns:
    return named(frame) if "FaceScore" in frame.columns else {}


def _deepface(frame: pd.DataFrame) -> Columns:
    return named(frame) if any(column.startswith("emotion.") for column in frame.columns) else {}


def _libreface(frame: pd.DataFrame) -> Columns:
    return named(frame) if any(column.startswith("au_") for column in frame.columns) else {}


def _openface(frame: pd.DataFrame) -> Columns:
    return units(frame) if any(column.endswith("_r") for column in frame.columns) else {}


LAYOUTS = (
    Layout("FaceReader", _facereader, SCORES),
    Layout("Py-Feat", _pyfeat),
    Layout("DeepFace", _deepface),
    Layout("LibreFace", _libreface),
    Layout("OpenFace", _openface, UNITS),
    Layout("table", named),
)
DIMENSIONAL = Layout("table", dimensions, VALUES)


def layout_of(frame: pd.DataFrame, values: bool = False) -> tuple[Layout, Columns] | None:
    """The layout that a table has, with its columns by class; None where no two columns and no word name classes.

    With ``values`` columns of valence and arousal alone are looked for.

    Returns
    -------
    tuple or None
        The layout, and its column of each class.
    """
    if values:
        columns = dimensions(frame)
        return (DIMENSIONAL, columns) if columns else None
    for layout in LAYOUTS:
        if len(columns := layout.columns(frame)) > 1:
            return layout, columns
    if columns := dimensions(frame):
        return DIMENSIONAL, columns
    if not answered(frame):
        return None
    name = (
        "LibreFace"
        if any(column.startswith("au_") for column in frame.columns)
        else "DeepFace"
        if _of_deepface(frame)
        else "table"
    )
    return Layout(name, lambda _: {}, LABELS), {}


def _of_deepface(frame: pd.DataFrame) -> bool:
    return "dominant_emotion" in frame.columns


def reasons(frame: pd.DataFrame, layout: Layout, columns: Columns, below_zero: bool = False) -> pd.Series:
    """Why each row has no answer, an empty text where it has one; ``below_zero`` says whether a value may be."""
    if layout.kind == LABELS:
        word = words(frame[answered(frame)]).str.strip()
        empty = word.str.lower().isin(EMPTY)
        return pd.Series("", frame.index).mask(empty, f"{layout.name} gives no label")
    cells = frame[list(columns.values())]
    number = cells.apply(numbers)
    out = pd.Series("", frame.index, dtype=object)
    lacking = number.isna().any(axis=1) | number.abs().eq(float("inf")).any(axis=1)
    nothing = number.isna().all(axis=1)
    out[lacking] = "a value is missing or no number"
    out[nothing] = f"{layout.name} found no face" if layout.name != "table" else "no values"
    if layout.kind in (PROBABILITIES, SCORES) and not below_zero:
        out[(number < 0).any(axis=1)] = "a value is below 0, where probabilities were expected"
    for at in frame.index[lacking]:
        word = next((word for word in words(cells.loc[at]).str.strip() if word in FAILED), "")
        out[at] = f"{layout.name}: {FAILED[word]}" if word else out[at]
    success = next((column for column in frame.columns if column.lower() == "success"), "")
    if layout.kind == UNITS and success:
        out[numbers(frame[success]) == 0] = f"{layout.name}: success = 0, no face was tracked"
    return out
