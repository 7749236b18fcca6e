"""The way of one recording: inputs are found, a job is claimed, the engine works, the writer writes.

Names are imported when they are asked for: whoever reads what was written does not wait for the libraries of networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from affectlens.core.lazy import lazy_names

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


if not TYPE_CHECKING:  # type checkers know the names from their imports above, and that there are no others
    __getattr__ = lazy_names(__name__, _HOMES)
