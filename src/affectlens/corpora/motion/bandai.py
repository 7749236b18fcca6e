"""Gait corpora: recorded motion with expressed emotion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.disk.names import encodable
from affectlens.core.disk.places import located, written
from affectlens.core.errors import CorpusError
from affectlens.core.labels import GROUPWALK4, LabelScheme, canonical
from affectlens.corpora.account import drop, each_once, list_files
from affectlens.corpora.base import CorpusInfo, Item, check_split, register_corpus

BANDAI = CorpusInfo(
    "bandai",
    "Bandai-Namco Research Motiondataset 1 (styled locomotion)",
    "gait",
    "CC BY-NC 4.0",
    "https://github.com/BandaiNamcoResearchInc/Bandai-Namco-Research-Motiondataset",
    "BVH files named dataset-1_MOTION_STYLE_NNN.bvh, such as data/dataset-1_walk_happy_001.bvh",
    ("four", "all"),
)
# Motions that move over the ground; the others (bow, call, kick, ...) are no gait.
LOCOMOTION = ("walk", "run", "dash", "walk-back", "walk-left", "walk-right")
_NAME = re.compile(r"dataset-1_(?P<motion>[a-z-]+)_(?P<style>[a-z-]+)_(?P<number>\d+)", re.IGNORECASE)
_STYLES = {"normal": "neutral"}


@register_corpus(BANDAI)
class Bandai:
    """Locomotion in several styles by actors who are not told apart.

    ``four`` has anger, happiness, neutral and sadness, ``all`` every style under its own name. ``group`` is the type of motion,
    so that a type can be left out whole.

    Raises
    ------
    CorpusError
        No file of locomotion in the folder.
    """

    info = BANDAI
    scheme: LabelScheme = GROUPWALK4

    def __init__(self, path: Path) -> None:
        rows: list[dict[str, Any]] = []
        for file in list_files(path, {".bvh"}, "motions"):
            match = _NAME.fullmatch(file.stem)
            if not match:
                drop(file.name, "its name is not of the layout")
            elif match["motion"].lower() not in LOCOMOTION:
                drop(file.name, f"{match['motion'].lower()} is no motion over the ground")
            else:
                style = match["style"].lower()
                label = _STYLES.get(style, canonical(style))
                rows.append(
                    {
                        "key": encodable(file.stem),
                        "path": written(file),
                        "label": label,
                        "style": style,
                        "motion": match["motion"].lower(),
                    }
                )
        if not rows:
            raise CorpusError(f"{path}: no locomotion found; expected {BANDAI.layout}")
        self._frame = pd.DataFrame(each_once(rows))

    def table(self, split: str) -> pd.DataFrame:
        """Columns key, path, label, style, motion and group (the motion)."""
        check_split(self, split)
        frame = self._frame.assign(group=self._frame.motion)
        return (frame[frame.label.isin(self.scheme.labels)] if split == "four" else frame).reset_index(drop=True)

    def items(self, split: str) -> Iterator[Item]:
        """Paths of BVH files; ``perception.body.bvh.read_bvh`` reads them."""
        for row in self.table(split).to_dict("records"):
            path = located(row["path"])
            problem = "" if path.stat().st_size else f"{path}: an empty file"
            meta = {str(column): value for column, value in row.items()}
            yield Item(row["key"], None if problem else path, (row["label"],), row["group"], meta, problem)
