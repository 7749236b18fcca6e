"""Corpora without a fixed layout: a folder of pictures with one subfolder a class, and a csv table of files or texts."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.disk.names import encodable
from affectlens.core.disk.places import located, written
from affectlens.core.errors import CorpusError
from affectlens.core.labels import EKMAN7, canonical, known_labels, meant
from affectlens.core.untrusted.sheets import in_posix, read_sheet, words
from affectlens.corpora.account import UNREADABLE, count_found, drop, each_once, list_files, remark, spelling
from affectlens.corpora.base import SPLITS, CorpusInfo, Item, check_split, parts_of, read_item, register_corpus
from affectlens.corpora.pictures.base import read_picture
from affectlens.media.pictures.images import SUFFIXES

SEVEN = "seven"  # the split of the items that have one of the seven classes, where a corpus has others too
# Letters that are not seen: spaces of no width, marks of direction.
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))

FOLDER = CorpusInfo(
    "folder",
    "A folder of pictures",
    "face",
    "your own",
    "your own",
    "one subfolder a class (happy/, sad/, …), optionally below train/, val/, test/",
    ("all",),
)
MANIFEST = CorpusInfo(
    "csv",
    "A csv table",
    "face",
    "your own",
    "your own",
    "columns file (or text) and label; optionally split and group; files relative to the table",
    ("all",),
)


class _TableCorpus:
    """``all`` holds every item under its own label; ``seven`` (where there are others) and other splits the seven classes."""

    info: CorpusInfo
    scheme = EKMAN7
    _frame: pd.DataFrame

    def table(self, split: str) -> pd.DataFrame:
        """Columns key, label, group, split and the table's own."""
        check_split(self, split)
        if split == "all":
            return self._frame.reset_index(drop=True)
        inside = self._frame.label.isin(self.scheme.labels)
        return self._frame[inside & ((self._frame.split == split) | (split == SEVEN))].reset_index(drop=True)

    def items(self, split: str) -> Iterator[Item]:
        """Pictures ``(h, w, 3)`` uint8 or texts; a file that cannot be read keeps its place with its problem."""
        for row in self.table(split).to_dict("records"):
            labels = (row["label"],)
            if "text" in row:
                seen = row["text"].translate(_UNSEEN).strip()
                problem = "" if seen else "the text is empty"
                yield Item(row["key"], row["text"] if seen else None, labels, str(row["group"]), row, problem)
                continue
            yield read_item(row["key"], labels, str(row["group"]), row, partial(read_picture, row["path"]))

    def _finish(self, rows: list[dict[str, Any]], given: list[str], info: CorpusInfo, path: Path) -> None:
        """Take rows; ``given`` has their labels as they were written."""
        known, unknown = set(known_labels()), spelling(given)
        labels = {row["label"] for row in rows if row["label"] in known}
        misspelt = spelling(label for label in given if canonical(label) not in known and meant(label))
        if misspelt or not labels & set(self.scheme.labels):
            shown = misspelt or unknown or ", ".join(map(repr, sorted(labels)[:5]))
            raise CorpusError(
                f"{path}: labels {shown} are not known; expected {', '.join(self.scheme.labels)} (or {', '.join(_others())}); "
                "correct them, or take these rows or folders out"
            )
        if unknown:
            remark(f"left out, since it is not known what they express: {unknown}")
        self._frame = pd.DataFrame(each_once([row for row in rows if row["label"] in known]))
        others = sorted(labels - set(self.scheme.labels))
        if others:
            remark(f"labels outside the seven classes, in the split all only: {', '.join(others)}")
        splits = parts_of(self._frame.split, ("all", SEVEN))
        modality = "words" if "text" in self._frame else info.modality
        self.info = replace(info, splits=("all", *([SEVEN] if others else []), *splits), modality=modality)


def _others() -> list[str]:
    return [*[label for label in known_labels() if label not in EKMAN7.labels][:6], "…"]


@register_corpus(FOLDER)
class ImageFolder(_TableCorpus):
    """Pictures below subfolders that name their class, which may have folders of people or sessions in them.

    Raises
    ------
    CorpusError
        No folder, no picture in it, or a class that is not known.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise CorpusError(f"{path}: expected a folder with {FOLDER.layout}")
        known, rows, given = set(known_labels()), [], []
        for file in list_files(path, SUFFIXES, "pictures", UNREADABLE):
            parts = file.relative_to(path).parts
            folders = [name for name in reversed(parts[:-1]) if name.lower() not in SPLITS]
            if not folders:
                drop("/".join(parts), "it lies in no folder that names a class")
                continue
            named = next((name for name in folders if canonical(name) in known), folders[0])
            given.append(named)
            rows.append(
                {
                    "key": encodable("/".join(parts)),
                    "path": written(file),
                    "label": canonical(named),
                    "group": "",
                    "split": next((SPLITS[name.lower()] for name in parts[:-1] if name.lower() in SPLITS), ""),
                }
            )
        if not rows:
            raise CorpusError(f"{path}: no picture in a folder that names a class; expected {FOLDER.layout}")
        self._finish(rows, given, FOLDER, path)


@register_corpus(MANIFEST)
class CsvManifest(_TableCorpus):
    """A csv, tsv or parquet table of files or texts with labels.

    Texts keep the words that they have (``NA`` is a text); HTML entities such as ``&amp;`` are decoded.

    Raises
    ------
    CorpusError
        No table, one that lacks a column or a label, or a class that is not known.
    """

    def __init__(self, path: Path) -> None:
        sheet = read_sheet(path)
        frame = sheet.frame
        if "label" not in frame or not {"file", "text"} & set(frame.columns):
            raise CorpusError(f"{path}: columns {list(frame.columns)[:8]}; expected {MANIFEST.layout}")
        for text in sheet.notes:
            remark(text)
        count_found(len(frame), "rows")
        given = words(frame.label).str.strip()
        empty = int((given == "").sum())
        if empty:
            raise CorpusError(f"{path}: {empty} rows have no label; give each one or remove them")
        frame = frame.assign(label=given.map(canonical))
        for column in ("group", "split"):
            frame[column] = words(frame[column]).str.strip() if column in frame else ""
        frame["split"] = [SPLITS.get(name.lower(), name) for name in frame.split]
        if "text" in frame:
            given_text = words(frame.text)
            frame["text"] = given_text.map(html.unescape)
            changed = int((frame.text != given_text).sum())
            if changed:
                remark(f"HTML entities such as &amp; are decoded in {changed} texts")
            frame["key"] = [f"row{i}" for i in range(len(frame))]
        else:
            files = words(frame.file).map(in_posix)
            frame["key"] = files
            frame["path"] = [written(file if file.is_absolute() else path.parent / file) for file in map(located, files)]
        self._finish(
            [{str(column): value for column, value in row.items()} for row in frame.to_dict("records")],
            list(given),
            MANIFEST,
            path,
        )
