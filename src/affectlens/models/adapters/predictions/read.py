"""Reading a table of predictions: values by row, what each row is of, and what was done to the values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from affectlens.core.errors import ModelError
from affectlens.core.labels import EKMAN7, canonical
from affectlens.core.untrusted.sheets import numbers, words
from affectlens.corpora.account import spelling
from affectlens.models.adapters.predictions.cells import read_cells
from affectlens.models.adapters.predictions.layouts import (
    CLASSES,
    EMPTY,
    LABELS,
    PROBABILITIES,
    SCORES,
    UNITS,
    VALUES,
    Columns,
    Layout,
    answered,
    dimensions,
    layout_of,
    reasons,
    units,
)
from affectlens.models.adapters.predictions.rows import Chosen, choose, column_named, places, row_keys
from affectlens.models.scores import (
    BINARY,
    BINARY_PROBABILITY,
    DIMENSIONS,
    INDEPENDENT,
    REGRESSION,
    SIGMOID,
    SOFTMAX,
    Scores,
)

SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".parquet")
OFF = 0.02  # by which a row may miss the sum one
_TRUTH = ("label", "truth", "true_label")


@dataclass(frozen=True)
class Predicted:
    """Predictions as they were read, a row a file, or where a file has several, a frame and face.

    Attributes
    ----------
    table : DataFrame
        Index key, a column a class, then one a unit; a row without an answer is NaN.
    labels : Series or None
        Labels that the table gives, by key.
    source : str
        Name of the format.
    notes : tuple of str
        What was done to the values.
    kind : str
        What the values are: ``probabilities``, independent ``scores``, intensities of ``units``, ``values`` of valence and
        arousal, or ``labels``: 1 for the class that was said and 0 for the others, since the table has no probabilities.
    units : tuple of str
        The columns that are intensities of action units.
    places : DataFrame
        File, frame, face, size and confidence by key.
    missing : dict of str to str
        Rows without an answer, and why.
    chosen : Chosen
        Which rows answer for a file.
    """

    table: pd.DataFrame
    labels: pd.Series | None
    source: str
    notes: tuple[str, ...]
    kind: str = PROBABILITIES
    units: tuple[str, ...] = ()
    places: pd.DataFrame = field(default_factory=pd.DataFrame)
    missing: dict[str, str] = field(default_factory=dict)
    chosen: Chosen = field(default_factory=Chosen)


def read_predictions(path: Path, scores: str = "") -> Predicted:
    """Read a csv, tsv, txt, json or parquet table of predictions.

    Parameters
    ----------
    path : Path
        The table, of any separator, decimal sign and encoding. Items are named by its column ``key`` as it is, or by the files
        in a column such as ``file`` or ``input``; columns ``frame`` and ``face`` tell several rows of a file apart. A column
        ``label`` or ``truth`` gives the labels.
    scores : str
        What the caller says that the numbers are, one of ``models.scores.KINDS``; without it what the format says.

    Returns
    -------
    Predicted
        Probabilities in per cent are divided by 100; rows that do not sum to 1 within 2 % are counted in ``notes`` and divided
        by their sum, unless the format gives independent scores. Of logits the softmax or sigmoid is taken. Files, frames and
        faces are never put together here.

    Raises
    ------
    ModelError
        A file that cannot be read, in which no class is found, or in whose column ``key`` an item is twice; numbers that are no
        probabilities where nobody says what they are.
    """
    sheet = read_cells(path)
    frame, notes = _each_once(sheet.frame, list(sheet.notes))
    if frame.empty:
        raise ModelError(f"{path}: there is no row in it")
    fitting = layout_of(frame, scores == REGRESSION)
    if fitting is None and scores == REGRESSION:
        raise ModelError(
            f"{path}: scores are {REGRESSION}, and no column of {list(frame.columns)[:8]} is one of {', '.join(DIMENSIONS)}"
        )
    if fitting is None:
        raise ModelError(
            f"{path}: no two columns name classes among {list(frame.columns)[:8]}; expected a column of probabilities a class, "
            "such as happiness or p_happiness, a column prediction of words, or an export of Py-Feat, OpenFace, LibreFace, "
            "DeepFace or FaceReader"
        )
    layout, columns = _by_caller(*fitting, scores, path)
    logits = scores in (SOFTMAX, SIGMOID)
    why = reasons(frame, layout, columns, below_zero=logits)
    if layout.kind == PROBABILITIES and not scores:
        _see_probabilities(frame, columns, why, path)
    taken = (frame, columns, why, notes)
    values = _of_logits(*taken, scores) if logits else _values(*taken, layout, path)
    beside = dimensions(frame) if layout.kind != VALUES else {}
    if beside:
        notes.append(
            f"columns {', '.join(beside.values())} are left out; --scores {REGRESSION} audits them instead of the classes"
        )
    place = places(frame, sheet.before, path, layout.name)
    exact = column_named(frame, ("key",)) != ""
    if place.file.str.fullmatch(r"row\d+").all():
        notes.append("no column names files, so rows are named by their number: row0, row1, …")
    if exact and place.file.duplicated().any():
        twice = place.file[place.file.duplicated()].iloc[0]
        raise ModelError(f"{path}: the key {twice!r} occurs more than once; give every item one row")
    index = row_keys(place, exact)
    if not exact and any("/" in name.partition("#")[0] for name in index):
        notes.append("files of one name lie in several folders, so items are named with their folders")
    place.index = values.index = index
    why.index = index
    missing = {str(key): value for key, value in why[why != ""].items()}
    if missing:
        counted = why[why != ""].value_counts()
        shown = ", ".join(f"{count} {word}" for word, count in counted.items())
        notes.append(f"{len(missing)} of {len(frame)} rows have no answer: {shown}")
    extra = tuple(units(frame)) if layout.kind in (LABELS, UNITS) else tuple(columns) if layout.kind == VALUES else ()
    truth = column_named(frame, _TRUTH)
    labels = words(frame[truth]).map(canonical).set_axis(index) if truth else None
    return Predicted(values, labels, layout.name, tuple(notes), layout.kind, extra, place, missing, choose(place, missing))


def _by_caller(layout: Layout, columns: Columns, scores: str, path: Path) -> tuple[Layout, Columns]:
    """The layout with what the caller says that its numbers are."""
    if not scores or layout.kind == VALUES:
        return layout, columns
    if layout.kind not in (PROBABILITIES, SCORES):
        raise ModelError(f"{path}: scores are {scores}, and {layout.name} gives {layout.kind}; leave --scores out")
    if scores in (BINARY, BINARY_PROBABILITY):
        raise ModelError(f"{path}: scores are {scores}, one number for two classes; a table has a column a class")
    return replace(layout, kind=SCORES if scores in (SIGMOID, INDEPENDENT) else PROBABILITIES), columns


def _see_probabilities(frame: pd.DataFrame, columns: Columns, why: pd.Series, path: Path) -> None:
    """An error where most rows are no distributions, and nobody says what they are."""
    values = pd.DataFrame({name: numbers(frame[column]) for name, column in columns.items()})
    present = values.notna().all(axis=1) & ~values.abs().eq(float("inf")).any(axis=1)
    rows = values[present & (values.sum(axis=1) != 0)]  # a row of zeros is no answer
    total = rows.sum(axis=1)
    scale = 100 if total.median() > 50 else 1
    odd = ((total / scale - 1).abs() > OFF) | (rows < 0).any(axis=1)
    if rows.empty or odd.mean() <= 0.5:
        return
    first = rows[odd].iloc[0]
    raise ModelError(
        f"{path}: {int(odd.sum())} of {len(rows)} rows do not sum to 1 or have values below 0, such as "
        f"{', '.join(f'{name} {value:g}' for name, value in first.items())}; say what the numbers are by --scores: "
        f"{INDEPENDENT} (labels that hold by themselves), {PROBABILITIES} (each row is then divided by its sum), {SOFTMAX} or "
        f"{SIGMOID} (logits)"
    )


def _of_logits(frame: pd.DataFrame, columns: Columns, why: pd.Series, notes: list[str], scores: str) -> pd.DataFrame:
    """Probabilities of a table of logits."""
    values = pd.DataFrame({name: numbers(frame[column]) for name, column in columns.items()}).mask(why != "")
    made = Scores(scores, "the caller").probabilities(values.to_numpy(float))
    notes.append(f"values are logits ({scores}), of which the probabilities are taken")
    return pd.DataFrame(made, index=values.index, columns=values.columns)


def _each_once(frame: pd.DataFrame, notes: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Rows that are the same in every cell, counted once where a column tells what they are of."""
    if not column_named(frame, ("file", "filename", "input", "image", "path", "img_path", "input_image_path")):
        return frame, notes
    again = frame.astype(str).duplicated()
    if again.any():
        notes.append(f"{int(again.sum())} rows are there twice, the same in every cell, and count once")
    return frame[~again].reset_index(drop=True), notes


