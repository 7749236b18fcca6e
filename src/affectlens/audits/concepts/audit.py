"""The whole audit of concepts: which a corpus supports, how they hang together, and what they do for a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from affectlens.audits.base import Audit, checked_settings
from affectlens.audits.concepts import tables
from affectlens.audits.concepts.cav.accuracy import held_out_accuracy
from affectlens.audits.concepts.cav.completeness import completeness
from affectlens.audits.concepts.cav.null import orders
from affectlens.audits.concepts.cav.space import Space, directions
from affectlens.audits.concepts.cav.tcav import FEWEST, ConceptTests, test_concepts
from affectlens.audits.concepts.choice import choose, with_pairs
from affectlens.audits.concepts.layers import LayerReading, cached, content_hash
from affectlens.audits.concepts.library.base import supported
from affectlens.audits.concepts.pool import in_classes_of, pooled_rows, with_enough_examples
from affectlens.audits.concepts.prepare import prepared
from affectlens.audits.concepts.recurrent import BLOCK, read_dialogues, rerun
from affectlens.audits.concepts.result import ConceptAudit
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.concepts.shares import COLUMNS, LAYERS, batch_of, put_together
from affectlens.audits.concepts.sources import Corpus, known_layers, open_dialogue_source, open_network
from affectlens.audits.parts import FOLDER, ITEMS, STAMP, Batch
from affectlens.audits.result import Provenance
from affectlens.core.disk.files import digest_of, sha256_of
from affectlens.core.disk.places import cache_dir
from affectlens.core.errors import UsageError
from affectlens.core.failures import missed_frame
from affectlens.core.options import torch_threads
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import account_of
from affectlens.corpora.dialogues.base import DialogueSet
from affectlens.dispatch import current_running
from affectlens.features.utterances import measured
from affectlens.learning.trainers.bclstm import Packed, pack, predict
from affectlens.models.shipped.bclstm import BcLstmModel

CONTROLS = 49  # dealings of the control of a direction's accuracy
SPANS = 19  # pseudo-concept spans against which completeness is held
FEWEST_INPUTS = 3  # utterances of a class, under which its gradients are not looked at


@dataclass(frozen=True)
class _Chosen:
    """The utterances that are looked at, before the network has seen them."""

    data: DialogueSet
    targets: dict[str, np.ndarray]
    reasons: dict[str, str]  # why concepts fell away
    packed: Packed
    scored: list[int]  # classes whose gradients are taken

    @property
    def dialogues(self) -> list[str]:
        """Names of the dialogues, in the order in which they were packed."""
        return list(dict.fromkeys(map(str, self.data.dialogues)))


@dataclass(frozen=True)
class _Pool:
    """The utterances that are looked at, what the model gives for them, and its layers on them."""

    data: DialogueSet
    targets: dict[str, np.ndarray]
    packed: Packed
    predicted: np.ndarray  # (n,) class indices
    readings: dict[str, LayerReading]
    rows_of: dict[str, np.ndarray]  # for each class the rows of gradients
    inputs: np.ndarray  # (m,) the utterance of each row of gradients
    spaces: dict[str, Space]

    @property
    def labels(self) -> np.ndarray:
        """Class of each utterance ``(n,)``; what the model answers where there is no label."""
        return np.where(self.data.labels >= 0, self.data.labels, self.predicted)

    @property
    def accuracy(self) -> float | None:
        """How often the model is right; None without labels."""
        labelled = self.data.labels >= 0
        return float((self.predicted == self.data.labels)[labelled].mean()) if labelled.any() else None


class ConceptAuditor(Audit[ConceptSettings, ConceptAudit]):
    """Tests concepts on the layers of a contextual LSTM.

    Concepts with fewer than ``FEWEST`` examples in the pool (whole dialogues, about ``settings.pool`` utterances) are left
    out and listed with the unsupported ones.

    Parameters
    ----------
    model : BcLstmModel
        The network with its scale.
    data : DialogueSet
        Utterances with the features that the model reads.
    targets : dict of str to array (n,)
        Concepts over them: 1, 0 or NaN.
    settings : ConceptSettings
        All settings; which concepts are asked for was settled by ``targets``.
    out : Path, optional
        Folder of result and page.
    meanings : dict of str to str, optional
        Definitions of the concepts.
    unsupported : dict of str to str, optional
        Concepts that fell away before, and why.
    cache : Path, optional
        Folder in which readings of layers are kept.
    facts : dict, optional
        What else provenance says of the data: split, licence.

    Raises
    ------
    UsageError
        Features that the model needs and the corpus does not have, labels of which none is a class of the model, or an
        unknown layer.
    """

    kind = "concepts"
    unit = "dialogues"
    together = BLOCK

    def __init__(
        self,
        model: BcLstmModel,
        data: DialogueSet,
        targets: Mapping[str, np.ndarray],
        settings: ConceptSettings,
        out: str | Path | None = None,
        *,
        meanings: Mapping[str, str] | None = None,
        unsupported: Mapping[str, str] | None = None,
        cache: Path | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(settings, out)
        lacking = [modality for modality in model.modalities if modality not in data.features]
        if lacking:
            raise UsageError(f"the model reads {', '.join(model.modalities)}; this corpus has no {', '.join(lacking)} features")
        self.model, self.targets = model, dict(targets)
        self.data, notes = in_classes_of(data, tuple(model.labels))
        self.notes = (*data.notes, *notes)
        self.meanings, self.unsupported, self.cache = dict(meanings or {}), dict(unsupported or {}), cache
        self.facts = dict(facts or {})
        self.layers = known_layers(model, settings.layers)

    def keys(self) -> Sequence[str]:
        """The dialogues that are looked at, where they are shared out; one run alone keeps what it reads in the cache."""
        shared = self.out is not None and (self.out / FOLDER / STAMP).exists()
        return self._choose().dialogues if shared or not current_running().shard.is_whole else ()

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Dialogues, and what the layers gave for each."""
        return {ITEMS: ("key", "why", "sha256"), LAYERS: COLUMNS}

    def depends_on(self) -> Mapping[str, Any]:
        """The network, its layers, and which utterances are looked at."""
        settings = self.settings
        return {
            "model": self.model_facts()["sha256"], "layers": list(self.layers), "step": settings.step,
            "pool": settings.pool, "seed": settings.seed,
        }  # fmt: skip

    def measure(self, keys: Sequence[str]) -> Iterator[Batch]:
        """Read the layers, in the same batches of dialogues whatever the share."""
        chosen, wanted = self._choose(), set(keys)
        with torch_threads(1):
            for start in range(0, len(chosen.dialogues), BLOCK):
                names = chosen.dialogues[start : start + BLOCK]
                if not wanted.isdisjoint(names):
                    part = chosen.packed.take(torch.arange(start, start + len(names)))
                    yield batch_of(self.model.net, part, names, wanted, self.layers, chosen.scored, self.settings.step)

    def data_facts(self) -> dict[str, Any]:
        """Corpus, size and a digest of rows and features."""
        features = chain.from_iterable(sorted(self.data.features.items()))
        return {
            "corpus": self.data.name, "items": len(self.data), "sha256": digest_of(self.data.rows.to_json(), *features),
            **self.facts,
        }  # fmt: skip

    def model_facts(self) -> dict[str, Any]:
        """The network, what it was trained on, and a digest of its weights."""
        meta, path = self.model.meta, getattr(self.model, "path", None)
        weights = {name: tensor.detach().cpu().numpy() for name, tensor in self.model.net.state_dict().items()}
        return {
            "name": "bclstm", "spec": str(path or ""), "corpus": meta.get("corpus", ""),
            "licence": meta.get("licence", ""), "modalities": list(self.model.modalities),
            "sha256": sha256_of(path) if path else digest_of(*chain.from_iterable(weights.items())),
        }  # fmt: skip

    def compute(self, progress: Progress = silent) -> ConceptAudit:
        """Read the layers, test the concepts, check their directions.

        Returns
        -------
        ConceptAudit
            Tests over concepts, layers and classes.

        Raises
        ------
        UsageError
            No concept has enough examples.
        """
        settings = self.settings
        with torch_threads(1):
            pool, reasons = self._pool(progress)
            names, labels = list(pool.targets), pool.labels
            tests = test_concepts(
                pool.spaces, pool.targets, pool.rows_of, settings, strata=labels, groups=pool.data.dialogues,
                input_groups=pool.data.dialogues[pool.inputs], progress=progress,
            )  # fmt: skip
            accuracy, whole = self._checks(pool, tests, progress)
        last = list(pool.spaces)[-1]
        values = pool.spaces[last].points @ tests.layers[last].directions.T
        return ConceptAudit(
            tests=tests.frame.merge(accuracy, on=["layer", "concept"]),
            support=tables.support_table(pool.targets, labels, pool.data, self.meanings),
            pairs=tables.pair_table(pool.targets),
            agreement=tables.layer_agreement(pool.spaces, tests.layers, names),
            cosines=tables.direction_cosines(tests.layers, names),
            completeness=whole,
            examples=tables.example_table(pool.targets, pool.data, values, pool.predicted, self.model.labels),
            directions={layer: _unit(space.expand(tests.layers[layer].directions)) for layer, space in pool.spaces.items()},
            unsupported={**self.unsupported, **reasons},
            warnings=(*self.notes, *tests.warnings, *_weak(accuracy)),
            missed=missed_frame(self.data.unread),
            provenance=self._provenance(pool),
        )

    def provenance(self) -> Provenance:
        """Settings, model, data and versions; the same whether dialogues were shared out or not."""
        return Provenance(self.kind, self.settings.to_dict(), dict(self.model_facts()), dict(self.data_facts()))

    def _provenance(self, pool: _Pool) -> Provenance:
        base = self.provenance()
        looked_at = {
            "items_examined": len(pool.data), "dialogues_examined": len(set(pool.data.dialogues)),
            "classes": {label: len(rows) for label, rows in pool.rows_of.items()},
        }  # fmt: skip
        return replace(base, data={**base.data, **looked_at}, model={**base.model, "accuracy": pool.accuracy})

    def _choose(self) -> _Chosen:
        """Choose the utterances."""
        settings, model = self.settings, self.model
        kept = pooled_rows(self.data, settings.pool, np.random.default_rng(settings.seed))
        data = self.data.take(kept)
        targets, reasons = with_enough_examples({name: values[kept] for name, values in self.targets.items()}, data.dialogues)
        if not targets:
            raise UsageError(f"no concept has {FEWEST} examples in {len(data)} utterances; enlarge --pool or name others")
        packed = pack(data.with_modalities(model.modalities), model.scale, model.limit)
        labelled = data.labels[data.labels >= 0]
        scored = sorted(set(labelled.tolist())) if len(labelled) else list(range(len(model.labels)))
        return _Chosen(data, targets, reasons, packed, scored)

    def _pool(self, progress: Progress) -> tuple[_Pool, dict[str, str]]:
        """Choose the utterances and read the layers; also the concepts that have too few examples, and why."""
        model, chosen = self.model, self._choose()
        data, targets, packed, scored = chosen.data, chosen.targets, chosen.packed, chosen.scored
        progress("reading layers", 0, 1)
        readings = put_together(self.parts.table(LAYERS), packed, chosen.dialogues, self.layers) if self.keys() else (
            self._read(packed, scored)
        )  # fmt: skip
        progress("reading layers", 1, 1)
        predicted = predict(model.net, packed).argmax(axis=1)
        labels = np.where(data.labels >= 0, data.labels, predicted)
        inputs = {label: np.flatnonzero(labels == label) for label in scored}
        inputs = {label: rows for label, rows in inputs.items() if len(rows) >= FEWEST_INPUTS}
        spaces = {}
        for layer, reading in readings.items():
            assert reading.gradients is not None
            # One row of gradients a class and input of that class, in the order of ``rows_of``.
            gradients = np.concatenate([reading.gradients[rows, scored.index(label)] for label, rows in inputs.items()])
            spaces[layer] = Space.of(reading.activations, gradients)
        ends = np.cumsum([0, *(len(rows) for rows in inputs.values())])
        rows_of = {model.labels[label]: np.arange(ends[i], ends[i + 1]) for i, label in enumerate(inputs)}
        together = np.concatenate(list(inputs.values()))
        return _Pool(data, targets, packed, predicted, readings, rows_of, together, spaces), chosen.reasons

    def _read(self, packed: Packed, classes: list[int]) -> dict[str, LayerReading]:
        """Activations and gradients of the layers, from the cache where they were read before."""
        net, step = self.model.net, self.settings.step
        arrays = {modality: values.numpy() for modality, values in packed.features.items()}
        key = content_hash(net, arrays, self.layers, classes, step)
        return cached(self.cache, key, lambda: read_dialogues(net, packed, self.layers, classes, step=step))

    def _checks(self, pool: _Pool, tests: ConceptTests, progress: Progress) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Accuracy of every direction, and completeness of every layer."""
        settings = self.settings
        y = np.array(list(pool.targets.values()))
        dealt = orders(y.shape[1], max(CONTROLS, SPANS), np.random.default_rng(settings.seed), pool.data.dialogues)
        rows, whole = [], []
        for i, (layer, space) in enumerate(pool.spaces.items()):
            result = held_out_accuracy(space, y, dealt[:CONTROLS], method=settings.method, groups=pool.data.dialogues)
            numbers = zip(pool.targets, result.held_out, result.control, result.p_value, strict=True)
            rows += [(layer, *row) for row in numbers]
            whole.append(self._completeness(pool, layer, tests.layers[layer].directions, y, dealt[:SPANS]))
            progress("accuracy and completeness", i + 1, len(pool.spaces))
        return pd.DataFrame(rows, columns=["layer", "concept", "accuracy", "control", "accuracy_p_value"]), pd.DataFrame(whole)

    def _completeness(
        self, pool: _Pool, layer: str, vectors: np.ndarray, y: np.ndarray, dealt: np.ndarray
    ) -> dict[str, object]:
        space, activations = pool.spaces[layer], pool.readings[layer].activations
        pseudo = np.array([directions(space, y[:, order], "pattern") for order in dealt])
        result = completeness(
            space, activations, vectors, pseudo, lambda states: rerun(self.model.net, pool.packed, layer, states),
            pool.predicted,
        )  # fmt: skip
        return {
            "layer": layer, "completeness": result.share, "pseudo_concepts": result.control, "p_value": result.p_value,
            "directions": result.rank, "width": activations.shape[1],
        }  # fmt: skip


def concepts(
    model: str | Path | BcLstmModel | None,
    corpus: Corpus,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: ConceptSettings | None = None,
    **fields: Any,
) -> ConceptAudit:
    """Audit which human concepts move a contextual model's answer, at which layers, with tests that hold their level.

    Parameters
    ----------
    model : path or BcLstmModel
        Weights as ``affectlens train bclstm`` writes them, or the network.
    corpus : str, list of one str, or DialogueCorpus
        A corpus of dialogues as ``"NAME=PATH"``, or a reader.
    out : path, optional
        Folder in which the result and its page are written.
    progress : Progress, optional
        Told of what is measured, read and tested.
    settings : ConceptSettings, optional
        All settings.
    **fields
        Single settings, in place of those of ``settings``.

    Returns
    -------
    ConceptAudit
        Tests over concepts, layers and classes, with what is needed to read them.

    Raises
    ------
    UsageError
        A wrong setting, no model, a concept that the corpus cannot support and that ``against`` names, or none left.
    CorpusError
        A corpus that cannot be read or has no dialogues.
    ModelError
        A file that holds no contextual LSTM.
    """
    chosen, tell = checked_settings(ConceptSettings, settings, fields, out), progress or silent
    if model is None:
        raise UsageError("give --model WEIGHTS, as `affectlens train bclstm` writes them")
    network = model if isinstance(model, BcLstmModel) else open_network(model)
    known_layers(network, chosen.layers)
    source = open_dialogue_source(corpus)
    selected = choose(chosen)
    data = source.dialogues(chosen.split)
    notes = [f"{source.info.name}: {line}" for line in account_of(source).lines()]
    unread: dict[str, str] = {}
    rows = prepared(source, data, selected, norms=chosen.norms, units=chosen.units, progress=tell, notes=notes, unread=unread)
    targets, reasons = supported(rows, selected)
    missing = tuple(modality for modality in network.modalities if modality not in data.features)
    if missing:
        data = measured(data, (*data.features, *missing), tell)
    data = replace(data, notes=tuple(dict.fromkeys((*notes, *data.notes))), unread=data.unread | unread)
    auditor = ConceptAuditor(
        network, data, with_pairs(targets, chosen.against, reasons), chosen, out,
        meanings={entry.name: entry.meaning for entry in selected}, unsupported=reasons, cache=cache_dir() / "layers",
        facts={"split": chosen.split, "licence": source.info.licence},
    )  # fmt: skip
    return auditor.run(progress)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300))


def _weak(accuracy: pd.DataFrame) -> list[str]:
    """Directions that do not tell the concept on unseen dialogues."""
    out = []
    for name, rows in accuracy.groupby("concept", sort=False):
        weak = rows[rows.accuracy_p_value > 0.05]
        if len(weak):
            layers = "any layer" if len(weak) == len(rows) else ", ".join(weak.layer)
            out.append(
                f"concept {name}: its direction tells unseen utterances no better than chance at {layers}; read no score there"
            )
    return out
