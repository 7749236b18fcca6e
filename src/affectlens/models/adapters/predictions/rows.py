"""Whose rows they are: the file, frame and face of each row, and which row answers for a file that has several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.listing import some
from affectlens.core.untrusted.sheets import in_posix, numbers, words
from affectlens.corpora.speech.segments import key_of_segment, seconds

# In the order in which they are looked for: the first is a key that is taken as it is.
KEYS = (
    "key", "file", "filename", "input", "image", "path", "img_path", "image_path", "input_image_path", "image_name", "video",
    "path_to_frame", "frame_path", "name",
)  # fmt: skip
FRAMES = ("frame", "frame_idx", "frame_number", "video time", "timestamp")
FACES = ("face_id", "face", "face_idx", "person", "person_id", "track", "identity")
SIZES = (("facerectwidth", "facerectheight"), ("region.w", "region.h"), ("facial_area.w", "facial_area.h"), ("width", "height"))
CONFIDENCES = ("facescore", "face_confidence", "confidence")


def column_named(frame: pd.DataFrame, names: Sequence[str]) -> str:
    """The first of some names that a column has, in any case of letters; empty without one."""
    have = {column.lower(): column for column in reversed(list(frame.columns))}
    return next((have[name] for name in names if name in have), "")


def places(frame: pd.DataFrame, before: Sequence[str], path: Path, source: str) -> pd.DataFrame:
    """File, frame and face of every row.

    Parameters
    ----------
    frame : DataFrame
        The table.
    before : sequence of str
        Lines before it, of which FaceReader's names the video.
    path : Path
        The table's file: OpenFace writes one for each video or picture, named like it.
    source : str
        The program.

    Returns
    -------
    DataFrame
        Columns file (as it is written, with slashes; empty where nothing tells), frame and face (texts, empty where nothing
        tells), size (pixels) and confidence (NaN where nothing tells).
    """
    key = column_named(frame, KEYS)
    if key:
        file = words(frame[key]).str.strip()
        file = file if key.lower() == "key" else file.map(in_posix)
        start, end = column_named(frame, ("start",)), column_named(frame, ("end",))
        if start and end and key.lower() != "key":
            times = zip(file, seconds(frame[start]), seconds(frame[end]), strict=True)
            file = pd.Series(
                [name if start_at != start_at else key_of_segment(name, start_at, end_at) for name, start_at, end_at in times],
                frame.index,
            )
    else:
        one = _of_one_file(before, path, source in ("FaceReader", "OpenFace") or column_named(frame, FRAMES) != "")
        file = pd.Series(one, frame.index) if one else pd.Series([f"row{row}" for row in range(len(frame))], frame.index)
    made = pd.DataFrame({"file": file})
    for name, known in (("frame", FRAMES), ("face", FACES)):
        column = column_named(frame, known)
        made[name] = words(frame[column]).str.strip() if column else ""
    pair = next(((wide, high) for wide, high in SIZES if column_named(frame, (wide,)) and column_named(frame, (high,))), None)
    made["size"] = (
        np.nan if pair is None else np.prod([numbers(frame[column_named(frame, (column,))]) for column in pair], axis=0)
    )
    sure = column_named(frame, CONFIDENCES)
    made["confidence"] = numbers(frame[sure]) if sure else np.nan
    return made


def _of_one_file(before: Sequence[str], path: Path, of_frames: bool) -> str:
    """The file that a whole table is of: FaceReader names it, a table of frames is named like it; empty of other tables."""
    for line in before:
        if matched := re.match(r"Filename\t(.+)", line):
            return in_posix(matched[1])
    return path.stem if of_frames else ""


def row_keys(place: pd.DataFrame, exact: bool) -> pd.Index:
    """A name for every row: the file, with so many folders as keep files apart, and of several rows of a file frame and face.

    Returns
    -------
    Index
        Unique, named ``key``.
    """
    names = place.file if exact else path_endings(place.file)
    several = place.file.duplicated(keep=False)
    keys = names.astype(object).copy()
    for _, group in place[several].groupby("file", sort=False):
        parts = []
        if group.frame.nunique() > 1:
            parts.append("frame=" + group.frame)
        if group.duplicated(["frame", "face"]).any():  # nothing tells them apart: they are counted within their frame
            number = group.groupby("frame").cumcount().astype(str)
            parts.append(("face=" if _has_faces(group) else "row=") + number)
        elif group.face.nunique() > 1:
            parts.append("face=" + group.face)
        keys[group.index] = names[group.index] + "#" + pd.concat(parts, axis=1).agg(",".join, axis=1)
    return pd.Index(keys.astype(str), name="key")


def _has_faces(group: pd.DataFrame) -> bool:
    return bool((group["size"].notna() | group.confidence.notna()).any())


def path_endings(names: pd.Series) -> pd.Series:
    """The shortest endings of paths that keep different files apart: file names, where these are not enough with folders."""
    parts = names.map(lambda whole: tuple(part for part in whole.split("/") if part) or (whole,))
    different = parts.nunique()
    for depth in range(1, int(parts.map(len).max()) + 1):
        endings = parts.map(lambda path_parts, depth=depth: "/".join(path_parts[-depth:]))
        if endings.nunique() == different:
            return endings
    return names


@dataclass
class Chosen:
    """Which rows answer for each file.

    Attributes
    ----------
    rows : dict of str to list of str
        Keys of rows by file: one, or those of the frames whose mean is taken.
    reasons : dict of str to str
        Files that have no answer, and why.
    notes : list of str
        How it was chosen, where a file has several rows.
    """

    rows: dict[str, list[str]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def choose(place: pd.DataFrame, missing: dict[str, str]) -> Chosen:
    """Choose the rows of each file: of several faces the largest, of several frames of one person all.

    Parameters
    ----------
    place : DataFrame
        As ``places`` gives it, by key.
    missing : dict of str to str
        Rows without an answer, and why.

    Returns
    -------
    Chosen
        Two faces, people or files are never put together: where nothing tells them apart, the file has no answer.
    """
    out = Chosen()
    counts = {"faces": 0, "frames": 0, "people": 0}
    for file, group in place.groupby("file", sort=False):
        good = group[~group.index.isin(list(missing))]
        if good.empty:
            out.reasons[str(file)] = missing[group.index[0]]
            continue
        keys, how = _of_file(good)
        if isinstance(keys, str):
            out.reasons[str(file)] = keys
        else:
            out.rows[str(file)] = keys
            for name in how:
                counts[name] += 1
    says = {
        "faces": "files have several faces: the largest is taken, of equal ones the one that was found most surely",
        "people": "files have several people in several frames: the one who is seen largest is taken",
        "frames": "files have several frames: the mean over the frames is taken",
    }
    out.notes = [f"{count} {says[name]}" for name, count in counts.items() if count]
    return out


def _of_file(rows: pd.DataFrame) -> tuple[list[str] | str, tuple[str, ...]]:
    """Keys of the rows that answer for a file and how they were chosen, or why none does."""
    if len(rows) == 1:
        return list(rows.index), ()
    frames = rows.frame.nunique()
    several = rows.frame.duplicated().any()
    if frames == 1:
        if not _has_faces(rows) and not rows.face.nunique() > 1:
            listed = some(rows.index, 3)
            return f"{len(rows)} rows are of it ({listed}) and nothing says which is meant: add a column frame or face", ()
        best = _largest(rows)
        return (
            ([best], ("faces",)) if best else (f"{len(rows)} faces, and neither size nor confidence tells whose is meant", ())
        )
    if rows.face.nunique() > 1 and not rows.duplicated(["frame", "face"]).any():
        mean = rows.groupby("face")[["size", "confidence"]].mean().assign(n=rows.groupby("face").size())
        who = _largest(mean) or _most_often(mean)
        if not who:
            return f"{len(mean)} people in {frames} frames, and nothing tells whose label it is", ()
        return list(rows.index[rows.face == who]), ("people", "frames")
    if several:
        double = rows.index[rows.duplicated("frame", keep=False)]
        return f"several faces in {frames} frames, and no column says who is who ({some(double, 3)})", ()
    return list(rows.index), ("frames",)


def _largest(rows: pd.DataFrame) -> str:
    """The row of the largest face, of equal ones the surest; empty where two are alike."""
    order = rows[["size", "confidence"]].fillna(-1.0).sort_values(["size", "confidence"], ascending=False)
    return "" if order.iloc[0].equals(order.iloc[1]) else str(order.index[0])


def _most_often(people: pd.DataFrame) -> str:
    order = people.n.sort_values(ascending=False)
    return "" if order.iloc[0] == order.iloc[1] else str(order.index[0])
