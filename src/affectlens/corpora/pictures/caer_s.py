"""CAER-S (Lee et al. 2019): stills of people in their context from television series."""

from __future__ import annotations

from pathlib import Path

from affectlens.core.disk.finding import is_hidden
from affectlens.core.disk.names import encodable
from affectlens.core.disk.places import written
from affectlens.core.errors import CorpusError
from affectlens.core.labels import canonical
from affectlens.corpora.account import UNREADABLE, list_files
from affectlens.corpora.base import CorpusInfo, register_corpus
from affectlens.corpora.pictures.base import PictureCorpus
from affectlens.media.pictures.images import SUFFIXES

INFO = CorpusInfo(
    "caer-s", "CAER-S", "scene", "research only, on request", "https://caer-dataset.github.io",
    "train/ and test/ with a folder a class (Anger, Disgust, Fear, Happy, Neutral, Sad, Surprise) of pictures",
    ("train", "test"), disjoint=("train", "test"),
)  # fmt: skip


@register_corpus(INFO)
class CaerS(PictureCorpus):
    """People are not told apart, so pictures of one person can be in both splits, as the corpus was published.

    Raises
    ------
    CorpusError
        No picture in the folder, or a folder that is no class.
    """

    info = INFO

    def __init__(self, path: Path) -> None:
        path = path / "CAER-S" if (path / "CAER-S").is_dir() else path
        rows: list[dict[str, object]] = []
        for split in INFO.splits:
            for folder in sorted(entry for entry in (path / split).glob("*") if entry.is_dir() and not is_hidden(entry, path)):
                label = canonical(folder.name)
                if label not in self.scheme.labels:
                    raise CorpusError(f"{folder}: not a class of CAER-S; expected {INFO.layout}")
                rows += [
                    {"key": encodable(f"{split}/{folder.name}/{file.relative_to(folder).as_posix()}"), "path": written(file),
                     "labels": (label,), "group": "", "split": split}
                    for file in list_files(folder, SUFFIXES, "pictures", UNREADABLE)
                ]  # fmt: skip
        self._take(rows, path)
