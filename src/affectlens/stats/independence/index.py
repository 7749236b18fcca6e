"""Directions of a condition along which a response changes, so that regression on many columns does not need rows everywhere.

Single indices found by Gauss-Newton: projection pursuit regression (Friedman & Stuetzle 1981).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KNOTS = 10
_ROWS = 4_000  # that directions are learned from


@dataclass(frozen=True)
class Ridges:
    """Columns themselves and Gaussian bumps along directions: ``z -> [z, bumps(z v_1), …]``; as ``fourier.Map`` wants it."""

    directions: np.ndarray
    knots: np.ndarray
    widths: np.ndarray
    cost: int  # parameters spent on the directions

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Features ``(n, d + indices * knots)`` of ``(n, d)``."""
        parts = [x]
        for direction, knots, width in zip(self.directions, self.knots, self.widths, strict=True):
            parts.append(np.exp(-0.5 * ((x @ direction)[:, None] - knots) ** 2 / width**2))
        return np.concatenate(parts, axis=1)

    @property
    def width(self) -> int:
        """How many features it gives."""
        return int(self.directions.shape[1] + self.knots.size)


def ridge_maps(z: np.ndarray, targets: np.ndarray, rng: np.random.Generator, most: int = 2) -> list[Ridges]:
    """Maps with one, two, … directions of ``z`` ``(n, d)`` along which ``targets`` ``(n, k)`` change; none for one column."""
    d = z.shape[1]
    if d < 2:
        return []
    rows = rng.choice(len(z), min(_ROWS, len(z)), replace=False)
    x, whitening = _whitened(z[rows])
    residual = targets[rows] - targets[rows].mean(axis=0)
    directions: list[np.ndarray] = []
    out = []
    for _ in range(most):
        direction, residual = _pursue(x, residual)
        directions.append(whitening @ direction)
        so_far = np.array(directions)
        projected = z[rows] @ so_far.T
        knots = np.quantile(projected, np.linspace(0.02, 0.98, KNOTS), axis=0).T
        widths = np.maximum(1.2 * (knots[:, -1] - knots[:, 0]) / (KNOTS - 1), 1e-6)
        out.append(Ridges(so_far, knots, widths, len(directions) * (d - 1)))
    return out


def _whitened(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centred = z - z.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(z) + 1e-6 * np.eye(z.shape[1]))
    whitening = vectors / np.sqrt(values)
    return centred @ whitening, whitening


def _pursue(x: np.ndarray, targets: np.ndarray, steps: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """The direction ``(d,)`` of whitened ``(n, d)`` whose functions fit the targets best, and what they leave."""
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for direction in _starts(x, targets):
        error, fit, slope = _along(x @ direction, targets)
        for _ in range(steps):
            residual = targets - fit
            weight = (slope**2).sum(axis=1)
            hessian = x.T @ (x * weight[:, None]) + 1e-3 * weight.sum() / x.shape[1] * np.eye(x.shape[1])
            step = np.linalg.solve(hessian, x.T @ (slope * residual).sum(axis=1))
            for size in (1.0, 0.3):
                candidate = direction + size * step
                candidate = candidate / max(float(np.linalg.norm(candidate)), 1e-12)
                new_error, new_fit, new_slope = _along(x @ candidate, targets)
                if new_error < error:
                    direction, error, fit, slope = candidate, new_error, new_fit, new_slope
                    break
            else:
                break
        if best is None or error < best[0]:
            best = (error, direction, targets - fit)
    assert best is not None
    return best[1], best[2]


def _starts(x: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
    """The linear direction and the two of the largest mean curvature (principal Hessian directions, Li 1992)."""
    n = len(x)
    slopes = x.T @ targets / n
    _, _, rows = np.linalg.svd(slopes.T, full_matrices=False)
    curvature = np.zeros((x.shape[1], x.shape[1]))
    for k in range(targets.shape[1]):
        hessian = x.T @ (x * targets[:, k : k + 1]) / n
        curvature += hessian @ hessian
    return [rows[0], *np.linalg.eigh(curvature)[1].T[::-1][:2]]


def _along(projected: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Smooth functions of one variable ``(n,)`` fitted to targets ``(n, k)``: error, fit and slope."""
    knots = np.quantile(projected, np.linspace(0.05, 0.95, 7))
    width = max(1.2 * (knots[-1] - knots[0]) / 6, 1e-6)
    distance = (projected[:, None] - knots) / width
    bumps = np.exp(-0.5 * distance**2)
    basis = np.column_stack([np.ones(len(projected)), projected, bumps])
    derivative = np.column_stack([np.zeros(len(projected)), np.ones(len(projected)), -distance / width * bumps])
    penalty = 1e-3 * len(projected) * np.eye(basis.shape[1])
    penalty[0, 0] = penalty[1, 1] = 0
    beta = np.linalg.solve(basis.T @ basis + penalty + 1e-9 * np.eye(len(penalty)), basis.T @ targets)
    fit = basis @ beta
    return float(((targets - fit) ** 2).sum()), fit, derivative @ beta
