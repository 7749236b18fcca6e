"""A corpus reader turns an official layout into items with labels; one file a corpus, one decorator to register it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from affectlens.core.barrier import reason_of
from affectlens.core.disk.names import one_line
from affectlens.core.errors import AffectlensError, CorpusError, LimitError, MediaError, UsageError
from affectlens.core.failures import failure_of
from affectlens.core.labels import LabelScheme
from affectlens.core.notes import tell
from affectlens.core.registry import Registry
from affectlens.corpora.account import Account, accounting

PARTS = ("train", "val", "dev", "test")
# What folders and tables call their splits, and what these are called here.
SPLITS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "dev", "devel": "dev",
    "test": "test", "testing": "test",
}  # fmt: skip


@dataclass(frozen=True)
class CorpusInfo:
    """What a corpus is and where its official source lies; weights trained on it inherit ``licence``.

    Attributes
    ----------
    name : str
        The name by which it is opened.
    title : str
        Its name in the literature.
    modality : str
        What its items are for: face, words, voice, gait, scene, or utterances (dialogues).
    licence, home, layout : str
        Terms of use, where it is to be had, and how its official folder looks.
    splits : tuple of str
        Its parts; ``all`` holds every item under its own label, which may lie outside the scheme.
    disjoint : tuple of str
        Parts that share no item.
    """

    name: str
    title: str
    modality: str
    licence: str
    home: str
    layout: str
    splits: tuple[str, ...]
    disjoint: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """One example.

    Attributes
    ----------
    key : str
        Its name, unique in its split.
    data : Any
        A grey crop ``(h, w)`` uint8, an RGB picture ``(h, w, 3)`` uint8, a text, a signal ``(n,)`` float32 at 16 kHz, or
        joints ``(frames, joints, 3)``; None where it cannot be read.
    labels : tuple of str
        Names in the corpus's scheme, several where raters gave several.
    group : str
        The person or recording that it comes from.
    meta : dict, optional
        What else is known.
    problem : str
        Why it cannot be read.
    notes : tuple of str
        How it was read where not as it stands in its file: made smaller, cut, mixed from several channels.
    """

    key: str
    data: Any
    labels: tuple[str, ...]
    group: str = ""
    meta: dict[str, Any] | None = None
    problem: str = ""
    notes: tuple[str, ...] = ()


def read_item(
    key: str, labels: tuple[str, ...], group: str, meta: dict[str, Any], read: Callable[[Callable[[str], None]], Any]
) -> Item:
    """An item whose data lies in a file.

    Parameters
    ----------
    key, labels, group, meta
        As ``Item`` has them.
    read : callable
        Gives the data; is given a function that takes notes on how it was read.

    Returns
    -------
    Item
        With its data and the notes; with the problem where reading raised a ``MediaError``.
    """
    notes: list[str] = []
    try:
        data = read(notes.append)
    except MediaError as error:
        return Item(key, None, labels, group, meta, str(error))
    return Item(key, data, labels, group, meta, notes=tuple(dict.fromkeys(notes)))


class Corpus(Protocol):
    """A reader bound to a path; ``affectlens.checks.check_corpus`` tests that it keeps to this contract.

    One that was opened by ``open_corpus`` also has an ``account``: what its reader found and left out, see ``account_of``.
    """

    info: CorpusInfo
    scheme: LabelScheme

    def table(self, split: str) -> pd.DataFrame:
        """Keys, labels, groups and further columns of a split, without reading the data."""
        ...

    def items(self, split: str) -> Iterator[Item]:
        """Items of a split, in the table's order; one that cannot be read keeps its place with its problem."""
        ...


