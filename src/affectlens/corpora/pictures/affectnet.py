"""AffectNet (Mollahosseini et al. 2017): faces from the web with a class, valence and arousal.

Both the release with one file a picture and value and the older csv tables are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from affectlens.core.barrier import reading
from affectlens.core.disk.finding import is_hidden
from affectlens.core.disk.places import written
from affectlens.core.errors import CorpusError
from affectlens.core.untrusted.arrays import load_array
from affectlens.core.untrusted.sheets import in_posix, numbers, read_sheet
from affectlens.corpora.account import coded, count_found
from affectlens.corpora.base import CorpusInfo, register_corpus
from affectlens.corpora.pictures.base import PictureCorpus

INFO = CorpusInfo(
    "affectnet", "AffectNet", "face", "research only, on request", "http://mohammadmahoor.com/affectnet/",
    "train_set/ and val_set/ with images/N.jpg and annotations/N_exp.npy, N_val.npy, N_aro.npy; or training.csv and "
    "validation.csv with Manually_Annotated_Images/",
    ("train", "val"), disjoint=("train", "val"),
)  # fmt: skip
# 0 to 10; what lies outside the seven classes is not listed in a split
_CODES = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt", "none", "uncertain", "no face")


@register_corpus(INFO)
class AffectNet(PictureCorpus):
    """Seven classes; contempt, none, uncertain and no face are left out, their number is in ``left_out``.

    Raises
    ------
    CorpusError
        No labelled picture in the folder, or a table that lacks a column.
    """

    info = INFO

    def __init__(self, path: Path) -> None:
        rows = _arrays(path) if (path / "train_set").is_dir() or (path / "val_set").is_dir() else _tables(path)
        self.left_out = sum(not set(cast("tuple[str, ...]", row["labels"])) <= set(self.scheme.labels) for row in rows)
        self._take(rows, path)


def _arrays(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for folder, split in (("train_set", "train"), ("val_set", "val")):
        files = [file for file in sorted((path / folder / "annotations").glob("*_exp.npy")) if not is_hidden(file, path)]
        count_found(len(files), "annotations")
        for file in files:
            name = file.name.removesuffix("_exp.npy")
            with reading(file, "an annotation of AffectNet", CorpusError):
                label = coded(load_array(file, CorpusError).item(), _CODES)
            values = {}
            for short, long in (("val", "valence"), ("aro", "arousal")):
                other = file.with_name(f"{name}_{short}.npy")
                values[long] = float(load_array(other, CorpusError).astype(float)) if other.exists() else float("nan")
            rows.append(
                {
                    "key": f"{split}/{name}",
                    "path": written(path / folder / "images" / f"{name}.jpg"),
                    "labels": (label,),
                    "group": "",
                    "split": split,
                    **values,
                }
            )
    return rows


def _tables(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, split in (("training", "train"), ("validation", "val")):
        file = next(
            (place for place in (path / f"{name}.csv", path / f"Manually_Annotated_file_lists/{name}.csv") if place.exists()),
            None,
        )
        if file is None:
            continue
        frame = read_sheet(file).frame
        count_found(len(frame), "annotations")
        wanted = {"subDirectory_filePath", "expression"}
        if not wanted <= set(frame.columns):
            raise CorpusError(f"{file}: columns {list(frame.columns)[:6]}; {sorted(wanted)} were expected")
        for column in {"valence", "arousal"} & set(frame.columns):
            frame[column] = numbers(frame[column])
        for row in frame.to_dict("records"):
            name_there = in_posix(row["subDirectory_filePath"])
            picture = path / "Manually_Annotated_Images" / name_there
            rows.append(
                {
                    "key": name_there,
                    "path": written(picture),
                    "labels": (coded(row["expression"], _CODES),),
                    "group": "",
                    "split": split,
                    "valence": row.get("valence", float("nan")),
                    "arousal": row.get("arousal", float("nan")),
                }
            )
    return rows
