"""EMOTIC (Kosti et al. 2019): people in context with 26 categories and valence, arousal, dominance; one item a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affectlens.core.disk.places import written
from affectlens.core.errors import CorpusError
from affectlens.core.labels import EMOTIC26
from affectlens.core.untrusted.mat import read_mat
from affectlens.corpora.account import count_found
from affectlens.corpora.base import CorpusInfo, register_corpus
from affectlens.corpora.pictures.base import PictureCorpus

INFO = CorpusInfo(
    "emotic", "EMOTIC", "scene", "research only, on request", "https://s3.sunai.uoc.edu/emotic/download.html",
    "Annotations/Annotations.mat and the folders emotic/mscoco, framesdb, emodb_small, ade20k with images/",
    ("train", "val", "test"), disjoint=("train", "val", "test"),
)  # fmt: skip


@register_corpus(INFO)
class Emotic(PictureCorpus):
    """An item is a person: the whole picture, with ``box`` (left, top, right, bottom) and the three dimensions in ``meta``.

    In validation and test several raters are combined, as published; ``group`` is the picture.

    Raises
    ------
    CorpusError
        No annotations in the folder.
    """

    info = INFO
    scheme = EMOTIC26

    def __init__(self, path: Path) -> None:
        file = next(
            (place for place in (path / "Annotations" / "Annotations.mat", path / "Annotations.mat") if place.exists()), None
        )
        if file is None:
            raise CorpusError(f"{path}: no Annotations.mat; expected {INFO.layout}")
        annotations = read_mat(file, CorpusError)
        pictures = path / "emotic" if (path / "emotic").is_dir() else path
        rows: list[dict[str, object]] = []
        for split in INFO.splits:
            for entry in _entries(annotations.get(split, [])):
                people = _entries(entry["person"])
                count_found(len(people), "people")
                for number, person in enumerate(people):
                    rows.append(_person(entry, person, number, split, pictures))
        self._take(rows, path)


def _person(entry: dict[str, Any], person: dict[str, Any], number: int, split: str, pictures: Path) -> dict[str, object]:
    combined = person.get("combined_categories")
    raters = combined if combined is not None else _entries(person["annotations_categories"])[0]["categories"]
    labels = tuple(dict.fromkeys(_clean(label) for label in ([raters] if isinstance(raters, str) else raters)))
    rated = person.get("combined_continuous")
    values = _entries(rated if rated is not None else person["annotations_continuous"])[0]
    picture = f"{entry['folder']}/{entry['filename']}"
    return {
        "key": f"{picture}#{number}",
        "path": written(pictures / picture),
        "labels": labels,
        "group": picture,
        "split": split,
        "box": tuple(float(edge) for edge in person["body_bbox"]),
        "valence": float(values["valence"]),
        "arousal": float(values["arousal"]),
        "dominance": float(values["dominance"]),
        "gender": str(person["gender"]),
        "age": str(person["age"]),
    }


def _entries(structure: Any) -> list[dict[str, Any]]:
    """The entries of a structure, which an array of numbers (an empty one) has not."""
    return list(structure) if isinstance(structure, list) else []


def _clean(category: str) -> str:
    name = str(category).strip().lower()
    return "disquietment" if name == "disquitement" else name  # misspelt in the published file
