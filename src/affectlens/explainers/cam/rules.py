"""Backward rules for what is not linear, for LIFT-CAM and LRP-CAM.

Inside ``rule("lift-cam")`` every elementwise function and maximum keeps its value, but hands back DeepLIFT's rescale multiplier
(Shrikumar et al. 2017); the second half of the batch is the reference. Inside ``rule("lrp-cam")`` it hands back f(z) / z, which
makes gradient times input the epsilon rule of layer-wise relevance propagation (Ancona et al. 2018, proposition 1). Modules and
calls of functions are treated alike; the network is not touched. Products of activations, as in attention, keep their gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_ELEMENTWISE = {
    "relu", "relu_", "relu6", "gelu", "silu", "silu_", "elu", "elu_", "selu", "selu_", "leaky_relu", "leaky_relu_", "hardtanh",
    "hardtanh_", "hardswish", "hardsigmoid", "softplus", "mish", "celu", "celu_", "logsigmoid", "tanh", "tanh_", "sigmoid",
    "sigmoid_", "tanhshrink", "softsign", "prelu",
}  # fmt: skip
_MAXIMA: dict[str, Callable[..., Any]] = {
    "max_pool2d": F.max_pool2d, "adaptive_max_pool2d": F.adaptive_max_pool2d, "max_pool1d": F.max_pool1d,
    "adaptive_max_pool1d": F.adaptive_max_pool1d,
}  # fmt: skip
_NEAR = 1e-6


class Rule(TorchFunctionMode):
    """``name`` is lift-cam or lrp-cam; nothing happens before ``on`` is set, since only what follows the layer counts."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.paired, self.on = name == "lift-cam", False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, more = getattr(func, "__name__", ""), dict(kwargs or {})
        if not self.on or not args or not isinstance(args[0], Tensor):
            return func(*args, **more)
        if name in _ELEMENTWISE:
            more.pop("inplace", None)
            return self._elementwise(getattr(F, name.rstrip("_"), func), args, more)
        if name in _MAXIMA:
            more.pop("return_indices", None)
            return self._maximum(_MAXIMA[name], args, more)
        return func(*args, **more)

    def _elementwise(self, func: Any, args: Any, more: dict[str, Any]) -> Tensor:
        z = args[0]
        with torch.enable_grad():  # where the multiplier is undefined it is the slope
            probe = z.detach().clone().requires_grad_(True)
            value = func(probe, *args[1:], **more)
            slope = torch.autograd.grad(value.sum(), probe)[0]
        multiplier = self._ratio(value.detach(), probe.detach(), slope)
        result: Tensor = value.detach() + multiplier * (z - z.detach())
        return result

    def _maximum(self, func: Any, args: Any, more: dict[str, Any]) -> Tensor:
        z = args[0]
        value, index = func(z.detach(), *args[1:], return_indices=True, **more)
        grid = value.dim() - (2 if func in (F.max_pool2d, F.adaptive_max_pool2d) else 1)
        flat, at = z.flatten(grid), index.flatten(grid)
        chosen = flat.gather(grid, at).reshape(value.shape)
        if not self.paired:
            whole: Tensor = value + (chosen - chosen.detach())
            return whole
        # The winner of each window answers for the change of the maximum from the reference's.
        half = len(z) // 2
        reference = flat.detach()[half:].gather(grid, at[:half]).reshape(value[:half].shape)
        before = chosen.detach()[:half] - reference
        change = value[:half] - value[half:]
        multiplier = torch.where(before.abs() > _NEAR, change / torch.where(before.abs() > _NEAR, before, 1), 1.0)
        multiplier = torch.cat([multiplier, torch.ones_like(multiplier)])
        result: Tensor = value + multiplier * (chosen - chosen.detach())
        return result

    def _ratio(self, value: Tensor, z: Tensor, slope: Tensor) -> Tensor:
        if self.paired:
            half = len(z) // 2
            over, below = value[:half] - value[half:], z[:half] - z[half:]
            over, below = torch.cat([over, over]), torch.cat([below, below])
        else:
            over, below = value, z
        far = below.abs() > _NEAR
        return torch.where(far, over / torch.where(far, below, torch.ones_like(below)), slope)
