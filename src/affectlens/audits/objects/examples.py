"""Pictures that show a finding: the map of an emotion over the picture, with the objects' boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.objects.maps import Mapper
from affectlens.audits.objects.model import part_seen
from affectlens.audits.objects.pictures import Pictures
from affectlens.audits.objects.statistics import ALPHA
from affectlens.explainers.cam import upsample
from affectlens.models.adapters.preprocess import Seen
from affectlens.perception.scene.objects import Thing

EMOTIONS, EACH = 6, 3


@dataclass(frozen=True)
class Example:
    """A picture that shows a finding.

    Attributes
    ----------
    key, emotion, object : str
        The picture, the emotion whose map is shown, and the object that it is shown for.
    picture : ndarray
        ``(h, w, 3)`` or ``(h, w)`` uint8.
    relevance : ndarray
        The raw map of the emotion ``(h, w)``.
    things : tuple of Thing
        What was found in it.
    """

    key: str
    emotion: str
    object: str
    picture: np.ndarray
    relevance: np.ndarray
    things: tuple[Thing, ...]


def examples(model: Any, pictures: Pictures, table: pd.DataFrame, rows: pd.DataFrame, method: str) -> list[Example]:
    """For up to six emotions, those with the clearest finding first, three pictures that hold most of it."""
    mapper = Mapper(model, (method,))
    out = []
    for emotion, name in leading(table):
        of_pair = rows[(rows.emotion == emotion) & (rows.object == name)]
        best = of_pair.assign(over=of_pair.relevance - of_pair.area).sort_values("over", ascending=False)
        for key in best.image[:EACH]:
            if key not in pictures:  # of another run that was joined
                continue
            view = pictures[key]
            drawn = mapper(model.prepare(view.picture), emotion)[0][method]
            seen, shape = part_seen(model, view.picture), view.picture.shape
            whole = seen == Seen.whole(shape)
            relevance = upsample(drawn, shape[:2]) if whole else seen.to_picture(drawn, shape)
            out.append(Example(key, emotion, name, view.picture, relevance, tuple(view.things)))
    return out


def leading(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The object with the largest lift of each emotion, shown ones and many pictures first."""
    testable = table.dropna(subset=["lift"])
    if testable.empty:
        return []
    ranked = testable.assign(shown=testable.p_bh <= ALPHA).sort_values(["shown", "lift"], ascending=False)
    first = ranked.drop_duplicates("emotion").sort_values(["shown", "images"], ascending=False)
    return [(str(row.emotion), str(row.object)) for row in first[:EMOTIONS].itertuples()]
