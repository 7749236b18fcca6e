"""What audits are given: a corpus by name and path or opened, a model by name or opened; and what provenance says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.audits.parts import digest
from affectlens.core.disk.cache import contents_of
from affectlens.core.disk.files import digest_of, key_of, sha256_of
from affectlens.core.errors import UsageError
from affectlens.corpora.base import CORPORA, Corpus, CorpusInfo, items_of, name_and_path, open_corpus
from affectlens.models.base import MODELS
from affectlens.models.identity import content_of
from affectlens.models.scores import scores_of


def open_source(given: Any) -> Corpus:
    """The corpus that ``"NAME=PATH"`` stands for, or that was opened already.

    Returns
    -------
    Corpus
        Opened.

    Raises
    ------
    UsageError
        Neither, or several at once.
    """
    given = only_one(given)
    return given if _opened(given) else open_corpus(str(given))


def corpus_info(given: Any) -> CorpusInfo:
    """What a corpus is, without opening it.

    Parameters
    ----------
    given : str or Corpus
        As for `open_source`.

    Returns
    -------
    CorpusInfo
        Its name, modality and licence.

    Raises
    ------
    UsageError
        Several were given at once, or a name that no reader has.
    """
    given = only_one(given)
    return given.info if _opened(given) else CORPORA.get(name_and_path(str(given))[0])[0]


def only_one(given: Any, joined: bool = True) -> Any:
    """What is given alone or as a list of one; ``joined`` says whether runs of the audit can be joined instead."""
    if not isinstance(given, list | tuple):
        return given
    if len(given) != 1:
        advice = ", runs are joined with --join" if joined else ""
        raise UsageError(f"{len(given)} corpora were given; this audit looks at one at a time{advice}")
    return given[0]


def _opened(given: Any) -> bool:
    """Whether this is a corpus rather than its name and path."""
    return hasattr(given, "table") and hasattr(given, "info")


def corpus_facts(source: Corpus, split: str) -> dict[str, Any]:
    """Name, split, licence and a digest of all that the table of a corpus says of its items: keys, labels, boxes, texts."""
    table = source.table(split).drop(columns="path", errors="ignore")  # a corpus may be moved
    return {"corpus": source.info.name, "split": split, "licence": source.info.licence, "table": table_digest(table)}


def corpus_contents(source: Corpus, split: str, path: Path | None) -> dict[str, str]:
    """A digest of what lies behind each key of a corpus.

    Parameters
    ----------
    source : Corpus
        The corpus.
    split : str
        Its part.
    path : Path or None
        Where it lies, where that is known.

    Returns
    -------
    dict of str to str
        The sha256 of an item's own file; of the whole corpus where items have none; of the data where nothing lies on disk.
    """
    table = source.table(split).drop_duplicates("key")
    own = contents_of(table.path) if "path" in table else [""] * len(table)
    out = dict(zip(table.key, own, strict=True))
    if all(out.values()):
        return out
    if path is not None and path.exists():
        whole = sha256_of(path)
        return {key: content or whole for key, content in out.items()}
    return {item.key: digest(item.data, *item.labels) for item in items_of(source, split)}


def table_digest(table: pd.DataFrame) -> str:
    """A short digest of a table of words."""
    return key_of(list(table.columns), table.astype(str).to_numpy().tolist())


def model_facts(given: Any, model: Any) -> dict[str, Any]:
    """What provenance says of a model.

    Parameters
    ----------
    given : str, Path or Model
        What the audit was given.
    model : Model
        The same, opened.

    Returns
    -------
    dict
        Name and spec; what its scores are and who says it; sha256, licence and corpus of the weights where they are known. The
        weights of a network that was opened before are looked at as they are, since its file may not tell its state. The
        ``content`` is a digest of weights, code, preprocessing and classes, which no other model has (see ``content_of``).
    """
    opened_here = isinstance(given, str | Path)
    scores = scores_of(model)
    facts = {
        "name": model.name, "spec": str(given) if opened_here else type(given).__name__, "content": content_of(model),
        "scores": scores.kind, "scores_from": scores.source,
    }  # fmt: skip
    stored = {key: model.meta[key] for key in ("sha256", "licence", "corpus") if model.meta.get(key)}
    net: Any = getattr(model, "net", None)
    if not opened_here and hasattr(net, "state_dict"):
        weights = sorted(net.state_dict().items())
        stored["sha256"] = digest_of(*(part for name, tensor in weights for part in (name, tensor.detach().cpu().numpy())))
    return {"sha256": ""} | facts | stored


def title_of(given: Any, model: Any) -> str:
    """What a page calls a model: a shipped one by its name."""
    return f"the {given} model" if isinstance(given, str) and given in MODELS else str(model.name)
