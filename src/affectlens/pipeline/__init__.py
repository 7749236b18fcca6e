"""The way of one recording: inputs are found, a job is claimed, the engine works, the writer writes."""

from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Row
from affectlens.pipeline.engine import Engine
from affectlens.pipeline.jobs import MANIFEST, folder_name
from affectlens.pipeline.recordings import explain, recognize
from affectlens.pipeline.results import Result, Run

__all__ = ["MANIFEST", "SCENE", "Engine", "Options", "Result", "Row", "Run", "explain", "folder_name", "recognize"]
