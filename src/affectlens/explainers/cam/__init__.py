"""Class activation maps of networks with a spatial grid or patch tokens."""

from affectlens.explainers.cam.engine import METHODS, CamEngine, CamResult, upsample

__all__ = ["METHODS", "CamEngine", "CamResult", "upsample"]
