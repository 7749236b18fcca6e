"""Pictures of a folder or a corpus with their labels, and what lies in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.objects.finders import Finder, finder_of
from affectlens.audits.parts import digest
from affectlens.audits.sources import corpus_facts, open_source, table_digest
from affectlens.core.barrier import reading
from affectlens.core.disk.cache import contents_of
from affectlens.core.disk.files import sha256_of
from affectlens.core.disk.finding import files_below
from affectlens.core.disk.places import located
from affectlens.core.errors import ModelError, UsageError
from affectlens.core.listing import some
from affectlens.core.untrusted.sheets import read_sheet, words
from affectlens.corpora.base import Corpus, account_of, check_split, items_of
from affectlens.corpora.pictures.base import PictureCorpus
from affectlens.explainers.overlap import boxes_to_masks
from affectlens.media.frames import Problems
from affectlens.media.pictures.images import SUFFIXES, read_image
from affectlens.models.adapters.predictions.matching import NO_ROW, match
from affectlens.perception.scene.objects import SCORE, Thing


@dataclass(frozen=True)
class View:
    """A picture and what lies in it.

    Attributes
    ----------
    key : str
        Its name.
    picture : ndarray
        ``(h, w, 3)`` or ``(h, w)`` uint8.
    label : str
        Empty where none is known.
    things : list of Thing
        Objects with boxes in pixels.
    masks : dict
        A mask ``(a, b)`` in [0, 1] on the grid for each object.
    notes : tuple of str
        How the picture was read where not as it stands in its file.
    """

    key: str
    picture: np.ndarray
    label: str
    things: list[Thing]
    masks: dict[str, np.ndarray]
    notes: tuple[str, ...] = ()

    @property
    def scores(self) -> dict[str, float]:
        """The surest detection of each object."""
        out: dict[str, float] = {}
        for thing in self.things:
            out[thing.name] = max(thing.score, out.get(thing.name, 0.0))
        return out


@dataclass(frozen=True)
class _Entry:
    """A picture that is read when it is looked at, or ``data`` that is at hand, or the ``problem`` that it has."""

    key: str
    label: str
    path: Path | None = None
    data: Any = None
    problem: str = ""
    notes: tuple[str, ...] = ()


class Pictures:
    """Pictures with labels and objects.

    Parameters
    ----------
    source : Path, str or Corpus
        A folder of pictures, ``"NAME=PATH"`` of a corpus, or an opened corpus.
    split : str
        Split of the corpus; by default test where there is one, else the last.
    objects : str
        ``detector`` (COCO's objects and faces), ``regions`` (of the largest face), a file or folder of detections made
        elsewhere, or ``module:function`` from an RGB picture to (name, score, (left, top, right, bottom)).
    labels : Path, optional
        A table with columns file and label, for a folder of pictures.
    exclusive : bool
        Whether pixels in boxes of several classes belong to the smallest box alone.
    least : float
        Score from which on an object counts.

    Raises
    ------
    UsageError
        No picture, or objects of no known kind.
    """

    def __init__(
        self, source: Path | str | Corpus, split: str = "", objects: str = "detector", labels: Path | None = None,
        exclusive: bool = False, least: float = SCORE,
    ) -> None:  # fmt: skip
        self.objects, self.exclusive, self.least = objects, exclusive, least
        self.notes: tuple[str, ...] = ()
        self.corpus: Corpus | None = None
        self.split = ""
        if isinstance(source, str | Path) and ("=" not in str(source) or Path(source).exists()):
            self._entries = self._of_folder(Path(source), labels)
        else:
            self._entries = self._of_corpus(open_source(source), split)
        if not self._entries:
            raise UsageError(f"{source}: no picture found; kinds that are read: {', '.join(sorted(SUFFIXES))}")
        self._index = {entry.key: i for i, entry in enumerate(self._entries)}
        self._finder: Finder = finder_of(objects, least)
        absent = self._finder.absent(list(self._index))
        self.notes += self._finder.notes
        if absent:
            self.notes += (f"{len(absent)} of {len(self)} pictures are not in {objects}, so no object is known in them",)

    @property
    def code(self) -> str:
        """A digest of the code that finds things, where that is the user's own."""
        return self._finder.code

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def keys(self) -> list[str]:
        """Names of all pictures."""
        return [entry.key for entry in self._entries]

    def __contains__(self, key: object) -> bool:
        return key in self._index

    def label(self, key: str) -> str:
        """The label of a picture, or an empty string."""
        return self._entries[self._index[key]].label

    def unknown_labels(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """A note that names the labels which a model with these classes does not have."""
        count = Counter(entry.label for entry in self._entries if entry.label and entry.label not in classes)
        if not count:
            return ()
        shown = some((f"{label} ({times})" for label, times in count.most_common()), 12)
        return (
            f"the model has no class {shown}; the map of those pictures is of its answer. Its classes: {', '.join(classes)}",
        )

    def facts(self) -> dict[str, Any]:
        """What tells these pictures from others: corpus, split, digests of keys and labels and of a table of objects."""
        if self.corpus is not None:
            out = corpus_facts(self.corpus, self.split)
        else:
            labelled = pd.DataFrame([(entry.key, entry.label) for entry in self._entries])
            out = {"corpus": "pictures", "table": table_digest(labelled)}
        return out | ({"objects": sha256_of(Path(self.objects))} if Path(self.objects).exists() else {})

    def contents(self) -> dict[str, str]:
        """A digest of every picture as it lies on disk, or in memory."""
        held = contents_of([e.path for e in self._entries if e.path is not None])
        files = iter(held)
        return {e.key: next(files) if e.path is not None else digest(e.data) for e in self._entries}

    def __getitem__(self, key: str) -> View:
        """Read a picture and find what is in it.

        Returns
        -------
        View
            The picture with what lies in it.

        Raises
        ------
        ModelError
            It cannot be read, or it has no face where regions of one are wanted.
        """
        if key not in self._index:
            raise ModelError(f"no picture of that name: {key}")
        entry = self._entries[self._index[key]]
        if entry.path is None and entry.data is None:
            raise ModelError(entry.problem or "cannot be read")
        problems = Problems(list(entry.notes))
        picture = read_image(entry.path, note=problems.add) if entry.path is not None else entry.data
        masks = self._finder.regions(picture)
        if masks is not None:
            return View(key, picture, entry.label, [], masks, tuple(problems.notes))
        things = self._finder.things(key, picture)
        masks = boxes_to_masks([(thing.name, thing.box) for thing in things], picture.shape, self.exclusive)
        return View(key, picture, entry.label, things, masks, tuple(problems.notes))

    def _of_corpus(self, corpus: Corpus, split: str) -> list[_Entry]:
        self.corpus = corpus
        self.notes += tuple(f"{corpus.info.name}: {line}" for line in account_of(corpus).lines())
        self.split = check_split(corpus, split or ("test" if "test" in corpus.info.splits else corpus.info.splits[-1]))
        table = corpus.table(self.split)
        if isinstance(corpus, PictureCorpus) and table.path.map(lambda path: Path(path).suffix.lower() in SUFFIXES).all():
            # Pictures are read when they are looked at, not kept.
            return [_Entry(row["key"], row["label"], located(row["path"])) for row in table.to_dict("records")]
        return [
            _Entry(item.key, item.labels[0] if item.labels else "", data=item.data, problem=item.problem, notes=item.notes)
            for item in items_of(corpus, self.split)
        ]

    def _of_folder(self, folder: Path, labels: Path | None) -> list[_Entry]:
        if not folder.is_dir():
            raise UsageError(f"{folder}: a folder of pictures was expected, or NAME=PATH for a corpus")
        label_of = _labels(labels) if labels else {}
        files = [path for path in files_below(folder).files if path.suffix.lower() in SUFFIXES]
        keys = [file.relative_to(folder).as_posix() for file in files]
        met = match(keys, list(label_of))
        if met.spare:
            self.notes += (f"{len(met.spare)} pictures of {labels} are not in {folder}: {some(sorted(met.spare), 5)}",)
        unsure = [f"{key} ({reason})" for key, reason in met.reasons.items() if label_of and reason != NO_ROW]
        if unsure:
            self.notes += (f"{len(unsure)} pictures have no label: {some(unsure, 3)}",)
        return [_Entry(key, label_of.get(met.pairs.get(key, ""), ""), file) for key, file in zip(keys, files, strict=True)]


def _labels(path: Path) -> dict[str, str]:
    if not path.exists():
        raise UsageError(f"--labels {path}: no such file")
    with reading(path, "a table of labels", UsageError):
        table = read_sheet(path).frame
    if not {"file", "label"} <= set(table.columns):
        raise UsageError(f"--labels {path}: columns {', '.join(map(str, table.columns[:6]))}; file and label were expected")
    return dict(zip(words(table.file), words(table.label).str.strip(), strict=True))
