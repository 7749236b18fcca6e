"""HDF5 files: the numbers of one dataset, whose size is seen first, and which lie in the file itself."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from affectlens.core.barrier import reading
from affectlens.core.errors import AffectlensError, MediaError
from affectlens.core.limits import within
from affectlens.core.untrusted.weight import file_within, volume


def h5_names(path: str | PathLike[str], error: type[AffectlensError] = MediaError) -> list[str]:
    """Names of what stands at the top of an HDF5 file, sorted."""
    import h5py

    with reading(path, "an HDF5 file", error):
        file_within(path)
        with h5py.File(path, "r") as file:
            within("items", len(file), path)
            return sorted(file)


def h5_arrays(path: str | PathLike[str], names: list[str], error: type[AffectlensError] = MediaError) -> list[np.ndarray]:
    """Datasets of numbers of an HDF5 file.

    Parameters
    ----------
    path : path
        The file.
    names : list of str
        As `h5_names` gives them.
    error : type
        What is raised where one cannot be read.

    Returns
    -------
    list of numpy.ndarray
        In the order of the names.

    Raises
    ------
    AffectlensError
        Of type ``error``: no such file or dataset, a damaged one, one of something else than numbers, or one that lies
        in another file.
    LimitError
        More than is read of one file.
    """
    import h5py

    with reading(path, "an HDF5 file", error):
        file_within(path)
        with h5py.File(path, "r") as file:
            arrays, total = [], 0
            for name in names:
                arrays.append(_array(file, name, path))
                total += arrays[-1].nbytes
                within("bytes", total, path)
            return arrays


def _array(file: Any, name: str, path: str | PathLike[str]) -> np.ndarray:
    import h5py

    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name[:80]!r} is a link, which may lead to another file")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "biuf" or dataset.shape is None:
        raise ValueError(f"{name[:80]!r} holds no numbers")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{name[:80]!r} lies in another file")
    volume(dataset.shape, dataset.dtype.itemsize, path)
    return np.asarray(dataset)
