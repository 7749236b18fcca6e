"""Files of arrays (npy, npz): what a header promises is seen before room is made for it; no objects."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import IO

import numpy as np

from affectlens.core.barrier import reading
from affectlens.core.errors import AffectlensError, MediaError
from affectlens.core.limits import within
from affectlens.core.untrusted.archives import archive
from affectlens.core.untrusted.weight import file_within, volume

_CHUNK = 1 << 20


def load_arrays(
    path: str | PathLike[str], error: type[AffectlensError] = MediaError, *, own: bool = False
) -> dict[str, np.ndarray]:
    """All arrays of an npz.

    Parameters
    ----------
    path : path
        The file.
    error : type
        What is raised where it cannot be read.
    own : bool
        Whether affectlens wrote it, which packs nothing: it may then be as large as the file itself, whatever the limit.

    Returns
    -------
    dict of str to numpy.ndarray
        By name.

    Raises
    ------
    AffectlensError
        Of type ``error``: no such file, a damaged one, or one that holds Python objects, which could run code.
    LimitError
        It promises more than ``limits.Limits.bytes``.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.npz"
    >>> np.savez(file, x=np.arange(3))
    >>> load_arrays(file)
    {'x': array([0, 1, 2])}
    """
    with reading(path, "a file of arrays (npz)", error):
        return arrays_of(path, own=own)


def arrays_of(path: str | PathLike[str], *, own: bool = False) -> dict[str, np.ndarray]:
    """All arrays of an npz; as `load_arrays`, with the errors of what is called, for callers that have their own."""
    with archive(Path(path), packed=not own) as opened:
        arrays, total = {}, 0
        for entry in opened.infolist():
            if not entry.filename.endswith(".npy"):
                continue
            with opened.open(entry) as stream:
                made = _array(stream, entry.file_size, path, own)
            arrays[entry.filename.removesuffix(".npy")] = made
            total += made.nbytes
            if not own:
                within("bytes", total, path)
        return arrays


def plain_name(name: str) -> str:
    """A name in a file of others as the name of a file beside it.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ValueError
        It leads to another folder.

    Examples
    --------
    >>> plain_name("scores.by-group")
    'scores.by-group'
    >>> plain_name("../scores")
    Traceback (most recent call last):
    ValueError: '../scores' is no name of a file in the same folder
    """
    if not isinstance(name, str) or Path(name).name != name or "\\" in name or "\0" in name:
        raise ValueError(f"{str(name)[:80]!r} is no name of a file in the same folder")
    return name


def load_array(path: str | PathLike[str], error: type[AffectlensError] = MediaError) -> np.ndarray:
    """The array of an npy file; parameters and errors as those of `load_arrays`."""
    with reading(path, "an array (npy)", error), Path(path).open("rb") as stream:
        return _array(stream, file_within(path), path, False)


def _array(stream: IO[bytes], size: int, path: str | PathLike[str], own: bool) -> np.ndarray:
    """The array of a stream of so many bytes, read piece by piece into its own memory."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, kind = read(stream)  # a header of more than 10,000 letters is an error there
    if kind.hasobject:
        raise ValueError("it holds Python objects, which could run code; save arrays of numbers or text")
    needed = int(np.prod(shape, dtype=object)) * kind.itemsize if own else volume(shape, kind.itemsize, path)
    if needed > size - stream.tell():
        raise ValueError(f"it promises {needed} bytes and holds {size - stream.tell()}")
    flat = np.empty(int(np.prod(shape, dtype=object)), kind)
    view = flat.view(np.uint8).data if needed else memoryview(b"")
    at = 0
    while at < needed:
        got = stream.readinto(view[at : at + _CHUNK])  # type: ignore[attr-defined]
        if not got:
            raise ValueError("it is cut short")
        at += got
    return flat.reshape(shape, order="F" if fortran else "C")
