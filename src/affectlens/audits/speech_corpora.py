"""What the audits of speech share: corpora as one table of features, and what provenance says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.files import digest_of
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import corpora as known_corpora
from affectlens.features.speech import SpeechTable, parse_corpora, speech_table

SPLIT = "four"  # the clips of the four classes that the speech models know
Corpora = SpeechTable | str | Sequence[str] | Mapping[str, str | Path]


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
    if isinstance(corpora, Mapping):
        paths = {name: Path(path) for name, path in corpora.items()}
    else:
        paths = parse_corpora([corpora] if isinstance(corpora, str) else [str(c) for c in corpora])
    return speech_table(paths, progress=progress)


def left_out(table: SpeechTable) -> pd.DataFrame:
    """The clips that could not be used: columns ``key`` and ``why``."""
    return pd.DataFrame(list(table.missed.items()), columns=["key", "why"]).astype(str)


def table_facts(table: SpeechTable) -> dict[str, Any]:
    """What provenance says of the data; the digest is of the features and of all that is known of each clip."""
    licences = {c.name: c.licence for c in known_corpora()}
    names = list(dict.fromkeys(table.corpus))
    return {
        "corpus": ", ".join(names),
        "split": SPLIT,
        "items": len(table.features),
        "speakers": len(set(table.speaker)),
        "sha256": digest_of(np.ascontiguousarray(table.features), table.rows.to_json()),
        "licence": "; ".join(f"{name}: {licences[name]}" for name in names if licences.get(name)),
    }


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch: small networks are slower on more, and numbers do not depend on the machine's cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
