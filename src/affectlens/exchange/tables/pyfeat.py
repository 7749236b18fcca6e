"""Py-Feat: the ``Fex`` table of pictures and videos, a row a face."""

from __future__ import annotations

from collections.abc import Sequence

from affectlens.exchange.tables.base import register_tool


@register_tool(
    "pyfeat", "Py-Feat", file=("input",), frame=("frame",), person=("Identity",), time={"approx_time": 0.0},
    boxes=("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"),
    note="Py-Feat: probabilities of classes, action units from 0 to 1; its times are whole seconds",
)  # fmt: skip
def pyfeat(columns: Sequence[str]) -> bool:
    """A box of a face with its score."""
    return {"FaceRectX", "FaceScore"} <= set(columns)
