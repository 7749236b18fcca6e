"""Values of results as JSON types beside tables and arrays, and back: which class a record becomes is told by types alone."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.disk.names import safe_name
from affectlens.core.untrusted.arrays import plain_name
from affectlens.core.untrusted.frames import read_parquet


def named(frame: pd.DataFrame) -> bool:
    """Whether the index is a column of its own in a csv."""
    return frame.index.name is not None


def writable(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed types as text, which parquet can hold."""
    out = frame.copy()
    for column in out.select_dtypes(object).columns:
        kinds = {type(value) for value in out[column] if value is not None and value == value}
        if len(kinds) > 1:
            out[column] = [None if value is None or value != value else str(value) for value in out[column]]
    return out


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Without columns of raw bytes, which no one can read in a csv."""
    raw = [column for column in frame.columns if frame[column].map(lambda value: isinstance(value, bytes)).any()]
    return frame.drop(columns=raw)


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays by name."""
    with path.open("wb") as handle:
        np.savez(handle, **typing.cast(Any, arrays))


def packed(value: Any, name: str, tables: dict[str, pd.DataFrame], arrays: dict[str, np.ndarray]) -> Any:
    """A value as JSON types; frames and arrays are put aside under ``name``."""
    if isinstance(value, pd.DataFrame):
        tables[name] = value
        return {"$table": name}
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return {"$list": [packed(item, f"{name}.{place}", tables, arrays) for place, item in enumerate(value)]}
        arrays[name] = value
        return {"$array": name}
    if is_dataclass(value) and not isinstance(value, type):
        members = {member.name: getattr(value, member.name) for member in fields(value)}
        return {"$fields": {key: packed(item, f"{name}.{key}", tables, arrays) for key, item in members.items()}}
    if isinstance(value, dict):
        return {
            "$dict": [
                [packed(key, "", tables, arrays), packed(item, f"{name}.{safe_name(key)}", tables, arrays)]
                for key, item in value.items()
            ]
        }
    if isinstance(value, tuple | list | set | frozenset):
        ordered = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        kind = "$list" if isinstance(value, list) else "$tuple"
        return {kind: [packed(item, f"{name}.{place}", tables, arrays) for place, item in enumerate(ordered)]}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):  # one whose items are read when they are asked for
        return {"$list": [packed(item, f"{name}.{place}", tables, arrays) for place, item in enumerate(value)]}
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value


def unpacked(value: Any, hint: Any, folder: Path, arrays: dict[str, np.ndarray]) -> Any:
    """The inverse of ``packed``: which class a record becomes follows from the field's type alone, never from the file."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if not isinstance(value, dict):
        return Path(value) if isinstance(value, str) and (hint is Path or Path in args) else value
    (kind, content), *_ = value.items()
    if origin in (typing.Union, types.UnionType):
        hint = next(option for option in args if option is not type(None))
        return unpacked(value, hint, folder, arrays)
    if kind == "$table":
        return read_parquet(folder / f"{plain_name(content)}.parquet")
    if kind == "$array":
        return arrays[content]
    if kind == "$fields":
        hints = typing.get_type_hints(hint)
        return hint(**{name: unpacked(part, hints[name], folder, arrays) for name, part in content.items() if name in hints})
    if kind == "$dict":
        inner = args[1] if len(args) == 2 else Any
        made = {unpacked(key, Any, folder, arrays): unpacked(item, inner, folder, arrays) for key, item in content}
        own = origin if isinstance(origin, type) else hint  # a Counter is a dictionary of its own kind
        return own(made) if isinstance(own, type) and issubclass(own, dict) and own is not dict else made
    inner = args[0] if args else Any
    items = [unpacked(item, inner, folder, arrays) for item in content]
    return items if kind == "$list" else tuple(items)
