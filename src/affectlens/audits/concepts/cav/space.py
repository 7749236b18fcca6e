"""One layer seen through its Gram matrix: every direction, score and test costs the same whatever the layer's width.

All concept activation vectors are combinations of the examples' activations, so they lie in the span of at most ``n`` rows. The
rows and the gradients are put into an orthonormal basis of that span once; what follows happens in its few coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.audits.concepts.settings import ALIASES, METHODS
from affectlens.core.errors import UsageError, unknown

_CHUNK = 8192  # columns of a layer that are in double precision at a time


@dataclass(frozen=True)
class Space:
    """A layer in an orthonormal basis of its examples' span, of ``r`` dimensions.

    Attributes
    ----------
    points : array (n, r)
        Examples less their mean.
    gradients : array (m, r)
        The part of each unit gradient that lies in the span.
    norms : array (m,)
        Lengths of the raw gradients.
    back : array (n, r)
        Maps a direction's coordinates to weights of the centred examples, hence to the layer (``expand``).
    examples : array (n, d)
        Activations as they were given.
    """

    points: np.ndarray
    gradients: np.ndarray
    norms: np.ndarray
    back: np.ndarray
    examples: np.ndarray

    @classmethod
    def of(cls, activations: np.ndarray, gradients: np.ndarray) -> Space:
        """From activations and gradients of logits with respect to them.

        Parameters
        ----------
        activations : array (n, d)
            One row an example.
        gradients : array (m, d)
            One row an input and class.

        Returns
        -------
        Space
            The layer's space.

        Raises
        ------
        UsageError
            Shapes that do not fit, or values that are not finite.
        """
        x, g = np.asarray(activations), np.asarray(gradients)
        if x.ndim != 2 or g.ndim != 2 or x.shape[1] != g.shape[1]:
            raise UsageError(f"activations {x.shape} and gradients {g.shape}; expected (n, d) and (m, d) of the same layer")
        if len(x) < 4:
            raise UsageError(f"{len(x)} examples; a direction needs at least 4, with and without the concept")
        n, m = len(x), len(g)
        mean = x.mean(axis=0, dtype=np.float64)
        gram, cross, square = np.zeros((n, n)), np.zeros((m, n)), np.zeros(m)
        for at in range(0, x.shape[1], _CHUNK):
            part = slice(at, at + _CHUNK)
            a = x[:, part].astype(np.float64) - mean[part]
            b = g[:, part].astype(np.float64)
            gram += a @ a.T
            cross += b @ a.T
            square += (b * b).sum(axis=1)
        if not (np.isfinite(gram).all() and np.isfinite(cross).all()):
            raise UsageError("activations or gradients are not finite; look for overflow in the model")
        values, vectors = np.linalg.eigh(gram)
        kept = values > max(values.max(), 0) * 1e-10
        if not kept.any():
            raise UsageError("all examples have the same activations at this layer; it carries nothing to tell concepts by")
        root = np.sqrt(values[kept])
        back = vectors[:, kept] / root
        norms = np.sqrt(square)
        unit = (cross @ back) / np.where(norms > 0, norms, 1)[:, None]
        return cls(vectors[:, kept] * root, unit, norms, back, x)

    def expand(self, direction: np.ndarray) -> np.ndarray:
        """Directions ``(k, r)`` as vectors of the layer ``(k, d)``."""
        weights = np.atleast_2d(direction) @ self.back.T
        mean = self.examples.mean(axis=0, dtype=np.float64)
        return np.asarray(weights @ self.examples.astype(np.float64) - weights.sum(axis=1, keepdims=True) * mean)

    def place(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors of the layer ``(k, d)`` in the basis ``(k, r)``: the part of them that lies in the examples' span."""
        layer_vectors = np.atleast_2d(vectors).astype(np.float64)
        centred = self.examples.astype(np.float64) - self.examples.mean(axis=0, dtype=np.float64)
        return np.asarray(layer_vectors @ centred.T @ self.back)

    def inner(self) -> np.ndarray:
        """``(r,)``: how a ridge direction weighs each coordinate; the covariance shrunk by Ledoit & Wolf (2004)."""
        from sklearn.covariance import ledoit_wolf_shrinkage

        variance = (self.points**2).mean(axis=0)
        share = float(ledoit_wolf_shrinkage(self.points, assume_centered=True))
        return np.asarray(1 / ((1 - share) * variance + share * variance.mean()))


