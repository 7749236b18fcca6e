"""A model asked about the items of one corpus: what it is given of each, and of a changed one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.audits.properties.corpus import AuditedCorpus
from affectlens.audits.properties.views import voice_features
from affectlens.corpora.base import Item
from affectlens.evaluation.predictions import check_modality
from affectlens.features.speech import as_recordings
from affectlens.models.adapters import TableModel
from affectlens.models.base import Model
from affectlens.models.open import open_model
from affectlens.models.shipped.speech import SpeechModel


class AskedModel:
    """A model and how the items of a corpus are put to it.

    A model reads items by itself, with two exceptions. Of a face it is given the upright crop that the properties were
    measured on, since interventions change that crop, and before and after have to be asked alike. And the shipped speech
    model is given each clip in a recording with a few turns of its speaker, as the main job meets it.

    Parameters
    ----------
    spec : str, Path or Model
        What ``open_model`` takes.
    corpus : AuditedCorpus
        Where the items are from.

    Raises
    ------
    UsageError
        No such model, one that reads something else than the corpus holds, or a table in which no item of it is.
    ModelError
        A file that cannot be used.
    """

    def __init__(self, spec: str | Path | Model, corpus: AuditedCorpus) -> None:
        self.model: Any = open_model(spec, modality=corpus.modality)
        self.corpus = corpus
        check_modality(self.model, corpus.source.info)
        self.table = self.model if isinstance(self.model, TableModel) else None
        if self.table is not None:
            self.table.meet(corpus.keys, corpus.name)
        self._clips: dict[str, np.ndarray] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Outputs: the classes of the model, and intensities of action units that a table gives beside them."""
        return tuple(self.model.labels) if self.table is None else self.table.outputs

    @property
    def units(self) -> tuple[str, ...]:
        """Outputs that are no classes."""
        return () if self.table is None else self.table.units

    @property
    def labels_only(self) -> bool:
        """Whether answers are classes without probabilities."""
        return self.table is not None and self.table.labels_only

    def why_not(self, key: str) -> str:
        """Why a table has no prediction of an item; empty where it has one, and of other models."""
        return "" if self.table is None else self.table.why_not(key)

    @property
    def can_be_asked_again(self) -> bool:
        """Whether it can be asked about a changed item: a table has its answers already."""
        return self.table is None

    def input_of(self, item: Item, view: Any) -> Any:
        """What the model is given of an item; None where the item gives it nothing to look at."""
        if self.table is None and item.data is None:
            return None
        try:
            if self.model.modality == "face" and self.table is None:
                crop = _crop(item, view)
                return None if crop is None else self.model.prepare(crop)
            if isinstance(self.model, SpeechModel):
                return self._turns().get(item.key)
            return self.model.read(item)
        except Exception:  # the properties of an item that cannot be read say what is wrong with it
            return None

    def answers(self, inputs: Sequence[Any]) -> np.ndarray:
        """Probabilities ``(n, classes)`` of inputs; of a table of other scores its values as they are."""
        ask = self.table.values if self.table is not None else self.model.probabilities
        return np.asarray(ask(inputs))

    def data(self, keys: list[str]) -> list[Any]:
        """What interventions change of some items, in the order of ``keys``: upright crops, texts or sounds."""
        chosen = set(keys)
        data = {}
        for item in self.corpus.items():
            if item.key in chosen and item.data is not None:
                face = self.corpus.modality == "face"
                data[item.key] = _crop(item, self.corpus.view(item)[0]) if face else item.data
        return [data[key] for key in keys]

    def answers_to(self, data: Sequence[Any]) -> np.ndarray:
        """Probabilities ``(n, classes)`` of changed crops, texts or sounds."""
        again = self.model.prepare if self.model.modality == "face" else self.model.read
        return np.asarray(self.model.probabilities([again(datum) for datum in data]))

    def _turns(self) -> dict[str, np.ndarray]:
        """Normalised features of every clip by key, as of recordings of a few turns of one speaker."""
        if self._clips is None:
            table = voice_features(self.corpus.name, self.corpus.path)
            scaled = as_recordings(table.features, table.speaker, np.arange(len(table.rows)), self.model.scale, 0)
            self._clips = dict(zip(table.rows.key, scaled, strict=True))
        return self._clips


def _crop(item: Item, view: Any) -> Any:
    """The upright crop of a face; a picture of 48 pixels is one already."""
    if item.data.shape[:2] == (48, 48):
        return np.asarray(item.data)
    return None if view is None else view.crop
