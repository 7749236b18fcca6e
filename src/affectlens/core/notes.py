"""What has to be known of how inputs were read, collected from readers while something is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class ReadingNotes:
    """What readers said: ``lines`` of whole corpora, and of ``items`` by their names."""

    lines: dict[str, None] = field(default_factory=dict)
    items: dict[str, dict[str, None]] = field(default_factory=dict)

    def add(self, lines: Iterable[str] = (), items: Iterable[tuple[str, Iterable[str]]] = ()) -> None:
        """Take notes, each once."""
        self.lines |= dict.fromkeys(lines)
        for name, texts in items:
            if new := dict.fromkeys(texts):
                self.items.setdefault(name, {}).update(new)


_current: ContextVar[ReadingNotes | None] = ContextVar("notes", default=None)


@contextmanager
def noting() -> Iterator[ReadingNotes]:
    """Collect what readers say inside; whoever collects outside is told of it too.

    Yields
    ------
    ReadingNotes
        Filled as readers speak.

    Examples
    --------
    >>> with noting() as notes:
    ...     tell(items=[("a.gif", ["3 pictures in one file; the first was read"])])
    >>> notes.items["a.gif"]
    {'3 pictures in one file; the first was read': None}
    """
    notes = ReadingNotes()
    token = _current.set(notes)
    try:
        yield notes
    finally:
        _current.reset(token)
        tell(notes.lines, notes.items.items())


def tell(lines: Iterable[str] = (), items: Iterable[tuple[str, Iterable[str]]] = ()) -> None:
    """Tell whoever collects notes; nobody, nothing.

    Parameters
    ----------
    lines : iterable of str
        Of a whole corpus.
    items : iterable of tuple
        Names of items, and the notes on each.
    """
    if (notes := _current.get()) is not None:
        notes.add(lines, items)
