"""The contract of corpora: table and items agree, nothing is lost in silence, wrong paths and layouts are named."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.checks.base import CheckError, raised, run_checks, same
from affectlens.core.errors import AffectlensError, CorpusError
from affectlens.corpora.base import (
    CORPORA,
    Corpus,
    CorpusInfo,
    Item,
    Reader,
    account_of,
    name_and_path,
    read_with,
    whole_splits,
)
from affectlens.corpora.dialogues.base import DialogueCorpus

LARGEST = 50_000_000  # bytes of a folder that is copied to see what a damaged file does
TEXTUAL = (str, dict)  # data that does not come from the file in the table's column path


@dataclass(frozen=True)
class Subject:
    """A corpus that is open, and how it can be opened again; at most ``most`` items of a split are read."""

    info: CorpusInfo
    reader: Reader
    path: Path
    corpus: Corpus
    most: int

    def again(self, path: Path | None = None) -> Corpus:
        """Open it anew, or the same corpus elsewhere."""
        return read_with(self.info, self.reader, path or self.path)

    def items(self, split: str, corpus: Corpus | None = None) -> list[Item]:
        """The first items of a split."""
        return list(islice((corpus or self.corpus).items(split), self.most))


def check_corpus(
    reader: str | Reader, path: str | Path | None = None, *, items: int = 200, leave_out: Collection[str] = ()
) -> None:
    """Check that a corpus reader keeps to the contract of ``affectlens.corpora.base.Corpus``.

    Parameters
    ----------
    reader : str or callable
        Name of a registered corpus, ``NAME=PATH``, or a reader with an attribute ``info``.
    path : str or Path, optional
        A folder or file in the corpus's official layout; a tiny one will do.
    items : int
        Items that are read of each split.
    leave_out : collection of str
        Names of ``CHECKS`` that are not run. ``damage`` copies the corpus, and is skipped for folders over 50 MB.

    Raises
    ------
    CheckError
        What is wrong, check by check.
    UsageError
        No such corpus or check.
    """
    if isinstance(reader, str):
        name, where = name_and_path(reader) if path is None else (reader, Path(path))
        info, made = CORPORA.get(name)
    else:
        info, made, where = reader.info, reader, Path(path or ".")  # type: ignore[attr-defined]
    title = f"the corpus {info.name!r}"
    try:
        corpus = read_with(info, made, where)
    except AffectlensError as error:
        raise CheckError(title, {"opening": [raised(error)]}) from error
    run_checks(title, CHECKS, Subject(info, made, where, corpus, items), leave_out)


def described(subject: Subject) -> Iterator[str]:
    """Every field of ``info`` is filled in; the open corpus has the registered name, splits, and a scheme without doubles."""
    for member in fields(CorpusInfo):
        if member.name != "disjoint" and not getattr(subject.info, member.name):
            yield f"info.{member.name} is empty"
    if subject.corpus.info.name != subject.info.name:
        yield f"it is registered as {subject.info.name!r} but calls itself {subject.corpus.info.name!r}"
    splits, labels = subject.corpus.info.splits, subject.corpus.scheme.labels
    if not splits or len(set(splits)) < len(splits):
        yield f"splits {splits}; at least one was expected, each once"
    if len(set(labels)) < len(labels):
        yield f"the scheme {subject.corpus.scheme.name} has a label twice: {labels}"


def order(subject: Subject) -> Iterator[str]:
    """``items`` gives the rows of ``table``, all of them, in the same order."""
    for split in subject.corpus.info.splits:
        table, items = list(subject.corpus.table(split).key), [item.key for item in subject.items(split)]
        if not table:
            yield f"split {split} has no row"
        if len(items) != min(len(table), subject.most):
            yield f"split {split}: {len(table)} rows in the table, {len(items)} items"
        at = next((place for place, (key, other) in enumerate(zip(table, items, strict=False)) if key != other), None)
        if at is not None:
            yield f"split {split}, place {at}: the table has {table[at]!r}, the item is {items[at]!r}"


def counted(subject: Subject) -> Iterator[str]:
    """What a reader says that it found is its items and what it says that it dropped, together."""
    account = account_of(subject.corpus)
    items = sum(len(subject.corpus.table(split)) for split in whole_splits(subject.corpus.info))
    dropped = account.dropped.total()
    if account.found and account.found != items + dropped:
        yield f"it found {account.found} {account.unit}, but has {items} items and dropped {dropped}"


def keys(subject: Subject) -> Iterator[str]:
    """Keys are texts, not empty, each once in its split."""
    for split in subject.corpus.info.splits:
        key = subject.corpus.table(split).key
        wrong = [name for name in key if not isinstance(name, str) or not name]
        if wrong:
            yield f"split {split}: keys {wrong[:3]!r}; texts were expected"
        double = key[key.duplicated()]
        if len(double):
            yield f"split {split}: {double.iloc[0]!r} is the key of {int((key == double.iloc[0]).sum())} rows"


def labels(subject: Subject) -> Iterator[str]:
    """Labels are of the scheme, but in ``all`` and for dialogues' unscored context; the table has each item's first label."""
    scheme = subject.corpus.scheme.labels
    for split in subject.corpus.info.splits:
        free = split == "all" or isinstance(subject.corpus, DialogueCorpus)
        for row, item in zip(subject.corpus.table(split).to_dict("records"), subject.items(split), strict=False):
            if not item.labels or not all(isinstance(label, str) for label in item.labels):
                yield f"split {split}, {item.key}: labels {item.labels!r}; a tuple of texts was expected"
            elif not free and not set(item.labels) <= set(scheme):
                yield f"split {split}, {item.key}: labels {item.labels}; the scheme has {', '.join(scheme)}"
            elif row.get("label") != item.labels[0]:
                yield f"split {split}, {item.key}: the table has the label {row.get('label')!r}, the item {item.labels[0]!r}"


def groups(subject: Subject) -> Iterator[str]:
    """Where the table has groups, they are the items'."""
    for split in subject.corpus.info.splits:
        table = subject.corpus.table(split)
        if "group" not in table:
            continue
        for group, item in zip(table.group, subject.items(split), strict=False):
            if str(group) != item.group:
                yield f"split {split}, {item.key}: the table has the group {group!r}, the item {item.group!r}"


