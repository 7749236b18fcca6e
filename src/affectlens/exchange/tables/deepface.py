"""DeepFace: its frame as csv, a row a face."""

from __future__ import annotations

from collections.abc import Sequence

from affectlens.exchange.tables.base import register_tool


@register_tool(
    "deepface", "DeepFace", file=("img_path", "file", "filename", "image", "path"), frame=("frame", "frame_idx"),
    person=("person", "identity"), time={"time": 1.0, "timestamp": 1.0},
    boxes=("region.x", "region.y", "region", "facial_area"),
    note="DeepFace: values of classes in per cent",
)  # fmt: skip
def deepface(columns: Sequence[str]) -> bool:
    """The word for the expression."""
    return "dominant_emotion" in columns
