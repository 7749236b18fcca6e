"""The models of a comparison: what each is called, and how it is opened and asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affectlens.audits.properties.corpus import AuditedCorpus
from affectlens.audits.properties.model import AskedModel
from affectlens.audits.sources import model_facts
from affectlens.core.errors import UsageError, unknown
from affectlens.core.listing import some
from affectlens.models.base import MODELS

_NAMED = re.compile(r"([\w .+-]{1,60})=(.+)", re.S)


def named_models(given: Any) -> dict[str, Any]:
    """What each of the given models is called.

    Parameters
    ----------
    given : str, Path, Model, or a list or mapping of these
        ``NAME=MODEL`` gives a name; without it a registered model keeps its own, a file that of the file without its ending,
        ``module:name`` the part after the colon, and an opened model its ``name``. A name that comes again gets a number.

    Returns
    -------
    dict of str to what ``open_model`` takes
        In the order given.

    Raises
    ------
    UsageError
        Fewer than two models.

    Examples
    --------
    >>> named_models(["face", "nets/mine.onnx", "second=nets/mine.onnx", "shop:net"])
    {'face': 'face', 'mine': 'nets/mine.onnx', 'second': 'nets/mine.onnx', 'net': 'shop:net'}
    """
    if isinstance(given, Mapping):
        pairs = [(str(name), model) for name, model in given.items()]
    else:
        listed = given if isinstance(given, list | tuple) else [] if given is None else [given]
        pairs = [_named(one) for one in listed]
    if len(pairs) < 2:
        raise UsageError("a comparison needs two models or more: give --model for each, such as --model face --model mine.onnx")
    out: dict[str, Any] = {}
    for name, model in pairs:
        number, own = 2, name
        while own in out:
            own, number = f"{name} {number}", number + 1
        out[own] = model
    return out


def _named(one: Any) -> tuple[str, Any]:
    if not isinstance(one, str | Path):
        return str(getattr(one, "name", type(one).__name__)), one
    text = str(one)
    match = _NAMED.fullmatch(text)
    if match and not Path(text).exists():
        return match[1].strip(), match[2]
    if text in MODELS:
        return text, one
    if ":" in text and not Path(text).exists():
        return text.rpartition(":")[2], one
    return Path(text).name.partition(".")[0] or text, one


@dataclass(frozen=True)
class Compared:
    """A model that takes part.

    Attributes
    ----------
    name : str
        What the page calls it.
    asked : AskedModel
        The model and how the corpus is put to it.
    facts : dict
        What provenance says of it.
    source : str
        What its rows are kept under: another model, or other weights, have another.
    """

    name: str
    asked: AskedModel
    facts: dict[str, Any]
    source: str

    @property
    def labels(self) -> tuple[str, ...]:
        """Its classes."""
        return tuple(self.asked.model.labels)


def open_compared(given: Any, corpus: AuditedCorpus, scores: Iterable[str], preprocess: Iterable[str]) -> list[Compared]:
    """Open every model of a comparison.

    Parameters
    ----------
    given : str, Path, Model, or a list or mapping of these
        See ``named_models``.
    corpus : AuditedCorpus
        What they are asked about.
    scores, preprocess : iterable of str
        ``NAME=KIND`` and ``NAME=MODULE:FUNCTION`` of single models.

    Returns
    -------
    list of Compared

    Raises
    ------
    UsageError
        Fewer than two models, one that gives no classes or reads something else, the same one twice, an option of a model that
        does not take part.
    """
    named = named_models(given)
    kinds, functions = _by_model(scores, "--scores", named), _by_model(preprocess, "--preprocess", named)
    out: list[Compared] = []
    for name, spec in named.items():
        asked = AskedModel(spec, corpus, kinds.get(name, ""), functions.get(name, ""))
        if set(asked.model.labels) <= set(asked.units):
            raise UsageError(f"{name} gives {some(asked.labels, 5)}, no classes whose answers could be compared")
        facts = model_facts(spec, asked.model)
        source = f"model {facts['content'][:16]}"
        same = next((other.name for other in out if other.source == source), "")
        if same:
            raise UsageError(f"{same} and {name} are the same model (weights, code and classes are equal): give it once")
        out.append(Compared(name, asked, facts, source))
    return out


def _by_model(entries: Iterable[str], flag: str, named: Mapping[str, Any]) -> dict[str, str]:
    out = {}
    for entry in entries:
        name, _, value = entry.partition("=")
        if name.strip() not in named:
            raise UsageError(f"{flag} {entry}: {unknown('model of this comparison', name, list(named))}")
        out[name.strip()] = value
    return out
