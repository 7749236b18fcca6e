"""Any ``torch.nn.Module`` as a model whose inside can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from affectlens.core.errors import ModelError, ScoresError, unknown
from affectlens.models.adapters.blackbox import faults_of
from affectlens.models.adapters.outputs import chosen_output
from affectlens.models.base import BaseModel, Calibration
from affectlens.models.layers import captured_layers, frozen, gradients_at
from affectlens.models.layers.capture import calls_of, chosen_call
from affectlens.models.scores import Scores, stated_scores


class TorchModel(BaseModel):
    """Any ``torch.nn.Module`` that maps a float batch ``(n, ...)`` to scores ``(n, classes)``.

    The module is put into evaluation mode for each call and back afterwards; its parameters, their ``.grad`` and its
    hooks are as before, also after an exception. Batches get the type of its parameters (float32, float64, half). Whatever
    it answers with (one tensor, several in a tuple or by name; logits, probabilities, one logit, values), inside
    ``evaluating`` it gives the logits ``(n, classes)`` float32 that maps are drawn of.

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
    scores, output
        What it gives, and which of several outputs that is; see ``BlackBox``.

    Examples
    --------
    >>> model = TorchModel(nn.Linear(3, 2), ("calm", "upset"), modality="voice", scores="softmax")
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
        scores: str | Scores = "",
        output: str = "",
    ) -> None:
        BaseModel.__init__(self, name, modality, labels, meta, calibration, reader=reader, prepare=prepare)
        self.scores, self.output = stated_scores(scores, self.labels, name), output
        self._inside, self._checking = 0, False
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

    @property
    def dtype(self) -> torch.dtype:
        """The type of its parameters, which batches are brought to."""
        types = (parameter.dtype for parameter in self.net.parameters() if parameter.is_floating_point())
        return next(types, torch.float32)

    def tensor(self, batch: Any) -> Tensor:
        """The batch as a float tensor of the network's own type on the model's device."""
        given = batch if isinstance(batch, Tensor) else torch.as_tensor(np.asarray(batch))
        return given.to(self.device, self.dtype)

    @contextmanager
    def evaluating(self, checking: bool = False) -> Iterator[None]:
        """Evaluation mode inside, and the network gives logits; every module's own mode restored outside.

        Parameters
        ----------
        checking : bool
            Whether answers are compared with what is said of them.
        """
        if self._inside:
            yield
            return
        learning = [module for module in self.net.modules() if module.training]
        if learning:
            self.net.eval()
        handle = self.net.register_forward_hook(self._answered)
        self._inside, self._checking = 1, checking
        try:
            yield
        finally:
            self._inside, self._checking = 0, False
            handle.remove()
            for module in learning:
                module.training = True

    def _answered(self, _module: nn.Module, _inputs: Any, given: Any) -> Tensor:
        """Logits ``(n, classes)`` of what the network gave, with their gradient."""
        width = self.scores.width(self.labels)
        raw = chosen_output(given, width, self.output, self.name)
        if not isinstance(raw, Tensor):
            raise ScoresError(f"{self.name}: the network gives a {type(raw).__name__}; a tensor of scores was expected")
        if raw.ndim == 1 and width == 1:
            raw = raw.unsqueeze(1)
        if self._checking or raw.ndim != 2 or raw.shape[1] != width:
            self.scores.checked(raw.detach().float().cpu().numpy(), self.labels, self.name)
        elif not self.scores.kind:  # what is left open is asked only where probabilities are; a map is of the output as it is
            self.scores.recognised(raw.detach().float().cpu().numpy())
        logits: Tensor = self.scores.logits(raw.float())
        return logits

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32, whatever the network answers with; of a regression its values."""
        batch = self.tensor(inputs)
        rows = []
        with self.evaluating(checking=True), torch.inference_mode(), faults_of(self.name, batch):
            for start in range(0, len(batch), self.batch_size):
                part = batch[start : start + self.batch_size]
                logits = self.net(part)
                if len(logits) != len(part):
                    raise ScoresError(
                        f"{self.name}: it gave {tuple(logits.shape)} for {len(part)} inputs: one row an input was expected"
                    )
                rows.append(logits.cpu())
        return torch.cat(rows).numpy() if rows else np.zeros((0, len(self.labels)), np.float32)

    def layer_shapes(self, batch: Any) -> list[tuple[str, tuple[int, ...]]]:
        """Names and output shapes of the layers that give a tensor, in the order in which they run on a batch."""
        seen: list[tuple[str, tuple[int, ...]]] = []

        def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
            def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
                if isinstance(output, Tensor):
                    seen.append((name, tuple(output.shape)))

            return hook

        handles = [module.register_forward_hook(note(name)) for name, module in self._named.items()]
        given = self.tensor(batch)
        try:
            with frozen(self.net), torch.inference_mode(), faults_of(self.name, given):
                self.net(given)
        finally:
            for handle in handles:
                handle.remove()
        return seen

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
            The layer gives something else than one tensor, is not used, or is called several times.
        """
        self.module(layer)  # names those that there are, where it is none of them
        with captured_layers(self.net, [layer], change) as calls, self.evaluating():
            given = self.tensor(batch)
            with faults_of(self.name, given):
                logits = self.net(given)
            outputs = calls_of(calls, layer)
            yield logits, outputs[chosen_call(outputs, None, layer)]

    @contextmanager
    def recorded(self, layer: str) -> Iterator[list[np.ndarray]]:
        """Collects the layer's output ``(n, ...)`` of every forward pass made inside, beside whatever else is done."""
        kept: list[np.ndarray] = []
        handle = self.module(layer).register_forward_hook(lambda _m, _i, out: kept.append(_numpy(out)))
        try:
            yield kept
        finally:
            handle.remove()

    def activations(self, inputs: Any, layer: str) -> np.ndarray:
        """Activations ``(n, ...)`` of the layer, float32."""
        with self.captured(inputs, layer) as (_, activation):
            return _numpy(activation)

    def gradients(self, inputs: Any, layer: str, target: int | str) -> np.ndarray:
        """Gradient of the target's logit with respect to the layer, ``(n, ...)`` float32."""
        index = self.labels.index(target) if isinstance(target, str) else target
        with self.captured(inputs, layer) as (logits, activation):
            (gradient,) = gradients_at(logits[:, index].sum(), {layer: [activation]})[layer]
            assert gradient is not None  # of one call there is one, or an error that names the layer
            return _numpy(gradient)


def _numpy(values: Tensor) -> np.ndarray:
    """Values as float32, also of types that numpy does not have."""
    return np.asarray(values.detach().float().cpu().numpy())
