"""Class activation maps of networks with a spatial grid or patch tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from affectlens.core.lazy import lazy_names

if TYPE_CHECKING:
    from affectlens.explainers.cam.engine import CamEngine, upsample
    from affectlens.explainers.cam.methods import METHODS, CamMethod, register_cam
    from affectlens.explainers.cam.result import CamResult

__all__ = ["METHODS", "CamEngine", "CamMethod", "CamResult", "register_cam", "upsample"]

# What draws maps that were made earlier does not wait for torch, which the engine brings.
_HOMES = {
    "METHODS": "affectlens.explainers.cam.methods",
    "CamEngine": "affectlens.explainers.cam.engine",
    "CamMethod": "affectlens.explainers.cam.methods",
    "CamResult": "affectlens.explainers.cam.result",
    "register_cam": "affectlens.explainers.cam.methods",
    "upsample": "affectlens.explainers.cam.engine",
}


if not TYPE_CHECKING:  # type checkers know the names from their imports above, and that there are no others
    __getattr__ = lazy_names(__name__, _HOMES)
