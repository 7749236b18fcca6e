"""The registry of audits: what ``affectlens audit`` and ``affectlens.audit`` offer, one decorator each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from affectlens.core.errors import UsageError
from affectlens.core.registry import Late, Registry
from affectlens.core.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class RegisteredAudit:
    """An audit as users call it.

    Attributes
    ----------
    name : str
        Its name on the command line.
    function : callable
        ``(model or None, corpus or list of corpora, *, out=None, progress=None, settings=None, **fields) -> AuditResult``.
    settings : type of Settings
        What can be set; the command line makes an option of every field.
    help : str
        One sentence.
    model : str or None
        The model that is looked at where none is named, or an empty string: one has to be. None for an audit that trains its
        own.
    model_help : str
        What can be named as the model, where it is not what ``open_model`` takes.
    several : bool
        Whether it takes several corpora.
    models : bool
        Whether it takes several models.
    assets : callable, optional
        From model, corpus and settings to the names of the assets that it needs.
    listing : callable, optional
        From the corpus or None and settings to lines that ``--list`` prints instead of an audit.
    """

    name: str
    function: Callable[..., Any]
    settings: type[Settings]
    help: str
    model: str | None = ""
    model_help: str = ""
    several: bool = False
    assets: Callable[[Any, Any, Any], Iterable[str]] | None = None
    listing: Callable[..., Iterable[str]] | None = None
    models: bool = False


# The audits of this package are declared where their settings are.
AUDITS: Registry[RegisteredAudit] = Registry("audit", "affectlens.audits:settings")


def declare_audit(
    name: str, settings: type[Settings], function: str, *, assets: str = "", listing: str = "", help: str, **more: Any
) -> None:
    """Make an audit available whose functions are imported only when it is done.

    Parameters
    ----------
    name, settings, help, **more
        As in ``RegisteredAudit``.
    function, assets, listing : str
        Each as ``module:name``.
    """
    late: dict[str, Any] = {key: Late(where) for key, where in (("assets", assets), ("listing", listing)) if where}
    AUDITS.add(name, RegisteredAudit(name, Late(function), settings, help, **late, **more))


def register_audit(
    name: str,
    settings: type[Settings],
    *,
    help: str = "",
    model: str | None = "",
    model_help: str = "",
    several: bool = False,
    assets: Callable[[Any, Any, Any], Iterable[str]] | None = None,
    listing: Callable[..., Iterable[str]] | None = None,
    models: bool = False,
) -> Callable[[F], F]:
    """Make an audit available under ``name``; a decorator.

    Parameters
    ----------
    name, settings, help, model, model_help, several, assets, listing, models
        As in ``RegisteredAudit``; help is the first line of the function's docstring when absent.

    Returns
    -------
    callable
        Takes the function and gives it back.

    Raises
    ------
    UsageError
        ``settings`` is no class of settings, or there is no help.
    """
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        raise UsageError(f"audit {name!r}: settings {settings!r}; a subclass of affectlens.core.settings.Settings was expected")

    def add(function: F) -> F:
        text = help or (function.__doc__ or "").strip().partition("\n")[0]
        if not text:
            raise UsageError(f"audit {name!r}: give help, or its function a docstring")
        AUDITS.add(name, RegisteredAudit(name, function, settings, text, model, model_help, several, assets, listing, models))
        return function

    return add
