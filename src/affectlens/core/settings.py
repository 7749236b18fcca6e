"""Settings of a call, written once: default, help, bounds and flag stand beside the field.

A verb's settings are a frozen dataclass that inherits ``Settings`` and declares its fields with ``setting``. Every wrong value
is an error before work begins, and the command line makes an option of every field.
"""

from __future__ import annotations

import dataclasses
import inspect
import numbers
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from affectlens.core.errors import UsageError, unknown


def setting(
    default: Any = MISSING,
    help: str = "",
    *,
    choices: Iterable[str] | Callable[[], Iterable[str]] | None = None,
    least: float | None = None,
    most: float | None = None,
    check: Callable[[Any], str] | None = None,
    flag: str = "",
    metavar: str = "",
) -> Any:
    """Make a field of a ``Settings`` class.

    Parameters
    ----------
    default : Any
        The value where nothing is given; without it the setting must be given.
    help : str
        One sentence, as ``--help`` shows it.
    choices : iterable of str, or a function that gives one
        The words that are allowed; for a field of several words each must be one of them.
    least, most : float
        Bounds, both allowed.
    check : callable
        Takes a value and gives what is wrong with it, or an empty string.
    flag : str
        The option's name where it differs from the field's, without dashes.
    metavar : str
        What stands for the value in the help, for example ``NAME=PATH``.

    Returns
    -------
    dataclasses.Field
        With all of it as metadata.

    Raises
    ------
    TypeError
        The default can be changed: every call would share it.
    """
    extra = {"help": help, "choices": choices, "least": least, "most": most, "check": check, "flag": flag, "metavar": metavar}
    if isinstance(default, list | dict | set):
        raise TypeError("give an immutable default")
    return field(default=default, metadata=extra)


