"""Class activation maps of networks with a spatial grid or patch tokens."""

from affectlens.explainers.cam.engine import CamEngine, upsample
from affectlens.explainers.cam.methods import METHODS, CamMethod, register_cam
from affectlens.explainers.cam.result import CamResult

__all__ = ["METHODS", "CamEngine", "CamMethod", "CamResult", "register_cam", "upsample"]
