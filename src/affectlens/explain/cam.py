"""Class activation maps: seven methods, every class from one forward pass, raw and signed.

Gradients are taken by ``torch.autograd.grad`` at the layer alone. Maps stay on the layer's grid ``(n, classes, h, w)``;
``upsample`` brings them to the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from affectlens.errors import ModelError, unknown
from affectlens.models.adapters import TorchModel

# maps(activation (n, c, h, w), gradient (n, k, c, h, w)) -> (n, k, h, w)
GradientMap = Callable[[Tensor, Tensor], Tensor]


def grad_cam(a: Tensor, g: Tensor) -> Tensor:
    """Channel weights are mean gradients (Selvaraju et al. 2017, eq. 1 and 2, without the ReLU)."""
    return torch.einsum("nkc,nchw->nkhw", g.mean(dim=(3, 4)), a)


def grad_cam_plus_plus(a: Tensor, g: Tensor) -> Tensor:
    """Pixel-wise weighting of positive gradients (Chattopadhyay et al. 2018, eq. 19 with an exponential output)."""
    square = g.pow(2)
    total = a.sum(dim=(2, 3))[:, None, :, None, None]
    below = 2 * square + total * g.pow(3)
    alpha = torch.where(square > 0, square / torch.where(below.abs() > 1e-12, below, torch.ones_like(below)), 0 * square)
    return torch.einsum("nkc,nchw->nkhw", (alpha * F.relu(g)).sum(dim=(3, 4)), a)


def hires_cam(a: Tensor, g: Tensor) -> Tensor:
    """Gradient times activation, summed over channels (Draelos & Carin 2020)."""
    return torch.einsum("nkchw,nchw->nkhw", g, a)


def layer_cam(a: Tensor, g: Tensor) -> Tensor:
    """Positive gradients times activation (Jiang et al. 2021, eq. 3 and 4)."""
    return torch.einsum("nkchw,nchw->nkhw", F.relu(g), a)


def eigen_cam(a: Tensor, g: Tensor) -> Tensor:
    """First principal component of the activations (Muhammad & Yeasin 2020), the same for every class.

    Its sign is free; it is set so that the map agrees with the summed activation.
    """
    n, c, h, w = a.shape
    flat = a.reshape(n, c, h * w).transpose(1, 2)
    flat = flat - flat.mean(dim=1, keepdim=True)
    _, _, right = torch.linalg.svd(flat.double(), full_matrices=False)
    scores = (flat.double() @ right[:, 0, :, None]).squeeze(-1)
    energy = a.double().sum(dim=1).reshape(n, -1)
    energy = energy - energy.mean(dim=1, keepdim=True)
    sign = torch.where((scores * energy).sum(dim=1, keepdim=True) < 0, -1.0, 1.0)
    one = (scores * sign).to(a.dtype).reshape(n, 1, h, w)
    return one.expand(n, g.shape[1], h, w).clone()


GRADIENT_METHODS: dict[str, GradientMap] = {
    "grad-cam": grad_cam,
    "grad-cam++": grad_cam_plus_plus,
    "hirescam": hires_cam,
    "layercam": layer_cam,
    "eigencam": eigen_cam,
}
FORWARD_METHODS = ("score-cam", "ablation-cam")
METHODS = (*GRADIENT_METHODS, *FORWARD_METHODS)


@dataclass(frozen=True)
class CamResult:
    """``maps`` ``(n, classes, h, w)`` float32, raw and signed, on the layer's grid; ``logits`` ``(n, classes)``."""

    maps: np.ndarray
    logits: np.ndarray
    labels: tuple[str, ...]
    method: str
    layer: str