def data(subject: Subject) -> Iterator[str]:
    """An item has data or a problem, never both or neither; arrays are not empty and finite."""
    for split in subject.corpus.info.splits:
        for item in subject.items(split):
            where = f"split {split}, {item.key}"
            if (item.data is None) != bool(item.problem):
                yield f"{where}: data is {type(item.data).__name__} and the problem {item.problem!r}; one of them was expected"
            if isinstance(item.data, np.ndarray):
                if not item.data.size:
                    yield f"{where}: an empty array {item.data.shape}"
                elif item.data.dtype.kind not in "uif":
                    yield f"{where}: an array of {item.data.dtype}; numbers were expected"


def damage(subject: Subject) -> Iterator[str]:
    """A file that cannot be read leaves all rows in place, and its item with a problem."""
    root = subject.path if subject.path.is_dir() else subject.path.parent
    if _size(root) > LARGEST:
        return
    for split in subject.corpus.info.splits:
        table = subject.corpus.table(split)
        inside = [path for path in map(Path, table.get("path", [])) if path.is_file() and path.is_relative_to(root)]
        if inside:
            yield from _damaged(subject, root, split, inside[0], table)
            return


def _damaged(subject: Subject, root: Path, split: str, victim: Path, table: pd.DataFrame) -> Iterator[str]:
    lost = table.path.map(Path) == victim
    with tempfile.TemporaryDirectory(prefix="affectlens-") as folder:
        there = Path(folder) / (root.name or "corpus")
        shutil.copytree(root, there)
        (there / victim.relative_to(root)).write_bytes(b"")
        try:
            corpus = subject.again(there / subject.path.relative_to(root))
            items = subject.items(split, corpus)
        except CorpusError as error:
            if lost.sum() < 2 <= len(table):  # a file that holds many items may stop the corpus, with an error
                yield f"split {split}: with {victim.name} empty the corpus does not open ({error}); the others were expected"
            return
        if [item.key for item in items] != list(table.key[: subject.most]):
            yield f"split {split}: with {victim.name} empty there are other items; a place with a problem was expected"
            return
        for item, gone in zip(items, lost, strict=False):
            if gone and item.data is not None and not isinstance(item.data, TEXTUAL):
                yield f"split {split}, {item.key}: its file {victim.name} is empty, but it has data and no problem"


