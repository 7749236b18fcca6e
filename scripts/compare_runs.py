"""Are the numbers of two run folders the same? Compares every table and record in them, whatever their names became.

Usage: python scripts/compare_runs.py OLD NEW [--tolerance 1e-6] [--names scripts/compare_runs.toml]

Column names are compared as identifiers ("p (BH)" is ``p_bh``), evidence by kind and subject ("region: mouth" is kind
region, subject mouth); other renamed tables and columns stand in the file of names. Exit status 1 where something differs or
is missing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

NAMES = Path(__file__).with_suffix(".toml")
SHOWN = 8  # differences of one table that are printed


@dataclass
class Names:
    """What the file of names says."""

    tables: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    columns_of: dict[str, dict[str, str]] = field(default_factory=dict)
    ignored_files: list[str] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@dataclass
class Report:
    """Lines for people, and how much is wrong."""

    lines: list[str] = field(default_factory=list)
    wrong: int = 0
    compared: int = 0

    def bad(self, line: str) -> None:
        self.lines.append(line)
        self.wrong += 1


def main(arguments: list[str] | None = None) -> int:
    """Compare and print; 0 where all numbers are the same."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-6, help="relative")
    parser.add_argument("--names", type=Path, default=NAMES)
    options = parser.parse_args(arguments)
    for folder in (options.old, options.new):
        if not folder.is_dir():
            print(f"{folder}: no such folder", file=sys.stderr)
            return 2
    names = Names(**tomllib.loads(options.names.read_text(encoding="utf-8")))
    report = compare(options.old, options.new, names, options.tolerance)
    print("\n".join(report.lines))
    print(f"{report.compared} numbers and words compared; {report.wrong} tables or records differ or are missing")
    return 1 if report.wrong or not report.compared else 0


def compare(old: Path, new: Path, names: Names, tolerance: float) -> Report:
    """Everything of ``old`` against ``new``."""
    report = Report()
    ours, theirs = contents(old, names), contents(new, names)
    used: set[str] = set()
    for name, value in ours.items():
        target, where = destination(name, names)
        if not target:
            continue
        if target not in theirs:
            report.bad(f"missing: {name}" + (f" (as {target})" if target != name else ""))
            continue
        used.add(target)
        other = theirs[target]
        if isinstance(value, pd.DataFrame) and isinstance(other, pd.DataFrame):
            for column, wanted in where.items():
                other = other[other[column].astype(str) == str(wanted)].drop(columns=column)
            compare_tables(name, renamed(value, name, names), renamed(other, name, names), names, tolerance, report)
        elif isinstance(value, dict) and isinstance(other, dict):
            compare_records(name, value, other, names, tolerance, report)
        else:
            report.bad(f"{name}: one is a table, the other a record")
    report.lines += [f"new: {name}" for name in theirs if name not in used]
    return report


def contents(folder: Path, names: Names) -> dict[str, Any]:
    """Tables (as frames) and records (as flat dictionaries) below a folder by path without suffix and without run keys."""
    out: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.suffix not in (".csv", ".parquet", ".json") or any(
            fnmatch(relative.as_posix(), g) for g in names.ignored_files
        ):
            continue
        # Folders of runs end in a key that depends on the version.
        parts = [re.sub(r"-[0-9a-f]{6,}$", "", p) for p in relative.with_suffix("").parts]
        name = "/".join(parts).replace(" ", "-")
        if path.suffix == ".json":
            out[f"{name}.json"] = dict(flattened(json.loads(path.read_text(encoding="utf-8"))))
        elif path.suffix == ".parquet" or name not in out:
            out[name] = read_table(path)
    return out


def read_table(path: Path) -> pd.DataFrame:
    """A table, with evidence by kind and subject."""
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
    else:
        try:
            frame = pd.read_csv(path)
        except pd.errors.EmptyDataError:
            return pd.DataFrame()
    if not {"level", "modality", "target"} <= set(frame.columns):
        return frame
    if "name" in frame.columns:
        split = frame["name"].astype(str).str.split(": ", n=1)
        frame = frame.assign(kind=split.str[0], subject=split.str[1].fillna("")).drop(columns="name")
    return frame.assign(kind=frame["kind"].map(identifier))


def destination(name: str, names: Names) -> tuple[str, dict[str, Any]]:
    """Where an old table is now, and which rows of that; an empty name where it was given up."""
    for pattern, entry in names.tables.items():
        match = re.fullmatch(pattern, name)
        if match is None:
            continue
        if isinstance(entry, str):
            return match.expand(entry), {}
        return match.expand(entry["to"]), {k: match.expand(v) for k, v in entry.get("where", {}).items()}
    return name, {}


def identifier(name: str) -> str:
    """A column's name as an identifier."""
    return re.sub(r"[^a-z0-9]+", "_", str(name).lower()).strip("_")


