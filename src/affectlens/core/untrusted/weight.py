"""How much room an array, or a value with all that is in it, takes: seen before the room is made."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np

from affectlens.core.limits import within

DEEPEST = 64  # containers inside each other
_HEAD = 32  # bytes of a value beside its content
_PLAIN = (int, float, bool, type(None), np.generic)


def volume(shape: Iterable[Any], itemsize: int, path: str | PathLike[str]) -> int:
    """Bytes of an array, refused above ``limits.Limits.bytes``.

    An axis of no length counts as one, and so does a value of no bytes: a program that walks along the others would take as
    long.

    Parameters
    ----------
    shape : iterable of int
        As a file gives it.
    itemsize : int
        Bytes of a value.
    path : path
        The file, for the message.

    Returns
    -------
    int
        The bytes.

    Raises
    ------
    ValueError
        Something else than whole numbers from 0 on, or more than 32 of them.
    LimitError
        More than is read of one file.

    Examples
    --------
    >>> volume((3, 4), 8, "a.npy")
    96
    """
    lengths = tuple(shape)
    if len(lengths) > 32 or any(type(length) is not int or length < 0 for length in lengths):
        raise ValueError(f"an array of the shape {str(lengths)[:60]}")
    size, walked = itemsize, max(itemsize, 1)
    for length in lengths:
        size, walked = size * length, walked * max(length, 1)
        within("bytes", walked, path)
    return size


def file_within(path: str | PathLike[str]) -> int:
    """Bytes of a file, refused above ``limits.Limits.bytes``.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    int
        The bytes.

    Raises
    ------
    ValueError
        No regular file: a device or a pipe has no end.
    LimitError
        More than is read of one file.
    """
    about = Path(path).stat()
    if not stat.S_ISREG(about.st_mode):
        raise ValueError("a regular file was expected")
    within("bytes", about.st_size, path)
    return about.st_size


class Settled:
    """Gives what was read its last form, and weighs it as if nothing in it were shared.

    A list that holds another ten times, which holds another ten times, is small in a file and endless for whoever walks through
    it; so is one that holds itself.

    Parameters
    ----------
    path : path
        The file, for messages.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = path
        self._done: dict[int, tuple[Any, Any, int]] = {}  # what was there, what it became, its weight

    def __call__(self, value: Any, depth: int = 0) -> tuple[Any, int]:
        """The value in its last form and its weight in bytes.

        Parameters
        ----------
        value : Any
            What was read; lists and dictionaries are changed in place.
        depth : int
            How many containers it is in.

        Returns
        -------
        tuple of Any and int
            Both.

        Raises
        ------
        UnpicklingError
            It is in itself, nested too deep, or a name without a value.
        LimitError
            More than is read of one file.
        """
        if isinstance(value, (str, bytes, bytearray)):
            return value, _HEAD + len(value)
        if isinstance(value, _PLAIN):
            return value, _HEAD
        if depth > DEEPEST:
            raise UnpicklingError(f"it holds itself, or more than {DEEPEST} containers inside each other")
        known = self._done.get(id(value))
        if known is None:
            known = (value, *self._container(value, depth + 1))
            within("bytes", known[2], self.path)
            self._done[id(value)] = known
        return known[1], known[2]

    def _container(self, value: Any, depth: int) -> tuple[Any, int]:
        if isinstance(value, list):
            weight = self._fill(value, enumerate(value), depth)
            return value, weight
        if isinstance(value, dict):
            weight = self._fill(value, list(value.items()), depth)
            return value, weight + sum(self(key, depth)[1] for key in value)
        if isinstance(value, tuple):
            parts = [self(part, depth) for part in value]
            return tuple(part for part, _ in parts), 2 * _HEAD + sum(weight for _, weight in parts)
        if isinstance(value, (set, frozenset)):
            return value, 2 * _HEAD + sum(self(part, depth)[1] for part in value)
        array = getattr(value, "array", value)
        if not isinstance(array, np.ndarray):
            raise UnpicklingError("a name without a value, or an array without content")
        if array.dtype.hasobject:
            flat = array.reshape(-1)
            return array, self._fill(flat, enumerate(flat.tolist()), depth)
        return array, 2 * _HEAD + array.nbytes

    def _fill(self, target: Any, entries: Iterable[tuple[Any, Any]], depth: int) -> int:
        total = 2 * _HEAD
        for at, entry in entries:
            if type(entry) in (int, float):  # most of what a large file holds
                total += _HEAD
                continue
            made, weight = self(entry, depth)
            total += weight
            if made is not entry:
                target[at] = made
        return total