@dataclass(frozen=True)
class Settings:
    """Base of the settings of a verb: values are checked when it is made.

    ``assets`` names what the verb needs of third parties (see ``affectlens assets ls``) and fetches before its work begins.

    Raises
    ------
    UsageError
        A value that is not allowed, named with its option and what was expected.
    """

    assets: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        kinds = kinds_of(type(self))
        for entry in fields(self):
            kind, several, _ = kinds[entry.name]
            value = getattr(self, entry.name)
            if several and isinstance(value, list):
                value = tuple(value)
                object.__setattr__(self, entry.name, value)
            wrong = _of_another_kind(value, kind, several) or problem(entry, value)
            if wrong:
                raise UsageError(f"{flag_of(entry)} {shown(getattr(self, entry.name))}: {wrong}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, for provenance and run keys."""
        return {key: plain(value) for key, value in asdict(self).items()}


S = TypeVar("S", bound=Settings)
F = TypeVar("F", bound=Callable[..., Any])


def with_fields(cls: type[S], settings: S | None, given: Mapping[str, Any]) -> S:
    """Settings with single ones replaced; the defaults of ``cls`` where none are given.

    Returns
    -------
    Settings
        Of class ``cls``.

    Raises
    ------
    UsageError
        A name that is no setting, with the nearest one, or a wrong value.
    """  # noqa: DOC501
    known = [entry.name for entry in fields(cls)]
    for name in given:
        if name not in known:
            raise unknown(f"setting of {cls.__name__}", name, known)
    return dataclasses.replace(settings, **given) if settings is not None else cls(**given)


def field_parameters(cls: type[Settings]) -> list[inspect.Parameter]:
    """A keyword for every field, with its type and default, as signatures show it."""
    hints = typing.get_type_hints(cls)
    keyword, required = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty
    return [
        inspect.Parameter(
            member.name,
            keyword,
            annotation=hints[member.name],
            default=required if member.default is MISSING else member.default,
        )
        for member in fields(cls)
    ]


def shows_fields(cls: type[Settings]) -> Callable[[F], F]:
    """Decorator: let ``help`` and ``inspect`` show every field of the settings in the place of ``**fields``.

    Parameters
    ----------
    cls : type of Settings
        Whose fields the function takes by name.

    Returns
    -------
    callable
        Takes the function and gives it back.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Look(Settings):
    ...     depth: int = setting(3, "How deep.")
    >>> @shows_fields(Look)
    ... def look(path: str, **fields: Any) -> None: ...
    >>> list(inspect.signature(look).parameters)
    ['path', 'depth']
    """

    def mark(function: F) -> F:
        signature = inspect.signature(function)
        own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        function.__signature__ = signature.replace(parameters=[*own, *field_parameters(cls)])  # type: ignore[attr-defined]
        return function

    return mark


def _of_another_kind(value: Any, kind: Any, several: bool) -> str:
    """What was expected where a value is of another kind than its field (numbers and words only), or an empty string."""
    if several and isinstance(value, str):
        return "several were expected, as a tuple"
    for one in value if isinstance(value, tuple) else (value,):
        if one is None or kind not in (int, float, str):
            continue
        # A truth value is a number to Python, and numbers of numpy are none of its own.
        number = isinstance(one, numbers.Real) and not isinstance(one, bool)
        if kind is str and not isinstance(one, str | Path):
            return "a text was expected"
        if kind is int and not (number and float(one).is_integer()):
            return "a whole number was expected"
        if kind is float and not number:
            return "a number was expected"
    return ""


def flag_of(entry: dataclasses.Field[Any]) -> str:
    """The option of a field, such as ``--cam-method``."""
    return "--" + (entry.metadata.get("flag") or entry.name.replace("_", "-"))


def problem(entry: dataclasses.Field[Any], value: Any) -> str:
    """What is wrong with a value of a field, or an empty string."""
    meta = entry.metadata
    choices = meta.get("choices")
    allowed = list(choices() if callable(choices) else choices) if choices is not None else None
    for one in value if isinstance(value, tuple) else (value,):
        if one is None:
            continue
        if allowed is not None and one not in allowed:
            return f"one of {', '.join(filter(None, allowed))} was expected{nearest(str(one), allowed)}"
        least, most = meta.get("least"), meta.get("most")
        if least is not None or most is not None:
            if isinstance(one, bool) or not isinstance(one, numbers.Real):
                return "a number was expected"
            # Written so that a value that is not a number (NaN) fails too.
            if not ((least is None or float(one) >= least) and (most is None or float(one) <= most)):
                return f"a number {_range(least, most)} was expected"
    check = meta.get("check")
    return str(check(value)) if check is not None else ""


def folders(value: str | Path | Iterable[Path]) -> str:
    """A check: what was given are folders, or nothing."""
    paths = [Path(value)] if isinstance(value, str | Path) else list(value)
    return "" if not value or all(path.is_dir() for path in paths) else "no such folder"


def existing_file(path: Path | None) -> str:
    """A check: what was given is there, or nothing was given."""
    return f"{path} is not there" if path is not None and not Path(path).exists() else ""


def nearest(given: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` where a known word is near, else nothing."""
    import difflib

    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def shown(value: Any) -> str:
    """A value as an error quotes it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return repr(value) if isinstance(value, str) else str(value)


def plain(value: Any) -> Any:
    """A value as JSON types."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, numbers.Real) and hasattr(value, "item"):  # a number of numpy
        return value.item()
    return value


def kinds_of(cls: type[Any]) -> dict[str, tuple[type[Any], bool, bool]]:
    """For every field its plain type, whether it takes several values, and whether it may be None."""
    hints = typing.get_type_hints(cls)
    out: dict[str, tuple[type[Any], bool, bool]] = {}
    for entry in fields(cls):
        hint, optional = hints[entry.name], False
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            parts = [part for part in typing.get_args(hint) if part is not type(None)]
            optional, hint = len(parts) < len(typing.get_args(hint)), parts[0]
        several = typing.get_origin(hint) is tuple
        out[entry.name] = (typing.get_args(hint)[0] if several else hint, several, optional)
    return out


def _range(least: float | None, most: float | None) -> str:
    if most is None:
        return f"of at least {least:g}"
    return f"of at most {most:g}" if least is None else f"from {least:g} to {most:g}"
