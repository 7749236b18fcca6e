"""Corpora without a fixed layout: a folder of pictures with one subfolder a class, and a csv table of files or texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from affectlens.core.errors import CorpusError, MediaError
from affectlens.core.labels import EKMAN7, canonical
from affectlens.core.untrusted.frames import read_csv, read_parquet
from affectlens.corpora.base import CorpusInfo, Item, check_split, register_corpus
from affectlens.media.images import SUFFIXES, read_image

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
    info: CorpusInfo
    scheme = EKMAN7
    _frame: pd.DataFrame

    def table(self, split: str) -> pd.DataFrame:
        """Columns key, label, group, split and the table's own."""
        check_split(self, split)
        return self._frame[(self._frame.split == split) | (split == "all")].reset_index(drop=True)

    def items(self, split: str) -> Iterator[Item]:
        """Pictures ``(h, w, 3)`` uint8 or texts; a file that cannot be read keeps its place with its problem."""
        for row in self.table(split).to_dict("records"):
            labels = (row["label"],)
            if "text" in row:
                yield Item(row["key"], str(row["text"]), labels, str(row["group"]), row)
                continue
            try:
                yield Item(row["key"], read_image(Path(row["path"])), labels, str(row["group"]), row)
            except MediaError as error:
                yield Item(row["key"], None, labels, str(row["group"]), row, str(error))

    def _finish(self, frame: pd.DataFrame, info: CorpusInfo, path: Path) -> None:
        unknown_labels = sorted(set(frame.label) - set(self.scheme.labels))
        if unknown_labels:
            raise CorpusError(f"{path}: labels {unknown_labels[:5]} are not known; expected {', '.join(self.scheme.labels)}")
        self._frame = frame
        splits = [s for s in dict.fromkeys(frame.split) if s]
        modality = "words" if "text" in frame else info.modality
        self.info = replace(info, splits=("all", *splits), modality=modality)


@register_corpus(FOLDER)
class ImageFolder(_TableCorpus):
    """Pictures below subfolders that name their class.

    Raises
    ------
    CorpusError
        No folder, no picture in it, or a class that is not known.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise CorpusError(f"{path}: expected a folder with {FOLDER.layout}")
        rows = []
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() not in SUFFIXES:
                continue
            parts = file.relative_to(path).parts
            split = parts[0] if len(parts) > 2 and parts[0] in ("train", "val", "dev", "test") else ""
            rows.append(
                {
                    "key": "/".join(parts),
                    "path": str(file),
                    "label": canonical(file.parent.name),
                    "group": "",
                    "split": split,
                }
            )
        if not rows:
            raise CorpusError(f"{path}: no picture in this folder; expected {FOLDER.layout}")
        self._finish(pd.DataFrame(rows), FOLDER, path)


@register_corpus(MANIFEST)
class CsvManifest(_TableCorpus):
    """A csv, tsv or parquet table of files or texts with labels.

    Raises
    ------
    CorpusError
        No table, one that lacks a column or a label, or a class that is not known.
    """

    def __init__(self, path: Path) -> None:
        frame = read_parquet(path) if path.suffix == ".parquet" else read_csv(path, sep=None, engine="python")
        if "label" not in frame or not {"file", "text"} & set(frame.columns):
            raise CorpusError(f"{path}: columns {list(frame.columns)[:8]}; expected {MANIFEST.layout}")
        empty = int(frame.label.isna().sum())
        if empty:
            raise CorpusError(f"{path}: {empty} rows have no label; give each one or remove them")
        source = "text" if "text" in frame else "file"
        keys = frame[source].astype(str) if source == "file" else pd.Series([f"row{i}" for i in range(len(frame))])
        frame = frame.assign(key=keys, label=frame.label.astype(str).map(canonical))
        if source == "file":
            frame["path"] = [str(p if p.is_absolute() else path.parent / p) for p in map(Path, keys)]
        for column in ("group", "split"):
            frame[column] = frame[column].fillna("").astype(str) if column in frame else ""
        self._finish(frame.reset_index(drop=True), MANIFEST, path)
