"""A CAM method: element-wise gradients, positive and negative parts of the activation kept apart.

AFFECTLENS_PLUGINS=cam_method.py affectlens explain clip.mp4 --cam-method positive-cam
"""

from torch import Tensor
from torch.nn import functional as F

from affectlens.explainers.cam import register_cam


@register_cam("positive-cam", source="an example")
def positive_cam(activation: Tensor, gradients: Tensor) -> Tensor:
    """Gradient times positive activation, from ``(n, c, h, w)`` and ``(n, k, c, h, w)`` to ``(n, k, h, w)``."""
    return (gradients * F.relu(activation)[:, None]).sum(dim=2)
