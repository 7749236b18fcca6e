"""What a model rests on, over whole corpora: one function an audit; each gives a result that saves, loads, draws and reports.

The functions are those of the registry of audits, also of ones that other files and packages add. All are called alike:
``audit.NAME(model, corpus, *, out=None, progress=None, settings=None, **fields)``.

Parameters
----------
model : str, Path, Model or None
    What ``affectlens.open_model`` takes. An audit that trains its own (latent, features) needs none: give the corpus alone.
corpus : str, Corpus or list of either
    ``"NAME=PATH"``, or an opened corpus.
out : str or Path, optional
    Folder that the result, its page and the parts of the pass are written to; an interrupted run there goes on. Without it
    nothing is kept.
progress : callable, optional
    Called with what is being done, how much of it is done, and how much there is.
settings : Settings, optional
    All settings in one record.
**fields
    Single settings, which go before those of ``settings``.

Examples
--------
>>> import affectlens.audit
>>> dir(affectlens.audit)
['concepts', 'features', 'latent', 'objects', 'properties']
>>> affectlens.audit.properties("face", "fer2013=fer2013.csv").findings()  # doctest: +SKIP
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING
from dataclasses import fields as dataclass_fields
from functools import wraps
from typing import TYPE_CHECKING, Any

from affectlens.core.errors import UsageError
from affectlens.core.extras import helpful

if TYPE_CHECKING:
    from affectlens.audits.registry import RegisteredAudit


def __getattr__(name: str) -> Callable[..., Any]:
    if name.startswith("_"):
        raise AttributeError(name)
    from affectlens.audits.registry import AUDITS, Late

    with helpful():
        if name not in AUDITS:
            raise AttributeError(f"there is no audit {name!r}; there are {', '.join(AUDITS)}")
    entry = AUDITS.get(name)

    @wraps(entry.function.function if isinstance(entry.function, Late) else entry.function)
    def function(*given: Any, **fields: Any) -> Any:
        if len(given) > 2:
            raise TypeError(f"audit.{name} takes a model and a corpus; settings are given by name")
        if len(given) == 1 and "corpus" not in fields:
            given = (entry.model or None, *given)  # the corpus alone
        model = given[0] if given else fields.pop("model", entry.model or None)
        corpus = given[1] if len(given) == 2 else fields.pop("corpus", None)
        if corpus is None:
            raise UsageError(f"audit.{name} looks at a corpus: give one, such as 'NAME=PATH'")
        with helpful():
            _fetch(entry, model, corpus, fields)
            return entry.function(model, corpus, **fields)

    function.__signature__ = _signature(entry)  # type: ignore[attr-defined]
    return function


def _signature(entry: RegisteredAudit) -> inspect.Signature:
    """Parameters as ``help`` shows them: a keyword for every setting."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    first = inspect.Parameter("model", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=entry.model or None)
    second = inspect.Parameter("corpus", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
    own = [inspect.Parameter(n, keyword, default=None) for n in ("out", "progress", "settings")]
    kinds = {f.name: inspect.Parameter.empty if f.default is MISSING else f.default for f in dataclass_fields(entry.settings)}
    return inspect.Signature([first, second, *own, *(inspect.Parameter(n, keyword, default=d) for n, d in kinds.items())])


def _fetch(entry: RegisteredAudit, model: Any, corpus: Any, given: dict[str, Any]) -> None:
    """Fetch what the model and the audit need before work begins; wrong settings and folders are an error before that."""
    from affectlens.assets.store import fetch
    from affectlens.audits.base import checked_settings
    from affectlens.models.base import assets_of

    chosen = {k: v for k, v in given.items() if k not in ("out", "progress", "settings")}
    settings = checked_settings(entry.settings, given.get("settings"), chosen, given.get("out"))
    needed = entry.assets(model, corpus, settings) if entry.assets is not None else ()
    fetch((*assets_of(model), *needed), given.get("progress"))


def __dir__() -> list[str]:
    from affectlens.audits.registry import AUDITS

    return AUDITS.names()
