"""Directions of concepts made once, kept in a file, and asked about single inputs: what the main job can say of an utterance.

The null is shared: the difference of the means of two random sets has the pool's covariance whatever their sizes, so the unit
directions of pseudo-concepts of any size are draws from one distribution.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from affectlens.core.errors import LimitError, ModelError
from affectlens.core.untrusted.documents import parse_json
from affectlens.core.untrusted.weight import file_within
from affectlens.models.weights import check_shipped, in_order
from affectlens.stats.multiple import holm
from affectlens.stats.randomization import column_p


@dataclass(frozen=True)
class ConceptBank:
    """Directions of concepts at one layer, and of pseudo-concepts.

    Attributes
    ----------
    names : tuple of str
        The concepts.
    directions : array (k, d)
        Their unit vectors in the layer.
    null : array (K, d)
        Unit vectors of pseudo-concepts.
    about : dict
        ``corpus``, ``layer``, ``examples`` and held-out ``accuracy`` of each.
    """

    names: tuple[str, ...]
    directions: np.ndarray
    null: np.ndarray
    about: dict[str, object]

    @property
    def layer(self) -> str:
        """The layer that the directions belong to."""
        return str(self.about["layer"])

    def save(self, path: Path) -> None:
        """Write half-precision vectors as one safetensors file."""
        meta = {"names": json.dumps(self.names), "about": json.dumps(self.about)}
        arrays = {"directions": self.directions.astype(np.float16), "null": self.null.astype(np.float16)}
        save_file(arrays, str(path), metadata=meta)
        path.write_bytes(in_order(path.read_bytes()))

    @classmethod
    def load(cls, path: Path) -> ConceptBank:
        """The inverse of ``save``.

        Returns
        -------
        ConceptBank
            As it was saved.

        Raises
        ------
        ModelError
            The file is not there, is damaged, or lies among those that ship and is another.
        LimitError
            It is larger than what is read of one file.
        """
        if path.exists():
            check_shipped(path)
        try:
            file_within(path)
            with safe_open(str(path), framework="numpy") as file:
                meta = file.metadata() or {}
                arrays = {name: file.get_tensor(name).astype(np.float64) for name in ("directions", "null")}
            names, about = tuple(parse_json(meta["names"], path)), dict(parse_json(meta["about"], path))
        except LimitError:
            raise
        except Exception as error:
            raise ModelError(f"{path}: not readable as a bank of concepts ({error}); reinstall, or make it again") from error
        unit = {name: vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for name, vectors in arrays.items()}
        return cls(names, unit["directions"], unit["null"], about)

    def sensitivity(self, gradient: np.ndarray, asked: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """How one input's gradient lies to the concepts.

        Parameters
        ----------
        gradient : array (d,)
            Gradient of a logit with respect to the layer.
        asked : array of int, optional
            Indices of the concepts that are asked about; all by default.

        Returns
        -------
        tuple of two arrays
            Cosine with each concept that was asked about, and p-values corrected over them (Holm): two-sided ranks among the
            pseudo-concepts' cosines.
        """
        chosen = self.directions if asked is None else self.directions[asked]
        g = np.asarray(gradient, dtype=np.float64).ravel()
        length = np.linalg.norm(g)
        if not length:
            return np.zeros(len(chosen)), np.ones(len(chosen))
        if not np.isfinite(length):  # a gradient that is not defined says nothing
            return np.full(len(chosen), np.nan), np.full(len(chosen), np.nan)
        cosines, null = chosen @ g / length, np.abs(self.null @ g / length)
        p = column_p(np.abs(cosines), np.broadcast_to(null[:, None], (len(null), len(cosines))))
        return cosines, holm(p)
