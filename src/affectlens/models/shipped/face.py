"""The face model that comes with the package: the two-stream network with its calibration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from affectlens.models.adapters import TorchModel
from affectlens.models.base import register_model
from affectlens.models.nets.face import FaceNetConfig, TwoStreamFaceNet
from affectlens.models.weights import read_weights, weights_path


class FaceModel(TorchModel):
    """Grey crops ``(n, 48, 48)`` uint8 to logits ``(n, 7)``: the mean over the crop at the zooms in its file, each also
    mirrored.

    Explanations (activations, gradients, maps) are of the crop as it is.
    """

    name = "face"
    cam_layer = "join"

    def __init__(self, path: Path | None = None, device: str = "cpu") -> None:
        tensors, self.meta, self.calibration = read_weights(path or weights_path("face"))
        config: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in self.meta["config"].items()}
        net = TwoStreamFaceNet(FaceNetConfig(**config))
        net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
        super().__init__(net.eval(), self.meta["labels"], "face", device)

    def tensor(self, batch: Any) -> torch.Tensor:
        """Crops ``(n, 48, 48)`` or ``(n, 1, 48, 48)``, uint8 or in [0, 1], as ``(n, 1, 48, 48)`` float."""
        x = batch if isinstance(batch, torch.Tensor) else torch.tensor(np.asarray(batch))
        scale = 255.0 if x.dtype == torch.uint8 else 1.0
        x = x.float().to(self.device) / scale
        return x.unsqueeze(1) if x.ndim == 3 else x

    def predict(self, batch: Any) -> np.ndarray:
        """Logits ``(n, 7)`` float32, averaged over the views."""
        x = self.tensor(batch)
        views = [zoomed(x, z) for z in self.meta.get("zooms", [1.0])]
        return np.mean([super(FaceModel, self).predict(v) for view in views for v in (view, view.flip(-1))], axis=0)

    def deep_and_logits(self, batch: Any) -> tuple[np.ndarray, np.ndarray]:
        """Pooled features ``(n, 288)`` for early fusion and logits ``(n, 7)``, both averaged over the views."""
        assert isinstance(self.net, TwoStreamFaceNet)
        x = self.tensor(batch)
        deep, logits = [], []
        with self.evaluating(), torch.inference_mode():
            for zoom in self.meta.get("zooms", [1.0]):
                view = zoomed(x, zoom)
                for v in (view, view.flip(-1)):
                    z = self.net.deep(v)
                    deep.append(z)
                    logits.append(self.net.classifier(z))
            return torch.stack(deep).mean(0).cpu().numpy(), torch.stack(logits).mean(0).cpu().numpy()

    def attention(self, batch: Any) -> np.ndarray:
        """The attention stream's mask ``(n, 12, 12)`` in (0, 1)."""
        assert isinstance(self.net, TwoStreamFaceNet)
        with self.evaluating(), torch.inference_mode():
            return np.asarray(self.net.forward_with_mask(self.tensor(batch))[1][:, 0].cpu().numpy())


def zoomed(x: torch.Tensor, zoom: float) -> torch.Tensor:
    """The middle ``zoom`` of pictures ``(n, 1, h, w)`` at their full size (bilinear)."""
    if zoom == 1.0:
        return x
    theta = torch.tensor([[zoom, 0.0, 0.0], [0.0, zoom, 0.0]], device=x.device).expand(len(x), 2, 3)
    grid = functional.affine_grid(theta, list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


@register_model("face")
def load(path: Path | None = None, device: str = "cpu") -> FaceModel:
    """The shipped face model."""
    return FaceModel(path, device)
