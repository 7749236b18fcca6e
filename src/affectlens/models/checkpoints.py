"""Checkpoints of torch as tensors: the archives of today and the files of before version 1.6, read without its unpickler."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from affectlens.core.limits import within
from affectlens.core.untrusted.archives import archive
from affectlens.core.untrusted.pickled import NUMPY, Known, Unbuilt
from affectlens.core.untrusted.pickles import Machine
from affectlens.core.untrusted.weight import file_within, volume

_TYPES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32, "ShortStorage": torch.int16,
    "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class _Storage(Unbuilt):
    """The numbers of tensors: so many of one type, under a name."""

    def __init__(self, kind: torch.dtype, key: str, count: int) -> None:
        self.kind, self.key, self.count = kind, key, count
        self.content = bytearray()

    def take(self, content: bytes) -> None:
        if len(content) != self.count * self.kind.itemsize:
            raise UnpicklingError(f"the storage {self.key[:40]!r} is not as long as it says")
        self.content = bytearray(content)

    def build(self, machine: Any, state: Any) -> None:
        raise UnpicklingError("it sets the state of a storage")


class _Tensor(Unbuilt):
    """A tensor until its storage is read; ``array`` is what becomes of it."""

    def __init__(self, storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def build(self, machine: Any, state: Any) -> None:
        raise UnpicklingError("it sets the state of a tensor")

    def made(self) -> Tensor:
        """The tensor, with memory of its own."""
        if not self.storage.count:
            return torch.empty(self.size, dtype=self.storage.kind)
        whole = torch.frombuffer(self.storage.content, dtype=self.storage.kind)
        return whole.as_strided(self.size, self.stride, self.offset).clone()


def read_checkpoint(path: str | PathLike[str]) -> Any:
    """What ``torch.save`` wrote: tensors in dictionaries and lists, with numbers and texts; nothing else is read.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Any
        As `torch.load` gives it on the CPU, ordered dictionaries as dictionaries.

    Raises
    ------
    UnpicklingError
        It is no checkpoint, is damaged, or holds anything but tensors and plain values; call it inside ``barrier.reading``.
    LimitError
        It would take more than ``limits.Limits.bytes``.
    """
    file = Path(path)
    file_within(file)
    with file.open("rb") as stream:
        packed = stream.read(2) == b"PK"
    return _Checkpoint(file).of_archive() if packed else _Checkpoint(file).of_stream()


class _Checkpoint:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.storages: dict[str, _Storage] = {}
        self.made: dict[int, Tensor] = {}
        self.spent = 0

    def of_archive(self) -> Any:
        with archive(self.path) as opened:
            names = [entry.filename for entry in opened.infolist()]
            main = [name for name in names if re.fullmatch(r"[^/]*/?data\.pkl", name)]
            if len(main) != 1 or any(name.endswith("constants.pkl") for name in names):
                raise UnpicklingError("no checkpoint of tensors (a file of TorchScript is opened as a model)")
            root = main[0].removesuffix("data.pkl")
            if f"{root}byteorder" in names and opened.read(f"{root}byteorder") != b"little":
                raise UnpicklingError("a checkpoint of a machine with another order of bytes")
            value = self._machine(opened.read(main[0])).load()
            for storage in self.storages.values():
                storage.take(opened.read(f"{root}data/{storage.key}"))
        return self._settled(value)

    def of_stream(self) -> Any:
        data = self.path.read_bytes()
        at, parts = 0, []
        for _ in range(5):  # a number, the version, what machine it was, the content, the names of storages
            machine = self._machine(data, at)
            parts.append(machine.load())
            at = machine.at
        if parts[0] != _MAGIC or parts[1] != _PROTOCOL:
            raise UnpicklingError("no checkpoint of torch")
        for key in parts[4]:
            storage = self.storages[str(key)]
            count = struct.unpack_from("<q", data, at)[0]
            if count != storage.count:
                raise UnpicklingError(f"the storage {str(key)[:40]!r} is not as long as it says")
            end = at + 8 + count * storage.kind.itemsize
            storage.take(data[at + 8 : end])
            at = end
        return self._settled(parts[3])

    def _machine(self, data: bytes, at: int = 0) -> Machine:
        return Machine(data, self.path, _NAMES, self._storage, at)

    def _storage(self, given: Any) -> _Storage:
        if not isinstance(given, tuple) or len(given) < 5 or given[0] != "storage" or (len(given) > 5 and given[5] is not None):
            raise UnpicklingError("it refers to something that is no storage")
        kind, key, count = given[1], str(given[2]), given[4]
        if not isinstance(kind, _Kind) or type(count) is not int:
            raise UnpicklingError("a storage of a type that is not known")
        volume((count,), kind.kind.itemsize, self.path)
        known = self.storages.setdefault(key, _Storage(kind.kind, key, count))
        if (known.kind, known.count) != (kind.kind, count):
            raise UnpicklingError(f"the storage {key[:40]!r} is of two kinds")
        return known

    def _settled(self, value: Any) -> Any:
        if isinstance(value, Placeholder):
            if id(value) not in self.made:
                self.spent += math.prod(value.tensor.size) * value.tensor.storage.kind.itemsize
                within("bytes", self.spent, self.path)
                self.made[id(value)] = value.tensor.made()
            return self.made[id(value)]
        if isinstance(value, dict):
            return {key: self._settled(entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._settled(entry) for entry in value)
        return value


class Placeholder(np.ndarray):
    """Stands for a tensor while a checkpoint is weighed, as an array without content; ``tensor`` is what it stands for."""

    tensor: _Tensor


class _Kind(Known):
    """The type of a storage."""

    kind: torch.dtype


def _kind(kind: torch.dtype) -> _Kind:
    made = _Kind(_no_call)
    object.__setattr__(made, "kind", kind)
    return made


def _no_call(machine: Any, *arguments: Any) -> Any:
    raise UnpicklingError("it makes a storage, which no checkpoint does")


def _rebuilt(machine: Any, storage: Any, offset: Any, size: Any, stride: Any, *more: Any) -> Placeholder:
    """A tensor in its storage, none of whose values lies outside of it or is there twice."""
    lengths = (*size, *stride, offset) if isinstance(size, tuple) and isinstance(stride, tuple) else (None,)
    if not isinstance(storage, _Storage) or not all(type(n) is int and n >= 0 for n in lengths) or len(size) != len(stride):
        raise UnpicklingError("a tensor without a storage or shape")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    count = volume(size, 1, machine.path)
    if count and (last >= storage.count or count > storage.count):
        raise UnpicklingError("a tensor that reaches beyond its storage")
    placeholder = np.empty(0, np.uint8).view(Placeholder)
    placeholder.tensor = _Tensor(storage, offset, size, stride)
    return placeholder


def _parameter(machine: Any, data: Any, *more: Any) -> Placeholder:
    if not isinstance(data, Placeholder):
        raise UnpicklingError("a parameter that is no tensor")
    return data


_MAKERS: dict[str, Callable[..., Any]] = {
    "_rebuild_tensor": _rebuilt, "_rebuild_tensor_v2": _rebuilt, "_rebuild_parameter": _parameter,
}  # fmt: skip
_NAMES = {
    **NUMPY,
    **{("torch._utils", name): Known(make) for name, make in _MAKERS.items()},
    **{("torch", name): _kind(kind) for name, kind in _TYPES.items()},
}
