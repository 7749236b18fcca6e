"""A layer as its classes see it: statistics of concepts along the gradients of a class's logit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.audits.concepts.cav.space import Space, centred, directions


@dataclass(frozen=True)
class View:
    """A layer as its classes see it.

    Attributes
    ----------
    space : Space
        The layer.
    classes : list of array of int
        For each class the rows of ``space.gradients`` that hold its logit's gradients at its inputs.
    method : str
        How directions are made, one of ``space.METHODS``.
    means : array (c, r)
        Mean unit gradients.
    steps : array (c, r)
        The same, for ridge with its weighing of coordinates.
    spread : array (c,)
        Standard deviation of the pool along each step.
    """

    space: Space
    classes: list[np.ndarray]
    method: str
    means: np.ndarray
    steps: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, space: Space, classes: list[np.ndarray], method: str) -> View:
        """The view of a layer by its classes."""
        nothing = np.full(space.points.shape[1], np.nan)  # a class without inputs has no gradient
        means = np.array([space.gradients[rows].mean(axis=0) if len(rows) else nothing for rows in classes])
        steps = means * space.inner() if method == "ridge" else means
        return cls(space, classes, method, means, steps, (space.points @ steps.T).std(axis=0))

    @property
    def linear(self) -> bool:
        """Whether directions are linear in the targets, so that a direction's length means something."""
        return self.method in ("pattern", "ridge")

    def shift(self, targets: np.ndarray) -> np.ndarray:
        """Standardised difference along the mean gradient ``(k, c)``."""
        y = centred(targets)
        size = (y * y).sum(axis=1, keepdims=True)
        raw = y @ (self.space.points @ self.steps.T) / np.where(size > 0, size, 1)
        return np.asarray(raw / np.where(self.spread > 0, self.spread, 1))

    def score(self, sets: np.ndarray | list[np.ndarray]) -> np.ndarray:
        """Statistics of concepts, averaged over the counterparts of each.

        For ``svm`` and ``sgd``, whose weights have no length that means anything, the shift is the cosine.

        Parameters
        ----------
        sets : sequence of array (counterparts, n)
            Targets of each concept.

        Returns
        -------
        array (3, sets, c)
            Shift, mean cosine and share of positive cosines for every class.
        """
        counts = np.array([len(counterparts) for counterparts in sets])
        ends = np.cumsum([0, *counts])[:-1]
        y = np.concatenate([np.atleast_2d(counterparts) for counterparts in sets])
        vectors = directions(self.space, y, self.method)
        out = np.zeros((3, len(y), len(self.classes)))
        out[1] = vectors @ self.means.T
        out[0] = self.shift(y) if self.linear else out[1]
        for j, rows in enumerate(self.classes):
            positive = self.space.gradients[rows] @ vectors.T > 0
            out[2, :, j] = positive.mean(axis=0) if len(rows) else np.nan
        return np.asarray(np.add.reduceat(out, ends, axis=1) / counts[:, None])

    def alignment(self) -> np.ndarray:
        """Mean cosine among the gradients of each class, within the span."""
        out = []
        for rows in self.classes:
            gradients = self.space.gradients[rows]
            if not len(rows):
                out.append(float("nan"))
                continue
            length = np.linalg.norm(gradients, axis=1, keepdims=True)
            out.append(float(np.linalg.norm((gradients / np.where(length > 0, length, 1)).mean(axis=0))) ** 2)
        return np.array(out)
