"""Class activation maps: every class from one forward pass, raw and signed.

Gradients are of logits, taken by ``torch.autograd.grad`` at the layer alone. Maps stay on the layer's grid
``(n, classes, h, w)``; ``upsample`` brings them to the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from affectlens.core.errors import UsageError
from affectlens.core.labels import class_index
from affectlens.explainers.cam.gradients import class_gradients
from affectlens.explainers.cam.grids import zeros
from affectlens.explainers.cam.methods import METHODS, CamMethod
from affectlens.explainers.cam.network import Layout, OpenNetwork
from affectlens.explainers.cam.perturbed import Inside
from affectlens.explainers.cam.result import CamResult
from affectlens.explainers.cam.rules import Rule
from affectlens.models.adapters import TorchModel
from affectlens.models.layers.gradients import gradients_at
from affectlens.models.layers.outputs import as_numpy
from affectlens.stats.generators import Rng, seed_of


class CamEngine:
    """Class activation maps of a model at one layer with a spatial grid or patch tokens.

    The answer for one picture does not depend on the others in its batch, and the model is left as it was found. Layers may
    have channels first, channels last (Swin), or tokens, with the inputs along the first axis or behind the tokens
    (``batch_first=False``); pictures may be ``(n, c, h, w)``, ``(n, h, w, c)`` or ``(n, h, w)``; networks may be half, single
    or double precision, and give logits, a tuple, a dictionary or a record of transformers.

    Parameters
    ----------
    model : TorchModel
        The network with its labels.
    layer : str or torch.nn.Module
        The layer whose output is weighted, by its dotted name or as the module.
    batch_size : int
        Pictures in one forward pass.
    grid : (int, int), optional
        Height and width of the layer's grid, needed only where its shape does not tell it.
    channels : str
        Where the layer has its channels: ``first``, ``last``, or found out (``auto``).
    call : int, optional
        Which call is meant, from 0, where the layer is called several times in a forward pass.
    rng : int or numpy.random.Generator
        Draws the samples of LIME-CAM, the same for every picture.

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
    >>> CamEngine(model, layer=net[0])(np.ones((1, 8, 8)), targets=["joy"]).maps.shape  # one picture
    (1, 1, 6, 6)
    """

    def __init__(
        self,
        model: TorchModel,
        layer: str | nn.Module,
        batch_size: int = 64,
        *,
        grid: tuple[int, int] | None = None,
        channels: str = "auto",
        call: int | None = None,
        rng: Rng = 0,
    ) -> None:
        self.network = OpenNetwork(model, layer, grid, channels, call)
        self.model, self.layer, self.batch_size, self.seed = model, self.network.layer, batch_size, seed_of(rng)

    def __call__(
        self, batch: Any, method: str = "hirescam", targets: str | int | Sequence[str | int] | None = None
    ) -> CamResult:
        """Draw the maps of some pictures.

        Parameters
        ----------
        batch : array_like
            Pictures ``(n, ...)`` as the model takes them, or one of them.
        method : str
            One of ``METHODS``.
        targets : str, int or sequence of these, optional
            Classes whose maps are wanted, by name or position; all when absent.

        Returns
        -------
        CamResult
            Maps and logits.

        Raises
        ------
        UsageError
            No such method or class.
        ModelError
            The layer has no grid, no gradient, or is called several times and no call was chosen.
        """
        cam_method = METHODS.get(method)
        labels = self.model.labels
        asked = [targets] if isinstance(targets, str | int | np.integer) else labels if targets is None else targets
        wanted = [class_index(target, labels) for target in asked]
        if not wanted:
            raise UsageError(f"no class was asked for; some of {', '.join(labels)} were expected")
        maps, logits = [], []
        pictures = self.network.tensor(batch)
        if not len(pictures):
            raise UsageError("no pictures were given; at least one was expected")
        for start in range(0, len(pictures), self.batch_size):
            some_maps, some_logits = self._maps(pictures[start : start + self.batch_size], cam_method, wanted)
            maps.append(as_numpy(some_maps))
            logits.append(as_numpy(some_logits))
        names = tuple(labels[index] for index in wanted)
        return CamResult(np.concatenate(maps), np.concatenate(logits), names, method, self.layer)

    def of_answers(
        self, pictures: Sequence[Any], methods: Sequence[str], choose: Callable[[int, np.ndarray], str | int]
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
            Takes a picture's index and its logits ``(classes,)`` and gives the class whose map is wanted, by name or position.

        Returns
        -------
        maps : list of dict
            For each picture the maps ``(h, w)`` by method.
        logits : ndarray
            ``(n, classes)``.

        Raises
        ------
        UsageError
            No such method or class.
        ModelError
            The layer has no grid or no gradient.
        """
        chosen_methods = {name: METHODS.get(name) for name in methods}
        tensor = self.network.tensor(np.stack([np.asarray(picture) for picture in pictures]))
        maps: list[dict[str, np.ndarray]] = [{} for _ in pictures]
        layout = self.network.layout(tensor)
        with self.network.captured(tensor, layout) as (logits, output):
            answers = as_numpy(logits)
            wanted = [class_index(choose(index, row), self.model.labels) for index, row in enumerate(answers)]
            plain = [entry for entry in chosen_methods.values() if entry.reads == "gradients" and not entry.rule]
            if plain:
                # Pictures do not meet in the network, so the sum of their classes' logits has the gradient of each.
                chosen = logits[torch.arange(len(tensor)), wanted].sum()
                (gradient,) = gradients_at(chosen, {self.layer: [output]})[self.layer]
                assert gradient is not None  # it would have been an error
                activation, gradients = self._planes(output, layout), self._planes(gradient, layout).unsqueeze(1)
                for cam_method in plain:
                    drawn = as_numpy(cam_method.function(activation, gradients)[:, 0])
                    for of_picture, class_map in zip(maps, drawn, strict=True):
                        of_picture[cam_method.name] = class_map
        for index, of_picture in enumerate(maps):
            for name, cam_method in chosen_methods.items():
                if name not in of_picture:
                    class_maps, _ = self._maps(tensor[index : index + 1], cam_method, wanted[index : index + 1])
                    of_picture[name] = as_numpy(class_maps[0, 0])
        return [{name: of_picture[name] for name in methods} for of_picture in maps], answers

    def _maps(self, pictures: Tensor, method: CamMethod, wanted: list[int]) -> tuple[Tensor, Tensor]:
        if method.rule:
            return self._ruled(pictures, method, wanted)
        layout = self.network.layout(pictures)
        with self.network.captured(pictures, layout) as (logits, output):
            if method.reads == "gradients":
                gradients = class_gradients(logits, output, wanted, self.layer, inputs_axis=layout.inputs_axis)
                return method.function(self._planes(output, layout), _computed(layout.grid.planes(gradients, 2))), logits
            states, logits = output.detach().movedim(layout.inputs_axis, 0), logits.detach()
        inside = Inside(self.network, layout, self.batch_size, self.seed)
        rows = []
        for index, planes in enumerate(layout.grid.planes(states)):
            weights = method.function(inside, pictures[index : index + 1], states[index : index + 1], logits[index], wanted)
            planes = _computed(planes)
            rows.append(torch.einsum("ck,chw->khw", weights.to(planes), planes))
        return torch.stack(rows), logits

    def _ruled(self, pictures: Tensor, method: CamMethod, wanted: list[int]) -> tuple[Tensor, Tensor]:
        """Multipliers instead of gradients; for LIFT-CAM the batch is doubled, its second half the reference."""
        count, rule, layout = len(pictures), Rule(method.rule), self.network.layout(pictures)
        inputs, axis = torch.cat([pictures, pictures]) if rule.paired else pictures, layout.inputs_axis
        calls = 0

        def begin(output: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            if calls - 1 != layout.call:
                return output
            rule.on = True
            return zeros(output.movedim(axis, 0)).movedim(0, axis) if rule.paired else output

        with rule, self.network.captured(inputs, layout, begin) as (logits, output):
            rule.on = False
            multipliers = class_gradients(logits[:count], output, wanted, self.layer, inputs_axis=axis)[:count]
            planes = self._planes(output, layout)[:count]
            return method.function(planes, _computed(layout.grid.planes(multipliers, 2))), logits[:count]

    @staticmethod
    def _planes(states: Tensor, layout: Layout) -> Tensor:
        """``(n, c, h, w)`` of an output of the layer or a gradient with respect to it."""
        return _computed(layout.grid.planes(states.detach().movedim(layout.inputs_axis, 0)))


def _computed(values: Tensor) -> Tensor:
    """Half precision as single: sums over a grid overflow in it, and squares vanish."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


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
