"""Orthonormal bases of smooth functions of a condition: low-rank roots of kernels, orthogonal to what is never penalised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

MOST = 150  # functions of a basis
_REST = 1e-10  # of a kernel's diagonal of ones, where the decomposition ends
_TOLERANCE = 1e-9  # eigenvalues below it, of a kernel of ones, are rounding

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Basis:
    """Functions of the condition at its rows.

    Attributes
    ----------
    name : str
        Kernel and width.
    vectors : (n, r) array
        Orthonormal columns.
    values : (r,) array
        Eigenvalues: how smooth each function is to the kernel.
    cost : int
        Parameters that were spent on the basis itself.
    """

    name: str
    vectors: np.ndarray
    values: np.ndarray
    cost: int = 0


def gaussian(width: float) -> Kernel:
    """The kernel ``exp(-|a - b|² / (2 width²))`` of rows ``(n, d)`` and one row ``(d,)``."""

    def kernel(rows: np.ndarray, row: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(((rows - row) ** 2).sum(axis=1) * (-0.5 / width**2)))

    return kernel


def exponential(width: float) -> Kernel:
    """The kernel ``exp(-|a - b| / width)`` of one column, whose functions may have kinks and nearly jumps."""

    def kernel(rows: np.ndarray, row: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(-np.abs(rows - row)[:, 0] / width))

    return kernel


def additive(width: float) -> Kernel:
    """The mean of Gaussian kernels of single columns: its functions are sums of functions of one column."""

    def kernel(rows: np.ndarray, row: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp((rows - row) ** 2 * (-0.5 / width**2)).mean(axis=1))

    return kernel


def linear(rows: np.ndarray, row: np.ndarray) -> np.ndarray:
    """The kernel of straight lines."""
    return np.asarray(rows @ row / rows.shape[1])


def root(kernel: Kernel, rows: np.ndarray, labels: np.ndarray | None, most: int) -> np.ndarray:
    """A factor ``(n, r)`` of the kernel matrix of ``rows``, by pivoted Cholesky decomposition.

    Each step takes the row that those before say least of (Fine & Scheinberg 2001); only the columns of the matrix that are
    taken are computed, so that time is linear in rows.

    Parameters
    ----------
    kernel : callable
        Of all rows with one.
    rows : (n, d) array
        The condition.
    labels : (n,) array or None
        Rows of different labels have a kernel of zero.
    most : int
        Columns at most.

    Returns
    -------
    (n, r) array
        ``root @ root.T`` is the kernel matrix as far as ``r`` rows give it.
    """
    n = len(rows)
    factor = np.zeros((most, n))
    rest = np.array([kernel(rows[i : i + 1], rows[i])[0] for i in range(n)]) if kernel is linear else np.ones(n)
    for rank in range(most):
        pivot = int(rest.argmax())
        if rest[pivot] < _REST:
            return factor[:rank].T
        column = kernel(rows, rows[pivot])
        if labels is not None:
            column = column * (labels == labels[pivot])
        factor[rank] = (column - factor[:rank, pivot] @ factor[:rank]) / np.sqrt(rest[pivot])
        rest = rest - factor[rank] ** 2
    return factor.T


def basis(
    name: str,
    kernel: Kernel,
    rows: np.ndarray,
    fixed: np.ndarray,
    labels: np.ndarray | None = None,
    cost: int = 0,
    most: int = MOST,
) -> Basis:
    """The basis of a kernel on rows ``(n, d)`` without what the orthonormal ``fixed`` ``(n, q)`` says."""
    n = len(rows)
    factor = root(kernel, rows, labels, min(most, max(n // 3, 1)))
    factor = factor - fixed @ (fixed.T @ factor)
    values, vectors = np.linalg.eigh(factor.T @ factor)
    kept = values > _TOLERANCE * n
    values = values[kept]
    return Basis(name, factor @ (vectors[:, kept] / np.sqrt(values)), values, cost)


def orthonormal(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Orthonormal columns that span the given ones; directions that are nearly a combination of others are left out."""
    together = np.column_stack(columns)
    together = together / np.maximum(np.sqrt((together**2).sum(axis=0)), 1e-300)
    vectors, values, _ = np.linalg.svd(together, full_matrices=False)
    return np.asarray(vectors[:, values > 1e-7 * values[0]])
