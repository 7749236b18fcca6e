"""Models made elsewhere: a torch module, an ONNX file, a Python callable, a table of predictions already made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from affectlens.core.errors import ModelError, unknown


class TorchModel:
    """Any ``torch.nn.Module`` that maps a float batch ``(n, ...)`` to logits ``(n, classes)``.

    The module is put into evaluation mode for each call and back afterwards; its parameters, their ``.grad`` and its
    hooks are as before, also after an exception.
    """

    def __init__(
        self,
        net: nn.Module,
        labels: Sequence[str],
        modality: str = "face",
        device: str | torch.device = "cpu",
        batch_size: int = 256,
    ) -> None:
        self.net, self.labels, self.modality = net.to(device), tuple(labels), modality
        self.device, self.batch_size = torch.device(device), batch_size
        self._named = {name: module for name, module in net.named_modules() if name}

    @property
    def layers(self) -> tuple[str, ...]:
        """Names that ``activations`` and ``gradients`` accept."""
        return tuple(self._named)

    def layer(self, name: str) -> nn.Module:
        """The module of that name; an unknown name is an error with the nearest ones."""
        if name not in self._named:
            raise unknown("layer", name, list(self._named))
        return self._named[name]

    def tensor(self, batch: Any) -> Tensor:
        """The batch as a float tensor on the model's device."""
        return torch.as_tensor(np.asarray(batch) if not isinstance(batch, Tensor) else batch).float().to(self.device)

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

    def predict(self, batch: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32."""
        x = self.tensor(batch)
        rows = []
        with self.evaluating(), torch.inference_mode():
            for start in range(0, len(x), self.batch_size):
                rows.append(self.net(x[start : start + self.batch_size]).float().cpu())
        logits = torch.cat(rows).numpy() if rows else np.zeros((0, len(self.labels)), np.float32)
        if logits.ndim != 2 or logits.shape[1] != len(self.labels):
            raise ModelError(f"the network gave {logits.shape[1:]} outputs for {len(self.labels)} labels {self.labels}")
        return logits

    @contextmanager
    def captured(
        self, batch: Any, layer: str, change: Callable[[Tensor], Tensor] | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Run the network once; gives ``(logits, activation)`` where ``activation`` is a leaf of the graph.

        Everything before the layer runs without a graph, so gradients stop at the layer and no parameter is touched. What
        ``change`` makes of the layer's output goes on instead of it.
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
        handle = self.layer(layer).register_forward_hook(hook)
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
        handle = self.layer(layer).register_forward_hook(lambda _m, _i, out: kept.append(out.detach().cpu().numpy()))
        try:
            yield kept
        finally:
            handle.remove()

    def activations(self, batch: Any, layer: str) -> np.ndarray:
        """Activations ``(n, ...)`` of the layer, float32."""
        with self.captured(batch, layer) as (_, activation):
            return activation.detach().cpu().numpy()

    def gradients(self, batch: Any, layer: str, target: int | str) -> np.ndarray:
        """Gradient of the target's logit with respect to the layer, ``(n, ...)`` float32."""
        index = self.labels.index(target) if isinstance(target, str) else target
        with self.captured(batch, layer) as (logits, activation):
            (gradient,) = torch.autograd.grad(logits[:, index].sum(), activation)
            return gradient.cpu().numpy()

    def predict_with(self, batch: Any, layer: str, replacement: Tensor) -> np.ndarray:
        """Logits when the layer's output is replaced by ``replacement`` ``(n, ...)``."""
        handle = self.layer(layer).register_forward_hook(lambda *_: replacement)
        try:
            with self.evaluating(), torch.inference_mode():
                return np.asarray(self.net(self.tensor(batch)).float().cpu().numpy())
        finally:
            handle.remove()


class OnnxModel:
    """An ONNX classifier; a black box. The first input takes the batch, the first output gives logits."""

    def __init__(self, path: str | Path, labels: Sequence[str], modality: str = "face") -> None:
        import onnxruntime

        if not Path(path).exists():
            raise ModelError(f"{path}: no such ONNX file")
        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"{path}: not a readable ONNX model ({str(error)[:160]})") from error
        self.labels, self.modality = tuple(labels), modality

    def predict(self, batch: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32."""
        name = self._session.get_inputs()[0].name
        logits = np.asarray(self._session.run(None, {name: np.asarray(batch, np.float32)})[0], np.float32)
        return check_logits(logits, self.labels)


class CallableModel:
    """A Python function from a batch to logits ``(n, classes)``; a black box."""

    def __init__(self, function: Callable[[Any], Any], labels: Sequence[str], modality: str = "face") -> None:
        self._function, self.labels, self.modality = function, tuple(labels), modality

    def predict(self, batch: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32."""
        return check_logits(np.asarray(self._function(batch), np.float32), self.labels)


class TableModel:
    """Predictions already made: a frame indexed by key with one probability column a class (``p_<label>`` or its name)."""

    def __init__(self, table: pd.DataFrame, labels: Sequence[str], modality: str = "face") -> None:
        self.labels, self.modality = tuple(labels), modality
        columns = [f"p_{c}" if f"p_{c}" in table else c for c in self.labels]
        missing = [c for c in columns if c not in table]
        if missing:
            raise ModelError(f"the table has no column for {missing}; its columns are {list(table.columns)[:10]}")
        self._rows = table[columns].astype(np.float64)

    def predict(self, batch: Any) -> np.ndarray:
        """Log-probabilities ``(n, classes)`` of the rows whose keys are given."""
        keys = list(batch)
        absent = [k for k in keys if k not in self._rows.index]
        if absent:
            raise ModelError(f"no prediction in the table for {absent[:3]} ({len(absent)} of {len(keys)} keys)")
        return np.log(np.clip(self._rows.loc[keys].to_numpy(), 1e-12, 1)).astype(np.float32)


def check_logits(logits: np.ndarray, labels: tuple[str, ...]) -> np.ndarray:
    """The logits, or an error that tells their shape from the one expected."""
    if logits.ndim != 2 or logits.shape[1] != len(labels):
        raise ModelError(f"expected logits (n, {len(labels)}) for {labels}, the model gave {logits.shape}")
    return logits
