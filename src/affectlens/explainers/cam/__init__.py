"""Class activation maps of networks with a spatial grid or patch tokens."""

from affectlens.explainers.cam.engine import CamEngine, CamResult, upsample
from affectlens.explainers.cam.methods import METHODS, CamMethod, register_cam

__all__ = ["METHODS", "CamEngine", "CamMethod", "CamResult", "register_cam", "upsample"]
