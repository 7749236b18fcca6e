"""P-values of the benchmark of independence tests, kept on disk so that a run which was broken off goes on."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affectlens.core.disk.files import write_whole
from benchmarks.independence_cells import Make

FOLDER = Path("runs/independence")
STATS = Path(__file__).parents[1] / "src/affectlens/stats"
CELLS = Path(__file__).with_name("independence_cells.py")


@dataclass(frozen=True)
class Parts:
    """P-values of one test, by the name of the cell; those of other code or of another seed are in another folder.

    Attributes
    ----------
    test : str
        What answers.
    answer : callable
        Gives the p-value of x, y, z and a generator.
    sources : tuple of paths
        Files or folders of the code that the answers depend on.
    seed : int
        Of the data: repetition ``k`` is drawn from ``[k, seed]``.
    """

    test: str
    answer: Callable[..., float]
    sources: tuple[Path, ...]
    seed: int

    @property
    def folder(self) -> Path:
        """Where the p-values lie."""
        return FOLDER / f"{self.test}-{self.seed}-{digest_of((*self.sources, CELLS))}"

    def known(self, cell: str) -> np.ndarray:
        """P-values ``(k,)`` of the first repetitions of a cell."""
        file = self.folder / f"{cell}.npy"
        return np.load(file) if file.exists() else np.zeros(0)

    def extended(self, cell: str, make: Make, count: int) -> np.ndarray:
        """P-values of the first ``count`` repetitions of a cell, of which those that are missing are made and kept."""
        p = self.known(cell)
        if len(p) >= count:
            return np.asarray(p[:count])
        more = []
        for repetition in range(len(p), count):
            rng = np.random.default_rng([repetition, self.seed])
            more.append(self.answer(*make(rng), rng))
        p = np.concatenate([p, more])
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / f"{cell}.npy", lambda partial: partial.write_bytes(as_file(p)))
        return p


def as_file(array: np.ndarray) -> bytes:
    """An array as NumPy writes it."""
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def digest_of(sources: Iterable[Path]) -> str:
    """Twelve digits that say what files, and the Python files of folders, hold."""
    out = hashlib.sha256()
    for source in sources:
        for file in [source] if source.is_file() else sorted(source.rglob("*.py")):
            out.update(file.name.encode() + b"\0" + file.read_bytes())
    return out.hexdigest()[:12]
