"""What a model rests on, over whole corpora: one function an audit; each gives a result that saves, loads, draws and reports.

The functions are those of the registry of audits, also of ones that other files and packages add. All are called alike:
``audit.NAME(model, corpus, *, out=None, progress=None, settings=None, **fields)``.

Parameters
----------
model : str, Path, Model or None
    What ``affectlens.open_model`` takes; None for an audit that trains its own.
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

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectlens.core.extras import helpful

if TYPE_CHECKING:
    from affectlens.audits.registry import RegisteredAudit


def __getattr__(name: str) -> Callable[..., Any]:
    if name.startswith("_"):
        raise AttributeError(name)
    from affectlens.audits.registry import AUDITS

    with helpful():
        if name not in AUDITS:
            raise AttributeError(f"there is no audit {name!r}; there are {', '.join(AUDITS)}")
    entry = AUDITS.get(name)

    @wraps(entry.function)
    def function(model: Any, corpus: Any, **given: Any) -> Any:
        with helpful():
            _fetch(entry, model, corpus, given)
            return entry.function(model, corpus, **given)

    return function


def _fetch(entry: RegisteredAudit, model: Any, corpus: Any, given: dict[str, Any]) -> None:
    """Fetch what the model and the audit need before work begins; wrong settings and folders are an error before that."""
    from affectlens.assets.store import fetch
    from affectlens.core.files import check_folder
    from affectlens.core.settings import with_fields
    from affectlens.models.base import assets_of

    chosen = {k: v for k, v in given.items() if k not in ("out", "progress", "settings")}
    settings = with_fields(entry.settings, given.get("settings"), chosen)
    if given.get("out") is not None:
        check_folder(Path(given["out"]))
    needed = entry.assets(model, corpus, settings) if entry.assets is not None else ()
    fetch((*assets_of(model), *needed), given.get("progress"))


def __dir__() -> list[str]:
    from affectlens.audits.registry import AUDITS

    return AUDITS.names()
