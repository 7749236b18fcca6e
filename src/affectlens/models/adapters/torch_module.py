"""Any ``torch.nn.Module`` as a model whose inside can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from affectlens.core.errors import ModelError, unknown
from affectlens.models.base import BaseModel, Calibration, check_logits


class TorchModel(BaseModel):
    """Any ``torch.nn.Module`` that maps a float batch ``(n, ...)`` to logits ``(n, classes)``.

    The module is put into evaluation mode for each call and back afterwards; its parameters, their ``.grad`` and its
    hooks are as before, also after an exception.

    Parameters
    ----------
    net : torch.nn.Module
        The network.
    labels : sequence of str
        Its classes, in the order of its answers.
    modality : str
        What it looks at.
    device : str or torch.device
        Where it runs.
    batch_size : int
        Inputs that go through it at once.
    name : str
        What pages and errors call it.
    layer : str
        The layer that maps are drawn of.
    prepare : callable, optional
        Makes one datum (for example a picture) the network's input; without it data is taken as it is.
    reader : callable, optional
        Makes an item of a corpus the datum that ``prepare`` takes.
    meta, calibration
        See ``Model`` and ``Calibration``.

    Examples
    --------
    >>> model = TorchModel(nn.Linear(3, 2), ("calm", "upset"), modality="voice")
    >>> model.predict(np.zeros((5, 3))).shape
    (5, 2)
    >>> layered = TorchModel(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), ("calm", "upset"), "voice", layer="0")
    >>> layered.layers, layered.activations(np.zeros((5, 3)), "0").shape
    (('0', '1', '2'), (5, 4))
    """

    def __init__(
        self,
        net: nn.Module,
        labels: Sequence[str],
        modality: str = "face",
        device: str | torch.device = "cpu",
        batch_size: int = 256,
        *,
        name: str = "network",
        layer: str = "",
        prepare: Callable[[Any], Any] | None = None,
        reader: Callable[[Any], Any] | None = None,
        meta: dict[str, Any] | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        BaseModel.__init__(self, name, modality, labels, meta, calibration, reader=reader, prepare=prepare)
        self.net: nn.Module = net.to(device)
        self.device, self.batch_size = torch.device(device), batch_size
        self._named: dict[str, nn.Module] = {path: module for path, module in net.named_modules() if path}
        self.layer, self.no_layer = layer, "name a layer of the network"
        if layer:
            self.module(layer)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names that ``activations`` and ``gradients`` accept."""
        return tuple(self._named)

    def module(self, name: str) -> nn.Module:
        """The module of that name.

        Returns
        -------
        torch.nn.Module
            The layer.

        Raises
        ------
        UsageError
            No such layer; the message has the nearest names.
        ModelError
            No name, where the network has no layer that a map could be drawn of.
        """  # noqa: DOC501
        if not name:
            raise ModelError(self.no_layer)
        if name not in self._named:
            raise unknown("layer", name, list(self._named))
        return self._named[name]

    def tensor(self, batch: Any) -> Tensor:
        """The batch as a float tensor on the model's device."""
        return torch.as_tensor(batch if isinstance(batch, Tensor) else np.asarray(batch)).float().to(self.device)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluation mode inside, every module's own mode restored outside."""
        learning = [m for m in self.net.modules() if m.training]
        if learning:
            self.net.eval()
        try:
            yield
        finally:
            for module in learning:
                module.training = True

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32."""
        x = self.tensor(inputs)
        rows = []
        with self.evaluating(), torch.inference_mode():
            for start in range(0, len(x), self.batch_size):
                rows.append(self.net(x[start : start + self.batch_size]).float().cpu())
        logits = torch.cat(rows).numpy() if rows else np.zeros((0, len(self.labels)), np.float32)
        return check_logits(logits, self.labels, self.name)

    @contextmanager
    def captured(
        self, batch: Any, layer: str, change: Callable[[Tensor], Tensor] | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Run the network once, with a layer's activation as a leaf of the graph.

        Everything before the layer runs without a graph, so gradients stop at the layer and no parameter is touched.

        Parameters
        ----------
        batch : array_like
            What ``predict`` takes.
        layer : str
            One of ``layers``.
        change : callable, optional
            What it makes of the layer's output goes on instead of that.

        Yields
        ------
        logits, activation : torch.Tensor
            ``(n, classes)`` and ``(n, ...)``.

        Raises
        ------
        ModelError
            The layer gives something else than one tensor, or is not used.
        """
        kept: list[Tensor] = []

        def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            if not isinstance(output, Tensor):
                raise ModelError(f"layer {layer!r} gives {type(output).__name__}, expected one tensor")
            torch.set_grad_enabled(True)
            leaf = (change(output.detach()) if change else output.detach()).requires_grad_(True)
            kept.append(leaf)
            return leaf.clone()  # a layer that works in place may follow, and may not change a leaf

        before = torch.is_grad_enabled()
        handle = self.module(layer).register_forward_hook(hook)
        try:
            with self.evaluating():
                torch.set_grad_enabled(False)
                logits = self.net(self.tensor(batch))
                if not kept:
                    raise ModelError(f"layer {layer!r} was not used in the forward pass")
                handle.remove()
                yield logits, kept[-1]
        finally:
            handle.remove()
            torch.set_grad_enabled(before)

    @contextmanager
    def recorded(self, layer: str) -> Iterator[list[np.ndarray]]:
        """Collects the layer's output ``(n, ...)`` of every forward pass made inside, beside whatever else is done."""
        kept: list[np.ndarray] = []
        handle = self.module(layer).register_forward_hook(lambda _m, _i, out: kept.append(out.detach().cpu().numpy()))
        try:
            yield kept
        finally:
            handle.remove()

    def activations(self, inputs: Any, layer: str) -> np.ndarray:
        """Activations ``(n, ...)`` of the layer, float32."""
        with self.captured(inputs, layer) as (_, activation):
            return activation.detach().cpu().numpy()

    def gradients(self, inputs: Any, layer: str, target: int | str) -> np.ndarray:
        """Gradient of the target's logit with respect to the layer, ``(n, ...)`` float32."""
        index = self.labels.index(target) if isinstance(target, str) else target
        with self.captured(inputs, layer) as (logits, activation):
            (gradient,) = torch.autograd.grad(logits[:, index].sum(), activation)
            return gradient.cpu().numpy()

    def predict_with(self, batch: Any, layer: str, replacement: Tensor) -> np.ndarray:
        """Logits when the layer's output is replaced by ``replacement`` ``(n, ...)``."""
        handle = self.module(layer).register_forward_hook(lambda *_: replacement)
        try:
            with self.evaluating(), torch.inference_mode():
                return np.asarray(self.net(self.tensor(batch)).float().cpu().numpy())
        finally:
            handle.remove()
