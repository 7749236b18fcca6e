"""A corpus split as an audit of properties meets it: labels, people, what properties look at, what a classifier is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.properties.settings import MODALITIES
from affectlens.audits.properties.views import view_maker, voice_features
from affectlens.audits.sources import open_source
from affectlens.core.errors import MediaError, UsageError
from affectlens.corpora.base import Item, check_split


class AuditedCorpus:
    """A split of a corpus; items are met one by one, pictures as upright crops.

    Parameters
    ----------
    given : str or Corpus
        ``"NAME=PATH"``, or an opened corpus.
    split : str
        The split; by default test, and all clips of four classes in speech.

    Raises
    ------
    UsageError
        A modality of which no properties are known, or no such split.
    """

    def __init__(self, given: Any, split: str = "") -> None:
        self.source = open_source(given)
        self.name = self.source.info.name
        # A corpus that was opened by hand need not know where it lies.
        path = str(given).partition("=")[2] if isinstance(given, str) else getattr(self.source, "path", None)
        self.path = Path(path) if path else None
        self.modality = "face" if self.source.info.modality == "scene" else self.source.info.modality
        if self.modality not in MODALITIES:
            raise UsageError(f"{self.name} holds {self.modality}; properties are known of {', '.join(MODALITIES)}")
        default = "four" if self.modality in ("voice", "gait") else "test"
        wanted = split or (default if default in self.source.info.splits else self.source.info.splits[-1])
        self.split = check_split(self.source, wanted)
        rows = self.source.table(self.split).drop_duplicates("key").set_index("key")
        self.keys: list[str] = rows.index.tolist()
        self.labels: pd.Series | None = rows.label if "label" in rows else None
        self.people = _people(rows)
        self._view: Any = None
        self._features: dict[str, Any] | None = None

    def items(self) -> Iterator[Item]:
        """Items in the corpus's order."""
        return self.source.items(self.split)

    def view(self, item: Item) -> tuple[Any, str]:
        """What properties look at, or None and the reason."""
        if item.data is None:
            return None, item.problem
        if self._view is None:
            self._view = view_maker(self.modality, self.name, self.path)
        return self._view(item)  # type: ignore[no-any-return]

    def input_of(self, item: Item, view: Any) -> Any:
        """What the classifier is given: an upright crop (a grey picture of 48 as it is), a text, or features; or None."""
        if item.data is None:
            return None
        if self.modality in ("voice", "gait"):
            if self._features is None:
                self._features = self._voices() if self.modality == "voice" else self._walks()
            return self._features.get(item.key)
        if self.modality == "words":
            return item.data
        if item.data.shape[:2] == (48, 48):
            return np.asarray(item.data)
        return None if view is None else view.crop

    def inputs(self, keys: list[str]) -> list[Any]:
        """Inputs of some items, in the order of ``keys``, read again."""
        wanted = set(keys)
        inputs = {i.key: self.input_of(i, self.view(i)[0]) for i in self.items() if i.key in wanted}
        return [inputs[k] for k in keys]

    def people_of(self, keys: list[str]) -> np.ndarray | None:
        """Who each item is of, where that is known."""
        return self.people.reindex(keys).to_numpy() if self.people is not None else None

    def _walks(self) -> dict[str, Any]:
        """The middle two seconds of every recording: joints and measurements."""
        from affectlens.models.shipped.gait import FRAMES, window
        from affectlens.perception.body.formats import of_corpus
        from affectlens.perception.body.gait import RATE
        from affectlens.perception.body.joints import resampled

        out = {}
        for item in self.items():
            try:
                motion = resampled(of_corpus(item.data, item.meta or {}), RATE)
                start = max(0, (len(motion) - FRAMES) // 2)
                out[item.key] = window(motion.part(start, start + FRAMES))
            except MediaError:
                continue  # its properties say what is wrong with it
        return out

    def _voices(self) -> dict[str, Any]:
        """Normalised features, each clip in a recording of a few turns of its speaker, as the main job meets them."""
        from affectlens.features.speech import as_recordings
        from affectlens.models.base import load_model

        table = voice_features(self.name, self.path)
        scale = load_model("speech").scale
        z = as_recordings(table.features, table.speaker, np.arange(len(table.rows)), scale, 0)
        return dict(zip(table.rows.key, z, strict=True))


def _people(rows: pd.DataFrame) -> pd.Series | None:
    """The column that says who each item is of, where there are several people."""
    name = next((c for c in ("speaker", "person", "group") if c in rows and rows[c].nunique() > 1), None)
    if name == "group" and "motion" in rows and (rows.group == rows.motion).all():
        return None  # types of motion, not people
    return rows[name] if name else None
