"""Which items are a shard's, and which come first."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from affectlens.core.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """One of several runs that share their items.

    Attributes
    ----------
    number, count : int
        Which one, counted from 1, and of how many.

    Raises
    ------
    UsageError
        No such shard.

    Examples
    --------
    >>> Shard.of("2/3"), Shard.of("").is_whole
    (Shard(number=2, count=3), True)
    >>> sorted(item for n in (1, 2) for item in Shard(n, 2).files(["/data/a.mp4", "/data/b.mp4", "/data/c.mp4"]))
    ['/data/a.mp4', '/data/b.mp4', '/data/c.mp4']
    """

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise UsageError(f"--shard {self.number}/{self.count}: I/N with I from 1 to N was expected, such as 1/8")

    @classmethod
    def of(cls, text: str) -> Shard:
        """A shard as it is written: ``I/N``, or nothing for all items."""
        if not text:
            return cls()
        match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        if not match:
            raise UsageError(f"--shard {text}: I/N with I from 1 to N was expected, such as 1/8")
        return cls(int(match[1]), int(match[2]))

    @property
    def is_whole(self) -> bool:
        """Whether all items are this shard's."""
        return self.count == 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def files(self, files: Sequence[str]) -> list[str]:
        """Those of some files that are this shard's: by their names below the folder that holds them all.

        A file's shard does not depend on where that folder lies nor on which other files there are in it.

        Returns
        -------
        list of str
            In their order.
        """
        if self.is_whole or not files:
            return list(files)
        root = os.path.commonpath([Path(file).absolute().parent for file in files])
        return [file for file in files if self._is_ours(Path(file).absolute().relative_to(root).as_posix())]

    def _is_ours(self, name: str) -> bool:
        digest = hashlib.sha256(os.fsencode(name)).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1

    def blocks(self, items: Sequence[T], size: int) -> list[T]:
        """Those of some items that are this shard's: whole blocks of ``size`` that follow each other, dealt in turn.

        What is computed in batches of which ``size`` is a multiple is computed in the same batches as without shards.

        Returns
        -------
        list
            In their order.
        """
        return [item for place, item in enumerate(items) if place // size % self.count == self.number - 1]


def longest_first(items: Sequence[T], length: Callable[[T], float]) -> list[T]:
    """Items by their length, so that no worker is left with a long one when the others have nothing more to do.

    Parameters
    ----------
    items : sequence
        In any order, which those of the same length keep.
    length : callable
        From an item to seconds, or anything that grows with the work.

    Returns
    -------
    list
        The same items.

    Examples
    --------
    >>> longest_first(["a", "ccc", "bb"], len)
    ['ccc', 'bb', 'a']
    """
    return sorted(items, key=lambda item: -length(item))
