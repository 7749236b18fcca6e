"""Layers as grids: channels first, channels last (Swin) or tokens with prefix tokens (ViT), square or not."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from affectlens.core.errors import ModelError

CLEAR = 1.5  # how much worse the other reading of a shape must fit the picture's form for the form to settle it
_PREFIX = 9  # class, distillation and register tokens that a network puts before its patches


@dataclass(frozen=True)
class Grid:
    """How a layer's output lies.

    Attributes
    ----------
    kind : str
        ``first`` for ``(n, c, h, w)``, ``last`` for ``(n, h, w, c)``, ``tokens`` for ``(n, prefix + h w, c)``.
    height, width : int
        Size of the grid.
    prefix : int
        Tokens before those of the patches.
    """

    kind: str
    height: int
    width: int
    prefix: int = 0

    def planes(self, states: Tensor, lead: int = 1) -> Tensor:
        """``(..., c, h, w)`` of an output, or a stack of them, after ``lead`` leading dimensions."""
        if self.kind == "first":
            return states
        if self.kind == "last":
            return states.movedim(-1, lead)
        states = states[..., self.prefix :, :]
        return states.movedim(-1, lead).reshape(*states.shape[:lead], states.shape[-1], self.height, self.width)

    def without(self, states: Tensor, keep: Tensor) -> Tensor:
        """Set channels to zero; prefix tokens stay as they are.

        Parameters
        ----------
        states : Tensor
            The output of one picture, ``(1, ...)``.
        keep : Tensor
            ``(m, c)``, zero for channels that go.

        Returns
        -------
        Tensor
            ``(m, ...)``.
        """
        if self.kind == "first":
            return states * keep[:, :, None, None]
        if self.kind == "last":
            return states * keep[:, None, None, :]
        out = states.expand(len(keep), -1, -1) * keep[:, None, :]
        out[:, : self.prefix] = states[:, : self.prefix]
        return out


def grid_of(
    output: Tensor, picture: tuple[int, int], layer: str, given: tuple[int, int] | None = None, channels: str = "auto"
) -> Grid:
    """Tell how a layer's output lies.

    Parameters
    ----------
    output : Tensor
        ``(n, ...)``.
    picture : (int, int)
        Height and width of the pictures.
    layer : str
        The layer's name, for errors.
    given : (int, int), optional
        Height and width of the grid, where the shape leaves it open.
    channels : str
        ``first`` or ``last`` where it is known where channels lie; ``auto`` goes by the picture's form.

    Returns
    -------
    Grid
        The layout that fits the picture's form best, with the fewest prefix tokens.

    Raises
    ------
    ModelError
        The output has no grid, or its tokens do not fill one.

    Examples
    --------
    >>> grid_of(torch.zeros(1, 197, 768), (224, 224), "blocks.11")
    Grid(kind='tokens', height=14, width=14, prefix=1)
    """
    shape = tuple(output.shape)
    if output.ndim == 4:
        if channels == "auto" and given is not None:
            channels = "last" if shape[1:3] == given and shape[2:] != given else "first"
        elif channels == "auto":
            channels = "last" if _misfit(shape[1:3], picture) < _misfit(shape[2:], picture) else "first"
        grid = Grid("last", *shape[1:3]) if channels == "last" else Grid("first", *shape[2:])
        if given is None or (grid.height, grid.width) == tuple(given):
            return grid
        raise ModelError(
            f"layer {layer!r} gives {shape}: a grid of {grid.height} x {grid.width}, not the {given[0]} x {given[1]} that was "
            "given; leave grid out, or give that of the layer"
        )
    if output.ndim == 3 and channels != "first":  # channels before places in three axes: a signal over time, as of Conv1d
        tokens = _tokens(shape[1], picture) if given is None else (*given, shape[1] - given[0] * given[1])
        if tokens is not None and 0 <= tokens[2] < _PREFIX:
            return Grid("tokens", *tokens)
    what = " (channels, then one axis of time)" if output.ndim == 3 and channels == "first" else ""
    raise ModelError(
        f"layer {layer!r} gives {shape}{what}: no map can be drawn from it; (n, channels, height, width), (n, height, width, "
        f"channels) or tokens (n, prefix + height x width, channels) was expected, for pictures of {picture[0]} x {picture[1]}"
    )


def channels_by_form(shape: tuple[int, ...], picture: tuple[int, int]) -> str:
    """Where channels lie in ``(n, a, b, c)``, if the picture's form settles it: first, last, or an empty string."""
    first, last = _misfit(shape[2:], picture), _misfit(shape[1:3], picture)
    if min(first, last) == float("inf") or max(first, last) < CLEAR * min(first, last):
        return ""
    return "first" if first < last else "last"


def _misfit(grid: tuple[int, ...], picture: tuple[int, int]) -> float:
    """How far a grid is from the picture's form: 1 where it has that form."""
    vertical, horizontal = picture[0] / grid[0], picture[1] / grid[1]
    return max(vertical, horizontal) / min(vertical, horizontal) if min(vertical, horizontal) >= 1 else float("inf")


def _tokens(count: int, picture: tuple[int, int]) -> tuple[int, int, int] | None:
    """Height, width and prefix of ``count`` tokens of square patches, with the fewest prefix tokens."""
    best: tuple[int, int, int] | None = None
    for side in range(1, min(picture) + 1):
        height, width = picture[0] // side, picture[1] // side
        prefix = count - height * width
        if 0 <= prefix < _PREFIX and (best is None or prefix < best[2]) and height * width > 1:
            best = (height, width, prefix)
    return best


def zeros(states: Tensor) -> Tensor:
    """The second half of a doubled batch set to zero: DeepLIFT's reference, a layer without activation."""
    half = len(states) // 2
    return torch.cat([states[:half], torch.zeros_like(states[half:])])
