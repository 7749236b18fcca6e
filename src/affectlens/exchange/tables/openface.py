"""OpenFace 2 and 3: a table a video or picture, named like it, or with a column of file names."""

from __future__ import annotations

from collections.abc import Sequence

from affectlens.exchange.tables.base import register_tool

FILES = ("filename", "file", "input", "image")
THIRD = {"AU03_r", "AU08_r"}  # no action units of OpenFace 2: OpenFace 3 counts its outputs


def of_units(columns: Sequence[str]) -> bool:
    """Whether there are intensities as both write them."""
    return any(name.startswith("AU") and name.endswith("_r") for name in columns)


@register_tool(
    "openface", "OpenFace 2", file=FILES, frame=("frame",), person=("face_id", "face"), time={"timestamp": 1.0},
    note="OpenFace 2: intensities of action units (AU01) from 0 to 5, presence (AU01_c) 0 or 1",
)  # fmt: skip
def second(columns: Sequence[str]) -> bool:
    """OpenFace 2 writes the units that it knows under their numbers."""
    return of_units(columns) and not THIRD & set(columns)


@register_tool(
    "openface3", "OpenFace 3", file=FILES, frame=("frame",), person=("face_id", "face"), time={"timestamp": 1.0},
    own_names=True,
    note="OpenFace 3: the columns AU01_r to AU08_r count the network's outputs; they are no FACS numbers and keep their names",
)  # fmt: skip
def third(columns: Sequence[str]) -> bool:
    """OpenFace 3 counts its eight outputs."""
    return of_units(columns) and bool(THIRD & set(columns))
