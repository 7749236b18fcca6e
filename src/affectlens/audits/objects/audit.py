"""The audit of objects: one pass of maps joined with what lies in each picture, then statistics, examples and changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from affectlens.audits.base import Audit, checked_settings
from affectlens.audits.objects.effects import measure_effects
from affectlens.audits.objects.examples import examples
from affectlens.audits.objects.finders import ASSETS
from affectlens.audits.objects.maps import Mapped, Mapper, default_methods, rows_of
from affectlens.audits.objects.model import open_pictures_model, part_seen
from affectlens.audits.objects.pictures import Pictures, View
from affectlens.audits.objects.result import ObjectAudit
from affectlens.audits.objects.settings import PRESETS, ObjectSettings
from affectlens.audits.objects.statistics import above, agreement, combine
from affectlens.audits.parts import ITEMS, Batch, digest
from affectlens.audits.sources import model_facts, title_of
from affectlens.core.errors import ModelFailedError, ScoresError, UsageError
from affectlens.core.failures import failure_of, missed_frame
from affectlens.core.progress import Progress, silent
from affectlens.corpora.account import how_read
from affectlens.explainers.overlap import COLUMNS
from affectlens.models.adapters.preprocess import Seen
from affectlens.models.base import Model
from affectlens.models.identity import with_labels_of
from affectlens.models.scores import scores_of
from affectlens.perception.scene.detections import Detections, read_detections, recall
from affectlens.perception.scene.objects import SCORE

TOGETHER = 8  # pictures that go through the network at once
IMAGES = ("emotion", "label", "answer", "probability", "things")


def objects_of(model: Any, settings: ObjectSettings) -> str:
    """Where objects come from: what was asked for, else regions for the face model and the detector for any other."""
    return settings.objects or ("regions" if model == "face" else "detector")


class ObjectAuditor(Audit[ObjectSettings, ObjectAudit]):
    """Maps of every picture joined with what lies in it, accumulated in parts.

    Parameters
    ----------
    model : str, Path or Model
        What ``open_model`` takes.
    pictures : Path, str, Corpus or Pictures
        A folder, ``"NAME=PATH"``, an opened corpus, or pictures that were made ready.
    settings : ObjectSettings
        All settings.
    out : Path, optional
        Folder of result and parts.
    """

    kind, unit, part_size, key = "objects", "pictures", 200, "image"
    together = TOGETHER
    # 1 did not turn faces upright and kept no notes on how pictures were read, 2 found no face that lies on its side.
    method = 3
    rows: ClassVar[str] = "rows"

    def __init__(
        self, model: str | Path | Model, pictures: Any, settings: ObjectSettings, out: str | Path | None = None
    ) -> None:
        super().__init__(settings, out)
        self.given = model
        opened = open_pictures_model(model, settings.weights, settings.layer, settings.scores, settings.preprocess)
        self.layer = str(getattr(opened, "layer", ""))
        self.methods = settings.methods or default_methods(opened)
        self.limits = PRESETS[settings.preset]
        self.pictures = pictures if isinstance(pictures, Pictures) else Pictures(
            pictures, settings.split, objects_of(model, settings), settings.labels, settings.overlaps == "smallest",
            self.limits.score or SCORE,
        )  # fmt: skip
        self.model, self._spelling, _ = with_labels_of(opened, map(self.pictures.label, self.pictures))
        self.mapper = Mapper(self.model, self.methods)
        self.truth = self._true_boxes()
        self._facts = model_facts(model, self.model)
        self._answered = False

    def keys(self) -> Sequence[str]:
        """Every picture, or those of the sample, in the order of the corpus."""
        keys = self.pictures.keys()
        if not self.settings.sample:
            return keys
        order = np.random.default_rng(self.settings.seed).permutation(len(keys))[: self.settings.sample]
        return [keys[i] for i in np.sort(order)]

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Items with what the model said of each; rows of objects and groups."""
        return {ITEMS: ("key", "why", "sha256", "notes", *IMAGES), self.rows: (*COLUMNS, "method", "kind")}

    def depends_on(self) -> Mapping[str, Any]:
        """Model, maps and objects."""
        pictures = self.pictures
        made_elsewhere = Path(pictures.objects).exists()
        return {
            "model": self.model.name, "weights": self._facts.get("sha256", ""), "content": self._facts["content"],
            "layer": self.layer,
            "methods": list(self.methods), "target": self.settings.target,
            "objects": "a table" if made_elsewhere else pictures.objects, "finder": pictures.code,
            "exclusive": pictures.exclusive,
            "least": pictures.least,
        }  # fmt: skip

    def model_facts(self) -> Mapping[str, Any]:
        """Name, spec, sha256, layer."""
        scores = scores_of(self.model)  # what the first answers settled too
        settled = {"scores": scores.kind, "scores_from": scores.source}
        return self._facts | settled | {"layer": self.layer, "labels": list(self.model.labels)}

    def data_facts(self) -> Mapping[str, Any]:
        """Corpus, split, digests."""
        return self.pictures.facts()

    def contents(self) -> Mapping[str, str]:
        """The file of each picture, or the picture."""
        return self.pictures.contents()

    def measure(self, keys: Sequence[str]) -> Iterator[Batch]:
        """Rows of some pictures at a time."""
        for start in range(0, len(keys), TOGETHER):
            yield self._look(keys[start : start + TOGETHER])

    def table(self, method: str, kind: str = "object") -> pd.DataFrame:
        """Accumulated rows of one method, of objects or of groups of them (``group``): what one statistic needs and no more."""
        return self.parts.table(self.rows, method=method, kind=kind)

    @property
    def images(self) -> pd.DataFrame:
        """Pictures that were looked at."""
        items = self.parts.items
        good = items[items.why == ""].rename(columns={"key": "image"})
        return good[["image", *IMAGES]].reset_index(drop=True)

    def compute(self, progress: Progress = silent) -> ObjectAudit:
        """Statistics of what is accumulated, examples and changes."""
        settings, images, missed = self.settings, self.images, self.parts.missed
        rng = np.random.default_rng(settings.seed)
        rng.permutation(len(images) + len(missed))  # the stream goes on where the draw of a sample ends
        tables, groups = {}, {}
        for number, method in enumerate(self.methods):
            tables[method] = combine(*above(self.table(method), images, self.limits), rng)
            groups[method] = combine(self.table(method, "group"), images, rng)
            progress("statistics", number + 1, len(self.methods))
        first = self.methods[0]
        chosen = examples(self.model, self.pictures, tables[first], self.table(first), first)
        at_hand = [key for key in images.image if key in self.pictures]  # pictures of runs that were joined are not at hand
        changed = [at_hand[i] for i in rng.permutation(len(at_hand))[: settings.effects]]
        effects = None
        if changed:
            effects = measure_effects(
                self.model, self.pictures, changed, self.methods, rng, target=settings.target, progress=progress
            )
        return ObjectAudit(
            title=f"Objects that drive {title_of(self.given, self.model)}", about=self._about(len(images), len(missed)),
            objects=tables, groups=groups, agreement=agreement(tables, rng), images=images,
            missed=missed_frame(missed), examples=tuple(chosen),
            effects=effects, recall=self._recall(), detected=self.pictures.objects != "regions", notes=self._notes(),
            provenance=self.provenance(),
        )  # fmt: skip

    def _look(self, keys: Sequence[str]) -> Batch:
        """Some pictures; a broken one is named, the others go on."""
        views: dict[str, tuple[View, np.ndarray]] = {}
        seen: dict[str, Seen] = {}
        reasons: dict[str, str] = {}
        failed: list[Exception] = []
        for key in keys:
            try:
                view = self.pictures[key]
                views[key] = view, self.model.prepare(view.picture)
                seen[key] = part_seen(self.model, view.picture)
            except Exception as error:
                views.pop(key, None)
                reasons[key] = failure_of(key, error).reason
                failed += [error] if isinstance(error, ModelFailedError) else []
        mapped, raised = self._map(views, reasons)
        failed += raised
        self._answered |= bool(mapped)
        if failed and not self._answered and not (self.parts.items.why == "").any():
            raise failed[0]  # the model's own fault, not that of single pictures
        batch = Batch(tables={self.rows: []})
        for key in keys:
            item: dict[str, Any] = {"key": key, "why": reasons.get(key, ""), "sha256": ""} | dict.fromkeys(IMAGES, "")
            item |= {"probability": np.nan, "things": 0, "notes": None}
            if key in views:
                view = views[key][0]
                item["sha256"] = digest(view.picture, view.label)
                item["notes"] = json.dumps(view.notes) if view.notes else None
            if key in mapped:
                maps, emotion, probabilities = mapped[key]
                item |= {
                    "emotion": emotion, "label": view.label, "answer": self.model.labels[int(probabilities.argmax())],
                    "probability": float(probabilities[self.model.labels.index(emotion)]), "things": len(view.masks),
                }  # fmt: skip
                batch.tables[self.rows] += rows_of(view, emotion, maps, seen[key])
            batch.items.append(item)
        return batch

    def _map(
        self, views: dict[str, tuple[View, np.ndarray]], reasons: dict[str, str]
    ) -> tuple[dict[str, Mapped], list[Exception]]:
        """Maps by picture, and what the model raised."""
        chosen_labels = {key: view.label if self.settings.target == "label" else "" for key, (view, _) in views.items()}
        if not views:
            return {}, []
        try:
            maps = self.mapper.many([prepared for _, prepared in views.values()], list(chosen_labels.values()))
            return dict(zip(views, maps, strict=True)), []
        except ScoresError:
            raise
        except Exception:  # one of them cannot be mapped, or they differ in size: each by itself
            out, failed = {}, []
            for key, (_, prepared) in views.items():
                try:
                    out[key] = self.mapper(prepared, chosen_labels[key])
                except ScoresError:
                    raise
                except Exception as error:
                    reasons[key] = failure_of(key, error).reason
                    failed.append(error)
            return out, failed

    def _notes(self) -> tuple[str, ...]:
        spelling = (self._spelling,) if self._spelling else ()
        notes = (*self.pictures.notes, *spelling, *how_read(self.parts.notes))
        if self.settings.target == "label":
            notes += self.pictures.unknown_labels(self.model.labels)
        scores = scores_of(self.model)
        if not scores.exclusive:
            notes += ("Labels hold independently of each other; the answer of a picture is its most probable label.",)
        notes += tuple(filter(None, [scores.caveat(self.model.name)]))
        notes += self._edges()
        if self.model.name == "background":
            notes += ("The background model never sees people: they are hidden, so no relevance can lie on them.",)
        return notes

    def _edges(self) -> tuple[str, ...]:
        """Whether the model's own preprocessing cuts the edges of pictures."""
        for key in self.pictures:
            try:
                picture = self.pictures[key].picture
                cut = part_seen(self.model, picture) != Seen.whole(picture.shape)
            except Exception:  # it is among the missed ones, with its reason
                continue
            if cut:
                return ("The model's own preprocessing shows it a part of each picture; what lies outside of that has no row.",)
            return ()
        return ()

    def _about(self, looked_at: int, missed: int) -> str:
        layer = f" at layer {self.layer}" if self.layer else ", a black box"
        maps = f"maps of {self.model.name}{layer} by {', '.join(self.methods)}"
        text = f"{looked_at} pictures read, {missed} not; {maps}; scores: {scores_of(self.model)}"
        return text + (f"; thresholds: {self.settings.preset}" if self.settings.preset != "none" else "")

    def _true_boxes(self) -> Detections | None:
        """The table of true boxes, looked at before the long pass begins."""
        if self.settings.truth is None:
            return None
        table = read_detections(self.settings.truth)
        if not any(key in table for key in self.pictures):
            raise UsageError(f"--truth {self.settings.truth}: none of its pictures is in the data")
        return table

    def _recall(self) -> pd.DataFrame | None:
        """Recall of what is found in the pictures against true boxes."""
        if self.truth is None:
            return None
        detected, true = {}, {}
        for key in self.pictures:
            if key not in self.truth:
                continue
            try:
                view = self.pictures[key]
            except Exception:  # it is among the missed ones, with its reason
                continue
            detected[key], true[key] = view.things, self.truth.of(key, view.picture.shape)
        return recall(detected, true)


