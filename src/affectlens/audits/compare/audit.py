"""The comparison of classifiers: one pass in which every item is read and measured once and put to every model."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.base import Audit, checked_settings
from affectlens.audits.compare.answers import Answered, Response
from affectlens.audits.compare.models import Compared, named_models, open_compared
from affectlens.audits.compare.result import Comparison
from affectlens.audits.compare.settings import CompareSettings
from affectlens.audits.compare.statistics import compare_answers
from affectlens.audits.parts import ITEMS, Batch, digest
from affectlens.audits.properties.audit import kind_of, own_properties
from affectlens.audits.properties.audit import needed_assets as assets_of_properties
from affectlens.audits.properties.corpus import AuditedCorpus
from affectlens.audits.properties.doses import chosen_interventions, sampled
from affectlens.audits.properties.settings import NONE
from affectlens.audits.result import Provenance
from affectlens.audits.sources import corpus_contents, corpus_facts
from affectlens.core.disk.files import digest_of, key_of
from affectlens.core.errors import ModelFailedError, UsageError
from affectlens.core.failures import failure_of, missed_frame
from affectlens.core.progress import Progress, silent
from affectlens.corpora.account import how_read
from affectlens.corpora.base import Item, account_of
from affectlens.evaluation.people import people_of
from affectlens.explainers.interventions.registry import Intervention
from affectlens.features.properties.registry import Property, property_named
from affectlens.features.properties.registry import properties as known_properties
from affectlens.models.base import Model, assets_of

SEP = " | "  # between the key of an item and what was looked at
FEWEST_TEXTS = 5
ASKED_TOGETHER = 256  # changed inputs
COLUMNS = (
    "key", "why", "sha256", "item", "source", "notes", "labels", "person", "problems", "values", "answers", "seconds",
)  # fmt: skip

CHANGED = 8  # items that an intervention is made on together; more would be many pictures in memory


class Comparer(Audit[CompareSettings, Comparison]):
    """Properties of every item and every model's answers, accumulated in parts.

    A row of the parts is one item as one source sees it: the properties, a model, or a model under an intervention. So a model
    that is added to a finished comparison is the only one that is asked, and shards, joins and broken runs are as in any
    audit.

    Parameters
    ----------
    models : list or mapping
        See ``models.named_models``.
    corpus : str, Corpus or AuditedCorpus
        ``"NAME=PATH"``, an opened corpus, or one that was made ready.
    settings : CompareSettings
        All settings.
    out : Path, optional
        Folder of result and parts.

    Raises
    ------
    UsageError
        A corpus without labels, and what ``models.open_compared`` refuses.
    """

    kind, unit = "compare", "rows"

    def __init__(self, models: Any, corpus: Any, settings: CompareSettings, out: str | Path | None = None) -> None:
        super().__init__(settings, out)
        named_models(models)  # too few is an error before anything is opened
        self.corpus = corpus if isinstance(corpus, AuditedCorpus) else AuditedCorpus(corpus, settings.split)
        table = self.corpus.source.table(self.corpus.split).drop_duplicates("key").set_index("key", drop=False)
        if self.corpus.labels is None and "labels" not in table:
            raise UsageError(f"{self.corpus.name}, {self.corpus.split} has no labels that answers could be compared with")
        given = table.labels if "labels" in table else table.label.map(lambda label: () if pd.isna(label) else (str(label),))
        self.labels: dict[str, tuple[str, ...]] = {key: tuple(map(str, labels)) for key, labels in given.items()}
        self.unnamed = ""
        if settings.people:
            people, self.unnamed = people_of(table.reset_index(drop=True), settings.people)
            self.corpus.people = pd.Series(people, index=table.index)
        self.models = open_compared(models, self.corpus, settings.scores, settings.preprocess)
        modality = self.corpus.modality
        wanted = [] if NONE in settings.only else settings.only or [entry.name for entry in known_properties(modality)]
        self.properties: list[Property] = [property_named(name, modality) for name in wanted]
        self.interventions = chosen_interventions(settings.interventions, modality)
        self.own = own_properties(settings.table) if settings.table is not None else None
        self.measured = f"properties {key_of(sorted(entry.name for entry in self.properties))[:12]}"

    # Which rows there are.
    @cached_property
    def samples(self) -> dict[str, list[str]]:
        """Items that each intervention is made on, by its name."""
        if not self.interventions:
            return {}
        rng = np.random.default_rng(self.settings.seed)
        labels = pd.Series({key: next(iter(known), "") for key, known in self.labels.items()})
        if self.corpus.modality != "words":
            chosen = sampled(labels, self.corpus.keys, self.settings.sample, rng)
            return {entry.name: chosen for entry in self.interventions}
        texts = {item.key: item.data for item in self.corpus.items() if item.data is not None}
        out = {}
        for entry in self.interventions:  # a swap is tried on texts that it changes
            changed = [key for key, text in texts.items() if entry.change(text) != text]
            if len(changed) >= FEWEST_TEXTS:
                out[entry.name] = sampled(labels, changed, self.settings.sample, rng)
        return out

    @property
    def changeable(self) -> list[Compared]:
        """Models that can be asked about a changed item: no tables, and none that reads something else than is changed."""
        modality = self.corpus.modality
        return [one for one in self.models if one.asked.can_be_asked_again and one.asked.model.modality == modality]

    def keys(self) -> Sequence[str]:
        """Every item as every source sees it: blocks of items, in each of which the sources follow each other."""
        return self._keys

    @cached_property
    def _keys(self) -> list[str]:
        sources = ([self.measured] if self.properties else []) + [one.source for one in self.models]
        out = []
        for start in range(0, len(self.corpus.keys), self.together):
            block = self.corpus.keys[start : start + self.together]
            out += [f"{key}{SEP}{source}" for source in sources for key in block]
        for entry in self.interventions:
            chosen = self.samples.get(entry.name, [])
            out += [f"{key}{SEP}{self._changed(one, entry)}" for one in self.changeable for key in chosen]
        return out

    def _changed(self, one: Compared, entry: Intervention) -> str:
        doses = key_of(list(entry.doses))[:6]
        return f"{one.source} under {entry.name} {doses}"

    def columns(self) -> Mapping[str, Sequence[str]]:
        """One table: what each source saw of each item."""
        return {ITEMS: COLUMNS}

    def depends_on(self) -> Mapping[str, Any]:
        """Nothing that is in the name of a source already."""
        return {"people": self.settings.people}

    def model_facts(self) -> Mapping[str, Any]:
        """What is known of each model, by its name on the page."""
        facts = {
            one.name: one.facts | {"scores": one.asked.scores.kind, "scores_from": one.asked.scores.source}
            for one in self.models
        }
        joined = digest_of(sorted(str(fact["content"]) for fact in facts.values()))
        return {"name": ", ".join(facts), "sha256": joined, "models": facts}

    def data_facts(self) -> Mapping[str, Any]:
        """Corpus, split, licence, digest of keys and labels."""
        return corpus_facts(self.corpus.source, self.corpus.split)

    def contents(self) -> Mapping[str, str]:
        """The file of each item, or the corpus; of speech all files, since a clip is set against others of its speaker."""
        contents = corpus_contents(self.corpus.source, self.corpus.split, self.corpus.path)
        together = key_of(sorted(contents.items())) if self.corpus.modality == "voice" else ""
        return {key: f"{contents[key.rpartition(SEP)[0]]}-{together}".rstrip("-") for key in self.keys()}

    def missed_of(self, keys: Sequence[str]) -> dict[str, str]:
        """Why rows came to nothing, by item and by the name of what looked at it."""
        names = self._names()
        wanted = set(keys)
        return {_titled(key, names): why for key, why in self.parts.missed.items() if key in wanted}

    def _names(self) -> dict[str, str]:
        names = {one.source: one.name for one in self.models} | {self.measured: "properties"}
        for entry in self.interventions:
            names |= {self._changed(one, entry): f"{one.name} under {entry.name}" for one in self.models}
        return names

    # The pass.
    def measure(self, keys: Sequence[str]) -> Iterator[Batch]:
        """What the sources see of some items at a time."""
        wanted: dict[str, set[str]] = {}
        for key in keys:
            item, _, source = key.rpartition(SEP)
            wanted.setdefault(source, set()).add(item)
        plain = {source: items for source, items in wanted.items() if " under " not in source}
        yield from self._measure_items(plain)
        yield from self._measure_changed(wanted)

    def _measure_items(self, wanted: Mapping[str, set[str]]) -> Iterator[Batch]:
        chosen = set().union(*wanted.values()) if wanted else set()
        if not chosen:
            return
        some: list[tuple[Item, Any, str]] = []
        for item in self.corpus.items():
            if item.key in chosen:
                some.append((item, *self._view(item, wanted)))
            if len(some) == self.together:
                yield self._look(some, wanted)
                some = []
        if some:
            yield self._look(some, wanted)

    def _view(self, item: Item, wanted: Mapping[str, set[str]]) -> tuple[Any, str]:
        """What properties look at, and faces are cut from; nothing where nobody asks for it."""
        needed = item.key in wanted.get(self.measured, ())
        if not needed and item.data is not None and self.corpus.modality == "face":
            cropping = [one for one in self.models if one.asked.table is None and one.asked.model.modality == "face"]
            cut = item.data.shape[:2] != (48, 48)
            needed = cut and any(item.key in wanted.get(one.source, ()) for one in cropping)
        if not needed:
            return None, "" if item.data is not None else item.problem
        try:
            return self.corpus.view(item)
        except Exception as error:
            return None, failure_of(item.key, error).reason

    def _look(self, some: list[tuple[Item, Any, str]], wanted: Mapping[str, set[str]]) -> Batch:
        batch = Batch()
        own = [entry for entry in some if entry[0].key in wanted.get(self.measured, ())]
        begun = time.perf_counter()
        for item, view, reason in own:
            values, problems = self._values(view)
            row = self._row(item, self.measured, "" if view is not None else reason)
            batch.items.append(row | {"values": json.dumps(values), "problems": json.dumps(problems) if problems else None})
        _share_time(batch.items, begun)
        for one in self.models:
            mine = [entry for entry in some if entry[0].key in wanted.get(one.source, ())]
            if mine:
                batch.items += self._asked(one, mine)
        return batch

    def _row(self, item: Item, source: str, why: str) -> dict[str, Any]:
        people = self.corpus.people
        person = None if people is None or pd.isna(people[item.key]) else str(people[item.key])
        return {
            "key": f"{item.key}{SEP}{source}", "why": why, "sha256": digest(item.data, *item.labels), "item": item.key,
            "source": source, "notes": json.dumps(item.notes) if item.notes else None,
            "labels": json.dumps(self.labels[item.key]), "person": person,
        }  # fmt: skip

    def _values(self, view: Any) -> tuple[dict[str, Any], dict[str, str]]:
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for entry in self.properties if view is not None else ():
            try:
                value = entry.measure(view)
                values[entry.name] = value if value is None or isinstance(value, str) else float(value)
            except Exception as error:
                problems[entry.name] = failure_of(entry.name, error).reason
        return values, problems

    def _asked(self, one: Compared, some: list[tuple[Item, Any, str]]) -> list[dict[str, Any]]:
        """Rows of one model; an item that it cannot be given or cannot answer has the reason."""
        begun = time.perf_counter()
        inputs: dict[int, Any] = {}
        reasons: dict[int, str] = {}
        for number, (item, view, reason) in enumerate(some):
            why = one.asked.why_not(item.key)
            try:
                made = None if why else one.asked.input_of(item, view)
            except Exception as error:
                why = failure_of(item.key, error).reason
            else:
                if made is not None:
                    inputs[number] = made
                    continue
            reasons[number] = why or reason or item.problem or "there is nothing in it that the model could look at"
        answers = self._answers(one, inputs, reasons, [item.key for item, _, _ in some])
        rows = [
            self._row(item, one.source, reasons.get(number, "")) | {"answers": answers.get(number)}
            for number, (item, _, _) in enumerate(some)
        ]
        _share_time(rows, begun)
        return rows

    def _answers(
        self, one: Compared, inputs: Mapping[int, Any], reasons: dict[int, str], keys: Sequence[str]
    ) -> dict[int, list[float]]:
        """Answers by number, all inputs asked together or where that fails each by itself."""
        numbers = list(inputs)
        if not numbers:
            return {}
        try:
            made = self._given(one, [inputs[number] for number in numbers])
        except Exception as error:
            if len(numbers) == 1 or isinstance(error, ModelFailedError):
                reasons |= {number: failure_of(keys[number], error).reason for number in numbers}
                return {}
            out: dict[int, list[float]] = {}
            for number in numbers:
                out |= self._answers(one, {number: inputs[number]}, reasons, keys)
            return out
        answers = {}
        for number, answer in zip(numbers, made, strict=True):
            if np.isfinite(answer).all():
                answers[number] = [float(value) for value in answer]
            else:
                reasons[number] = "the model's answer is not a number"
        return answers

    def _given(self, one: Compared, inputs: Sequence[Any]) -> np.ndarray:
        return one.asked.table.answers(inputs) if one.asked.table is not None else one.asked.answers(inputs)

    def _measure_changed(self, wanted: Mapping[str, set[str]]) -> Iterator[Batch]:
        """Answers to changed items; the corpus is gone through once, whatever the number of interventions."""
        asked = {
            entry.name: {one.name: wanted.get(self._changed(one, entry), set()) for one in self.changeable}
            for entry in self.interventions
        }
        needed = {name: set().union(*keys.values()) if keys else set() for name, keys in asked.items()}
        left = set().union(*needed.values()) if needed else set()
        waiting: dict[str, list[Item]] = {entry.name: [] for entry in self.interventions}
        for item in self.corpus.items() if left else ():
            if item.key not in left:
                continue
            left.remove(item.key)
            for entry in self.interventions:
                if item.key in needed[entry.name]:
                    waiting[entry.name].append(item)
                if len(waiting[entry.name]) == CHANGED:
                    yield self._look_changed(entry, asked[entry.name], waiting[entry.name])
                    waiting[entry.name] = []
            if not left:
                break  # what follows in the corpus need not be read
        for entry in self.interventions:
            if waiting[entry.name]:
                yield self._look_changed(entry, asked[entry.name], waiting[entry.name])

    def _look_changed(self, entry: Intervention, asked: Mapping[str, set[str]], items: Sequence[Item]) -> Batch:
        """Every model's answers to the same changed items: a row an item, with its answers to all doses one after the other."""
        at_hand = [one for one in self.changeable if asked[one.name]]
        batch = Batch()
        changed: dict[str, list[Any]] = {}
        reasons: dict[str, str] = {}
        for item in items:
            try:
                datum = at_hand[0].asked.datum_of(item)
                if datum is None:
                    reasons[item.key] = item.problem or "there is nothing in it that could be changed"
                    continue
                changed[item.key] = [_at_dose(entry, datum, dose) for dose in doses_of(entry)]
            except Exception as error:
                reasons[item.key] = failure_of(item.key, error).reason
        for one in at_hand:
            begun, source, rows = time.perf_counter(), self._changed(one, entry), []
            own = [item for item in items if item.key in asked[one.name]]
            answers, whys = _answers_to_all(one, {item.key: changed[item.key] for item in own if item.key in changed})
            for item in own:
                why = reasons.get(item.key, "") or whys.get(item.key, "")
                rows.append(self._row(item, source, why) | {"answers": answers.get(item.key)})
            _share_time(rows, begun)
            batch.items += rows
        return batch

    # The result.
    def compute(self, progress: Progress = silent) -> Comparison:
        """Scores, tests between models and of each, corrected together."""
        rows = self.parts.items
        known = rows.drop_duplicates("item").set_index("item")
        order = [key for key in self.corpus.keys if key in known.index]
        known = known.reindex([*order, *known.index.difference(order, sort=False)])
        labels = {key: tuple(json.loads(text)) for key, text in known.labels.items()}
        people = known.person if known.person.notna().any() and known.person.nunique() > 1 else None
        by_source = dict(list(rows.groupby("source")))
        empty = rows.iloc[:0]
        answered, left_out = [], []
        for one in self.models:
            own = by_source.get(one.source, empty).set_index("item").reindex(known.index)
            has = own.answers.notna()
            if not has.any():
                whys = own.why.dropna()
                left_out.append(f"{one.name} is left out: it answered none of {len(known)} items ({_first(whys)})")
                continue
            answers = pd.DataFrame(np.nan, index=known.index, columns=list(one.labels))
            answers.loc[has] = np.stack(own.answers[has].to_list())
            answered.append(
                Answered(
                    one.name, answers, own.seconds.astype(float), getattr(one.asked.model, "calibration", None),
                    one.asked.labels_only, tuple(self._responses(one, by_source)),
                )
            )  # fmt: skip
        if not answered:
            raise UsageError(f"no model answered anything: {'; '.join(left_out)}")
        table, kinds = self._table(by_source.get(self.measured, empty), known.index)
        result = compare_answers(
            answered, labels, table, kinds, people, np.random.default_rng(self.settings.seed), draws=self.settings.draws,
            progress=progress,
        )  # fmt: skip
        info = self.corpus.source.info
        return replace(
            result,
            title=f"{len(answered)} classifiers compared on {info.title}",
            about=f"{info.title}, {self.corpus.split}: {len(known)} items, of which {result.n} are compared; "
            f"models: {', '.join(one.name for one in answered)}",
            missed=self._missed_table(), notes=(*left_out, *result.notes, *self._notes(answered)),
            provenance=self.provenance(),
        )  # fmt: skip

    def _responses(self, one: Compared, by_source: Mapping[str, pd.DataFrame]) -> Iterator[Response]:
        for entry in self.interventions:
            own = by_source.get(self._changed(one, entry))
            if own is None or not own.answers.notna().any():
                continue
            own = own[own.answers.notna()]
            doses = doses_of(entry)
            shaped = np.stack(own.answers.to_list()).reshape(len(own), len(doses), len(one.labels))
            yield Response(entry.name, entry.unit or "swapped", doses, own.item.tolist(), shaped.argmax(axis=2))

    def _table(self, measured: pd.DataFrame, index: pd.Index) -> tuple[pd.DataFrame, dict[str, str]]:
        """Properties by item, and the kind of each."""
        read = {
            key: json.loads(text) if isinstance(text, str) else {}
            for key, text in zip(measured["item"], measured["values"], strict=True)
        }
        table = pd.DataFrame([read.get(key, {}) for key in index], index=index)
        kinds = {entry.name: entry.kind for entry in self.properties}
        table = table.reindex(columns=list(kinds))
        for name, kind in kinds.items():
            if kind != "categorical":
                table[name] = pd.to_numeric(table[name], errors="coerce")
        if self.own is not None:
            kinds |= {column: kind_of(self.own[column]) for column in self.own}
            table = table.join(self.own, how="left", rsuffix=" (table)")
        return table, kinds

    def _missed_table(self) -> pd.DataFrame:
        names = self._names()
        missed = [(_titled(key, names), why) for key, why in self.parts.missed.items() if key.rpartition(SEP)[2] in names]
        rows = self.parts.items
        for key, problems in zip(rows["item"], rows.problems, strict=True):
            if isinstance(problems, str):
                missed += [(f"{key}: {name}", text) for name, text in json.loads(problems).items()]
        return missed_frame(missed)

    def _notes(self, answered: Sequence[Answered]) -> list[str]:
        """What has to be known of the corpus, of each model's scores, and of interventions that were left out."""
        name = self.corpus.source.info.name
        rows = self.parts.items
        noted = {item: json.loads(text) for item, text in zip(rows["item"], rows.notes, strict=True) if isinstance(text, str)}
        out = [f"{name}: {line}" for line in (*account_of(self.corpus.source).lines(), *how_read(noted))]
        for one in self.models:
            asked = one.asked
            lines = [*asked.notes, *(asked.table.notes if asked.table else ()), asked.scores.caveat(one.name)]
            if asked.cut:
                lines.append(f"{asked.cut} items are longer than it reads and were cut at their end")
            out += [f"{one.name}: {line}" for line in filter(None, lines)]
        out += [self.unnamed] if self.unnamed else []
        others = [one.name for one in self.models if one not in self.changeable]
        if self.interventions and others:
            out.append(f"Interventions need a model that can be asked again about what they change; not {', '.join(others)}.")
        few = [entry.name for entry in self.interventions if entry.name not in self.samples]
        if few:
            out.append(f"Interventions {', '.join(few)} were left out: fewer than {FEWEST_TEXTS} texts hold what they change.")
        return out

    def provenance(self) -> Provenance:
        """As of any audit; the items are counted once, whoever looked at them."""
        once = self.parts.items.drop_duplicates("item")
        read = {"items": len(once), "sha256": digest_of(sorted(zip(once["item"], once.sha256, strict=True)))}
        return Provenance(self.kind, self.settings.to_dict(), dict(self.model_facts()), {**self.data_facts(), **read})


