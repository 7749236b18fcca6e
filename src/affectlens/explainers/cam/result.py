"""What class activation maps are given back as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from affectlens.core.results import SavedResult

DRAWN = 4000  # cells of a chart


@dataclass(frozen=True, eq=False)
class CamResult(SavedResult):
    """Maps of some pictures.

    Attributes
    ----------
    maps : ndarray
        ``(n, classes, h, w)``, raw and signed, on the layer's grid; float64 of a network in double precision, else float32.
    logits : ndarray
        ``(n, all classes)``, of the same type.
    labels : tuple of str
        The classes of ``maps``.
    method, layer : str
        How and where the maps were drawn.
    """

    kind: ClassVar[str] = "class activation maps"

    maps: np.ndarray
    logits: np.ndarray
    labels: tuple[str, ...]
    method: str
    layer: str

    def to_frame(self) -> pd.DataFrame:
        """One row a picture, class and cell: picture, class, row, column, relevance."""
        axes = [range(size) for size in self.maps.shape]
        index = pd.MultiIndex.from_product([axes[0], self.labels, *axes[2:]], names=["picture", "class", "row", "column"])
        return pd.DataFrame({"relevance": self.maps.ravel()}, index).reset_index()

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``maps``: those of the first picture, a class each, drawn coarser where the grid is large."""
        return {"maps": self._chart}

    def _chart(self) -> Any:
        import altair as alt
        import cv2

        first = np.asarray(self.maps[0], np.float32)
        scale = min(1.0, (DRAWN / first.size) ** 0.5)
        size = (max(1, int(first.shape[2] * scale)), max(1, int(first.shape[1] * scale)))
        small = np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in first])
        frame = CamResult(small[None], self.logits[:1], self.labels, self.method, self.layer).to_frame()
        most = float(frame.relevance.abs().max()) or 1.0
        colour = alt.Color("relevance:Q", scale=alt.Scale(scheme="blueorange", domain=[-most, most]), title=self.method)
        base = alt.Chart(frame).mark_rect().encode(
            x=alt.X("column:O", axis=None), y=alt.Y("row:O", axis=None), color=colour
        )  # fmt: skip
        return base.properties(width=20 * size[0], height=20 * size[1]).facet(alt.Facet("class:N", sort=list(self.labels)))