def needed_assets(model: str, _corpus: str, settings: ObjectSettings) -> list[str]:
    """Assets that finding the objects needs."""
    return ASSETS.get(objects_of(model, settings), [])


def objects(
    model: str | Path | Model,
    pictures: Any,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: ObjectSettings | None = None,
    **fields: Any,
) -> ObjectAudit:
    """Which regions or things in pictures drive a model: relevance against area, with tests; agreement of maps; changes.

    Parameters
    ----------
    model : str, Path or Model
        What ``open_model`` takes; one that reads pictures.
    pictures : str, Path or Corpus
        A folder of pictures, ``"NAME=PATH"`` of a corpus, or an opened corpus.
    out : str or Path, optional
        Folder that the result, its page and the parts of the pass are written to; an interrupted run there goes on.
    progress : callable, optional
        Takes what is being done, how much of it is done, and how much there is.
    settings : ObjectSettings, optional
        All settings in one record.
    **fields
        Single settings, which go before those of ``settings``.

    Returns
    -------
    ObjectAudit
        Lifts with tests by emotion and object, groups, agreement of maps, examples, effects of changes.

    Raises
    ------
    UsageError
        A setting that is not allowed, a model that reads no pictures, or a folder that holds a run with other settings.
    OutputError
        ``out`` cannot be written.

    Notes
    -----
    After EmoCAM (Doulfoukar et al. 2024, arXiv 2407.14314).
    """
    chosen = checked_settings(ObjectSettings, settings, fields, out)
    return ObjectAuditor(model, pictures, chosen, out).run(progress, chosen.join)
