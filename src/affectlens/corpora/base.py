"""A corpus reader turns an official layout into items with labels; one file a corpus, one decorator to register it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError, unknown
from affectlens.core.labels import LabelScheme


@dataclass(frozen=True)
class CorpusInfo:
    """What a corpus is and where its official source lies; weights trained on it inherit ``licence``."""

    name: str
    title: str
    modality: str
    licence: str
    home: str
    layout: str
    splits: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """One example. ``data`` is a grey crop ``(h, w)`` uint8, an RGB picture ``(h, w, 3)`` uint8 or a text; ``labels`` are
    names in the corpus's scheme (several where raters gave several); ``group`` is the person or recording it comes from;
    ``data`` is None and ``problem`` says why where it cannot be read."""

    key: str
    data: Any
    labels: tuple[str, ...]
    group: str = ""
    meta: dict[str, Any] | None = None
    problem: str = ""


class Corpus(Protocol):
    """A reader bound to a path."""

    info: CorpusInfo
    scheme: LabelScheme

    def table(self, split: str) -> pd.DataFrame:
        """Keys, labels, groups and further columns of a split, without reading the data."""
        ...

    def items(self, split: str) -> Iterator[Item]:
        """Items of a split, in the table's order."""
        ...


_REGISTRY: dict[str, tuple[CorpusInfo, Callable[[Path], Corpus]]] = {}


def register_corpus(info: CorpusInfo) -> Callable[[Callable[[Path], Corpus]], Callable[[Path], Corpus]]:
    """Decorator: make a reader available under ``info.name``; it is called with a path."""

    def add(reader: Callable[[Path], Corpus]) -> Callable[[Path], Corpus]:
        _REGISTRY[info.name] = (info, reader)
        return reader

    return add


def corpora() -> list[CorpusInfo]:
    """All known corpora."""
    _load_all()
    return [info for info, _ in sorted(_REGISTRY.values(), key=lambda v: v[0].name)]


def open_corpus(name: str, path: str | Path) -> Corpus:
    """The reader of that name on a path."""
    _load_all()
    if name not in _REGISTRY:
        raise unknown("corpus", name, list(_REGISTRY))
    info, reader = _REGISTRY[name]
    path = Path(path)
    if not path.exists():
        raise CorpusError(f"{path}: not there; {info.title} is to be had from {info.home}. Expected: {info.layout}")
    return reader(path)


def check_split(corpus: Corpus, split: str) -> str:
    """The split, or an error that lists those of the corpus."""
    if split not in corpus.info.splits:
        raise CorpusError(f"{corpus.info.name} has no split {split!r}; it has {', '.join(corpus.info.splits)}")
    return split


def label_targets(labels: list[tuple[str, ...]], classes: tuple[str, ...]) -> np.ndarray:
    """Target distributions ``(n, classes)`` float64: each row's mass shared equally among its labels."""
    out = np.zeros((len(labels), len(classes)))
    for i, row in enumerate(labels):
        for label in row:
            out[i, classes.index(label)] += 1 / len(row)
    return out


def _load_all() -> None:
    import importlib
    import pkgutil

    import affectlens.corpora as package

    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
