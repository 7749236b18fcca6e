"""How ordinary an input is among those that a model learnt from: a p-value, kept in the model's weights file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from affectlens.core.errors import ModelError

PREFIX = "typicality."
_CELLS = 4_000_000  # distances between inputs and prototypes that are held at once


@dataclass(frozen=True)
class Typicality:
    """A distance in deep features and what distances people have that it was not fitted on.

    Attributes
    ----------
    mean, scale : numpy.ndarray
        ``(d,)``, of the training features.
    axes : numpy.ndarray
        ``(d, k)``, principal axes of the standardised features.
    spread : numpy.ndarray
        ``(k + 1,)``: deviations along the axes, and that of what lies outside them.
    prototypes : numpy.ndarray
        ``(m, k + 1)`` in whitened coordinates; with one, the mean, the distance is Mahalanobis'.
    null : numpy.ndarray
        ``(q,)``, rising: distances of people that mean, axes and prototypes were not fitted on.
    tail : numpy.ndarray
        ``(q + 1,)``, falling: the p-values up to the first of those distances, from there to the next, and beyond the last.

    Notes
    -----
    ``affectlens.learning.typicality.fit_typicality`` makes one.
    """

    mean: np.ndarray
    scale: np.ndarray
    axes: np.ndarray
    spread: np.ndarray
    prototypes: np.ndarray
    null: np.ndarray
    tail: np.ndarray

    def __post_init__(self) -> None:
        d, k = self.axes.shape
        expected = {"mean": (d,), "scale": (d,), "spread": (k + 1,), "tail": (self.null.size + 1,)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{PREFIX}{name} has shape {getattr(self, name).shape}, expected {shape}")
        if self.prototypes.ndim != 2 or self.prototypes.shape[1] != k + 1 or not len(self.prototypes):
            raise ValueError(f"{PREFIX}prototypes has shape {self.prototypes.shape}, expected (1 or more, {k + 1})")
        if self.null.ndim != 1 or not len(self.null) or (np.diff(self.null) < 0).any() or (np.diff(self.tail) > 0).any():
            raise ValueError(f"{PREFIX}null must be distances that rise, with p-values that fall in {PREFIX}tail")
        for name in _FIELDS:
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{PREFIX}{name} holds values that are not finite")
        if min(self.scale.min(), self.spread.min()) <= 0:
            raise ValueError(f"{PREFIX}scale and {PREFIX}spread must be above zero")

    def whitened(self, features: np.ndarray) -> np.ndarray:
        """Features in deviations along each axis, and how far they lie outside all of them.

        Parameters
        ----------
        features : numpy.ndarray
            ``(n, d)``.

        Returns
        -------
        numpy.ndarray
            ``(n, k + 1)`` float64.

        Raises
        ------
        ModelError
            Another width, or values that are not finite.
        """
        standardised = (checked(features, len(self.mean)) - self.mean) / self.scale
        along = standardised @ self.axes
        outside = np.sqrt(np.maximum((standardised**2).sum(axis=1) - (along**2).sum(axis=1), 0.0))
        return np.asarray(np.column_stack([along, outside]) / self.spread)

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Distance ``(n,)`` of features ``(n, d)`` from the nearest prototype, in deviations."""
        return nearest(self.whitened(features), self.prototypes)

    def p_values(self, features: np.ndarray) -> np.ndarray:
        """How ordinary features are: 1 ordinary, near 0 unlike anything that was learnt.

        Parameters
        ----------
        features : numpy.ndarray
            ``(n, d)``.

        Returns
        -------
        numpy.ndarray
            ``(n,)``: the share of new people's inputs that lie as far out or farther (conformal p-value, Vovk et al. 2005,
            "Algorithmic learning in a random world"). Uniform, or larger, for inputs like those that were learnt.

        Raises
        ------
        ModelError
            Another width, or values that are not finite.
        """
        return np.asarray(self.tail[np.searchsorted(self.null, self.distances(features), side="left")])

    def to_tensors(self) -> dict[str, np.ndarray]:
        """What a weights file holds of it: names that begin with ``typicality.``, float32."""
        return {PREFIX + name: np.ascontiguousarray(getattr(self, name), np.float32) for name in _FIELDS}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Any]) -> Typicality | None:
        """The inverse of ``to_tensors``.

        Parameters
        ----------
        tensors : mapping of str to array or torch.Tensor
            All of a weights file, or those of ``to_tensors``.

        Returns
        -------
        Typicality or None
            None where the file holds none.

        Raises
        ------
        ModelError
            Some of its tensors are missing or do not fit each other.
        """
        found = {name: tensor for name, tensor in tensors.items() if name.startswith(PREFIX)}
        if not found:
            return None
        missing = [name for name in _FIELDS if PREFIX + name not in found]
        if missing:
            raise ModelError(f"{PREFIX}{', '.join(missing)} missing; expected {', '.join(_FIELDS)}; train again or reinstall")
        try:
            return cls(*(np.asarray(found[PREFIX + name], np.float64) for name in _FIELDS))
        except (ValueError, IndexError) as error:
            raise ModelError(f"no typicality can be made of these tensors: {error}; train again or reinstall") from error


_FIELDS = ("mean", "scale", "axes", "spread", "prototypes", "null", "tail")


def checked(features: np.ndarray, width: int | None = None) -> np.ndarray:
    """See that features are numbers of the width that is expected.

    Returns
    -------
    numpy.ndarray
        ``(n, d)`` float64.

    Raises
    ------
    ModelError
        Another shape than ``(n, width)``, or values that are not finite.
    """
    given = np.asarray(features, np.float64)
    if given.ndim != 2 or (width is not None and given.shape[1] != width):
        raise ModelError(f"features of shape {given.shape}, expected (n, {width if width is not None else 'd'})")
    wrong = int((~np.isfinite(given)).any(axis=1).sum())
    if wrong:
        raise ModelError(f"{wrong} of {len(given)} inputs have deep features that are not finite; typicality needs numbers")
    return given


def nearest(points: np.ndarray, prototypes: np.ndarray) -> np.ndarray:
    """Euclidean distance ``(n,)`` of points ``(n, k)`` from the nearest of prototypes ``(m, k)``."""
    step = max(1, _CELLS // len(prototypes))
    squares = (prototypes**2).sum(axis=1)
    out = np.empty(len(points))
    for start in range(0, len(points), step):
        part = points[start : start + step]
        squared = (part**2).sum(axis=1)[:, None] - 2 * part @ prototypes.T + squares
        out[start : start + step] = np.sqrt(np.maximum(squared.min(axis=1), 0.0))
    return out
