"""Class activation maps: ten methods, every class from one forward pass, raw and signed.

Gradients are of logits, taken by ``torch.autograd.grad`` at the layer alone. Maps stay on the layer's grid
``(n, classes, h, w)``; ``upsample`` brings them to the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from affectlens.core.errors import unknown
from affectlens.explainers.cam.gradients import GRADIENT_METHODS, class_gradients
from affectlens.explainers.cam.grids import Grid, grid_of, zeros
from affectlens.explainers.cam.perturbed import PERTURBED, Inside
from affectlens.explainers.cam.rules import Rule
from affectlens.models.adapters import TorchModel

METHODS = (*GRADIENT_METHODS, *PERTURBED)
RULED = ("lift-cam", "lrp-cam")  # have multipliers instead of gradients


@dataclass(frozen=True)
class CamResult:
    """``maps`` ``(n, classes, h, w)`` float32, raw and signed, on the layer's grid; ``logits`` ``(n, classes)``."""

    maps: np.ndarray
    logits: np.ndarray
    labels: tuple[str, ...]
    method: str
    layer: str


class CamEngine:
    """Class activation maps of a ``TorchModel`` at one layer with a spatial grid or patch tokens.

    The answer for one picture does not depend on the others in its batch, and the model is left as it was found. ``grid``
    (height, width) is needed only where it cannot be told from the layer's shape; ``seed`` draws LIME-CAM's samples.
    """

    def __init__(
        self, model: TorchModel, layer: str, batch_size: int = 64, *, grid: tuple[int, int] | None = None, seed: int = 0
    ) -> None:
        model.module(layer)
        self.model, self.layer, self.batch_size, self.grid, self.seed = model, layer, batch_size, grid, seed

    def __call__(self, batch: Any, method: str = "hirescam", targets: Sequence[str] | None = None) -> CamResult:
        """Maps of every class, or of ``targets`` only, for pictures ``(n, ...)`` as the model takes them.

        Raises:
            UsageError: no such method; ModelError: the layer has no grid.
        """
        if method not in METHODS:
            raise unknown("CAM method", method, list(METHODS))
        labels = self.model.labels
        wanted = [labels.index(t) for t in targets] if targets is not None else list(range(len(labels)))
        maps, logits = [], []
        x = self.model.tensor(batch)
        for start in range(0, len(x), self.batch_size):
            m, z = self._some(x[start : start + self.batch_size], method, wanted)
            maps.append(m.detach().float().cpu().numpy())
            logits.append(z.detach().float().cpu().numpy())
        names = tuple(labels[i] for i in wanted)
        return CamResult(np.concatenate(maps), np.concatenate(logits), names, method, self.layer)

    def of_answers(
        self, pictures: Sequence[Any], methods: Sequence[str], choose: Callable[[int, np.ndarray], str]
    ) -> tuple[list[dict[str, np.ndarray]], np.ndarray]:
        """For each of some pictures ``(...)`` the maps ``(h, w)`` by method of the class that ``choose(i, logits)`` names once
        it knows the logits ``(classes,)``, and all logits ``(n, classes)``: methods that need plain gradients share one
        pass."""
        for method in methods:
            if method not in METHODS:
                raise unknown("CAM method", method, list(METHODS))
        x = self.model.tensor(np.stack([np.asarray(p) for p in pictures]))
        maps: list[dict[str, np.ndarray]] = [{} for _ in pictures]
        with self.model.captured(x, self.layer) as (logits, output):
            grid = self._grid(output, x)
            known = logits.detach().float().cpu().numpy()
            wanted = [self.model.labels.index(choose(i, z)) for i, z in enumerate(known)]
            plain = [m for m in methods if m in GRADIENT_METHODS and m not in RULED]
            if plain:
                # Pictures do not meet in the network, so the sum of their classes' logits has the gradient of each.
                chosen = logits[torch.arange(len(x)), wanted].sum()
                gradients = grid.planes(torch.autograd.grad(chosen, output)[0].unsqueeze(1), 2)
                for m in plain:
                    found = GRADIENT_METHODS[m](grid.planes(output.detach()), gradients)[:, 0].float().cpu().numpy()
                    for held, one in zip(maps, found, strict=True):
                        held[m] = one
        for i, held in enumerate(maps):
            for m in methods:
                if m not in held:
                    held[m] = self._some(x[i : i + 1], m, wanted[i : i + 1])[0][0, 0].detach().float().cpu().numpy()
        return [{m: held[m] for m in methods} for held in maps], known

    def _some(self, x: Tensor, method: str, wanted: list[int]) -> tuple[Tensor, Tensor]:
        if method in RULED:
            return self._ruled(x, method, wanted)
        with self.model.captured(x, self.layer) as (logits, output):
            grid = self._grid(output, x)
            if method in GRADIENT_METHODS:
                gradients = class_gradients(logits, output, wanted)
                maps = GRADIENT_METHODS[method](grid.planes(output.detach()), grid.planes(gradients, 2))
                return maps, logits
            output, logits = output.detach(), logits.detach()
        inside = Inside(self.model, self.layer, grid, self.batch_size, self.seed)
        rows = [
            torch.einsum("ck,chw->khw", PERTURBED[method](inside, x[i : i + 1], output[i : i + 1], logits[i], wanted), planes)
            for i, planes in enumerate(grid.planes(output))
        ]
        return torch.stack(rows), logits

    def _ruled(self, x: Tensor, method: str, wanted: list[int]) -> tuple[Tensor, Tensor]:
        """Multipliers instead of gradients; for LIFT-CAM the batch is doubled, its second half the reference."""
        n, rule = len(x), Rule(method)
        given = torch.cat([x, x]) if rule.paired else x

        def begin(output: Tensor) -> Tensor:
            rule.on = True
            return zeros(output) if rule.paired else output

        with rule, self.model.captured(given, self.layer, begin) as (logits, output):
            rule.on = False
            grid = self._grid(output, x)
            multipliers = class_gradients(logits[:n], output, wanted)[:n]
            return GRADIENT_METHODS[method](grid.planes(output.detach()[:n]), grid.planes(multipliers, 2)), logits[:n]

    def _grid(self, output: Tensor, x: Tensor) -> Grid:
        return grid_of(output, (int(x.shape[-2]), int(x.shape[-1])), self.layer, self.grid)


def upsample(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear to ``(..., height, width)``; values keep their sign and scale."""
    flat = torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32)).reshape(-1, 1, *maps.shape[-2:])
    out = F.interpolate(flat, size=size, mode="bilinear", align_corners=False)
    return out.reshape(*maps.shape[:-2], *size).numpy()
