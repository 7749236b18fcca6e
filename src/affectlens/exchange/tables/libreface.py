"""LibreFace: a row a picture, or of a video a row a frame."""

from __future__ import annotations

from collections.abc import Sequence

from affectlens.exchange.tables.base import register_tool


@register_tool(
    "libreface", "LibreFace", file=("input_image_path", "path_to_frame", "file"), frame=("frame_idx",),
    time={"frame_time_in_ms": 1000.0}, person=("person", "face_id"),
    note="LibreFace: intensities of action units (AU01) from 0 to 5, presence (AU01_c) 0 or 1",
)  # fmt: skip
def libreface(columns: Sequence[str]) -> bool:
    """The word for the expression, and units in small letters."""
    return "facial_expression" in columns and any(name.startswith("au_") for name in columns)
