"""affectlens: expressed emotion from whatever a recording offers, and why, with evidence that has been tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from affectlens.models.adapters import CallableModel, OnnxModel, TableModel, TorchModel
    from affectlens.pipeline import Options, Result, explain, recognize

_HOMES = {
    "explain": "affectlens.pipeline",
    "recognize": "affectlens.pipeline",
    "Options": "affectlens.pipeline",
    "Result": "affectlens.pipeline",
    "TorchModel": "affectlens.models.adapters",
    "OnnxModel": "affectlens.models.adapters",
    "CallableModel": "affectlens.models.adapters",
    "TableModel": "affectlens.models.adapters",
}
__all__ = ["CallableModel", "OnnxModel", "Options", "Result", "TableModel", "TorchModel", "explain", "recognize"]


def __getattr__(name: str) -> Any:
    # Torch and OpenCV take seconds to import; `affectlens --version` should not wait for them.
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'affectlens' has no attribute {name!r}")
