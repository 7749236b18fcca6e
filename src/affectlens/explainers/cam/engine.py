"""Class activation maps: every class from one forward pass, raw and signed.

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

from affectlens.explainers.cam.gradients import class_gradients
from affectlens.explainers.cam.grids import Grid, grid_of, zeros
from affectlens.explainers.cam.methods import METHODS, CamMethod
from affectlens.explainers.cam.perturbed import Inside
from affectlens.explainers.cam.rules import Rule
from affectlens.models.adapters import TorchModel


@dataclass(frozen=True)
class CamResult:
    """Maps of some pictures.

    Attributes
    ----------
    maps : ndarray
        ``(n, classes, h, w)`` float32, raw and signed, on the layer's grid.
    logits : ndarray
        ``(n, all classes)`` float32.
    labels : tuple of str
        The classes of ``maps``.
    method, layer : str
        How and where the maps were drawn.
    """

    maps: np.ndarray
    logits: np.ndarray
    labels: tuple[str, ...]
    method: str
    layer: str


class CamEngine:
    """Class activation maps of a model at one layer with a spatial grid or patch tokens.

    The answer for one picture does not depend on the others in its batch, and the model is left as it was found.

    Parameters
    ----------
    model : TorchModel
        The network with its labels.
    layer : str
        Name of the layer whose output is weighted.
    batch_size : int
        Pictures in one forward pass.
    grid : (int, int), optional
        Height and width of the layer's grid, needed only where its shape does not tell it.
    seed : int
        Draws the samples of LIME-CAM.

    Raises
    ------
    UsageError
        The model has no layer of that name.

    Examples
    --------
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    >>> model = TorchModel(net, ("anger", "joy"))
    >>> CamEngine(model, layer="0")(np.ones((5, 1, 8, 8)), "grad-cam").maps.shape
    (5, 2, 6, 6)
    """

    def __init__(
        self, model: TorchModel, layer: str, batch_size: int = 64, *, grid: tuple[int, int] | None = None, seed: int = 0
    ) -> None:
        model.module(layer)
        self.model, self.layer, self.batch_size, self.grid, self.seed = model, layer, batch_size, grid, seed

    def __call__(self, batch: Any, method: str = "hirescam", targets: Sequence[str] | None = None) -> CamResult:
        """Draw the maps of some pictures.

        Parameters
        ----------
        batch : array_like
            Pictures ``(n, ...)`` as the model takes them.
        method : str
            One of ``METHODS``.
        targets : sequence of str, optional
            Labels whose maps are wanted; all when absent.

        Returns
        -------
        CamResult
            Maps and logits.

        Raises
        ------
        UsageError
            No such method.
        ModelError
            The layer has no grid.
        """
        cam_method = METHODS.get(method)
        labels = self.model.labels
        wanted = [labels.index(target) for target in targets] if targets is not None else list(range(len(labels)))
        maps, logits = [], []
        tensor = self.model.tensor(batch)
        for start in range(0, len(tensor), self.batch_size):
            some_maps, some_logits = self._maps(tensor[start : start + self.batch_size], cam_method, wanted)
            maps.append(some_maps.detach().float().cpu().numpy())
            logits.append(some_logits.detach().float().cpu().numpy())
        names = tuple(labels[i] for i in wanted)
        return CamResult(np.concatenate(maps), np.concatenate(logits), names, method, self.layer)

    def of_answers(
        self, pictures: Sequence[Any], methods: Sequence[str], choose: Callable[[int, np.ndarray], str]
    ) -> tuple[list[dict[str, np.ndarray]], np.ndarray]:
        """Draw for each picture the maps of one class, which is chosen once its logits are known.

        Methods that need plain gradients share one pass.

        Parameters
        ----------
        pictures : sequence of array_like
            Each as the model takes it, without the batch's axis.
        methods : sequence of str
            Some of ``METHODS``.
        choose : callable
            Takes a picture's index and its logits ``(classes,)`` and gives the label whose map is wanted.

        Returns
        -------
        maps : list of dict
            For each picture the maps ``(h, w)`` by method.
        logits : ndarray
            ``(n, classes)`` float32.

        Raises
        ------
        UsageError
            No such method.
        ModelError
            The layer has no grid.
        """
        chosen_methods = {name: METHODS.get(name) for name in methods}
        tensor = self.model.tensor(np.stack([np.asarray(picture) for picture in pictures]))
        maps: list[dict[str, np.ndarray]] = [{} for _ in pictures]
        with self.model.captured(tensor, self.layer) as (logits, output):
            grid = self._grid(output, tensor)
            answers = logits.detach().float().cpu().numpy()
            wanted = [self.model.labels.index(choose(i, row)) for i, row in enumerate(answers)]
            plain = [entry for entry in chosen_methods.values() if entry.reads == "gradients" and not entry.rule]
            if plain:
                # Pictures do not meet in the network, so the sum of their classes' logits has the gradient of each.
                chosen = logits[torch.arange(len(tensor)), wanted].sum()
                gradients = grid.planes(torch.autograd.grad(chosen, output)[0].unsqueeze(1), 2)
                for cam_method in plain:
                    drawn = cam_method.function(grid.planes(output.detach()), gradients)[:, 0].float().cpu().numpy()
                    for of_picture, class_map in zip(maps, drawn, strict=True):
                        of_picture[cam_method.name] = class_map
        for i, of_picture in enumerate(maps):
            for name, cam_method in chosen_methods.items():
                if name not in of_picture:
                    class_maps, _ = self._maps(tensor[i : i + 1], cam_method, wanted[i : i + 1])
                    of_picture[name] = class_maps[0, 0].detach().float().cpu().numpy()
        return [{name: of_picture[name] for name in methods} for of_picture in maps], answers

    def _maps(self, x: Tensor, method: CamMethod, wanted: list[int]) -> tuple[Tensor, Tensor]:
        if method.rule:
            return self._ruled(x, method, wanted)
        with self.model.captured(x, self.layer) as (logits, output):
            grid = self._grid(output, x)
            if method.reads == "gradients":
                gradients = class_gradients(logits, output, wanted)
                return method.function(grid.planes(output.detach()), grid.planes(gradients, 2)), logits
            output, logits = output.detach(), logits.detach()
        inside = Inside(self.model, self.layer, grid, self.batch_size, self.seed)
        rows = [
            torch.einsum("ck,chw->khw", method.function(inside, x[i : i + 1], output[i : i + 1], logits[i], wanted), planes)
            for i, planes in enumerate(grid.planes(output))
        ]
        return torch.stack(rows), logits

    def _ruled(self, x: Tensor, method: CamMethod, wanted: list[int]) -> tuple[Tensor, Tensor]:
        """Multipliers instead of gradients; for LIFT-CAM the batch is doubled, its second half the reference."""
        n, rule = len(x), Rule(method.rule)
        inputs = torch.cat([x, x]) if rule.paired else x

        def begin(output: Tensor) -> Tensor:
            rule.on = True
            return zeros(output) if rule.paired else output

        with rule, self.model.captured(inputs, self.layer, begin) as (logits, output):
            rule.on = False
            grid = self._grid(output, x)
            multipliers = class_gradients(logits[:n], output, wanted)[:n]
            return method.function(grid.planes(output.detach()[:n]), grid.planes(multipliers, 2)), logits[:n]

    def _grid(self, output: Tensor, x: Tensor) -> Grid:
        return grid_of(output, (int(x.shape[-2]), int(x.shape[-1])), self.layer, self.grid)


def upsample(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring maps to a picture's size, bilinear; values keep their sign and scale.

    Parameters
    ----------
    maps : ndarray
        ``(..., h, w)``.
    size : (int, int)
        Height and width.

    Returns
    -------
    ndarray
        ``(..., height, width)`` float32.

    Examples
    --------
    >>> upsample(np.ones((2, 3, 4, 4)), (12, 10)).shape
    (2, 3, 12, 10)
    """
    flat = torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32)).reshape(-1, 1, *maps.shape[-2:])
    wide = F.interpolate(flat, size=size, mode="bilinear", align_corners=False)
    return wide.reshape(*maps.shape[:-2], *size).numpy()
