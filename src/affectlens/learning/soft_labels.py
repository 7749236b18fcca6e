"""Targets of training from more than one label: votes of several raters, and the answers of another network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError
from affectlens.core.untrusted.sheets import read_sheet, words

LEAST_SHARE = 0.3  # of the votes that must be for one of the classes; below it raters saw no such expression


def rows_by_name(path: Path, names: Sequence[str], classes: Sequence[str]) -> pd.DataFrame:
    """Rows of a table in the order of ``names``; its first row of each name counts.

    Parameters
    ----------
    path : Path
        A csv or parquet table with the column ``name``, a numeric column for each class, and possibly others.
    names : sequence of str
        Names of the items.
    classes : sequence of str
        The columns that must be there.

    Returns
    -------
    pandas.DataFrame
        ``len(names)`` rows; NaN where the table has no such name.

    Raises
    ------
    CorpusError
        A column is missing, a number is none or negative, or no name is in the table.
    """
    frame = read_sheet(path).frame
    missing = [column for column in ("name", *classes) if column not in frame]
    if missing:
        raise CorpusError(
            f"{path}: no column {', '.join(missing)}; expected name and a column for each of {', '.join(classes)}"
        )
    numbers = frame.drop(columns="name").apply(pd.to_numeric, errors="coerce").select_dtypes("number")
    values = numbers[list(classes)].to_numpy(float)
    if not np.isfinite(values).all() or (values < 0).any():
        raise CorpusError(f"{path}: a value of {', '.join(classes)} is no number of at least 0")
    keyed = numbers.set_axis(words(frame.name), axis=0)
    keyed = keyed[~keyed.index.duplicated()].reindex(list(names))
    if keyed[list(classes)].isna().all(axis=None):
        raise CorpusError(f"{path}: none of the {len(names)} items is in its column name, such as {names[0]!r}")
    return keyed


def read_votes(path: Path, names: Sequence[str], classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Votes of raters, by class.

    Columns of other classes than the model's (FER+ has contempt, unknown and NF, no face) count as votes for none of them.

    Parameters
    ----------
    path, names, classes
        As ``rows_by_name`` has them.

    Returns
    -------
    votes : numpy.ndarray
        Shares ``(n, classes)``, each row summing to one; NaN where there are none.
    share : numpy.ndarray
        Share ``(n,)`` of all votes that is for one of the classes; NaN for names that are not in the table.
    """
    frame = rows_by_name(path, names, classes)
    inside = frame[list(classes)].to_numpy(float)
    known = ~np.isnan(inside[:, 0])
    total = np.where(known, np.nansum(frame.dropna(axis=1, how="all").to_numpy(float), axis=1), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return inside / inside.sum(axis=1, keepdims=True), np.where(total > 0, inside.sum(axis=1) / total, np.nan)


def read_majority(path: Path, names: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """The class ``(n,)`` that most raters chose; -1 where none of the classes has more votes than anything else."""
    frame = rows_by_name(path, names, classes)
    ordered = frame[[*classes, *(column for column in frame if column not in classes)]].fillna(0).to_numpy(float)
    most = ordered.max(axis=1)
    alone = ((ordered == most[:, None]).sum(axis=1) == 1) & (most > 0)
    answer = ordered.argmax(axis=1)
    return np.where(alone & (answer < len(classes)), answer, -1)


def read_answers(path: Path, names: Sequence[str], classes: Sequence[str], temperature: float) -> np.ndarray:
    """Another network's probabilities ``(n, classes)``, softened by ``temperature``; NaN where there are none."""
    answers = rows_by_name(path, names, classes)[list(classes)].to_numpy(float)
    softened = np.clip(answers, 1e-9, None) ** (1 / temperature)
    return np.asarray(softened / softened.sum(axis=1, keepdims=True))


def mixed(labels: np.ndarray, others: Sequence[tuple[np.ndarray, float]]) -> np.ndarray:
    """Targets that mix a label with further distributions; what an item has none of goes to its label.

    Parameters
    ----------
    labels : numpy.ndarray
        Distributions ``(n, classes)``.
    others : sequence of tuple
        Further distributions ``(n, classes)``, rows of NaN where there are none, each with its share.

    Returns
    -------
    numpy.ndarray
        ``(n, classes)`` float64, each row summing to one.

    Examples
    --------
    >>> mixed(np.array([[1.0, 0.0], [1.0, 0.0]]), [(np.array([[0.2, 0.8], [np.nan, np.nan]]), 0.5)])
    array([[0.6, 0.4],
           [1. , 0. ]])
    """
    out = np.array(labels, dtype=float)
    for distribution, share in others:
        there = np.isfinite(distribution).all(axis=1)
        out[there] += share * (distribution[there] - labels[there])
    return out
