"""One classifier or table of predictions on one corpus: what an audit of properties needs of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.properties.measuring import Asked, Measured, measure_corpus, view_maker
from affectlens.audits.properties.predictions import read_predictions
from affectlens.core.errors import UsageError
from affectlens.corpora.base import Item, open_corpus
from affectlens.explainers.interventions.dose import DoseResponse, dose_response
from affectlens.explainers.interventions.pictures import INTERVENTIONS, intervention
from affectlens.explainers.interventions.sounds import SOUNDS, sound_intervention
from affectlens.explainers.interventions.texts import TEXTS, text_intervention
from affectlens.features.properties.registry import properties, property_named
from affectlens.models.external import Classifier, open_classifier, stamp

Told = Callable[[str, int, int], None]


class TooFewError(UsageError):
    """An intervention that hardly any item allows."""


class Subject:
    """A corpus split with a classifier (``model``) or ``predictions``; items are met one by one, pictures as upright crops."""

    def __init__(
        self, corpus: str, path: Path, split: str | None = None, *, model: str = "", predictions: Path | None = None,
        told: Told | None = None,
    ) -> None:  # fmt: skip
        self.corpus, self.path, self.told = corpus, path, told
        self.source = open_corpus(corpus, path)
        self.modality = "face" if self.source.info.modality == "scene" else self.source.info.modality
        if self.modality not in ("face", "voice", "words", "gait"):
            raise UsageError(f"{corpus} holds {self.modality}; properties are known of faces, voices, words and gait")
        default = "four" if self.modality in ("voice", "gait") else "test"
        self.split = split or (default if default in self.source.info.splits else self.source.info.splits[-1])
        rows = self.source.table(self.split).set_index("key")
        given = read_predictions(predictions) if predictions else None
        self.labels: pd.Series | None = rows.label if "label" in rows else None
        if given is not None and given.labels is not None:
            self.labels = given.labels
        person = next((c for c in ("speaker", "person", "group") if c in rows and rows[c].nunique() > 1), None)
        if person == "group" and "motion" in rows and (rows.group == rows.motion).all():
            person = None  # types of motion, not people
        self.people: pd.Series | None = rows[person] if person else None
        self.notes: tuple[str, ...] = given.notes if given else ()
        self._given = given
        self.classifier: Classifier | None = open_classifier(model, self.modality) if model else None
        shipped = model in ("face", "speech", "words")
        self.title = f"{given.source}'s table" if given is not None else f"the {model} model" if shipped else model
        self._model = model
        self._held: dict[str, Any] | None = None
        self._look: Callable[[Item], tuple[Any, str]] | None = None

    def measured(self, only: str, table: Path | None, out: Path) -> Measured:
        """Properties of every item with the classifier's answers, or those of the table of predictions, in one pass over the
        corpus; columns of a table of the user's own are added."""
        wanted = (
            [property_named(n.strip(), self.modality) for n in only.split(",") if n.strip()]
            if only
            else properties(self.modality)
        )
        asked = None
        if self.classifier is not None:
            c = self.classifier
            asked = Asked(self._given_to, c.predict, c.labels, f"{self._model} {','.join(c.labels)} {stamp(self._model)}")
        found = measure_corpus(self.source, self.split, self._see, wanted, out / "cache", self.told, asked)
        if self._given is not None:
            found = replace(found, answers=self._given.table)
        if table is None:
            return found
        own = pd.read_parquet(table) if table.suffix == ".parquet" else pd.read_csv(table, sep=None, engine="python")
        if "key" not in own:
            raise UsageError(f"{table}: no column key; columns {list(own.columns)[:6]}")
        own = own.assign(key=own.key.astype(str)).set_index("key").drop(columns=["label"], errors="ignore")
        kinds = {c: "categorical" if not pd.api.types.is_numeric_dtype(own[c]) else
                 "binary" if own[c].nunique() <= 2 else "continuous" for c in own}  # fmt: skip
        joined = found.table.join(own, how="left", rsuffix=" (table)")
        return replace(found, table=joined, kinds=found.kinds | kinds)

    def _see(self, item: Item) -> tuple[Any, str]:
        """What properties look at."""
        if self._look is None:
            self._look = view_maker(self.modality, self.corpus, self.path)
        return self._look(item)

    def _given_to(self, item: Item, seen: Any) -> Any:
        """What the classifier is given: an upright crop (a grey picture of 48 as it is), a text, or a clip's features."""
        if self.modality in ("voice", "gait"):
            return self._features().get(item.key)
        if self.modality == "words":
            return item.data
        if item.data.shape[:2] == (48, 48):
            return np.asarray(item.data)
        return None if seen is None else seen.crop

    def _features(self) -> dict[str, Any]:
        """Features of every clip or walk by key: a few hundred numbers each."""
        if self._held is None:
            self._held = self._voices() if self.modality == "voice" else self._walks()
        return self._held

    def _walks(self) -> dict[str, Any]:
        """The middle two seconds of every recording: joints and measurements."""
        from affectlens.core.errors import MediaError
        from affectlens.models.shipped.gait import FRAMES, window
        from affectlens.perception.body.formats import of_corpus
        from affectlens.perception.body.gait import RATE
        from affectlens.perception.body.joints import resampled

        out = {}
        for item in self.source.items(self.split):
            try:
                motion = resampled(of_corpus(item.data, item.meta or {}), RATE)
                start = max(0, (len(motion) - FRAMES) // 2)
                out[item.key] = window(motion.part(start, start + FRAMES))
            except MediaError:
                continue  # its properties tell what is wrong with it
        return out

    def _voices(self) -> dict[str, Any]:
        """Normalised features, each clip in a recording of a few turns of its speaker, as the main job meets them."""
        from affectlens.features.speech import as_recordings, speech_table
        from affectlens.models.base import load_model

        table = speech_table({self.corpus: self.path}, progress=self.told)
        scale = load_model("speech").scale
        z = as_recordings(table.features, table.speaker, np.arange(len(table.rows)), scale, 0)
        return dict(zip(table.rows.key, z, strict=True))

    def doses(self, wanted: str, sample: int, keys: list[str], rng: np.random.Generator) -> list[DoseResponse]:
        """Dose and response of each intervention on a random sample of the items ``keys``, as many of each label as can be."""
        if wanted.strip() == "none" or self.classifier is None or self.modality == "gait":
            return []
        known = {"face": tuple(INTERVENTIONS), "voice": tuple(SOUNDS), "words": tuple(TEXTS)}[self.modality]
        names = list(known) if wanted.strip() == "all" else [n.strip() for n in wanted.split(",") if n.strip()]
        keys = self._sampled(sample, keys, rng)
        if self.modality == "voice":
            return self._voice_doses(names, keys, rng)
        items = self._inputs_of(keys)
        people = self.people.reindex(keys).to_numpy() if self.people is not None else None
        if self.modality == "words":
            found = []
            for n in names:
                try:
                    found.append(self._words_dose(n, items, rng, people))
                except TooFewError as error:  # the others go on
                    self.notes = (*self.notes, str(error))
            return found
        measure = self._measure_face()
        out = []
        for n in names:
            i = intervention(n)
            out.append(
                dose_response(
                    n, i.unit, items, i.doses, i.change, self.classifier.predict, self.classifier.labels, rng, people=people,
                    measure=measure, meant=i.moves, told=self.told,
                )
            )  # fmt: skip
        return out

    def _inputs_of(self, keys: list[str]) -> list[Any]:
        """Inputs of some items, in the order of ``keys``, read again."""
        wanted = set(keys)
        found = {i.key: self._given_to(i, self._see(i)[0]) for i in self.source.items(self.split) if i.key in wanted}
        return [found[k] for k in keys]

    def _sampled(self, sample: int, keys: list[str], rng: np.random.Generator) -> list[str]:
        if len(keys) <= sample:
            return keys
        labels = self.labels.reindex(keys).astype(str) if self.labels is not None else pd.Series("", index=keys)
        order = pd.Series(rng.permutation(len(keys)), index=keys)
        rank = order.groupby(labels.to_numpy()).rank()
        return [str(k) for k in rank.sort_values(kind="stable").index[:sample]]

    def _measure_face(self) -> Callable[[Any], dict[str, float]]:
        from affectlens.features.properties.face import FaceViewer

        viewer, chosen = FaceViewer(), [p for p in properties("face") if p.name not in ("age", "gender")]

        def measure(picture: np.ndarray) -> dict[str, float]:
            view = viewer(picture)
            values = {p.name: p.measure(view) if view is not None else None for p in chosen}
            return {k: float(v) if isinstance(v, int | float) else float("nan") for k, v in values.items()}

        return measure

    def _words_dose(self, name: str, items: list[str], rng: np.random.Generator, people: Any) -> DoseResponse:
        assert self.classifier is not None
        i = text_intervention(name)
        kept = [t for t in items if i.change(t) != t]
        if len(kept) < 5:  # too rare in a sample: look for the words in the whole split
            texts = (item.data for item in self.source.items(self.split) if item.data is not None)
            kept = list(islice((t for t in texts if i.change(t) != t), 200))
        if len(kept) < 5:
            raise TooFewError(f"Intervention {name} was left out: only {len(kept)} texts hold words that it swaps.")
        return dose_response(
            name, "swapped", kept, (0.0, 1.0), lambda t, d: i.change(t) if d else t, self.classifier.predict,
            self.classifier.labels, rng, told=self.told,
        )  # fmt: skip

    def _voice_doses(self, names: list[str], keys: list[str], rng: np.random.Generator) -> list[DoseResponse]:
        """Sounds are changed and measured again, then normalised by the unchanged scale."""
        from affectlens.models.base import load_model
        from affectlens.perception.voice.egemaps import functionals
        from affectlens.perception.voice.stream import describe

        assert self.classifier is not None
        classifier, scale = self.classifier, load_model("speech").scale
        wanted = set(keys)
        sounds = {i.key: i.data for i in self.source.items(self.split) if i.key in wanted and i.data is not None}
        kept = [k for k in keys if k in sounds]
        people = self.people.reindex(kept).to_numpy() if self.people is not None else None

        def predict(clips: list[np.ndarray]) -> np.ndarray:
            x = np.stack([functionals(describe(c)) for c in clips])
            return classifier.predict(list(np.clip(scale(x), -3, 3)))

        out = []
        for n in names:
            i = sound_intervention(n)
            clips = [sounds[k] for k in kept]
            out.append(
                dose_response(
                    n, i.unit, clips, i.doses, i.change, predict, classifier.labels, rng, people=people, told=self.told
                )
            )
        return out
