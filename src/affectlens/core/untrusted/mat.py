"""MATLAB files of level 5 (up to version 7.2): structures, cells, texts and numbers, every length checked before it is used."""

from __future__ import annotations

import struct
import zlib
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.barrier import reading
from affectlens.core.errors import AffectlensError, MediaError
from affectlens.core.limits import within
from affectlens.core.untrusted.weight import file_within

_DEEPEST = 32  # arrays inside each other
_HEADER = 128
_ARRAY, _PACKED = 14, 15
_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
    16: "u1",
    17: "u2",
    18: "u4",
}
_CLASSES = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_CELL, _STRUCT, _CHAR, _COMPLEX = 1, 2, 4, 0x800
_MOST_PACKED = 1032  # deflate packs no tighter
_COST = 300  # bytes that an array takes in memory beside its content


def read_mat(path: str | PathLike[str], error: type[AffectlensError] = MediaError) -> dict[str, Any]:
    """The variables of a MATLAB file.

    Parameters
    ----------
    path : path
        The file.
    error : type
        What is raised where it cannot be read.

    Returns
    -------
    dict
        By name. A structure is a list of dictionaries, one an entry; a cell array a list; a text a str, of several rows a list
        of them; numbers are an array without axes of length one. Entries come column by column, as MATLAB counts them.

    Raises
    ------
    AffectlensError
        Of type ``error``: no such file, a damaged one, or one with sparse matrices, complex numbers, objects or functions.
    LimitError
        More than is read of one file.
    """
    with reading(path, "a MATLAB file", error):
        file_within(path)
        data = Path(path).read_bytes()
        if b"MATLAB 7.3" in data[:20] or data[512:516] == b"\x89HDF":
            raise error(f"{path}: it was saved as version 7.3; save it with save(…, '-v7')")
        order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
        if order is None:
            raise error(f"{path}: no MATLAB file of version 5 to 7.2")
        return _File(path, order).variables(memoryview(data)[_HEADER:])


class _File:
    def __init__(self, path: str | PathLike[str], order: str) -> None:
        self.path, self.order, self.spent = path, order, 0

    def variables(self, data: memoryview) -> dict[str, Any]:
        out: dict[str, Any] = {}
        at = 0
        while at + 8 <= len(data):
            kind, part, at = self._element(data, at)
            if kind == _PACKED:
                kind, part, _ = self._element(self._unpacked(part), 0)
            if kind == _ARRAY:
                name, value = self._array(part, 0)
                out[name] = value
        return out

    def _unpacked(self, part: memoryview) -> memoryview:
        """The one element that is packed, of the length that its own head gives."""
        unpacker = zlib.decompressobj()
        head = unpacker.decompress(part, 8)
        if len(head) < 8:
            raise ValueError("it is cut short")
        size = struct.unpack(self.order + "II", head)[1]
        if size > _MOST_PACKED * len(part):
            raise ValueError("it promises more than it can hold")
        self._spend(size)
        made = head + unpacker.decompress(unpacker.unconsumed_tail, size + 8)
        if not unpacker.eof and unpacker.decompress(unpacker.unconsumed_tail, 1):
            raise ValueError("it holds more than it promises")
        if not unpacker.eof:
            raise ValueError("it is cut short")
        return memoryview(made)

    def _spend(self, count: int) -> None:
        self.spent += count
        within("bytes", self.spent, self.path)

    def _element(self, data: memoryview, at: int) -> tuple[int, memoryview, int]:
        """Kind and content of the element at a place, and where the next begins."""
        kind, size = struct.unpack_from(self.order + "II", data, at)
        if kind >> 16:  # four bytes or less, in the tag itself
            kind, size, first, end = kind & 0xFFFF, kind >> 16, at + 4, at + 8
            if size > 4:
                raise ValueError("it is damaged")
        else:
            first = at + 8
            end = first + size + (-size % 8 if kind != _PACKED else 0)
        if first + size > len(data):
            raise ValueError("it is cut short, or promises more than is in it")
        return kind, data[first : first + size], end

    def _array(self, data: memoryview, depth: int) -> tuple[str, Any]:
        """Name and value of an array."""
        if depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} arrays inside each other")
        self._spend(_COST)
        if not data:
            return "", np.zeros(0)
        _, flags, at = self._element(data, 0)
        _, lengths, at = self._element(data, at)
        _, name, at = self._element(data, at)
        shape = tuple(int(number) for number in np.frombuffer(lengths, self.order + "i4"))
        count = int(np.prod(shape, dtype=object))
        if min(shape, default=0) < 0 or len(shape) > 32:
            raise ValueError(f"an array of the shape {shape[:8]}")
        word = struct.unpack_from(self.order + "I", flags)[0]
        kind = 0 if word & _COMPLEX else word & 0xFF
        return bytes(name).decode("latin1"), self._content(data, at, kind, shape, count, depth)

    def _content(self, data: memoryview, at: int, kind: int, shape: tuple[int, ...], count: int, depth: int) -> Any:
        if kind == _STRUCT:
            return self._structure(data, at, count, depth)
        if kind == _CELL:
            return self._arrays(data, at, count, depth)[0]
        if kind == _CHAR:
            return self._text(data, at, shape)
        if kind not in _CLASSES:
            raise ValueError("a sparse matrix, complex numbers, an object or a function, which are not read")
        stored, part, _ = self._element(data, at)
        values = np.frombuffer(part, self.order + _TYPES[stored])
        made = np.dtype(_CLASSES[kind])
        self._spend(len(values) * made.itemsize)
        if len(values) != count:
            raise ValueError(f"an array of the shape {shape} with {len(values)} values")
        return np.squeeze(values.astype(made).reshape(shape, order="F"))

    def _arrays(self, data: memoryview, at: int, count: int, depth: int) -> tuple[list[Any], int]:
        if count > (len(data) - at) // 8:
            raise ValueError(f"it promises {count} entries, for which it is too short")
        out = []
        for _ in range(count):
            kind, part, at = self._element(data, at)
            if kind != _ARRAY:
                raise ValueError("an entry that is no array")
            out.append(self._array(part, depth + 1)[1])
        return out, at

    def _structure(self, data: memoryview, at: int, count: int, depth: int) -> list[dict[str, Any]]:
        _, width, at = self._element(data, at)
        _, names, at = self._element(data, at)
        size = int(np.frombuffer(width, self.order + "i4")[0])
        if size < 1:
            raise ValueError("names without letters")
        fields = [bytes(names[i : i + size]).split(b"\0")[0].decode("latin1") for i in range(0, len(names), size)]
        if not fields:
            return []
        values, _ = self._arrays(data, at, count * len(fields), depth)
        return [dict(zip(fields, values[i : i + len(fields)], strict=True)) for i in range(0, len(values), len(fields))]

    def _text(self, data: memoryview, at: int, shape: tuple[int, ...]) -> str | list[str]:
        stored, part, _ = self._element(data, at)
        if stored == 16:
            letters = list(bytes(part).decode("utf-8"))
        else:
            self._spend(8 * len(part))
            letters = [chr(number) for number in np.frombuffer(part, self.order + _TYPES[stored]).tolist()]
        if len(shape) != 2 or shape[0] * shape[1] != len(letters):
            return "".join(letters)
        rows = ["".join(letters[row :: shape[0]]) for row in range(shape[0])]
        return rows[0] if len(rows) == 1 else rows
