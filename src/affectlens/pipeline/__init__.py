"""The way of one recording: inputs are found, a job is claimed, the engine works, the writer writes.

Names are imported when they are asked for: whoever reads what was written does not wait for the libraries of networks.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from affectlens.core.options import Options
    from affectlens.core.schema import SCENE, Row
    from affectlens.pipeline.engine import Engine
    from affectlens.pipeline.jobs import MANIFEST, folder_name
    from affectlens.pipeline.recordings import explain, recognize
    from affectlens.pipeline.results import Result, Run

__all__ = ["MANIFEST", "SCENE", "Engine", "Options", "Result", "Row", "Run", "explain", "folder_name", "recognize"]

_HOMES = {
    "MANIFEST": "affectlens.pipeline.jobs",
    "SCENE": "affectlens.core.schema",
    "Engine": "affectlens.pipeline.engine",
    "Options": "affectlens.core.options",
    "Result": "affectlens.pipeline.results",
    "Row": "affectlens.core.schema",
    "Run": "affectlens.pipeline.results",
    "explain": "affectlens.pipeline.recordings",
    "folder_name": "affectlens.pipeline.jobs",
    "recognize": "affectlens.pipeline.recordings",
}


def _load(name: str) -> Any:
    """What a name stands for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


if not TYPE_CHECKING:  # type checkers know the names from their imports above, and that there are no others
    __getattr__ = _load
