"""Commands from functions: options of settings, ``--config`` and ``--quiet``, written once for every verb."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from affectlens.cli import common
from affectlens.cli.stopping import with_hint
from affectlens.core.errors import UsageError, unknown
from affectlens.core.limits import Limits, limited, limits_of
from affectlens.core.options import LANGUAGES
from affectlens.core.registry import use_plugin
from affectlens.core.settings import Settings, flag_of, kinds_of
from affectlens.core.untrusted.code import allowing
from affectlens.core.untrusted.documents import read_toml


def verb(
    settings: type[Settings] | None = None, *, without: Iterable[str] = (), goes_on: bool = False
) -> Callable[[Callable[..., common.Unread | None]], Any]:
    """Decorator: make a command of a function, which gives back what went unread: it is listed, and the exit code is 1.

    Parameters
    ----------
    settings : class
        Its fields become options, and the function's parameter ``settings`` receives the checked values as keyword arguments
        of the Python function.
    without : iterable of str
        Fields that are no options.
    goes_on : bool
        Whether the same call goes on by itself where it was stopped.

    Every command also gets ``--config FILE``, ``--plugin MODULE``, ``--quiet`` and ``--verbose``, one that reads files
    ``--limit``; one with ``--corpus`` says how the old ``--data`` is written.

    Returns
    -------
    callable
        Takes the function and gives the command.
    """

    def make(function: Callable[..., common.Unread | None]) -> Callable[..., None]:
        own = [
            parameter
            for parameter in inspect.signature(function, eval_str=True).parameters.values()
            if parameter.name != "settings"
        ]
        made = [_option(member, settings) for member in fields(settings) if member.name not in without] if settings else []
        names = {parameter.name for parameter in own}
        reads = bool(names & READ)
        more = [
            *([LIMIT] if reads else []),
            VERBOSE,
            QUIET,
            CONFIG,
            PLUGIN,
            *([ALLOW_CODE] if "model" in names else []),
            *([OLD_DATA] if "corpus" in names else []),
        ]
        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *made, *more)]
        field_names = {parameter.name for parameter in made}
        hint = AGAIN if goes_on else ""
        if "resume" in names:
            hint = RESUME

        def command(**given: Any) -> None:
            for name in ("config", "plugin", "data"):
                given.pop(name, None)
            limits, code = limits_of(tuple(given.pop("limits", None) or ())), given.pop("allow_code", False)
            loud, quiet = given.pop("verbose"), given.pop("quiet")
            with with_hint(hint), limited(limits), common.verbosely(loud), common.quietly(quiet), allowing(code):
                if settings:
                    chosen = {name: given.pop(name) for name in field_names}
                    given["settings"] = read(settings, chosen)
                unread = function(**given)
            if unread is not None and unread.reasons:
                common.fail(unread)
                raise typer.Exit(1)

        command.__name__, command.__doc__ = function.__name__.rstrip("_"), function.__doc__
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return command

    return make


class Verb(TyperCommand):
    """A command whose help shows nothing behind a switch, which takes no value."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Arguments and options."""
        return _without_types(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands whose help shows nothing behind a switch."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Options of the group."""
        return _without_types(super().get_params(ctx))


def _without_types(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    return parameters


def read(cls: type[Settings], given: Mapping[str, Any]) -> dict[str, Any]:
    """Typed values as the fields' types, all checked.

    Returns
    -------
    dict of str to Any
        The values that were given, by field.

    Raises
    ------
    UsageError
        A value that is not allowed, named with its option.
    """
    kinds = kinds_of(cls)
    values: dict[str, Any] = {}
    for member in fields(cls):
        value = given.get(member.name)
        if value is None:
            continue
        kind, several, _ = kinds[member.name]
        values[member.name] = _split(member, value, kind) if several else value
    cls(**values)
    return values


def _split(member: Field[Any], value: Iterable[Any], kind: type[Any]) -> tuple[Any, ...]:
    texts = list(map(str, value))
    if _separated(member, kind):
        texts = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    try:
        return tuple(kind(text) for text in texts)
    except ValueError:
        wanted = "whole numbers were" if kind is int else "numbers were"
        raise UsageError(f"{flag_of(member)} {','.join(texts)}: {wanted} expected") from None


def _separated(member: Field[Any], kind: type[Any]) -> bool:
    """Whether commas separate values; paths, and what follows ``NAME=``, may hold commas themselves."""
    return kind in (str, int, float) and "=" not in (member.metadata.get("metavar") or "")


def _option(member: Field[Any], cls: type[Settings]) -> inspect.Parameter:
    """The typer parameter of one field."""
    kind, several, optional = kinds_of(cls)[member.name]
    meta, required = member.metadata, member.default is MISSING and member.default_factory is MISSING
    default = None if several or optional else member.default
    flag = flag_of(member)
    names = (f"{flag}/--no-{flag[2:]}",) if kind is bool and not several else (flag,)
    default_value: Any = member.default
    shown: Any = not several
    text = meta.get("help", "")
    if several and not re.search("omma-separated|repeat it", text):
        text += " Comma-separated, or repeated." if _separated(member, kind) else " Repeat it."
    if several and not required and default_value:
        text += f" By default {','.join(map(str, default_value))}."
    info = typer.Option(
        *names, help=text, show_default=shown, metavar=meta.get("metavar") or None, autocompletion=_completer(member)
    )
    hint: Any = list[str] if several else kind
    if several or optional:
        hint = hint | None
    return inspect.Parameter(
        member.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[hint, info],
        default=inspect.Parameter.empty if required else default,
    )


def _completer(member: Field[Any]) -> Callable[[str], list[str]] | None:
    choices = member.metadata.get("choices")
    if choices is None:
        return None

    def complete(incomplete: str) -> list[str]:
        known = list(choices() if callable(choices) else choices)
        head, comma, last = incomplete.rpartition(",")
        return [f"{head}{comma}{name}" for name in known if name and name.startswith(last)]

    return complete


def corpus_names(incomplete: str) -> list[str]:
    """Completion of ``NAME=`` of a corpus."""
    from affectlens.corpora.base import corpora

    return [f"{info.name}=" for info in corpora() if info.name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """Completion of a shipped model's name."""
    from affectlens.models.base import model_names

    return [name for name in model_names() if name.startswith(incomplete)]


def assets(incomplete: str) -> list[str]:
    """Completion of an asset's name."""
    from affectlens.assets.manifest import manifest

    return [name for name in manifest() if name.startswith(incomplete)]


def languages(incomplete: str) -> list[str]:
    """Completion of a language code."""
    return [code for code in LANGUAGES if code.startswith(incomplete)]


def _configured(context: typer.Context, _: Any, value: Path | None) -> Path | None:
    """Take the defaults of this verb's options from a file."""
    if value is None or context.resilient_parsing:
        return value
    tables = read_toml(value, UsageError)
    chain = _chain(context)
    _only_tables(value, tables, chain[0].command)
    for one in chain[1:]:
        tables = tables.get(str(one.info_name), {})
    options = {
        parameter.name: parameter
        for parameter in context.command.params
        if parameter.param_type_name == "option" and parameter.name not in NOT_CONFIGURED
    }
    by_flag = {text.lstrip("-"): parameter for parameter in options.values() for text in parameter.opts}
    defaults = dict(context.default_map or {})
    for key, given in tables.items():
        parameter = by_flag.get(str(key).replace("_", "-"))
        if parameter is None or parameter.name is None:
            raise UsageError(f"--config {value}: {unknown(f'option of {context.info_name}', key, sorted(by_flag))}")
        if isinstance(given, dict):
            raise UsageError(f"--config {value}: {key} is a table; a value was expected")
        if parameter.name in CODE and ":" in str(given) and not Path(str(given)).exists():
            raise UsageError(
                f"--config {value}: {key} = {given!r} names code, which only the command line may; give --{key} there"
            )
        several = bool(getattr(parameter, "multiple", False))
        defaults[parameter.name] = [given] if several and not isinstance(given, list) else given
    context.default_map = defaults
    return value


def _chain(context: typer.Context) -> list[Any]:
    out: list[Any] = []
    one: Any = context
    while one is not None:
        out.insert(0, one)
        one = one.parent
    return out


def _only_tables(path: Path, tables: dict[str, Any], group: Any) -> None:
    """Every table of a file is a verb, so that a mistyped one is not passed over."""
    known = list(group.commands)
    for name, table in tables.items():
        if name not in known:
            raise UsageError(f"--config {path}: {unknown('verb', name, known)}")
        if not isinstance(table, dict):
            raise UsageError(f"--config {path}: {name} is a verb; a table [{name}] of options was expected")


def _plugins(_: Any, values: list[str] | None) -> list[str] | None:
    """Import what is named, before names that it brings are looked up."""
    for value in values or ():
        use_plugin(value)
    return values


def plugins_in(arguments: list[str]) -> list[str]:
    """Values of ``--plugin`` in a command line: they may bring verbs, so they are needed before it is parsed.

    Returns
    -------
    list of str
        In the order given.

    Examples
    --------
    >>> plugins_in(["audit", "mine", "--plugin", "one", "--plugin=two.py"])
    ['one', 'two.py']
    """
    out = []
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--plugin" and place + 1 < len(arguments):
            out.append(arguments[place + 1])
        elif argument.startswith("--plugin="):
            out.append(argument.partition("=")[2])
    return out


def _old_data(_: Any, value: str | None) -> str | None:
    """Say how the corpus is named now."""
    if value is not None:
        raise UsageError(
            f"--data is not used any more; name and path of a corpus go together: --corpus NAME={value} "
            "(names: affectlens corpus ls)"
        )
    return value


def _extra(name: str, hint: Any, default: Any, info: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[hint, info], default=default)


READ = {"inputs", "corpus", "folder", "runs", "file", "study"}  # parameters of the verbs that read files
RESUME = "what was finished is kept. Run the same command with --resume to go on."
AGAIN = "what was finished is kept. Run the same command again to go on."
LIMIT = _extra(
    "limits",
    list[str] | None,
    None,
    typer.Option(
        "--limit",
        help=f"The most that is read of one input: {', '.join(limit.name for limit in fields(Limits))}. Repeat it for several.",
        metavar="NAME=NUMBER",
    ),
)
VERBOSE = _extra("verbose", bool, False, typer.Option("--verbose", "-v", help="Also print tracebacks of what failed."))
# What is said on the command line alone: a file must not allow itself to run code.
NOT_CONFIGURED = ("config", "help", "data", "allow_code", "plugin")
CODE = ("model", "objects", "preprocess")  # may name a module:name, whose code runs
ALLOW_CODE = _extra(
    "allow_code", bool, False, typer.Option("--allow-code", help="Let a model's file run code of its own (TorchScript).")
)
QUIET = _extra("quiet", bool, False, typer.Option("--quiet", "-q", help="Print results alone: no progress, no notes."))
CONFIG = _extra(
    "config",
    Path | None,
    None,
    typer.Option(
        "--config",
        help="A toml file with a table of options for each verb; the command line wins.",
        is_eager=True,
        callback=_configured,
        metavar="FILE",
    ),
)
PLUGIN = _extra(
    "plugin",
    list[str] | None,
    None,
    typer.Option(
        "--plugin",
        help="A module, a .py file or a folder of them that registers something of your own. Repeat it for several.",
        is_eager=True,
        callback=_plugins,
        metavar="MODULE",
    ),
)
OLD_DATA = _extra("data", str | None, None, typer.Option("--data", hidden=True, is_eager=True, callback=_old_data))

Inputs = Annotated[
    list[str],
    typer.Argument(help="Images, videos, audio files, motions, folders, globs, or a csv, tsv, txt or parquet table of paths."),
]
Corpus = Annotated[
    str,
    typer.Option(
        help="A corpus and where it lies, see `affectlens corpus ls`.", metavar="NAME=PATH", autocompletion=corpus_names
    ),
]
Corpora = Annotated[
    list[str],
    typer.Option(
        "--corpus",
        help="A corpus and where it lies, see `affectlens corpus ls`; repeat it.",
        metavar="NAME=PATH",
        autocompletion=corpus_names,
    ),
]
ANNOTATIONS = "audformat, bids, elan, elan-tab, label-studio, nova, ro-crate, rttm, srt, textgrid or webvtt"
TABLES = "deepface, facereader, facereader-states, imotions, libreface, openface, openface3, opensmile or pyfeat"
Truth = Annotated[
    list[Path] | None,
    typer.Option(
        "--truth",
        help="What people said of these recordings, as `affectlens import` reads it; repeat it for several files.",
        metavar="FILE",
    ),
]
TruthAs = Annotated[
    str,
    typer.Option(help="What --truth is written as: elan, textgrid, webvtt, … By default the suffix tells it.", metavar="NAME"),
]
FORMATS = "parquet, csv, json, audformat or what a plug-in brings"
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]
Workers = Annotated[int, typer.Option(help="Processes that work at once, each with models of its own.", min=1)]
ShardOption = Annotated[
    str,
    typer.Option(
        "--shard",
        help="Only the I-th of N shares, as for job arrays; when all are done, the same call without it puts them together.",
        metavar="I/N",
    ),
]
On = Annotated[
    str,
    typer.Option(help="ray: let --workers actors of Ray work, of the cluster at RAY_ADDRESS or of this machine."),
]
Journal = Annotated[
    Path | None,
    typer.Option(help="Add a line of JSON for every input to this file, as it is finished.", metavar="FILE"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Keep what is finished; go on where the last run stopped.")]
