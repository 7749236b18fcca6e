"""What an audit of concepts looks at: a network with its layers, a corpus of dialogues, and the concepts that it supports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.audits.concepts.choice import choose
from affectlens.audits.concepts.library.base import supported
from affectlens.audits.concepts.prepare import prepared
from affectlens.audits.concepts.recurrent import context_layers
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.sources import only_one
from affectlens.core.errors import UsageError, unknown
from affectlens.core.progress import Progress, silent
from affectlens.core.settings import with_fields
from affectlens.corpora.base import name_and_path
from affectlens.corpora.dialogues.base import DialogueCorpus, open_dialogues
from affectlens.models.shipped.bclstm import BcLstmModel

Corpus = str | Sequence[str] | DialogueCorpus


def open_dialogue_source(corpus: Corpus) -> DialogueCorpus:
    """A reader of dialogues.

    Returns
    -------
    DialogueCorpus
        The reader.

    Raises
    ------
    UsageError
        Several corpora; an audit of concepts reads one.
    CorpusError
        A corpus without dialogues, or one that cannot be read.
    """
    corpus = only_one(corpus, joined=False)
    if isinstance(corpus, DialogueCorpus):
        return corpus
    return open_dialogues(*name_and_path(str(corpus)))


def open_network(path: str | Path) -> BcLstmModel:
    """A contextual LSTM from its weights.

    Returns
    -------
    BcLstmModel
        The network with its scale.

    Raises
    ------
    UsageError
        No such file.
    ModelError
        A file that holds none.
    """
    if not Path(path).exists():
        raise UsageError(f"{path}: no such weights file; make one with `affectlens train bclstm`")
    return BcLstmModel(Path(path))


def known_layers(model: BcLstmModel, wanted: Sequence[str]) -> tuple[str, ...]:
    """The layers to read: those that are named, else all that hold a state an utterance.

    Returns
    -------
    tuple of str
        Names of the layers.

    Raises
    ------
    UsageError
        A layer that the network does not have.
    """  # noqa: DOC501
    modules = dict(model.net.named_modules())
    for layer in wanted:
        if layer not in modules:
            raise unknown("layer", layer, list(context_layers(model.net)))
    return tuple(wanted) or context_layers(model.net)


def available(
    corpus: Corpus | None = None,
    *,
    progress: Progress | None = None,
    settings: ConceptSettings | None = None,
    **fields: Any,
) -> pd.DataFrame:
    """List the concepts that the settings ask for, with what a corpus supports.

    Parameters
    ----------
    corpus : str, list of one str, or DialogueCorpus, optional
        A corpus of dialogues; without it concepts are listed with their meaning alone.
    progress : Progress, optional
        Told of what is measured.
    settings : ConceptSettings, optional
        Of which ``concepts``, ``query``, ``examples``, ``split``, ``norms`` and ``units`` count.
    **fields
        Single settings, in place of those of ``settings``.

    Returns
    -------
    DataFrame
        ``concept``, ``group``, ``meaning``, and with a corpus ``examples``, ``utterances`` and ``why`` (the reason why it is
        not supported, else empty).
    """
    chosen = with_fields(ConceptSettings, settings, fields)
    selected = choose(chosen)
    frame = pd.DataFrame(
        [(entry.name, entry.group, entry.meaning) for entry in selected], columns=["concept", "group", "meaning"]
    )
    if corpus is None:
        return frame
    source = open_dialogue_source(corpus)
    rows = prepared(
        source, source.dialogues(chosen.split), selected, norms=chosen.norms, units=chosen.units, progress=progress or silent
    )
    targets, reasons = supported(rows, selected)
    examples = [int((targets[entry.name] > 0.5).sum()) if entry.name in targets else 0 for entry in selected]
    return frame.assign(examples=examples, utterances=len(rows), why=[reasons.get(entry.name, "") for entry in selected])


def listed(corpus: Corpus | None, *, settings: ConceptSettings, progress: Progress | None = None) -> list[str]:
    """The table of ``available`` as lines: group, concept, and its meaning or how often a corpus has it."""
    lines = []
    for row in available(corpus, settings=settings, progress=progress).to_dict("records"):
        counted = f"{row['examples']} examples of {row['utterances']} utterances" if "why" in row else row["meaning"]
        lines.append(f"{row['group']:9} {row['concept']}: {row.get('why') or counted}")
    return lines
