"""What the audits of speech share: corpora as one table of features, and what provenance says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.base import Audit, R, S
from affectlens.core.disk.files import digest_of
from affectlens.core.errors import CorpusError, UsageError
from affectlens.core.failures import missed_frame
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import corpora as known_corpora
from affectlens.corpora.base import corpora_of
from affectlens.features.speech import SpeechTable, speech_table

SPLIT = "four"  # the clips of the four classes that the speech models know
Corpora = SpeechTable | str | Sequence[str] | Mapping[str, str | Path]


class SpeechAuditor(Audit[S, R]):
    """Base of the audits of speech: clips of one or more corpora as one table of features.

    Parameters
    ----------
    table : SpeechTable
        Acoustic features of the corpora.
    settings : Settings
        All settings of the audit.
    out : Path, optional
        Folder of result and page.
    """

    unit = "clips"

    def __init__(self, table: SpeechTable, settings: S, out: str | Path | None = None) -> None:
        super().__init__(settings, out)
        self.table = table

    def data_facts(self) -> dict[str, Any]:
        """Corpora, clips and a digest of their features."""
        return table_facts(self.table)


def open_table(corpora: Corpora, progress: Progress = silent) -> SpeechTable:
    """Acoustic features of speech corpora.

    Parameters
    ----------
    corpora : str, list of str, mapping, or SpeechTable
        ``"NAME=PATH"``, several of them, paths by name, or a table that was measured before.
    progress : Progress
        Told of the clips that are measured, corpus by corpus.

    Returns
    -------
    SpeechTable
        Every clip of the four classes; those that could not be used are in ``missed``.
    """
    if isinstance(corpora, SpeechTable):
        return corpora
    return speech_table(corpora_of(corpora), progress=progress)


def kind_or_setting(model: str | None, fields: dict[str, Any], audit: str) -> dict[str, Any]:
    """The fields of the settings, with the kind of model where it was given in the model's place.

    Returns
    -------
    dict
        Single settings by name.

    Raises
    ------
    UsageError
        The model is no name of a kind.
    """
    if model is None:
        return fields
    if not isinstance(model, str):
        raise UsageError(f"the model is {type(model).__name__}; audit {audit} trains its own: name a kind, or give None")
    return {**fields, "kind": model}


def check_enough(labels: np.ndarray, speaker: np.ndarray, clips: int, people: int, purpose: str) -> None:
    """Refuse a corpus with too few clips, speakers or classes.

    Parameters
    ----------
    labels, speaker : array (n,)
        Of the clips.
    clips, people : int
        Fewest clips of two classes or more, and fewest speakers.
    purpose : str
        What they are needed for.

    Raises
    ------
    CorpusError
        There are fewer.
    """
    have = len(labels), len(set(speaker)), len(set(labels))
    if have[0] < clips or have[1] < people or have[2] < 2:
        raise CorpusError(
            f"{have[0]} clips of {have[1]} speakers and {have[2]} classes: {purpose} needs at least {clips} clips of {people} "
            "speakers and 2 classes; add a corpus"
        )


def left_out(table: SpeechTable) -> pd.DataFrame:
    """The clips that could not be used: columns ``key`` and ``reason``."""
    return missed_frame(table.missed)


def table_facts(table: SpeechTable) -> dict[str, Any]:
    """What provenance says of the data; the digest is of the features and of all that is known of each clip."""
    licences = {info.name: info.licence for info in known_corpora()}
    names = list(dict.fromkeys(table.corpus))
    return {
        "corpus": ", ".join(names),
        "split": SPLIT,
        "items": len(table.features),
        "speakers": len(set(table.speaker)),
        "sha256": digest_of(np.ascontiguousarray(table.features), table.rows.to_json()),
        "licence": "; ".join(f"{name}: {licences[name]}" for name in names if licences.get(name)),
        "notes": list(table.notes),
    }
