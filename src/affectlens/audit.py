"""What a model rests on, over whole corpora: one function an audit; each gives a result that saves, loads, draws and reports.

The functions are those of the registry of audits, also of ones that other files and packages add. All are called alike:
``audit.NAME(model, corpus, *, out=None, progress=None, settings=None, **fields)``.

Parameters
----------
model : str, Path, Model or None
    What ``affectlens.open_model`` takes. An audit that trains its own (latent, features) needs none: give the corpus alone.
    ``compare`` takes a list of these, or a mapping of names to them.
corpus : str, Corpus or list of either
    ``"NAME=PATH"``, or an opened corpus.
out : str or Path, optional
    Folder that the result, its page and the parts of the pass are written to; an interrupted run there goes on. Without it
    nothing is kept.
progress : callable, optional
    Called with what is being done, how much of it is done, and how much there is.
settings : Settings, optional
    All settings in one record.
workers : int, optional
    Processes that look at the items; the statistics are computed by the call itself.
shard : str, optional
    ``I/N``: look at the I-th of N shares of the items alone, and keep what was found below ``out``; the same call without it
    puts all shares together. Gives a `affectlens.audits.sharing.Share`.
on : str, optional
    ``ray``: let actors of Ray look at the items.
**fields
    Single settings, which go before those of ``settings``.

Examples
--------
>>> import affectlens.audit
>>> dir(affectlens.audit)
['compare', 'concepts', 'features', 'latent', 'objects', 'properties']
>>> affectlens.audit.properties("face", "fer2013=fer2013.csv").findings()  # doctest: +SKIP
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

from affectlens.core.environment.extras import helpful
from affectlens.core.errors import UsageError
from affectlens.core.settings import field_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Unpack

    from affectlens.audits.compare.result import Comparison
    from affectlens.audits.compare.settings import CompareSettings
    from affectlens.audits.concepts.result import ConceptAudit
    from affectlens.audits.concepts.settings import ConceptSettings
    from affectlens.audits.features.result import FeatureAudit
    from affectlens.audits.features.settings import FeatureSettings
    from affectlens.audits.latent.result import LatentAudit
    from affectlens.audits.latent.settings import LatentSettings
    from affectlens.audits.objects.result import ObjectAudit
    from affectlens.audits.objects.settings import ObjectSettings
    from affectlens.audits.properties.result import PropertyAudit
    from affectlens.audits.properties.settings import PropertySettings
    from affectlens.audits.registry import RegisteredAudit
    from affectlens.core.progress import Progress
    from affectlens.corpora.base import Corpus
    from affectlens.features.speech import SpeechTable
    from affectlens.models.base import Model
    from affectlens.typed.fields import (
        CompareSettingsFields,
        ConceptSettingsFields,
        FeatureSettingsFields,
        LatentSettingsFields,
        ObjectSettingsFields,
        PropertySettingsFields,
    )

    # What the registry gives at run time, as type checkers see it; the corpus may also come first, alone.
    ModelGiven = str | Path | Model | None
    CorpusGiven = str | Path | Corpus | None
    SpeechGiven = str | SpeechTable | Sequence[str] | Mapping[str, str | Path] | None

    def compare(
        model: Sequence[ModelGiven] | Mapping[str, ModelGiven],
        corpus: CorpusGiven = None,
        *,
        out: str | Path | None = None,
        progress: Progress | None = None,
        workers: int = 1,
        shard: str = "",
        on: str = "",
        settings: CompareSettings | None = None,
        **fields: Unpack[CompareSettingsFields],
    ) -> Comparison:
        """Several classifiers on one corpus: scores, gaps, dependence and response side by side, with tests between them."""

    def concepts(
        model: ModelGiven | Corpus = None,
        corpus: CorpusGiven = None,
        *,
        out: str | Path | None = None,
        progress: Progress | None = None,
        workers: int = 1,
        shard: str = "",
        on: str = "",
        settings: ConceptSettings | None = None,
        **fields: Unpack[ConceptSettingsFields],
    ) -> ConceptAudit:
        """Audit which human concepts move a contextual model's answer, at which layers, with tests that hold their level."""

    def features(
        model: ModelGiven | SpeechGiven = None,
        corpus: SpeechGiven = None,
        *,
        out: str | Path | None = None,
        progress: Progress | None = None,
        workers: int = 1,
        shard: str = "",
        on: str = "",
        settings: FeatureSettings | None = None,
        **fields: Unpack[FeatureSettingsFields],
    ) -> FeatureAudit:
        """Audit what each acoustic feature and group does for a speech model, and whether corpora agree on it."""

    def latent(
        model: ModelGiven | SpeechGiven = None,
        corpus: SpeechGiven = None,
        *,
        out: str | Path | None = None,
        progress: Progress | None = None,
        workers: int = 1,
        shard: str = "",
        on: str = "",
        settings: LatentSettings | None = None,
        **fields: Unpack[LatentSettingsFields],
    ) -> LatentAudit:
        """Audit the latent of a speech autoencoder on people that its training never heard."""

    def objects(
        model: ModelGiven | Corpus = None,
        corpus: CorpusGiven = None,
        *,
        out: str | Path | None = None,
        progress: Progress | None = None,
        workers: int = 1,
        shard: str = "",
        on: str = "",
        settings: ObjectSettings | None = None,
        **fields: Unpack[ObjectSettingsFields],
    ) -> ObjectAudit:
        """Which regions or things in pictures drive a model: relevance against area, with tests; agreement of maps; changes."""

    def properties(
        model: ModelGiven | Corpus = None,
        corpus: CorpusGiven = None,
        *,
        out: str | Path | None = None,
        progress: Progress | None = None,
        workers: int = 1,
        shard: str = "",
        on: str = "",
        settings: PropertySettings | None = None,
        **fields: Unpack[PropertySettingsFields],
    ) -> PropertyAudit:
        """Dependence on properties given the label, groups, gaps, interventions; page, tables, card section, evidence sheet."""


