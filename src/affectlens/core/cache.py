"""Results that are slow to make, kept on disk under a key of everything that they depend on (see ``files.key_of``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import OutputError
from affectlens.core.files import sha256_of, write_whole
from affectlens.core.untrusted.arrays import load_arrays
from affectlens.core.untrusted.frames import read_parquet


def kept_arrays(folder: Path, name: str, key: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays by name from ``folder/name-key.npz``, made and written there where they are not.

    Parameters
    ----------
    folder : Path
        Where results are kept.
    name : str
        What the result is, for people who look into the folder.
    key : str
        ``files.key_of`` the contents, options and weights that the result depends on.
    make : callable
        Makes the arrays; none may hold Python objects.

    Returns
    -------
    dict of str to numpy.ndarray
    """
    file = folder / f"{name}-{key}.npz"
    if not file.exists():
        made = make()
        write_whole(file, lambda path: np.savez(path, **made))  # type: ignore[arg-type]
    return load_arrays(file, OutputError, own=True)


def kept_frame(folder: Path, name: str, key: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """A table from ``folder/name-key.parquet``, made and written there where it is not; parameters as ``kept_arrays``."""
    file = folder / f"{name}-{key}.parquet"
    if not file.exists():
        made = make()
        write_whole(file, made.to_parquet)
    return read_parquet(file)


def contents_of(paths: Iterable[str | Path]) -> list[str]:
    """The sha256 of each file, in order; empty for a file that is not there. A file that occurs often is read once."""
    known: dict[str, str] = {}
    for path in map(str, paths):
        if path not in known:
            known[path] = sha256_of(Path(path)) if Path(path).exists() else ""
    return [known[str(path)] for path in paths]