def method_name(name: str) -> str:
    """The method, by its own name or an alias; an unknown one is an error that lists them."""
    plain = ALIASES.get(name, name)
    if plain not in METHODS:
        raise unknown("method of concept vectors", name, [*METHODS, *ALIASES])
    return plain


def directions(space: Space, targets: np.ndarray, method: str = "pattern", seed: int = 0) -> np.ndarray:
    """Unit directions of concepts.

    - ``pattern``: covariance of activations with the target (Pahde et al. 2022, arXiv 2202.03482). For a yes-no concept it is
      the difference of the means (FastCAV, Schmalwasser et al. 2025).
    - ``ridge``: least squares with a shrunk covariance, in closed form; for a yes-no concept the same direction as linear
      discriminant analysis with that covariance.
    - ``svm``, ``sgd``: scikit-learn's linear classifiers as TCAV uses them (Kim et al. 2018), for comparison.

    Parameters
    ----------
    space : Space
        The layer.
    targets : array (k, n)
        1 with the concept, 0 without, NaN for an example that takes no part; other numbers grade it (``pattern`` and
        ``ridge`` only).
    method : str
        One of ``METHODS`` or ``ALIASES``.
    seed : int
        Of the classifiers.

    Returns
    -------
    array (k, r)
        In the coordinates of the space.

    Raises
    ------
    UsageError
        Targets of another length, or an unknown method.
    """
    y = np.atleast_2d(np.asarray(targets, dtype=np.float64))
    if y.shape[1] != len(space.points):
        raise UsageError(f"targets {y.shape} for {len(space.points)} examples; expected (concepts, {len(space.points)})")
    method = method_name(method)
    if method in ("pattern", "ridge"):
        weights = centred(y)
        raw = weights @ space.points
        # Where all examples are alike, rounding alone is left: that is no direction.
        rounding = 1e-12 * np.abs(space.points).max(initial=0.0) * np.abs(weights).sum(axis=1, keepdims=True)
        raw = np.where(np.linalg.norm(raw, axis=1, keepdims=True) > rounding, raw, 0.0)
        if method == "ridge":
            raw = raw * space.inner()
    else:
        raw = np.array([_classifier(space.points, row, method, seed) for row in y])
    length = np.linalg.norm(raw, axis=1, keepdims=True)
    return np.asarray(raw / np.where(length > 0, length, 1))


def centred(targets: np.ndarray) -> np.ndarray:
    """Targets less their mean over the examples that take part; the others get weight 0."""
    finite = np.isfinite(targets)
    mean = np.where(finite, targets, 0).sum(axis=1, keepdims=True) / np.maximum(finite.sum(axis=1, keepdims=True), 1)
    return np.where(finite, targets - mean, 0.0)


def _classifier(points: np.ndarray, target: np.ndarray, method: str, seed: int) -> np.ndarray:
    """Weights of a linear classifier; a rotation changes neither machine, so the basis may stand for the layer."""
    finite = np.isfinite(target)
    x, y = points[finite], target[finite] > 0.5
    if method == "svm":
        from sklearn.svm import LinearSVC

        fitted = LinearSVC(C=0.01, dual=True, max_iter=20000, random_state=seed).fit(x, y)
    else:
        from sklearn.linear_model import SGDClassifier

        fitted = SGDClassifier(alpha=0.01, max_iter=1000, tol=1e-3, random_state=seed).fit(x, y)
    return np.asarray(fitted.coef_[0], dtype=np.float64)
