"""FaceReader's logs: lines about the session, then a row a frame with FIND_FAILED and FIT_FAILED, or a row a state."""

from __future__ import annotations

import re
from collections.abc import Sequence

from affectlens.exchange.tables.base import register_tool


def session(before: Sequence[str]) -> dict[str, str]:
    """What the lines before the head say: the video, and the participant where one is named."""
    told = dict(line.split("\t", 1) for line in before if "\t" in line)
    names = {"file": "Filename", "person": "Participant Name"}
    return {name: re.sub(r"\s+$", "", told[line]) for name, line in names.items() if line in told}


LAYOUT = {
    "file": ("Image",), "person": ("Participant Name", "Participant", "Face", "Face ID"), "time": {"Video Time": 0.0},
    "about": session,
}  # fmt: skip


@register_tool(
    "facereader", "FaceReader", **LAYOUT, note="FaceReader: intensities from 0 to 1 that hold independently of each other"
)
def detailed(columns: Sequence[str]) -> bool:
    """The detailed log has a column of each expression."""
    return bool({"Video Time", "Image"} & set(columns)) and "Neutral" in columns


@register_tool(
    "facereader-states", "FaceReader's state log", **LAYOUT,
    note="FaceReader's state log: a row where the dominant expression changes, which lasts until the next row",
)  # fmt: skip
def states(columns: Sequence[str]) -> bool:
    """The state log has one column of words."""
    return (
        "Video Time" in columns and "Neutral" not in columns and any(name.startswith(("Emotion", "State")) for name in columns)
    )