def items_of(corpus: Corpus, split: str) -> Iterator[Item]:
    """Items of a split, also where their reader breaks off: what it would have given keeps its place with the reason.

    Parameters
    ----------
    corpus : Corpus
        The reader.
    split : str
        One of its splits.

    Yields
    ------
    Item
        One for each row of the split's table.

    Raises
    ------
    AffectlensError
        The reader's own, such as a split that is not there, before the first item.
    """
    given = 0
    try:
        for item in corpus.items(split):
            given += 1
            if item.problem or item.notes:
                item = replace(item, problem=one_line(item.problem), notes=tuple(map(one_line, item.notes)))
                tell(items=[(f"{corpus.info.name}/{item.key}", item.notes)])
            yield item
    except Exception as error:
        table = corpus.table(split)
        if given == 0 and isinstance(error, AffectlensError):
            raise
        why = f"the reader broke off after {given} of {len(table)} items: {failure_of(split, error).reason}"
        keys = list(table.key) if "key" in table else [str(number) for number in range(len(table))]
        labels = list(table.labels) if "labels" in table else [(label,) for label in table.label]
        for key, label in list(zip(keys, labels, strict=True))[given:]:
            yield Item(str(key), None, tuple(label), problem=why)


Reader = Callable[[Path], Corpus]
CORPORA: Registry[tuple[CorpusInfo, Reader]] = Registry("corpus", "affectlens.corpora")


def register_corpus(info: CorpusInfo) -> Callable[[Reader], Reader]:
    """Make a reader, which is called with a path, available under ``info.name``; a decorator."""

    def add(reader: Reader) -> Reader:
        CORPORA.add(info.name, (info, reader))
        return reader

    return add


def corpora() -> list[CorpusInfo]:
    """All known corpora, by name."""
    return [info for info, _ in CORPORA.values()]


def open_corpus(name: str, path: str | Path | None = None) -> Corpus:
    """Open a corpus.

    Parameters
    ----------
    name : str
        Its name, or ``NAME=PATH`` where no path is given.
    path : str or Path, optional
        Its folder or file.

    Returns
    -------
    Corpus
        The reader of that name on that path.

    Raises
    ------
    UsageError
        No such corpus; the message has the nearest names. Or there is no path.
    CorpusError
        Nothing at the path, or another layout than the official one.

    Examples
    --------
    >>> open_corpus("fer2013=/nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    affectlens.core.errors.CorpusError: /nowhere: not there; FER2013 can be had from https://www.kaggle.com/...
    """
    if path is None:
        name, path = name_and_path(name)
    info, reader = CORPORA.get(name)
    return read_with(info, reader, Path(path))


def name_and_path(given: str) -> tuple[str, Path]:
    """Split ``NAME=PATH`` at its first equals sign.

    Returns
    -------
    name : str
        What stands before it.
    path : Path
        What stands behind it.

    Raises
    ------
    UsageError
        One of the two is missing.

    Examples
    --------
    >>> name_and_path("emodb=/data/emodb")[0]
    'emodb'
    """
    name, sign, path = given.partition("=")
    if not (name and sign and path):
        raise UsageError(f"corpus {given!r}: NAME=PATH was expected, for example fer2013=/data/fer2013")
    return name.strip(), Path(path.strip()).expanduser()


Corpora = str | Mapping[str, str | Path] | Iterable[str]


def corpora_of(given: Corpora) -> dict[str, Path]:
    """Paths by the name of their corpus, of ``NAME=PATH``, of several, or of a mapping.

    Returns
    -------
    dict of str to Path
        In the order given.

    Raises
    ------
    UsageError
        Nothing was given, or something else than ``NAME=PATH``.

    Examples
    --------
    >>> corpora_of("emodb=/corpora/emodb")
    {'emodb': PosixPath('/corpora/emodb')}
    """
    if isinstance(given, Mapping):
        return {name: Path(path) for name, path in given.items()}
    out = dict(map(name_and_path, [given] if isinstance(given, str) else given))
    if not out:
        raise UsageError("no corpora were given: name at least one, as NAME=PATH")
    return out


