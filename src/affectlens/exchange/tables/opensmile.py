"""openSMILE: descriptors of every 10 ms, or functionals of a segment, as its program or its Python package writes them."""

from __future__ import annotations

from collections.abc import Sequence

from affectlens.exchange.tables.base import register_tool


@register_tool("opensmile", "openSMILE", file=("file", "name"), time={"frameTime": 1.0, "start": 0.0}, frame=("frameIndex",))
def opensmile(columns: Sequence[str]) -> bool:
    """A time, and descriptors with ``_sma`` in their names."""
    timed = "frameTime" in columns or {"file", "start", "end"} <= set(columns)
    return timed and any("_sma" in name for name in columns)
