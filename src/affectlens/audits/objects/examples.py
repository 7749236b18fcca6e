"""Pictures that show a finding: the map of an emotion over the picture, with the objects' boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from affectlens.audits.objects.pictures import Pictures
from affectlens.audits.objects.run import Mapper
from affectlens.explainers.cam import upsample
from affectlens.models.pictures import PictureModel
from affectlens.perception.scene.objects import Thing

EMOTIONS, EACH = 6, 3


@dataclass(frozen=True)
class Example:
    """A picture with the raw map ``(h, w)`` of ``emotion`` and what was found in it; ``object`` is what it is shown for."""

    key: str
    emotion: str
    object: str
    picture: np.ndarray
    relevance: np.ndarray
    things: list[Thing]


def examples(model: PictureModel, pictures: Pictures, table: pd.DataFrame, rows: pd.DataFrame, method: str) -> list[Example]:
    """For up to six emotions, those with the clearest finding first, three pictures that hold most of it."""
    index = {pictures.key(i): i for i in range(len(pictures))}
    mapper = Mapper(model, (method,))
    out = []
    for emotion, name in leading(table):
        mine = rows[(rows.emotion == emotion) & (rows.object == name)]
        best = mine.assign(over=mine.relevance - mine.area).sort_values("over", ascending=False)
        for key in best.image[:EACH]:
            if key not in index:  # of another run that was joined
                continue
            view = pictures[index[key]]
            relevance = mapper(model.prepare(view.picture), emotion)[0][method]
            out.append(Example(key, emotion, name, view.picture, upsample(relevance, view.picture.shape[:2]), view.things))
    return out


def leading(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The object with the largest lift of each emotion, shown ones and many pictures first."""
    known = table.dropna(subset=["lift"])
    if known.empty:
        return []
    ranked = known.assign(shown=known["p (BH)"] <= 0.05).sort_values(["shown", "lift"], ascending=False)
    first = ranked.drop_duplicates("emotion").sort_values(["shown", "images"], ascending=False)
    return [(str(r.emotion), str(r.object)) for r in first[:EMOTIONS].itertuples()]
