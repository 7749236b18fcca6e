"""From a file of predictions to cells: tables of text, parquet, and the JSON that DeepFace's results are written as."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.barrier import reading
from affectlens.core.errors import ModelError
from affectlens.core.untrusted.documents import parse_json
from affectlens.core.untrusted.sheets import Sheet, read_sheet, read_text

_FACEREADER = re.compile(r'"?(Video Time|Image)"?[\t;,]')  # the head; the first line is "Image analysis …"
LONGEST = 100_000  # letters of a cell that is read as a dict
NESTED = ("emotion", "region", "facial_area")  # columns whose cells are written as Python or JSON dicts


def read_cells(path: Path) -> Sheet:
    """Read a table of predictions; FaceReader's lines about the session are in ``before``.

    Returns
    -------
    Sheet
        A row a face or an item; dicts in cells are columns such as ``emotion.happy``.

    Raises
    ------
    ModelError
        No such file, or one that is no table.
    """
    with reading(path, "a table of predictions", ModelError):
        if path.suffix.lower() == ".json":
            text, notes = read_text(path)
            return Sheet(pd.json_normalize(_faces(parse_json(text, path))), (), notes)
        sheet = read_sheet(path, lambda line: bool(_FACEREADER.match(line)))
    return Sheet(_unfolded(sheet.frame, path), sheet.before, sheet.notes)


def _faces(content: Any) -> list[dict[str, Any]]:
    """One dict a face, of the forms that results are kept in: a list, lists in a list, by file, or by column."""
    if isinstance(content, list):
        return [face for part in content for face in (_faces(part) if isinstance(part, list) else [_face(part)])]
    if not isinstance(content, dict):
        raise ValueError(f"{type(content).__name__}; a list of faces, or faces by file were expected")
    columns = "emotion" in content or "dominant_emotion" in content
    if columns and all(isinstance(value, list) for value in content.values()):  # a frame's to_dict("list")
        return [dict(zip(content, values, strict=True)) for values in zip(*content.values(), strict=True)]
    if columns and all(
        isinstance(value, dict) and all(map(str.isdigit, value)) for value in content.values()
    ):  # a frame's to_json()
        rows = next(iter(content.values()))
        return [{column: cells.get(row) for column, cells in content.items()} for row in rows]
    if columns:
        return [content]
    by_file = {file: _faces(part if isinstance(part, list) else [part]) for file, part in content.items()}
    return [{**face, "file": file} for file, faces in by_file.items() for face in faces or [{}]]


def _face(part: Any) -> dict[str, Any]:
    if not isinstance(part, dict):
        raise ValueError(f"{part!r} where a face, a dict with emotion, was expected")
    return part


def _unfolded(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Cells that are dicts written out, as columns of their own."""
    for column in NESTED:
        if column not in frame:
            continue
        cells = frame[column]
        if not cells.map(lambda cell: isinstance(cell, dict) or str(cell).strip().startswith("{")).any():
            continue
        dicts = [_dict_of(cell, column, number, path) for number, cell in enumerate(cells, 1)]
        more = pd.DataFrame([{f"{column}.{key}": value for key, value in pairs.items()} for pairs in dicts], index=frame.index)
        frame = pd.concat([frame.drop(columns=column), more], axis=1)
    return frame


def _dict_of(cell: Any, column: str, number: int, path: Path) -> dict[str, Any]:
    if isinstance(cell, dict):
        return cell
    text = re.sub(r"np\.float\d+\(([^)]*)\)", r"\1", str(cell).strip())
    if not text or text.lower() == "nan":
        return {}
    if len(text) > LONGEST:
        raise ModelError(
            f"{path}: row {number} of column {column}: {len(text):,} letters; a dict of {LONGEST:,} at most was expected"
        )
    try:
        read = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        try:
            read = json.loads(text)
        except ValueError as error:
            raise ModelError(f"{path}: row {number} of column {column}: {text[:60]!r} is no dict") from error
    if not isinstance(read, dict):
        raise ModelError(f"{path}: row {number} of column {column}: {text[:60]!r} is no dict")
    return {str(key): value for key, value in read.items()}