def splits(subject: Subject) -> Iterator[str]:
    """An unknown split is a CorpusError that lists those that there are; splits that are said to be disjoint are."""
    for call in ("table", "items"):
        try:
            made = getattr(subject.corpus, call)("no such split")
            list(islice(made, 1)) if call == "items" else None
            yield f"{call}('no such split') gives {type(made).__name__}; a CorpusError was expected"
        except CorpusError as error:
            if not all(name in str(error) for name in subject.corpus.info.splits):
                yield f"the error for an unknown split does not list the splits: {error}"
    apart = [split for split in subject.corpus.info.splits if split in subject.info.disjoint]
    for first, second in combinations(apart, 2):
        shared = _identities(subject.corpus.table(first)) & _identities(subject.corpus.table(second))
        if shared:
            yield f"{first} and {second} are said to be disjoint, but both have {sorted(shared)[0][0]!r}"


def twice(subject: Subject) -> Iterator[str]:
    """Reading again, and opening again, gives the same items."""
    for split in subject.corpus.info.splits:
        first = subject.items(split)
        for how, other in (("read again", subject.items(split)), ("opened again", subject.items(split, subject.again()))):
            for item, again in zip(first, other, strict=False):
                as_before = all(getattr(item, name) == getattr(again, name) for name in ("key", "labels", "group", "problem"))
                if not as_before or not same(item.data, again.data):
                    yield f"split {split}, {item.key}: another item when the corpus is {how}"
                    break


def copies(subject: Subject) -> Iterator[str]:
    """A table that is changed by its caller changes nothing of the corpus."""
    for split in subject.corpus.info.splits:
        before = subject.corpus.table(split)
        known, columns = list(before.key), list(before.columns)
        before["key"], before["a column of the caller's"] = "changed", 0
        after = subject.corpus.table(split)
        if list(after.key) != known or list(after.columns) != columns:
            yield f"split {split}: a change of the table that was given out came back; give a copy"


def missing(subject: Subject) -> Iterator[str]:
    """A path where nothing is becomes a CorpusError with the official layout and the corpus's home."""
    nowhere = subject.path.parent / "affectlens-nothing-is-here"
    try:
        subject.again(nowhere)
        yield f"{nowhere} opens, although nothing is there; a CorpusError was expected"
    except CorpusError as error:
        for what in ("layout", "home"):
            if getattr(subject.info, what) not in str(error):
                yield f"the error for a path where nothing is does not give the {what}: {error}"


def layout(subject: Subject) -> Iterator[str]:
    """An empty folder, an empty file, noise and a foreign table are CorpusErrors that say what was expected."""
    with tempfile.TemporaryDirectory(prefix="affectlens-") as folder:
        for name, content in (("folder", None), ("empty.csv", b""), ("noise.bin", bytes(range(256))), ("t.csv", b"a,b\n1,2\n")):
            path = Path(folder) / name
            path.mkdir() if content is None else path.write_bytes(content)
            try:
                subject.again(path)
                yield f"{name} opens; a CorpusError was expected"
            except CorpusError as error:
                if "xpected" not in str(error):
                    yield f"the error for {name} does not say what was expected: {error}"
            except Exception as error:
                yield f"{name}: {raised(error)}; a CorpusError was expected"


def _identities(table: pd.DataFrame) -> set[tuple[str, str]]:
    """Keys with their groups, since some corpora number their items anew in each split."""
    group = table.group.astype(str) if "group" in table else [""] * len(table)
    return set(zip(table.key, group, strict=True))


def _size(root: Path) -> int:
    """Bytes below a folder, counted up to a little over ``LARGEST``."""
    total = 0
    for path in root.rglob("*"):
        total += path.stat().st_size if path.is_file() else 0
        if total > LARGEST:
            break
    return total


CHECKS = {
    check.__name__: check
    for check in (described, order, counted, keys, labels, groups, data, damage, splits, twice, copies, missing, layout)
}
