"""Layers as grids: channels first, channels last (Swin) or tokens with prefix tokens (ViT), square or not."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from affectlens.core.errors import ModelError

_PREFIX = 9  # class, distillation and register tokens that a network puts before its patches


@dataclass(frozen=True)
class Grid:
    """How a layer's output lies: ``kind`` is first ``(n, c, h, w)``, last ``(n, h, w, c)`` or tokens ``(n, prefix + h w,
    c)``."""

    kind: str
    height: int
    width: int
    prefix: int = 0

    def planes(self, x: Tensor, lead: int = 1) -> Tensor:
        """``(..., c, h, w)`` of an output, or a stack of them, after ``lead`` leading dimensions."""
        if self.kind == "first":
            return x
        if self.kind == "last":
            return x.movedim(-1, lead)
        x = x[..., self.prefix :, :]
        return x.movedim(-1, lead).reshape(*x.shape[:lead], x.shape[-1], self.height, self.width)

    def without(self, x: Tensor, keep: Tensor) -> Tensor:
        """The output ``x`` of one picture ``(1, ...)`` with channels set to zero where ``keep`` ``(m, c)`` is zero: ``(m,
        ...)``.

        Prefix tokens stay as they are.
        """
        if self.kind == "first":
            return x * keep[:, :, None, None]
        if self.kind == "last":
            return x * keep[:, None, None, :]
        out = x.expand(len(keep), -1, -1) * keep[:, None, :]
        out[:, : self.prefix] = x[:, : self.prefix]
        return out


def grid_of(output: Tensor, picture: tuple[int, int], layer: str, told: tuple[int, int] | None = None) -> Grid:
    """How a layer's output ``(n, ...)`` lies, for pictures of ``picture`` (height, width); ``told`` settles the tokens' grid.

    Raises:
        ModelError: the output has no grid, or tokens do not fill one.
    """
    shape = tuple(output.shape)
    if output.ndim == 4:
        last = _misfit(shape[1:3], picture) < _misfit(shape[2:], picture)
        if told is not None:
            last = shape[1:3] == told and shape[2:] != told
        return Grid("last", *shape[1:3]) if last else Grid("first", *shape[2:])
    if output.ndim == 3:
        found = _tokens(shape[1], picture) if told is None else (*told, shape[1] - told[0] * told[1])
        if found is not None and 0 <= found[2] < _PREFIX:
            return Grid("tokens", *found)
    raise ModelError(
        f"layer {layer!r} gives {shape}: no map can be drawn from it; (n, channels, height, width), (n, height, width, "
        f"channels) "
        f"or tokens (n, prefix + height x width, channels) was expected, for pictures of {picture[0]} x {picture[1]}"
    )


def _misfit(grid: tuple[int, ...], picture: tuple[int, int]) -> float:
    """How far a grid is from the picture's form: 1 where it has that form."""
    y, x = picture[0] / grid[0], picture[1] / grid[1]
    return max(y, x) / min(y, x) if min(y, x) >= 1 else float("inf")


def _tokens(count: int, picture: tuple[int, int]) -> tuple[int, int, int] | None:
    """Height, width and prefix of ``count`` tokens of square patches, with the fewest prefix tokens."""
    best: tuple[int, int, int] | None = None
    for side in range(1, min(picture) + 1):
        h, w = picture[0] // side, picture[1] // side
        prefix = count - h * w
        if 0 <= prefix < _PREFIX and (best is None or prefix < best[2]) and h * w > 1:
            best = (h, w, prefix)
    return best


def zeros(x: Tensor) -> Tensor:
    """The second half of a doubled batch set to zero: DeepLIFT's reference, a layer without activation."""
    half = len(x) // 2
    return torch.cat([x[:half], torch.zeros_like(x[half:])])