def _values(
    frame: pd.DataFrame, columns: Columns, why: pd.Series, notes: list[str], layout: Layout, path: Path
) -> pd.DataFrame:
    """A column a class or unit; NaN in rows without an answer."""
    if layout.kind == LABELS:
        values = pd.concat([_one_hot(frame, path), *_intensities(frame)], axis=1)
        notes.append(
            f"the table has labels ({answered(frame)}) and no probabilities: 1 stands for the class that was said, calibration "
            "is not computed" + ("; intensities of action units are outputs of their own" if units(frame) else "")
        )
        return values.mask(why != "")
    values = pd.DataFrame({name: numbers(frame[column]) for name, column in columns.items()}).mask(why != "")
    if layout.kind == VALUES:
        notes.append(f"the table gives {', '.join(values.columns)}, no classes: each is audited as an output of its own")
        return values
    if layout.kind == UNITS:
        notes.append(
            f"{layout.name} gives action units, not emotions: each unit's intensity is audited as an output of its own"
        )
        return values
    total = values.sum(axis=1, min_count=1)
    if total.median() > 50:
        values, total = values / 100, total / 100
        notes.append("values were in per cent and are divided by 100")
    odd = int(((total - 1).abs() > OFF).sum())
    if odd and layout.kind == PROBABILITIES:
        notes.append(f"{odd} of {len(values)} rows did not sum to 1 and are divided by their sum")
        values = values.div(total.where(total > 0), axis=0)
        why[(total <= 0) & (why == "")] = "all values are 0"
    return values


def _intensities(frame: pd.DataFrame) -> list[pd.Series]:
    return [numbers(frame[column]).rename(unit) for unit, column in units(frame).items()]


def _one_hot(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """1 in the column of the class that was said."""
    given = words(frame[answered(frame)]).str.strip()
    given = given.where(~given.str.lower().isin(EMPTY), "")
    word = given.map(canonical)
    odd = spelling(word for word in given if word and canonical(word) not in CLASSES)
    if odd:
        raise ModelError(f"{path}: column {answered(frame)} has {odd}; words for {', '.join(CLASSES)} were expected")
    classes = [*EKMAN7.labels, *sorted(set(word) - {*EKMAN7.labels, ""})]
    return pd.DataFrame({name: (word == name).astype(float) for name in classes})