WAYS = {"workers": 1, "shard": "", "on": ""}  # how the items are got through


def _load(name: str) -> Callable[..., Any]:
    """The function of an audit, made when it is asked for: its settings and assets are seen to before it is called."""
    if name.startswith("_"):
        raise AttributeError(name)
    from affectlens.audits.registry import AUDITS
    from affectlens.audits.sharing import shared_out
    from affectlens.core.registry import Late

    with helpful():
        if name not in AUDITS:
            raise AttributeError(f"there is no audit {name!r}; there are {', '.join(AUDITS)}")
        entry = AUDITS.get(name)
        carried_out = entry.function.function if isinstance(entry.function, Late) else entry.function

    @wraps(carried_out)
    def function(*given: Any, **fields: Any) -> Any:
        model, corpus = _model_and_corpus(entry, given, fields)
        how = {key: fields.pop(key) for key in ("workers", "shard", "on") if key in fields}
        with helpful():
            _fetch(entry, model, corpus, fields)
            return shared_out(entry.name, (model, corpus), fields, **how)

    function.__signature__ = _signature(entry, carried_out)  # type: ignore[attr-defined]
    return function


if not TYPE_CHECKING:  # type checkers know the audits of this package from above
    __getattr__ = _load


def _model_and_corpus(entry: RegisteredAudit, given: tuple[Any, ...], fields: dict[str, Any]) -> tuple[Any, Any]:
    """Both by place or by name; the names are taken out of ``fields``. A single value by place is the corpus.

    Returns
    -------
    tuple
        The model, the audit's own where none is given, and the corpus.

    Raises
    ------
    TypeError
        More than the two by place.
    UsageError
        No corpus.
    """
    if len(given) > 2:
        raise TypeError(f"audit.{entry.name} takes a model and a corpus; settings are given by name")
    if len(given) == 1 and "corpus" not in fields:
        given = (entry.model or None, *given)
    model = given[0] if given else fields.pop("model", entry.model or None)
    corpus = given[1] if len(given) == 2 else fields.pop("corpus", None)
    if corpus is None:
        raise UsageError(f"audit.{entry.name} looks at a corpus: give one, such as 'NAME=PATH'")
    return model, corpus


def _signature(entry: RegisteredAudit, function: Callable[..., Any]) -> inspect.Signature:
    """Parameters as ``help`` shows them: a keyword for every setting."""
    declared = inspect.signature(function)
    annotations = [parameter.annotation for parameter in declared.parameters.values()]
    model, corpus = (*annotations, inspect.Parameter.empty, inspect.Parameter.empty)[:2]  # whatever an audit calls them
    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    first = inspect.Parameter("model", either, default=entry.model or None, annotation=model)
    second = inspect.Parameter("corpus", either, default=None, annotation=corpus)
    own = [_keyword(name, declared) for name in ("out", "progress", "settings")]
    ways = [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default) for key, default in WAYS.items()]
    return declared.replace(parameters=[first, second, *own, *ways, *field_parameters(entry.settings)])


def _keyword(name: str, declared: inspect.Signature) -> inspect.Parameter:
    """A keyword that is None by default, with its annotation where the function has one."""
    annotation = declared.parameters[name].annotation if name in declared.parameters else inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _fetch(entry: RegisteredAudit, model: Any, corpus: Any, given: dict[str, Any]) -> None:
    """Fetch what the model and the audit need before work begins; wrong settings and folders are an error before that."""
    from affectlens.assets.store import fetch
    from affectlens.audits.base import checked_settings
    from affectlens.models.base import assets_of

    chosen = {name: value for name, value in given.items() if name not in ("out", "progress", "settings")}
    settings = checked_settings(entry.settings, given.get("settings"), chosen, given.get("out"))
    needed = entry.assets(model, corpus, settings) if entry.assets is not None else ()
    fetch((*assets_of(model), *needed), given.get("progress"))  # of several models the audit itself tells what they need


def __dir__() -> list[str]:
    from affectlens.audits.registry import AUDITS

    return AUDITS.names()