def doses_of(entry: Intervention) -> tuple[float, ...]:
    """Doses of an intervention; of a swap of words 0 and 1."""
    return entry.doses or (0.0, 1.0)


def _at_dose(entry: Intervention, datum: Any, dose: float) -> Any:
    if entry.doses:
        return entry.change(datum, dose)
    return entry.change(datum) if dose else datum


def _answers_to_all(one: Compared, changed: Mapping[str, list[Any]]) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Answers to all doses of every item, one after the other, and why there are none; as many items together as go well."""
    answers: dict[str, list[float]] = {}
    reasons: dict[str, str] = {}
    doses = max((len(inputs) for inputs in changed.values()), default=1)
    keys = list(changed)
    together = max(1, ASKED_TOGETHER // doses)
    for start in range(0, len(keys), together):
        block = keys[start : start + together]
        try:
            made = np.asarray(
                one.asked.answers_to(
                    [datum for key in block for datum in changed[key]], [key for key in block for _ in changed[key]]
                ),
                dtype=float,
            )
            answers |= {
                key: rows.ravel().tolist() for key, rows in zip(block, made.reshape(len(block), doses, -1), strict=True)
            }
        except Exception as error:
            if len(block) == 1:
                reasons[block[0]] = failure_of(block[0], error).reason
                continue
            for key in block:  # each by itself, so that one item does not take the others' answers away
                alone, whys = _answers_to_all(one, {key: changed[key]})
                answers, reasons = answers | alone, reasons | whys
    return answers, reasons


def _share_time(rows: Sequence[dict[str, Any]], begun: float) -> None:
    for row in rows:
        row["seconds"] = (time.perf_counter() - begun) / len(rows)


def _titled(key: str, names: Mapping[str, str]) -> str:
    item, _, source = key.rpartition(SEP)
    return f"{item} ({names.get(source, source)})"


def _first(whys: pd.Series) -> str:
    return next(islice((why for why in whys if why), 1), "no item was put to it")


def needed_assets(models: Any, corpus: Any, settings: CompareSettings) -> list[str]:
    """Assets that the models and the measuring of the corpus need."""
    own = [asset for model in named_models(models).values() for asset in assets_of(model)]
    return list(dict.fromkeys([*own, *assets_of_properties(None, corpus, settings)]))


def compare(
    models: str | Path | Model | list[Any] | dict[str, Any] | None,
    corpus: Any,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: CompareSettings | None = None,
    **fields: Any,
) -> Comparison:
    """Several classifiers on one corpus: scores, gaps, dependence and response side by side, with tests between them.

    Parameters
    ----------
    models : list or dict of str, Path or Model
        Two or more of what ``open_model`` takes, tables of predictions among them; by name, or as ``NAME=MODEL``.
    corpus : str or Corpus
        ``"NAME=PATH"``, or an opened corpus, with labels.
    out : str or Path, optional
        Folder that the result, its page and the parts of the pass are written to; an interrupted run there goes on, and a
        model that is added is the only one that is asked.
    progress : callable, optional
        Takes what is being done, how much of it is done, and how much there is.
    settings : CompareSettings, optional
        All settings in one record.
    **fields
        Single settings, which go before those of ``settings``.

    Returns
    -------
    Comparison
        Scores, tests, groups, responses, ranks, and the matrix of models and properties.

    Raises
    ------
    UsageError
        A setting that is not allowed, fewer than two models, one without classes or that reads something else than the corpus
        holds, a corpus without labels, or a folder that holds a run with other settings.
    OutputError
        ``out`` cannot be written.

    Notes
    -----
    Pairs of models are compared by McNemar's exact test (McNemar 1947; Dietterich 1998), over people by flips of whole people.
    """
    chosen = checked_settings(CompareSettings, settings, fields, out)
    return Comparer(models, corpus, chosen, out).run(progress, chosen.join)