def read_with(info: CorpusInfo, reader: Reader, path: Path) -> Corpus:
    """Open a path with a reader that need not be registered.

    Parameters
    ----------
    info : CorpusInfo
        What the corpus is.
    reader : callable
        Takes the path.
    path : Path
        Its folder or file.

    Returns
    -------
    Corpus
        What the reader gives.

    Raises
    ------
    CorpusError
        Nothing at the path, or another layout than the official one.
    LimitError
        A file that holds more than is read of one.
    AffectlensError
        And every other that the reader raises on purpose.
    """
    if not path.exists():
        raise CorpusError(f"{path}: not there; {info.title} can be had from {info.home}. Expected: {info.layout}")
    try:
        with accounting() as account:
            corpus = reader(path)
    except AffectlensError:
        raise
    except MemoryError as error:
        raise LimitError(f"{path}: the memory does not suffice to read it as {info.title}") from error
    except Exception as error:
        raise CorpusError(f"{path}: not readable as {info.title} ({reason_of(error)}); expected {info.layout}") from error
    corpus.account = account  # type: ignore[attr-defined]
    tell(f"{info.name}: {line}" for line in account.lines())
    return corpus


def parts_of(splits: Iterable[str], taken: Iterable[str] = ()) -> tuple[str, ...]:
    """Names of splits once each, the usual ones first and in their order.

    Parameters
    ----------
    splits : iterable of str
        As they stand in a table, one a row; empty ones are left out.
    taken : iterable of str
        Names that are left out, since they have a meaning already.

    Returns
    -------
    tuple of str
        The names.

    Examples
    --------
    >>> parts_of(["test", "", "own", "train", "test"])
    ('train', 'test', 'own')
    """
    given = dict.fromkeys(split for split in splits if split and split not in set(taken))
    return tuple(sorted(given, key=lambda split: PARTS.index(split) if split in PARTS else len(PARTS)))


def account_of(corpus: Corpus) -> Account:
    """What a corpus's reader found and left out while it was opened; empty of one that was opened by hand."""
    return getattr(corpus, "account", Account())


def whole_splits(info: CorpusInfo) -> tuple[str, ...]:
    """The splits that together hold every item once.

    Returns
    -------
    tuple of str
        ``all``, or those that share no item.

    Examples
    --------
    >>> whole_splits(CorpusInfo("a", "A", "face", "", "", "", ("all", "train")))
    ('all',)
    """
    if "all" in info.splits:
        return ("all",)
    return tuple(split for split in info.splits if split in info.disjoint) or info.splits


def check_split(corpus: Corpus, split: str) -> str:
    """Check that a corpus has a split.

    Returns
    -------
    str
        The split.

    Raises
    ------
    CorpusError
        The corpus has no such split.
    """
    if split not in corpus.info.splits:
        raise CorpusError(f"{corpus.info.name} has no split {split!r}; it has {', '.join(corpus.info.splits)}")
    return split


def with_splits(info: CorpusInfo, splits: Iterable[str], path: Path) -> CorpusInfo:
    """Narrow a corpus to the splits that are there.

    Returns
    -------
    CorpusInfo
        With these splits only.

    Raises
    ------
    CorpusError
        None is there.
    """
    present = tuple(splits)
    if not present:
        raise CorpusError(f"{path}: none of the splits {', '.join(info.splits)} is here; expected {info.layout}")
    return replace(info, splits=present)


def label_targets(labels: list[tuple[str, ...]], classes: tuple[str, ...]) -> np.ndarray:
    """Target distributions of items with one label or several.

    Parameters
    ----------
    labels : list of tuple of str
        Of each item.
    classes : tuple of str
        The columns.

    Returns
    -------
    ndarray
        ``(n, classes)`` float64, each row's mass shared equally among its labels.

    Examples
    --------
    >>> label_targets([("joy",), ("anger", "joy")], ("anger", "joy")).tolist()
    [[0.0, 1.0], [0.5, 0.5]]
    """
    targets = np.zeros((len(labels), len(classes)))
    for number, row in enumerate(labels):
        for label in row:
            targets[number, classes.index(label)] += 1 / len(row)
    return targets
