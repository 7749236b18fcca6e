"""What audits are given: a corpus by name and path or opened, a model by name or opened; and what provenance says of them."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.core.files import key_of, sha256_of
from affectlens.corpora.base import Corpus, open_corpus


def existing_file(path: Path | None) -> str:
    """What is wrong with a path that must be there, or an empty string."""
    return f"{path} is not there" if path is not None and not Path(path).exists() else ""


def open_source(given: Any) -> Corpus:
    """The corpus that ``"NAME=PATH"`` stands for, or that was opened already.

    Raises
    ------
    UsageError
        Neither, or several at once.
    """
    if isinstance(given, list | tuple):
        if len(given) != 1:
            raise UsageError(f"{len(given)} corpora were given; this audit looks at one at a time, runs are joined with --join")
        given = given[0]
    if hasattr(given, "table") and hasattr(given, "info"):
        return given  # type: ignore[no-any-return]
    name, _, path = str(given).partition("=")
    if not path:
        raise UsageError(f"--corpus {given}: NAME=PATH was expected, for example fer2013=fer2013.csv")
    return open_corpus(name, path)


def corpus_facts(source: Corpus, split: str) -> dict[str, Any]:
    """Name, split, licence and a digest of the keys, labels and texts of a corpus."""
    table = source.table(split)
    columns = [c for c in ("key", "label", "text") if c in table]
    return {"corpus": source.info.name, "split": split, "licence": source.info.licence, "table": table_digest(table[columns])}


def table_digest(table: pd.DataFrame) -> str:
    """A short digest of a table of words."""
    return key_of(list(table.columns), table.astype(str).to_numpy().tolist())


def model_facts(model: Any, name: str, weights: Path | None = None) -> dict[str, Any]:
    """Name, spec and sha256 of the weights of a model, with the licence and corpus that shipped weights name.

    Parameters
    ----------
    model : Any
        What was given: a spec (a shipped name, a file, a folder, ``module:name``) or an opened model.
    name : str
        What the opened model calls itself.
    weights : Path, optional
        Weights that were given beside the spec.
    """
    if not isinstance(model, str | Path):
        return {"name": name, "spec": type(model).__name__, "sha256": _parameters_digest(model)}
    spec = str(model)
    facts: dict[str, Any] = {"name": name, "spec": spec}
    file = _weights_file(spec, weights)
    if file is not None:
        facts["sha256"] = sha256_of(file)
        if file.suffix == ".safetensors":
            from affectlens.models.weights import read_weights

            meta = read_weights(file)[1]
            facts |= {k: meta[k] for k in ("licence", "corpus") if k in meta}
    return facts


def _weights_file(spec: str, weights: Path | None) -> Path | None:
    from affectlens.models.weights import weights_path

    path = Path(spec)
    if weights is not None:
        return Path(weights)
    if path.exists():
        return path
    if ":" in spec:
        try:
            found = importlib.util.find_spec(spec.partition(":")[0])
        except (ImportError, ValueError):
            return None
        return Path(found.origin) if found is not None and found.origin else None
    shipped = weights_path(spec)
    return shipped if shipped.exists() else None


def _parameters_digest(model: Any) -> str:
    """sha256 of the parameters of a torch network; empty for anything else, which tells nothing of its state."""
    white = getattr(model, "white", model)
    net = getattr(white, "net", white)
    if not hasattr(net, "state_dict"):
        return ""
    whole = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        whole.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return whole.hexdigest()
