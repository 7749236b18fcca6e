"""A model asked about the items of one corpus: what it is given of each, and of a changed one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.audits.properties.corpus import AuditedCorpus
from affectlens.audits.properties.views import voice_features
from affectlens.core.errors import ScoresError
from affectlens.corpora.base import Item
from affectlens.evaluation.predictions import check_modality
from affectlens.features.speech import as_recordings, dealt
from affectlens.models.adapters import TableModel
from affectlens.models.base import Model
from affectlens.models.identity import with_labels_of
from affectlens.models.open import open_model
from affectlens.models.readers import functionals_of
from affectlens.models.scores import Scores, scores_of
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
    scores, preprocess : str
        See ``open_model``.

    Attributes
    ----------
    notes : tuple of str
        What has to be known of how the model and the corpus meet.
    cut : int
        Texts or sounds that are longer than the model reads.

    Raises
    ------
    UsageError
        No such model, one that reads something else than the corpus holds, or a table in which no item of it is.
    ModelError
        A file that cannot be used.
    """

    def __init__(self, spec: str | Path | Model, corpus: AuditedCorpus, scores: str = "", preprocess: str = "") -> None:
        opened: Any = open_model(spec, modality=corpus.modality, scores=scores, preprocess=preprocess)
        self.corpus, self.cut = corpus, 0
        check_modality(opened, corpus.source.info)
        known = () if corpus.labels is None else corpus.labels.dropna().astype(str)
        self.model, *notes = with_labels_of(opened, known)
        self.notes: tuple[str, ...] = tuple(filter(None, notes))
        self.table = self.model if isinstance(self.model, TableModel) else None
        if self.table is not None:
            self.table.meet(corpus.keys, corpus.name)
        self._clips: dict[str, np.ndarray] | None = None
        self._recordings: dict[str, tuple[np.ndarray, int]] = {}  # features of a clip's recording, and which is its own

    @property
    def labels(self) -> tuple[str, ...]:
        """Outputs: the classes of the model, and intensities of action units that a table gives beside them."""
        return tuple(self.model.labels) if self.table is None else self.table.output_names

    @property
    def units(self) -> tuple[str, ...]:
        """Outputs that are no classes: intensities, valence and arousal."""
        if self.table is not None:
            return self.table.units
        return () if self.scores.are_probabilities else tuple(self.model.labels)

    @property
    def scores(self) -> Scores:
        """What the model's numbers are."""
        return scores_of(self.model)

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
        """What the model is given of an item; None where the item gives it nothing to look at, which its properties say."""
        if self.table is None and item.data is None:
            return None
        if self.model.modality == "face" and self.table is None:
            crop = _crop(item, view)
            made = None if crop is None else self.model.prepare(crop)
        elif isinstance(self.model, SpeechModel):
            made = self._turns().get(item.key)
        elif self.table is not None:
            made = None if self.table.why_not(item.key) else self.table.read(item)
        else:
            made = self.model.read(item)
        self.cut += bool(getattr(made, "truncated", False))
        return made

    def answers(self, inputs: Sequence[Any]) -> np.ndarray:
        """Probabilities, or values where there are none, ``(n, classes)`` of inputs; of a table its values as they are."""
        return np.asarray(self.table.values(inputs)) if self.table is not None else self._asked(inputs)

    def _asked(self, inputs: Sequence[Any]) -> np.ndarray:
        if not self.scores.are_probabilities:
            return np.asarray(self.model.outputs(inputs))
        given = np.asarray(self.model.probabilities(inputs))
        if self.scores.exclusive and len(given) and not np.allclose(given.sum(axis=1), 1, atol=1e-3):
            sums = given.sum(axis=1)
            raise ScoresError(
                f"{self.model.name}: rows of its probabilities sum to {sums.min():.3g} to {sums.max():.3g}; 1 was expected. "
                "Give it an attribute scores (models.scores.Scores) that says what they are"
            )
        return given

    def data(self, keys: list[str]) -> list[Any]:
        """What interventions change of some items, in the order of ``keys``: upright crops, texts or sounds."""
        chosen = set(keys)
        data = {item.key: self.datum_of(item) for item in self.corpus.items() if item.key in chosen and item.data is not None}
        return [data[key] for key in keys]

    def datum_of(self, item: Item) -> Any:
        """What interventions change of an item: its upright crop, text or sound; None where there is nothing."""
        if item.data is None or self.corpus.modality != "face":
            return item.data
        return _crop(item, None if item.data.shape[:2] == (48, 48) else self.corpus.view(item)[0])

    def answers_to(self, data: Sequence[Any], keys: Sequence[str] = ()) -> np.ndarray:
        """Probabilities, or values where there are none, ``(n, classes)`` of changed crops, texts or sounds.

        With the ``keys`` of their items a changed clip is given to the shipped speech model in the recording in which the
        unchanged one was, so that before and after are scaled against the same other turns.

        Returns
        -------
        numpy.ndarray
            One row an input.
        """
        if isinstance(self.model, SpeechModel) and len(keys):
            return self._asked([self._in_recording(datum, key) for datum, key in zip(data, keys, strict=True)])
        again = self.model.prepare if self.model.modality == "face" else self.model.read
        return self._asked([again(datum) for datum in data])

    def _in_recording(self, datum: Any, key: str) -> np.ndarray:
        self._turns()
        if key not in self._recordings:
            return np.asarray(self.model.read(datum))
        features, own = self._recordings[key]
        changed = features.copy()
        changed[own] = functionals_of(datum)
        return np.asarray(self.model.normalise(changed)[own], np.float32)

    def _turns(self) -> dict[str, np.ndarray]:
        """Normalised features of every clip by key, as of recordings of a few turns of one speaker."""
        if self._clips is None:
            table = voice_features(self.corpus.name, self.corpus.path)
            scaled = as_recordings(table.features, table.speaker, np.arange(len(table.rows)), self.model.scale, 0)
            keys = table.rows.key.to_numpy()
            self._clips = dict(zip(keys, scaled, strict=True))
            for group in dealt(table.speaker, 0):
                for own, place in enumerate(group):
                    self._recordings[keys[place]] = (table.features[group], own)
        return self._clips


def _crop(item: Item, view: Any) -> Any:
    """The upright crop of a face; a picture of 48 pixels is one already."""
    if item.data.shape[:2] == (48, 48):
        return np.asarray(item.data)
    return None if view is None else view.crop
