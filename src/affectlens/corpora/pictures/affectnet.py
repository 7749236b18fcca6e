"""AffectNet (Mollahosseini et al. 2017): faces from the web with a class, valence and arousal.

Both the release with one file a picture and value and the older csv tables are read.
"""

from __future__ import annotations

from pathlib import Path

from affectlens.core.errors import CorpusError
from affectlens.core.untrusted.arrays import load_array
from affectlens.core.untrusted.frames import read_csv
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
        self._take(rows, path)
        self.left_out = int((~self._frame.label.isin(self.scheme.labels)).sum())


def _arrays(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for folder, split in (("train_set", "train"), ("val_set", "val")):
        for file in sorted((path / folder / "annotations").glob("*_exp.npy")):
            name = file.name.removesuffix("_exp.npy")
            code = int(load_array(file, CorpusError).astype(float))
            values = {}
            for short, long in (("val", "valence"), ("aro", "arousal")):
                other = file.with_name(f"{name}_{short}.npy")
                values[long] = float(load_array(other, CorpusError).astype(float)) if other.exists() else float("nan")
            rows.append(
                {
                    "key": f"{split}/{name}",
                    "path": str(path / folder / "images" / f"{name}.jpg"),
                    "labels": (_CODES[code],),
                    "group": "",
                    "split": split,
                    **values,
                }
            )
    return rows


def _tables(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, split in (("training", "train"), ("validation", "val")):
        file = next((p for p in (path / f"{name}.csv", path / f"Manually_Annotated_file_lists/{name}.csv") if p.exists()), None)
        if file is None:
            continue
        frame = read_csv(file)
        wanted = {"subDirectory_filePath", "expression"}
        if not wanted <= set(frame.columns):
            raise CorpusError(f"{file}: columns {list(frame.columns)[:6]}; {sorted(wanted)} were expected")
        for r in frame.to_dict("records"):
            picture = path / "Manually_Annotated_Images" / r["subDirectory_filePath"]
            rows.append(
                {
                    "key": r["subDirectory_filePath"],
                    "path": str(picture),
                    "labels": (_CODES[int(r["expression"])],),
                    "group": "",
                    "split": split,
                    "valence": r.get("valence", float("nan")),
                    "arousal": r.get("arousal", float("nan")),
                }
            )
    return rows
