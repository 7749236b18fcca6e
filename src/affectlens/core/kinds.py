"""Kinds of evidence: what each tells, in which unit, and the words and the section of the report that speak for it."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from affectlens.core.errors import UsageError
from affectlens.core.registry import Registry

LEVELS = ("instance", "concept", "corpus", "property", "latent", "situation")


@dataclass(frozen=True)
class Detail:
    """Base of the records that say what one kind of evidence tells beside its value, for kinds that tell nothing more.

    A subclass is a frozen dataclass whose fields are numbers, words, truth values, None, or tuples and dictionaries of them;
    it becomes JSON and comes back without loss.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Looks(Detail):
    ...     word: str
    ...     shares: tuple[float, ...] = ()
    >>> Looks.from_dict(Looks("dark", (0.5, 0.25)).to_dict())
    Looks(word='dark', shares=(0.5, 0.25))
    """

    def to_dict(self) -> dict[str, Any]:
        """Fields as JSON types."""
        return {entry.name: _plain(getattr(self, entry.name)) for entry in fields(self)}

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> typing.Self:
        """The inverse of ``to_dict``.

        Parameters
        ----------
        given : dict
            Values by field, as JSON types.

        Returns
        -------
        Detail
            Of this class.

        Raises
        ------
        UsageError
            A field is missing or not known.
        """  # noqa: DOC501
        hints = _hints(typing.cast(typing.Hashable, cls))
        names = [entry.name for entry in fields(cls)]
        strange = [name for name in given if name not in names]
        try:
            if strange:
                raise TypeError(f"unknown fields {', '.join(strange)}")
            return cls(**{name: _typed(value, hints[name]) for name, value in given.items()})
        except TypeError as error:
            raise UsageError(f"{given} is no {cls.__name__} ({error}); its fields are {', '.join(names) or 'none'}") from None


@dataclass(frozen=True)
class EvidenceKind:
    """One kind of evidence.

    Parameters
    ----------
    name : str
        As ``Evidence.kind`` has it, for example ``"region"``.
    detail : type of Detail
        The record that each row of this kind carries.
    unit : str
        Unit of the value; empty where each row gives its own.
    level : str
        What it speaks of, one of ``LEVELS``.
    section : str
        Name of the section of the report that tells it.
    clause : callable, optional
        From a row to the words that state it; without one no sentence is made of this kind.
    """

    name: str
    detail: type[Detail] = Detail
    unit: str = ""
    level: str = "instance"
    section: str = ""
    clause: Callable[[Any], str] | None = None

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise UsageError(f"evidence level {self.level!r} is not one of {', '.join(LEVELS)}")

    @property
    def home(self) -> str:
        """Where it was declared, so that a name taken twice is noticed."""
        source = self.clause or self.detail
        return f"{source.__module__}.{source.__qualname__}"


# Whoever reads evidence needs the declarations of whoever writes it; they stand in these packages and in plug-ins.
EVIDENCE: Registry[EvidenceKind] = Registry("kind of evidence", "affectlens.modalities", "affectlens.fusion")

Clause = typing.TypeVar("Clause", bound=Callable[..., str])


def evidence_kind(
    name: str, detail: type[Detail] = Detail, *, unit: str = "", level: str = "instance", section: str = ""
) -> Callable[[Clause], Clause]:
    """Decorator of the function that states a row in words: declares the kind. The arguments are those of `EvidenceKind`."""

    def declare(clause: Clause) -> Clause:
        EVIDENCE.add(name, EvidenceKind(name, detail, unit, level, section, clause))
        return clause

    return declare


@functools.cache
def _hints(cls: typing.Hashable) -> dict[str, Any]:
    """Types of the fields, looked up once a class: thousands of rows are read of each."""
    return typing.get_type_hints(cls)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value


def _typed(value: Any, hint: Any) -> Any:
    """A value that came through JSON as its field's type has it: lists become tuples again."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return tuple(_typed(item, inner[0] if inner[-1] is ... else inner[place]) for place, item in enumerate(value))
    if origin is dict:
        return {key: _typed(item, inner[1]) for key, item in value.items()}
    if origin in (typing.Union, types.UnionType) and value is not None:
        return _typed(value, next(kind for kind in inner if kind is not type(None)))
    return float(value) if hint is float else value
