"""JSON, TOML and plain text: how long, how deep and of how many entries is seen before anything is made of it."""

from __future__ import annotations

import json
import re
import tomllib
from os import PathLike
from pathlib import Path
from typing import Any

from affectlens.core.barrier import reading
from affectlens.core.errors import AffectlensError, MediaError
from affectlens.core.limits import within
from affectlens.core.untrusted.weight import file_within

DEEPEST = 200  # brackets inside each other
_TEXT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_LONGEST_TOML = 1_000_000  # letters; nobody writes more settings
_MOST_DOTS = 50  # of one key


def read_text(path: str | PathLike[str], error: type[AffectlensError] = MediaError, errors: str = "strict") -> str:
    """A text in UTF-8, with or without a mark of byte order, of no more than ``limits.Limits.bytes``.

    Parameters
    ----------
    path : path
        The file.
    error : type
        What is raised where it cannot be read.
    errors : str
        What becomes of bytes that are no UTF-8, as ``open`` takes it.

    Returns
    -------
    str
        The text.
    """
    with reading(path, "a text in UTF-8", error):
        file_within(path)
        return Path(path).read_text(encoding="utf-8-sig", errors=errors)


def read_json(path: str | PathLike[str], error: type[AffectlensError] = MediaError) -> Any:
    """What a JSON file holds.

    Parameters
    ----------
    path : path
        The file.
    error : type
        What is raised where it cannot be read.

    Returns
    -------
    Any
        JSON types.

    Raises
    ------
    AffectlensError
        Of type ``error``: no such file, no JSON, or one nested deeper than 200 brackets.
    LimitError
        More bytes or entries than are read of one file.
    """
    with reading(path, "JSON", error):
        return json_of(path)


def json_of(path: str | PathLike[str]) -> Any:
    """What a JSON file holds; as `read_json`, with the errors of the system and the parser, for callers that have their own."""
    file_within(path)
    return parse_json(Path(path).read_text(encoding="utf-8-sig"), path)


def parse_json(text: str, path: str | PathLike[str] = "the text") -> Any:
    """What a JSON text holds; as `read_json`, with the parser's own errors.

    Returns
    -------
    Any
        JSON types.

    Raises
    ------
    ValueError
        No JSON, or one nested too deep.

    Examples
    --------
    >>> parse_json('{"labels": ["calm", "upset"]}')
    {'labels': ['calm', 'upset']}
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ValueError: more than 200 brackets inside each other
    """
    bare = _TEXT.sub("", text)
    within("items", bare.count(",") + bare.count("[") + bare.count("{"), path)
    _check_depth(bare)
    return json.loads(text)


def read_toml(path: str | PathLike[str], error: type[AffectlensError] = MediaError) -> dict[str, Any]:
    """What a TOML file of settings holds; parameters and errors as those of `read_json`."""
    with reading(path, "TOML", error):
        size = Path(path).stat().st_size
        if size > _LONGEST_TOML:
            raise ValueError(f"{size:,} letters; settings have no more than {_LONGEST_TOML:,}")
        text = Path(path).read_text(encoding="utf-8")
        _check_depth(text)
        if any(line.partition("#")[0].count(".") > _MOST_DOTS for line in text.splitlines() if "=" not in line.split(".")[0]):
            raise ValueError(f"a key of more than {_MOST_DOTS} parts")
        return tomllib.loads(text)


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in re.finditer(r"[\[{\]}]", text):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} brackets inside each other")