class CamEngine:
    """Class activation maps of a ``TorchModel`` at one layer with a spatial grid.

    The answer for one picture does not depend on the others in its batch, and the model is left as it was found.
    """

    def __init__(self, model: TorchModel, layer: str, batch_size: int = 64) -> None:
        model.layer(layer)
        self.model, self.layer, self.batch_size = model, layer, batch_size

    def __call__(self, batch: Any, method: str = "hirescam", targets: Sequence[str] | None = None) -> CamResult:
        """Maps of every class, or of ``targets`` only, for pictures ``(n, ...)`` as the model takes them."""
        if method not in METHODS:
            raise unknown("CAM method", method, list(METHODS))
        labels = self.model.labels
        wanted = [labels.index(t) for t in targets] if targets is not None else list(range(len(labels)))
        maps, logits = [], []
        x = self.model.tensor(batch)
        for start in range(0, len(x), self.batch_size):
            m, z = self._some(x[start : start + self.batch_size], method, wanted)
            maps.append(m)
            logits.append(z)
        names = tuple(labels[i] for i in wanted)
        return CamResult(np.concatenate(maps), np.concatenate(logits), names, method, self.layer)

    def _some(self, x: Tensor, method: str, wanted: list[int]) -> tuple[np.ndarray, np.ndarray]:
        with self.model.captured(x, self.layer) as (logits, activation):
            if activation.ndim != 4:
                raise ModelError(
                    f"layer {self.layer!r} gives {tuple(activation.shape)}, a map needs (n, channels, height, width); "
                    f"layers of this model: {', '.join(self.model.layers[:12])}"
                )
            if method in GRADIENT_METHODS:
                gradients = torch.stack(
                    [torch.autograd.grad(logits[:, k].sum(), activation, retain_graph=True)[0] for k in wanted], dim=1
                )
                maps = GRADIENT_METHODS[method](activation.detach(), gradients)
            else:
                activation, logits = activation.detach(), logits.detach()
        if method not in GRADIENT_METHODS:
            forward = self._score if method == "score-cam" else self._ablation
            maps = forward(x, activation, logits, wanted)
        return maps.detach().float().cpu().numpy(), logits.detach().float().cpu().numpy()

    def _score(self, x: Tensor, activation: Tensor, logits: Tensor, wanted: list[int]) -> Tensor:
        """Weights are the softmax of the target's score on the picture masked by each channel (Wang et al. 2020)."""
        masks = F.interpolate(activation, size=x.shape[-2:], mode="bilinear", align_corners=False)
        low, high = masks.amin(dim=(2, 3), keepdim=True), masks.amax(dim=(2, 3), keepdim=True)
        masks = (masks - low) / (high - low).clamp_min(1e-8)
        baseline = self._logits(torch.zeros_like(x[:1]))[:, wanted]
        rows = []
        for i in range(len(x)):
            scores = torch.cat([self._logits(x[i : i + 1] * m.unsqueeze(1)) for m in masks[i].split(self.batch_size)])[
                :, wanted
            ]
            weights = F.softmax(scores - baseline, dim=0)
            rows.append(torch.einsum("ck,chw->khw", weights, activation[i]))
        return torch.stack(rows)

    def _ablation(self, x: Tensor, activation: Tensor, logits: Tensor, wanted: list[int]) -> Tensor:
        """Weights are the relative drop of the target's logit when a channel is set to zero (Desai & Ramaswamy 2020)."""
        rows = []
        channels = activation.shape[1]
        for i in range(len(x)):
            drops = []
            for some in torch.arange(channels).split(self.batch_size):
                changed = activation[i].expand(len(some), -1, -1, -1).clone()
                changed[torch.arange(len(some)), some] = 0
                picture = x[i : i + 1].expand(len(some), *x.shape[1:])
                z = torch.from_numpy(self.model.predict_with(picture, self.layer, changed))[:, wanted].to(x.device)
                drops.append(logits[i, wanted] - z)
            weights = torch.cat(drops) / logits[i, wanted].abs().clamp_min(1e-8)
            rows.append(torch.einsum("ck,chw->khw", weights, activation[i]))
        return torch.stack(rows)

    def _logits(self, x: Tensor) -> Tensor:
        with self.model.evaluating(), torch.inference_mode():
            return torch.as_tensor(self.model.net(x))


def upsample(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear to ``(..., height, width)``; values keep their sign and scale."""
    flat = torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32)).reshape(-1, 1, *maps.shape[-2:])
    out = F.interpolate(flat, size=size, mode="bilinear", align_corners=False)
    return out.reshape(*maps.shape[:-2], *size).numpy()
