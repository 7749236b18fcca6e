"""Tensors of a CTranslate2 model file, without CTranslate2.

The binary layout, version 6 (github.com/OpenNMT/CTranslate2, python/ctranslate2/specs/model_spec.py): a header with the name of
the specification, then a count of variables, each with name, shape, type and bytes. Numbers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from affectlens.core.errors import ModelError

VERSION = 6
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_MOST = 1 << 30  # bytes of one variable


def variables(path: Path, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    """Read the variables whose names are wanted.

    Parameters
    ----------
    path : Path
        ``model.bin``.
    wanted : callable
        Takes a name such as ``encoder/conv1/weight``.

    Returns
    -------
    dict of str to numpy.ndarray
        In the types of the file (float16 for the shipped model).

    Raises
    ------
    ModelError
        Another version, an unknown type, sizes that do not agree, or a file that ends early.
    """
    out = {}
    with path.open("rb") as file:
        version = _number(file, "I")
        if version != VERSION:
            raise ModelError(f"{path.name}: layout version {version}; {VERSION} was expected")
        _text(file)
        _number(file, "I")
        for _ in range(_number(file, "I")):
            name = _text(file)
            shape = tuple(_number(file, "I") for _ in range(_number(file, "B")))
            kind, size = _number(file, "B"), _number(file, "I")
            if kind not in _TYPES or size > _MOST:
                raise ModelError(f"{path.name}: {name} has type {kind} and {size:,} bytes; no tensor of this layout does")
            if not wanted(name):
                file.seek(size, 1)
                continue
            dtype = np.dtype(_TYPES[kind]).newbyteorder("<")
            if size != dtype.itemsize * int(np.prod(shape, dtype=np.int64)):
                raise ModelError(f"{path.name}: {name} of shape {shape} has {size:,} bytes")
            out[name] = np.frombuffer(_bytes(file, size), dtype).reshape(shape)
    return out


def _bytes(file: BinaryIO, count: int) -> bytes:
    read = file.read(count)
    if len(read) != count:
        raise ModelError("the model file ends before its last variable")
    return read


def _number(file: BinaryIO, code: str) -> int:
    code = f"<{code}"
    return int(struct.unpack(code, _bytes(file, struct.calcsize(code)))[0])


def _text(file: BinaryIO) -> str:
    return _bytes(file, _number(file, "H")).rstrip(b"\0").decode("utf-8", errors="replace")