def renamed(frame: pd.DataFrame, table: str, names: Names) -> pd.DataFrame:
    """Columns by the names of today, without those that do not matter."""
    special = next((v for pattern, v in names.columns_of.items() if re.fullmatch(pattern, table)), {})
    columns = {}
    for column in frame.columns:
        plain = identifier(column)
        columns[column] = special.get(plain, names.columns.get(plain, plain))
    out = frame.rename(columns=columns)
    # A column without a new name was given up.
    return out[[c for c in out.columns if c and c not in names.ignored_columns and not out[c].map(is_bytes).any()]]


def is_bytes(value: Any) -> bool:
    """Raw bytes are no number to compare."""
    return isinstance(value, bytes)


def compare_tables(name: str, old: pd.DataFrame, new: pd.DataFrame, names: Names, tolerance: float, report: Report) -> None:
    """Columns by name; rows by their words and keys, and by other equal numbers where those do not tell them apart."""
    missing = [c for c in old.columns if c not in new.columns]
    extra = [c for c in new.columns if c not in old.columns]
    shared = [c for c in old.columns if c in new.columns]
    if missing:
        report.bad(f"{name}: missing columns {', '.join(missing)}")
    if extra:
        report.lines.append(f"{name}: new columns {', '.join(extra)}")
    if len(old) != len(new):
        report.bad(f"{name}: {len(old)} rows before, {len(new)} now")
    words = [c for c in shared if not is_number(old[c]) or not is_number(new[c])]
    numbers = [c for c in shared if c not in words]
    keys = row_keys(old, new, [*words, *(c for c in numbers if c in names.keys)], numbers)
    old, new = numbered(old, keys), numbered(new, keys)
    lost = old.index.difference(new.index)
    if len(lost):
        report.bad(f"{name}: {len(lost)} rows are not there now, for example {lost[0]}")
    rows = old.index.intersection(new.index)
    problems = []
    for column in [c for c in numbers if c not in keys]:
        a, b = (f.loc[rows, column].to_numpy(dtype=float, na_value=np.nan) for f in (old, new))
        report.compared += len(rows)
        for i in np.flatnonzero(~np.isclose(a, b, rtol=tolerance, atol=tolerance * 1e-3, equal_nan=True)):
            problems.append(f"  {column} of {rows[i]}: {a[i]:.9g} before, {b[i]:.9g} now")
    report.compared += len(rows) * len(words)
    if problems:
        report.bad(f"{name}: {len(problems)} numbers differ")
        report.lines += problems[:SHOWN]


def is_number(column: pd.Series) -> bool:
    """Whether a column holds numbers (or truth values) alone."""
    return pd.api.types.is_numeric_dtype(column) or column.isna().all()


def row_keys(old: pd.DataFrame, new: pd.DataFrame, words: list[str], numbers: list[str]) -> list[str]:
    """Columns that tell rows apart: words, then numbers that are the same in both tables, as long as rows are alike."""
    keys = list(words)
    for column in [c for c in numbers if c not in words]:
        if not old.duplicated(keys).any() if keys else len(old) < 2:
            break
        a, b = (np.sort(f[column].to_numpy(dtype=float, na_value=np.nan)) for f in (old, new))
        if len(a) == len(b) and np.array_equal(a, b, equal_nan=True) and old[column].nunique() > 1:
            keys.append(column)
    return keys


def numbered(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The frame under an index of its keys; rows that are still alike are counted."""
    if not keys:
        return frame.reset_index(drop=True)
    plain = frame[keys].astype(object).where(frame[keys].notna(), "").astype(str).agg(" | ".join, axis=1)
    repeat = plain.groupby(plain).cumcount()
    return frame.set_axis(plain.where(repeat == 0, plain + " #" + repeat.astype(str)), axis=0)


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of a record by their path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flattened(inner, f"{path}.{identifier(key)}" if path else identifier(key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from flattened(inner, f"{path}.{i}")
    else:
        yield path, value


def compare_records(
    name: str, old: dict[str, Any], new: dict[str, Any], names: Names, tolerance: float, report: Report
) -> None:
    """Numbers of two records; words may have changed."""
    problems = []
    for path, before in old.items():
        last = path.rpartition(".")[2]
        if isinstance(before, bool) or not isinstance(before, int | float) or last in names.ignored_columns:
            continue
        target = ".".join(names.columns.get(part, part) for part in path.split("."))
        now = new.get(target, new.get(path))
        report.compared += 1
        if isinstance(now, bool) or not isinstance(now, int | float):
            problems.append(f"  {path}: {before} before, {'not there' if now is None else now} now")
        elif not np.isclose(before, now, rtol=tolerance, atol=tolerance * 1e-3, equal_nan=True):
            problems.append(f"  {path}: {before:.9g} before, {now:.9g} now")
    if problems:
        report.bad(f"{name}: {len(problems)} numbers differ or are missing")
        report.lines += problems[:SHOWN]


if __name__ == "__main__":
    sys.exit(main())
