"""What a reader found and what it left out: found is items and dropped together, and every drop has its reason.

A reader calls ``count_found`` for all that could be an item, before it looks closer, and ``drop`` for what it leaves out. What
it counts while a corpus is opened is in the corpus's ``account``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from affectlens.core.disk.finding import files_below
from affectlens.core.labels import canonical, known_labels, meant
from affectlens.core.notes import ReadingNotes

EXAMPLES = 5  # names kept of each reason
UNREADABLE = {".heic", ".heif", ".avif", ".jfif", ".jpe", ".jp2", ".psd", ".cr2", ".nef", ".arw", ".dng", ".svg"}  # pictures

_NUMBER = re.compile(r"\d[\d.,]*")


@dataclass
class Account:
    """Counts of one corpus.

    Attributes
    ----------
    found : int
        Files, rows or people that could be items.
    unit : str
        What they are, in the plural.
    dropped : Counter
        How many were left out, by reason.
    examples : dict of str to list of str
        Some of their names, by reason.
    notes : list of str
        What else has to be known of the corpus as it was read.
    """

    found: int = 0
    unit: str = "items"
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """What was left out, a line a reason, and the notes."""
        out = [f"{count} dropped: {why} ({_first_names(self.examples[why], count)})" for why, count in self.dropped.items()]
        return [*out, *self.notes]


_current: ContextVar[Account | None] = ContextVar("account", default=None)


@contextmanager
def accounting() -> Iterator[Account]:
    """Collect what readers count inside."""
    account = Account()
    token = _current.set(account)
    try:
        yield account
    finally:
        _current.reset(token)


def count_found(number: int, unit: str) -> None:
    """Count files, rows, … that could be items; ``unit`` is what they are, in the plural."""
    if (account := _current.get()) is not None:
        account.found += number
        account.unit = unit


def drop(name: object, why: str) -> None:
    """Count one of them as left out, with its name and the reason."""
    if (account := _current.get()) is not None:
        account.dropped[why] += 1
        names = account.examples.setdefault(why, [])
        if len(names) < EXAMPLES:
            names.append(str(name))


def remark(text: str) -> None:
    """Add a note on the corpus as it was read."""
    if (account := _current.get()) is not None and text not in account.notes:
        account.notes.append(text)


def list_files(root: Path, suffixes: Iterable[str], unit: str = "files", others: Iterable[str] = ()) -> list[Path]:
    """Files of some kinds below a folder, counted as found; what systems hide there is left out and noted.

    Parameters
    ----------
    root : Path
        The folder; linked folders in it are followed.
    suffixes : iterable of str
        Kinds that are read, in lower case.
    unit : str
        What they are called.
    others : iterable of str
        Kinds that are known but not read, which are dropped by name.

    Returns
    -------
    list of Path
        Sorted.
    """
    below, wanted = files_below(root), frozenset(suffixes)
    files = [path for path in below.files if path.suffix.lower() in wanted]
    not_read = [path for path in below.files if path.suffix.lower() in frozenset(others) - wanted]
    count_found(len(files) + len(not_read), unit)
    for path in not_read:
        drop(
            path.relative_to(root).as_posix(),
            f"{path.suffix.lower()} files are not read; convert them to one of {', '.join(sorted(wanted)[:6])}",
        )
    left_out = (below.hidden, "hidden, left out"), (below.again, "linked twice"), (below.closed, "without permission to read")
    for paths, what in left_out:
        if paths:
            names = [path.relative_to(root).as_posix() for path in paths]
            remark(f"{len(paths)} files or folders {what}: {_first_names(names, len(names))}")
    return files


def each_once(rows: list[dict[str, Any]], *identity: str) -> list[dict[str, Any]]:
    """Rows of which none is there twice.

    Parameters
    ----------
    rows : list of dict
        With ``key`` and ``label`` or ``labels``.
    *identity : str
        Fields that tell items apart; by default the key.

    Returns
    -------
    list of dict
        A row that comes again with the same label counts once; one that has several labels is left out. Both are counted.

    Examples
    --------
    >>> rows = [{"key": k, "label": label} for k, label in (("a", "joy"), ("a", "joy"), ("b", "joy"), ("b", "fear"))]
    >>> each_once(rows)
    [{'key': 'a', 'label': 'joy'}]
    """

    def name_of(row: dict[str, Any]) -> Hashable:
        return tuple(row.get(field) for field in identity or ("key",))

    labels: dict[Hashable, set[Any]] = {}
    for row in rows:
        labels.setdefault(name_of(row), set()).add(row.get("labels", row.get("label")))
    first: dict[Hashable, dict[str, Any]] = {}
    for row in rows:
        name = name_of(row)
        if len(labels[name]) > 1:
            drop(row["key"], "it has several labels")
        elif name in first:
            drop(row["key"], "a duplicate of another item")
        else:
            first[name] = row
    return list(first.values())


def how_read(notes: Mapping[str, Iterable[str]]) -> list[str]:
    """Count notes on how items were read by what they say; such as pictures that were made smaller, or channels left out.

    Parameters
    ----------
    notes : mapping of str to iterable of str
        By the key of the item.

    Returns
    -------
    list of str
        A line for all notes that differ in their numbers alone, with how many items have one and the first of them.

    Examples
    --------
    >>> how_read({"a.gif": ["3 pictures in one file; the first was read"], "b.png": []})
    ['1 item read with a note: 3 pictures in one file; the first was read (a.gif)']
    """
    texts: dict[str, list[str]] = {}
    keys: dict[str, dict[str, None]] = {}
    for key, own in notes.items():
        for text in own:
            kind = _NUMBER.sub("0", text)
            texts.setdefault(kind, []).append(text)
            keys.setdefault(kind, {})[key] = None
    lines = []
    for kind, of_kind in texts.items():
        names = list(keys[kind])
        items = "1 item" if len(names) == 1 else f"{len(names)} items"
        differ = "; or the same with other numbers" if len(set(of_kind)) > 1 else ""
        lines.append(f"{items} read with a note: {of_kind[0]}{differ} ({_first_names(names, len(names))})")
    return lines


def all_notes(notes: ReadingNotes) -> tuple[str, ...]:
    """What was collected while corpora were read: of each as a whole, and how items were read, counted.

    Parameters
    ----------
    notes : ReadingNotes
        Of `affectlens.core.notes.noting`.

    Returns
    -------
    tuple of str
        For people.
    """
    return (*notes.lines, *how_read(notes.items))


def spelling(labels: Iterable[str], expected: Iterable[str] = ()) -> str:
    """List the labels that are no word for an emotion that is known here.

    Parameters
    ----------
    labels : iterable of str
        As they stand in a corpus, one a row.
    expected : iterable of str
        Further words that are right.

    Returns
    -------
    str
        Each with its number of rows and what may be meant; empty where there is none.

    Examples
    --------
    >>> spelling(["Angray", "Angray", "joy", "bliss"])
    "'Angray' (2 rows, perhaps anger), 'bliss' (1 row)"
    """
    known = {*known_labels(), *expected}
    odd = Counter(label for label in labels if label and canonical(label) not in known)
    shown = []
    for label, count in odd.items():
        hint = f", perhaps {meant(label)}" if meant(label) else ""
        shown.append(f"{label!r} ({count} row{'s' if count > 1 else ''}{hint})")
    return ", ".join(shown)


def coded(code: Any, names: tuple[str, ...], first: int = 0) -> str:
    """The class of a number, as corpora write it.

    Parameters
    ----------
    code : number or text
        The class's number.
    names : tuple of str
        The classes, in the order of their numbers.
    first : int
        The first class's number.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    ValueError
        No whole number, or one outside the range.

    Examples
    --------
    >>> coded("2", ("anger", "fear"), first=1)
    'fear'
    """
    number = float(code)
    at = int(number) - first if number == number and abs(number) != float("inf") else -1
    if at + first != number or not 0 <= at < len(names):
        last = first + len(names) - 1
        raise ValueError(f"class {code}; a number of {first} ({names[0]}) to {last} ({names[-1]}) was expected")
    return names[at]


def _first_names(names: list[str], count: int) -> str:
    shown = names[:EXAMPLES]
    return ", ".join(shown) + (", …" if count > len(shown) else "")
