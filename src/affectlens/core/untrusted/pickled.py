"""What a pickle of data may ask for by name: numpy's arrays, numbers and types, sets and dictionaries; each is made here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pickle import UnpicklingError
from typing import Any, Protocol

import numpy as np

from affectlens.core.untrusted.weight import volume

_TYPE = re.compile(r"[<>|=]?([biufc]\d{1,2}|[SU]\d{0,9}|O8?|\?)")
_LARGEST_KEY = 2**60  # whole numbers up to here are their own hash, so that no file can make all keys collide


class Reading(Protocol):
    """What is known of the file while it is read."""

    path: str | PathLike[str]


class Unbuilt:
    """Something that gets its state from a later instruction."""

    def build(self, machine: Reading, state: Any) -> None:
        """Take the state."""
        raise NotImplementedError


@dataclass(frozen=True)
class Known:
    """A name that a pickle may ask for.

    Parameters
    ----------
    make : callable
        Takes what is known of the file and the arguments that the file gives; checks them and gives the value.
    """

    make: Callable[..., Any]


class _Type(Unbuilt):
    """A numpy type while it is read: becomes one only where an array is made of it, so that none changes afterwards."""

    def __init__(self, text: str) -> None:
        if not _TYPE.fullmatch(text):
            raise UnpicklingError(f"an array of the type {text[:40]!r}")
        self.text, self.order = text, "="

    def build(self, machine: Reading, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 6 or state[1] not in ("<", ">", "|", "=") or any(state[2:5]):
            raise UnpicklingError("an array of a type made of others")
        self.order = state[1]

    def made(self) -> np.dtype[Any]:
        kind = np.dtype(self.text)
        return kind if self.order in "|=" else kind.newbyteorder(self.order)  # type: ignore[arg-type]


class FreshArray(Unbuilt):
    """Stands for an array until everything is read, since other entries may hold it before its content is known."""

    def __init__(self) -> None:
        self.array: np.ndarray | None = None

    def build(self, machine: Reading, state: Any) -> None:
        """Take shape, type, order and content."""
        if self.array is not None:
            raise UnpicklingError("an array is filled twice")
        if not isinstance(state, tuple) or len(state) != 5:
            raise UnpicklingError("the state of an array has not five parts")
        _, shape, kind, fortran, content = state
        self.array = _array(machine, content, kind, shape, "F" if fortran else "C")


def _array(machine: Reading, content: Any, kind: Any, shape: Any, order: str) -> np.ndarray:
    """An array whose content is as long as its shape says."""
    if not isinstance(kind, _Type) or not isinstance(shape, tuple):
        raise UnpicklingError("an array without a type or shape")
    made = kind.made()
    size = volume(shape, made.itemsize, machine.path)
    if made.hasobject:
        if not isinstance(content, list) or len(content) != int(np.prod(shape)):
            raise UnpicklingError("an array of objects whose number is not that of its shape")
        flat = np.empty(len(content), object)
        for index, value in enumerate(content):
            flat[index] = value
        return flat.reshape(shape, order=order)  # type: ignore[call-overload, no-any-return]
    raw = content.encode("latin1") if isinstance(content, str) else content
    if not isinstance(raw, (bytes, bytearray)) or (len(raw) != size and 0 not in shape):
        raise UnpicklingError("an array whose content is not as long as its shape says")
    return np.frombuffer(bytearray(raw), made, count=int(np.prod(shape))).reshape(shape, order=order)  # type: ignore[call-overload, no-any-return]


def _reconstruct(machine: Reading, kind: Any, shape: Any, code: Any) -> FreshArray:
    if kind is not _ARRAY:
        raise UnpicklingError("an array of a class of its own")
    return FreshArray()


def _scalar(machine: Reading, kind: Any, content: Any) -> Any:
    value = _array(machine, content, kind, (), "C")[()]
    if not isinstance(value, np.generic):
        raise UnpicklingError("a number that is an object")
    return value


def _from_buffer(machine: Reading, content: Any, kind: Any, shape: Any, order: Any) -> FreshArray:
    filled = FreshArray()
    filled.array = _array(machine, content, kind, shape, "F" if order == "F" else "C")
    return filled


def _type(machine: Reading, text: Any, align: Any = False, copy: Any = False) -> _Type:
    return _Type(text.decode("latin1") if isinstance(text, bytes) else str(text))


def _encode(machine: Reading, text: Any, encoding: Any = "utf-8") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "utf8", "ascii"):
        raise UnpicklingError("bytes in an encoding that is not known")
    return text.encode(encoding)


def _no_call(machine: Reading, *arguments: Any) -> Any:
    raise UnpicklingError("it makes an array in a way that no writer of arrays does")


def checked_key(key: Any) -> Any:
    """A key of a dictionary or a member of a set: text, or a plain number, or a tuple of them, whose hash is cheap.

    Returns
    -------
    Any
        The key.

    Raises
    ------
    UnpicklingError
        Another kind of key.
    """
    parts = key if type(key) is tuple else (key,)
    for part in parts:
        plain = part is None or isinstance(part, (str, bytes, np.str_, np.bytes_))
        small = isinstance(part, (bool, int, np.integer, np.bool_)) and -_LARGEST_KEY < part < _LARGEST_KEY
        whole = isinstance(part, float) and abs(part) < _LARGEST_KEY and part.is_integer()
        if not (plain or small or whole):
            raise UnpicklingError(f"a key that is a {type(part).__name__}, or a number beyond all sizes")
    if len(parts) > 16:
        raise UnpicklingError("a key of more than 16 parts")
    return key


def _items(value: Any) -> Any:
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise UnpicklingError(f"entries of a {type(value).__name__}")
    return value


def _dict(machine: Reading, given: Any = ()) -> dict[Any, Any]:
    pairs = list(given.items()) if isinstance(given, dict) else _items(given)
    made = {}
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise UnpicklingError("a dictionary of something else than keys and values")
        made[checked_key(pair[0])] = pair[1]
    return made


def _bytes(machine: Reading, given: Any = b"", encoding: Any = "latin1") -> bytes:
    raw = _encode(machine, given, encoding) if isinstance(given, str) else given
    if not isinstance(raw, (bytes, bytearray)):
        raise UnpicklingError("bytes of a number")  # so many zeros
    return bytes(raw)


_ARRAY = Known(_no_call)
_CONTAINERS: dict[str, Callable[..., Any]] = {
    "set": lambda machine, given=(): set(map(checked_key, _items(given))),
    "frozenset": lambda machine, given=(): frozenset(map(checked_key, _items(given))),
    "list": lambda machine, given=(): list(_items(given)),
    "dict": _dict,
    "bytes": _bytes,
    "bytearray": lambda machine, *given: bytearray(_bytes(machine, *given)),
}
NUMPY: dict[tuple[str, str], Known] = {
    ("numpy", "ndarray"): _ARRAY,
    ("numpy", "dtype"): Known(_type),
    ("_codecs", "encode"): Known(_encode),
    ("collections", "OrderedDict"): Known(_dict),
    **{
        (module, name): Known(make)
        for module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
        for name, make in (("_reconstruct", _reconstruct), ("scalar", _scalar), ("_frombuffer", _from_buffer))
    },
    **{(module, name): Known(make) for module in ("builtins", "__builtin__") for name, make in _CONTAINERS.items()},
}
