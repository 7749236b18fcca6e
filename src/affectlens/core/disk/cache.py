"""Results that are slow to make, kept on disk under a key of everything that they depend on (see ``files.key_of``)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from affectlens.core.barrier import reason_of
from affectlens.core.disk.files import key_of, sha256_of, write_whole
from affectlens.core.disk.places import located
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import OutputError
from affectlens.core.notes import noting, tell
from affectlens.core.untrusted.arrays import load_arrays

log = logging.getLogger(__name__)
T = TypeVar("T")
NOTES = "notes of reading"  # the array that holds them


def kept_arrays(folder: Path, name: str, key: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays by name from ``folder/name-….npz``, made and written there where they are not.

    What another version of this package kept is not used, what is damaged is made again; what is used is said.

    Parameters
    ----------
    folder : Path
        Where results are kept.
    name : str
        What the result is, for people who look into the folder.
    key : str
        ``files.key_of`` the contents, options and weights that the result depends on, and the version of the method.
    make : callable
        Makes the arrays; none may hold Python objects.

    Returns
    -------
    dict of str to numpy.ndarray

    Notes
    -----
    What readers say while the arrays are made (`affectlens.core.notes`) is kept with them, and said again where they are used.
    """

    def make_and_note() -> dict[str, np.ndarray]:
        with noting() as notes:
            arrays = make()
        return {**arrays, NOTES: np.array(json.dumps([list(notes.lines), {k: list(v) for k, v in notes.items.items()}]))}

    arrays = _kept(folder / f"{name}-{_whole(key)}.npz", make_and_note, _read_arrays, _write_arrays)
    if NOTES in arrays:  # else kept before notes were
        lines, items = json.loads(str(arrays.pop(NOTES)))
        tell(lines, items.items())
    return arrays


def kept_frame(folder: Path, name: str, key: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """A table from ``folder/name-….parquet``, made and written there where it is not; parameters as ``kept_arrays``."""
    return _kept(folder / f"{name}-{_whole(key)}.parquet", make, read_checked, write_checked)


def write_checked(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as parquet with a checksum of every page."""
    with path.open("wb") as handle:  # pyarrow takes a name with a colon for an address
        frame.to_parquet(handle, write_page_checksum=True)


def read_checked(path: Path) -> pd.DataFrame:
    """Read what `write_checked` wrote; a page that is not as it was written is an error of pyarrow."""
    with path.open("rb") as handle:
        return pq.read_table(handle, page_checksum_verification=True).to_pandas()


def contents_of(paths: Iterable[str | Path]) -> list[str]:
    """The sha256 of each file, in order; empty for a file that is not there. A file that occurs often is read once."""
    wanted = [located(path) for path in paths]
    known = {path: sha256_of(path) if path.exists() else "" for path in dict.fromkeys(wanted)}
    return [known[path] for path in wanted]


def _whole(key: str) -> str:
    return key_of(package_version(), key)


def _kept(file: Path, make: Callable[[], T], read: Callable[[Path], T], write: Callable[[T, Path], object]) -> T:
    if file.exists():
        try:
            value = read(file)
            log.info("%s: taken from an earlier run", file)
            return value
        except Exception as error:  # whatever a library says of bytes that are not what it wrote
            log.warning("%s is damaged (%s) and is made again", file, reason_of(error))
    made = make()
    write_whole(file, lambda path: write(made, path))
    return read(file)


def _write_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    np.savez(path, **arrays)  # type: ignore[arg-type]


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    return load_arrays(file, OutputError, own=True)
