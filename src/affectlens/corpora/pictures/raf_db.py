"""RAF-DB, basic emotions (Li et al. 2017): faces from the web, seven classes by many raters."""

from __future__ import annotations

from pathlib import Path

from affectlens.core.disk.places import written
from affectlens.core.errors import CorpusError
from affectlens.core.untrusted.sheets import read_text
from affectlens.corpora.account import coded, count_found
from affectlens.corpora.base import CorpusInfo, register_corpus
from affectlens.corpora.pictures.base import PictureCorpus

INFO = CorpusInfo(
    "raf-db", "RAF-DB (basic emotions)", "face", "research only, on request", "http://www.whdeng.cn/raf/model1.html",
    "basic/EmoLabel/list_patition_label.txt and basic/Image/aligned/*_aligned.jpg (or basic/Image/original)",
    ("train", "test"), disjoint=("train", "test"),
)  # fmt: skip
_CODES = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")  # 1 to 7


@register_corpus(INFO)
class RafDb(PictureCorpus):
    """Aligned pictures where they are there, else the originals.

    Raises
    ------
    CorpusError
        No list of labels, or a broken line in it, which is named.
    """

    info = INFO

    def __init__(self, path: Path) -> None:
        base = path / "basic" if (path / "basic").is_dir() else path
        labels = base / "EmoLabel" / "list_patition_label.txt"
        if not labels.exists():
            raise CorpusError(f"{path}: no EmoLabel/list_patition_label.txt; expected {INFO.layout}")
        aligned = base / "Image" / "aligned"
        rows: list[dict[str, object]] = []
        for number, line in enumerate(read_text(labels)[0].split("\n"), 1):
            if not line.strip():
                continue
            count_found(1, "lines")
            try:
                name, code = line.split()
                label = coded(code, _CODES, first=1)
            except ValueError as error:
                raise CorpusError(f"{labels}, line {number}: {line!r}; a name and a class of 1 to 7 were expected") from error
            stem = Path(name).stem
            file = aligned / f"{stem}_aligned.jpg" if aligned.is_dir() else base / "Image" / "original" / name
            split = stem.split("_")[0]
            rows.append({"key": name, "path": written(file), "labels": (label,), "group": "", "split": split})
        self._take(rows, path)
