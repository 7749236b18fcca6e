"""A model's own preprocessing, whoever wrote it: what it makes, which part of a picture that shows, and its gradient.

The part is measured, not read from a configuration: ramps from left to right and from top to bottom go through the
preprocessing, and what comes out says for each place of the input from which place of the picture it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from affectlens.core.errors import AffectlensError, ModelError, ModelFailedError
from affectlens.models.adapters.blackbox import fault_of, form_of

EDGE = 0.1  # share of the input at each side where resampling bends a ramp
BENT = 0.02  # share of the picture by which a place may be off a straight line
LEAST = 0.99  # correlation of what the gradient is taken of with what the preprocessing makes
_MODES = ("bilinear", "bicubic", "area")


@dataclass(frozen=True)
class Seen:
    """The part of a picture that a network sees, in pixels from its left and top; it may reach beyond the picture (padding)."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def whole(cls, shape: tuple[int, ...]) -> Seen:
        """All of a picture ``(h, w, …)``."""
        return cls(0.0, 0.0, float(shape[1]), float(shape[0]))

    def of_mask(self, mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A mask of a picture ``(h, w, …)``, ``(a, b)`` on any grid over it, as a mask of the part, on as many cells.

        Returns
        -------
        numpy.ndarray
            ``(a, b)`` in [0, 1].

        Examples
        --------
        >>> half = np.repeat([[1.0, 1.0, 0.0, 0.0]], 2, axis=0)
        >>> Seen(10.0, 0.0, 30.0, 20.0).of_mask(half, (20, 40)).round(2).tolist()
        [[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]]
        """
        if self == Seen.whole(shape):
            return mask
        return _resampled(mask, self._edges(mask.shape, shape))

    def to_picture(self, relevance: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A map ``(a, b)`` of the part on the whole picture ``(h, w)``; zero where the network sees nothing."""
        height, width = shape[:2]
        rows = (np.arange(height) + 0.5 - self.top) / (self.bottom - self.top)
        columns = (np.arange(width) + 0.5 - self.left) / (self.right - self.left)
        out = _bilinear(np.asarray(relevance, np.float32), rows, columns)
        out[(rows < 0) | (rows > 1)] = 0
        out[:, (columns < 0) | (columns > 1)] = 0
        return out

    def _edges(self, cells: tuple[int, ...], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        height, width = shape[:2]
        rows = np.linspace(self.top, self.bottom, cells[0] + 1) * cells[0] / height
        columns = np.linspace(self.left, self.right, cells[1] + 1) * cells[1] / width
        return rows, columns


class Preprocessing:
    """What makes a datum (a picture, text, sound) the input of a network.

    Parameters
    ----------
    function : callable
        Takes the datum and gives an array, a tensor, a mapping of them by the names of inputs, or for a model of texts a text.
        For pictures ``(h, w)`` or
        ``(h, w, 3)`` uint8 it gives ``(channels, height, width)`` or ``(height, width, channels)``.
    name : str
        What errors call it.

    Examples
    --------
    >>> middle = Preprocessing(lambda picture: picture[10:30, 20:60].transpose(2, 0, 1) / 255.0)
    >>> middle(np.zeros((40, 80, 3), np.uint8)).shape
    (3, 20, 40)
    >>> middle.seen((40, 80, 3))
    Seen(left=20.0, top=10.0, right=60.0, bottom=30.0)
    """

    def __init__(self, function: Callable[[Any], Any], name: str = "preprocessing") -> None:
        self.function, self.name = function, name
        self._known: dict[tuple[int, int], Seen] = {}

    def __fingerprint__(self) -> Any:
        return self.function

    def __call__(self, datum: Any) -> Any:
        """The input of a datum.

        Returns
        -------
        array, dict of arrays or str
            What the function gives; tensors and lists as arrays.

        Raises
        ------
        ModelFailedError
            The function fails, with the class of what it raised, or gives nothing.
        """  # noqa: DOC501
        try:
            made = self.function(datum)
        except AffectlensError:
            raise
        except Exception as error:
            raise fault_of(f"{self.name} (preprocessing)", datum, error) from error
        if isinstance(made, Mapping):
            return {str(key): _plain(value) for key, value in made.items()}
        if made is None:
            raise ModelFailedError(
                f"{self.name} (preprocessing): it gives nothing of {form_of(datum)}; let it return the input"
            )
        return _plain(made)

    def seen(self, shape: tuple[int, ...]) -> Seen:
        """The part of pictures ``(h, w, 3)`` that the input shows.

        Returns
        -------
        Seen
            In pixels of the picture.

        Raises
        ------
        ModelError
            The input is no straight picture of a part: it is turned, bent or mirrored, or its values do not follow those of
            the picture.
        """  # noqa: DOC502
        size = (shape[0], shape[1])
        if size not in self._known:
            self._known[size] = _measured(self._planes, size, self.name)
        return self._known[size]

    def differentiable(self, picture: Tensor) -> Tensor:
        """The input ``(channels, height, width)`` of a picture ``(h, w, 3)`` from 0 to 255, with its gradient.

        The values are those that the preprocessing makes of the rounded picture. The gradient is that of resampling the part
        which it shows with the kernel (bilinear, bicubic or the mean of areas) that comes nearest to it, and of its colours.

        Parameters
        ----------
        picture : torch.Tensor
            Float, ``requires_grad`` or not.

        Returns
        -------
        torch.Tensor
            Float32, channels first.

        Raises
        ------
        ModelError
            No such resampling comes near (a correlation of .99) to what the preprocessing makes.
        """
        exact = torch.from_numpy(self._planes(_bytes(picture)))
        height, width = int(picture.shape[0]), int(picture.shape[1])
        part = self.seen((height, width))
        colours, offset = self._colours((height, width))
        planes = picture.float().permute(2, 0, 1)[None]
        made = [_cut_out(planes, part, exact.shape[1:], mode) for mode in _MODES]
        near = [torch.einsum("ck,khw->chw", colours, one[0]) + offset[:, None, None] for one in made]
        fit = [_correlation(one.detach(), exact) for one in near]
        best = int(np.argmax(fit))
        if fit[best] < LEAST:
            raise ModelError(
                f"{self.name}: what this preprocessing makes is no resampling of the picture (correlation {fit[best]:.2f}), so "
                "no gradient goes through it"
            )
        return exact + near[best] - near[best].detach()

    def _planes(self, picture: np.ndarray) -> np.ndarray:
        """The input of a picture as ``(channels, height, width)`` float32."""
        made = self(picture)
        if not isinstance(made, np.ndarray | Mapping):
            raise ModelError(
                f"{self.name}: the preprocessing gives a {type(made).__name__}; an array was expected of a picture"
            )
        if isinstance(made, Mapping):
            grids = [value for value in made.values() if value.ndim in (2, 3)]
            if len(grids) != 1:
                raise ModelError(f"{self.name}: which of its inputs ({', '.join(made)}) is the picture cannot be told")
            made = grids[0]
        if made.ndim == 2:
            made = made[None]
        if made.ndim != 3:
            raise ModelError(f"{self.name}: {form_of(made)} is no picture; (channels, height, width) was expected")
        if made.shape[2] in (1, 3, 4) and made.shape[0] not in (1, 3, 4):
            made = made.transpose(2, 0, 1)
        return np.ascontiguousarray(made, np.float32)

    def _colours(self, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """What a unit of red, green and blue adds to each channel ``(channels, 3)``, and the channels of black."""
        black = np.zeros((*size, 3), np.uint8)
        dark = np.median(self._planes(black), axis=(1, 2))
        gains = []
        for channel in range(3):
            bright = black.copy()
            bright[..., channel] = 255
            gains.append((np.median(self._planes(bright), axis=(1, 2)) - dark) / 255)
        return torch.from_numpy(np.stack(gains, axis=1)).float(), torch.from_numpy(dark).float()


def seen_by(prepare: Any, shape: tuple[int, ...]) -> Seen:
    """The part of a picture that a model's ``prepare`` shows it; all of it where a model has no preprocessing of its own."""
    return prepare.seen(shape) if isinstance(prepare, Preprocessing) else Seen.whole(shape)


def _measured(planes: Callable[[np.ndarray], np.ndarray], size: tuple[int, int], name: str) -> Seen:
    height, width = size
    black, white = (planes(np.full((*size, 3), value, np.uint8)) for value in (0, 255))
    span = white - black
    follows = np.abs(span) > 1e-6  # not what is filled in around
    if not follows.any():
        raise ModelError(
            f"{name}: what this preprocessing makes is the same of black and of white; where it looks is not known"
        )
    edges = []
    for along, length in ((1, width), (0, height)):
        line = np.linspace(0, 255, length).round().astype(np.uint8)
        ramp = np.broadcast_to(line[None, :, None] if along == 1 else line[:, None, None], (*size, 3))
        at = np.divide(planes(np.ascontiguousarray(ramp)) - black, span, out=np.full_like(span, np.nan), where=follows)
        edges.append(_straight(_mean_of_channels(at), along, length, name))
    (left, right), (top, bottom) = edges
    return Seen(left, top, right, bottom)


def _mean_of_channels(at: np.ndarray) -> np.ndarray:
    """Mean over the channels that follow the picture; NaN where none does."""
    present = np.isfinite(at)
    count = present.sum(axis=0)
    total = np.where(present, at, 0.0).sum(axis=0)
    mean: np.ndarray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _straight(at: np.ndarray, along: int, length: int, name: str) -> tuple[float, float]:
    """Where the input begins and ends along an axis of the picture, from the places ``(height, width)`` in [0, 1]."""
    rows = at if along == 1 else at.T
    count = rows.shape[1]
    edge = int(count * EDGE)
    inner = rows[int(len(rows) * EDGE) : len(rows) - int(len(rows) * EDGE), edge : count - edge]
    present = np.isfinite(inner).all(axis=0)
    if not present.any():  # filled in at the sides: what is left of it
        inner = inner[np.isfinite(inner).any(axis=1)]
        present = np.isfinite(inner).all(axis=0)
    if present.sum() < 2:
        raise ModelError(f"{name}: where this preprocessing looks in a picture cannot be measured")
    places = np.arange(edge, count - edge)[present]
    middle = inner[:, present].mean(axis=0) * (length - 1)
    slope, start = np.polyfit(places, middle, 1)
    off = np.abs(inner[:, present] * (length - 1) - (start + slope * places)).max()
    if slope <= 0 or off > max(BENT * length, 1.5):
        raise ModelError(
            f"{name}: what this preprocessing makes is turned, mirrored or bent, or its values do not follow the picture's "
            f"(off by {off:.1f} of {length} pixels), so that no map of it can be laid on the picture"
        )
    low = start + 0.5 - slope / 2
    return _settled(low, length), _settled(low + slope * count, length)


def _settled(place: float, length: int) -> float:
    """A place in pixels as well as eight bits of a ramp tell it: the edge of the picture where it is next to one."""
    near = max(0.25, 0.003 * length)
    for edge in (0.0, float(length)):
        if abs(place - edge) < near:
            return edge
    return float(round(place)) if abs(place - round(place)) < 0.05 else float(round(place, 2))


def _cut_out(planes: Tensor, part: Seen, size: tuple[int, ...], mode: str) -> Tensor:
    """A part of pictures ``(1, 3, h, w)`` at a size, differentiable: the whole is resampled, then the part is taken."""
    height, width = planes.shape[-2:]
    down, across = size[0] / (part.bottom - part.top), size[1] / (part.right - part.left)
    full = (max(1, round(height * down)), max(1, round(width * across)))
    smooth = {"align_corners": False, "antialias": True} if mode != "area" else {}
    resized = functional.interpolate(planes, size=full, mode=mode, **smooth)
    top, left = round(part.top * down), round(part.left * across)
    around = [-left, left + size[1] - full[1], -top, top + size[0] - full[0]]  # below zero: cut away
    return functional.pad(resized, around)


def _correlation(one: Tensor, other: Tensor) -> float:
    if one.shape != other.shape:
        return -1.0
    pair = torch.stack([one.flatten(), other.flatten()]).double()
    if float((pair[0] - pair[1]).abs().max()) < 1e-6:
        return 1.0
    return float(torch.corrcoef(pair).nan_to_num(-1)[0, 1])


def _bytes(picture: Tensor) -> np.ndarray:
    values = picture.detach().cpu().numpy()
    if values.ndim != 3 or values.shape[2] != 3:
        raise ModelError(f"a picture (h, w, 3) from 0 to 255 was expected, {form_of(values)} was given")
    return np.ascontiguousarray(np.clip(np.round(values), 0, 255), np.uint8)


def _plain(value: Any) -> Any:
    return (
        value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value) if isinstance(value, list) else value
    )


def _resampled(mask: np.ndarray, edges: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Means of a mask ``(a, b)`` between edges in its cells; nothing lies outside of it."""
    across = np.apply_along_axis(partial(_means, edges=edges[1]), 1, np.asarray(mask, np.float64))
    return np.asarray(np.apply_along_axis(partial(_means, edges=edges[0]), 0, across), np.float32)


def _means(line: np.ndarray, edges: np.ndarray) -> np.ndarray:
    total = np.concatenate([[0.0], np.cumsum(line)])
    sums = np.interp(edges, np.arange(len(total)), total)
    return np.asarray(np.diff(sums) / np.maximum(np.diff(edges), 1e-9))


def _bilinear(grid: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Values of a grid at places in [0, 1] of its height and width."""
    down, across = rows * grid.shape[0] - 0.5, columns * grid.shape[1] - 0.5
    high, right = np.clip(down, 0, grid.shape[0] - 1), np.clip(across, 0, grid.shape[1] - 1)
    first, left = np.floor(high).astype(int), np.floor(right).astype(int)
    last, beside = np.minimum(first + 1, grid.shape[0] - 1), np.minimum(left + 1, grid.shape[1] - 1)
    low, side = (high - first)[:, None], (right - left)[None]
    upper = grid[first][:, left] * (1 - side) + grid[first][:, beside] * side
    lower = grid[last][:, left] * (1 - side) + grid[last][:, beside] * side
    return np.asarray(upper * (1 - low) + lower * low)
