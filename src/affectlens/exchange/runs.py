"""From what affectlens wrote of recordings to segments: every segment's most probable class, and what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.barrier import reading
from affectlens.core.errors import OutputError, UsageError
from affectlens.core.labels import scheme as scheme_of
from affectlens.core.schema import SCENE
from affectlens.core.tables import read_frame, unquoted
from affectlens.core.untrusted.frames import read_csv
from affectlens.exchange.annotations import NAN, Annotations, Segment

MACHINE, TEXT = "affectlens", "text"
TABLE = "table.parquet"


def tables_of(runs: Iterable[Any]) -> Iterator[tuple[pd.DataFrame, Path | None]]:
    """The table of every recording, and the folder of its report.

    Parameters
    ----------
    runs : iterable
        Folders of ``explain`` or of one report, tables of ``recognize`` (parquet or csv), frames, runs or results.

    Yields
    ------
    DataFrame
        Rows as `affectlens.Row` has them.
    Path or None
        The folder, where there is one.

    Raises
    ------
    UsageError
        Nothing is there, or no table in it.
    """
    for run in runs:
        if isinstance(run, pd.DataFrame):
            yield run, None
        elif isinstance(run, str | Path):
            yield from _of_path(Path(run))
        elif hasattr(run, "results"):
            for result in run.results:
                yield result.table, getattr(result.report, "parent", None)
        else:
            yield run.table, getattr(run.report, "parent", None)


def _of_path(path: Path) -> Iterator[tuple[pd.DataFrame, Path | None]]:
    if path.is_file():
        yield _table(path), None
        return
    if not path.exists():
        raise UsageError(f"{path}: not there; a folder of `explain --out` or a table of `recognize --out` was expected")
    if (path / TABLE).exists() and (path / "provenance.json").exists():
        yield _table(path / TABLE), path
        return
    found = sorted(file for file in path.glob(f"*/{TABLE}") if not file.parent.name.startswith("."))
    if not found:
        raise UsageError(f"{path}: no report in it; a folder of `explain --out` or a table of `recognize --out` was expected")
    for file in found:
        yield _table(file), file.parent


def _table(path: Path) -> pd.DataFrame:
    if path.suffix.lower() == ".parquet":
        frame = read_frame(path)
    elif path.suffix.lower() == ".csv":
        with reading(path, "a table of affectlens", OutputError):
            frame = read_csv(path, keep_default_na=False, na_values={name: [""] for name in ("start", "end", "confidence")})
            frame = frame.map(unquoted)
    else:
        raise UsageError(f"{path}: a table in parquet or csv was expected, or a folder of `explain --out`")
    lacking = {"file", "start", "end", "person", "modality", "label", "status"} - set(frame.columns)
    if lacking:
        raise UsageError(f"{path}: no table of affectlens, without the columns {', '.join(sorted(lacking))}")
    return frame


def annotations_of(runs: Iterable[Any]) -> Annotations:
    """Segments of runs, with notes on what a label alone does not say.

    Parameters
    ----------
    runs : iterable
        As `tables_of` takes them.

    Returns
    -------
    Annotations
        A tier a modality (``fused`` for the answer of all) with a closed vocabulary, and a tier ``text`` of what was said.
    """
    segments: list[Segment] = []
    files: list[str] = []
    folders: list[Path] = []
    durations: dict[str, float] = {}
    vocabularies: dict[str, tuple[str, ...]] = {}
    without: Counter[str] = Counter()
    timeless = labelled = 0
    for table, folder in tables_of(runs):
        if folder is not None:
            folders.append(folder)
        files += [str(file) for file in dict.fromkeys(table.file)]
        for row in table.to_dict("records"):
            start, end = float(row["start"]), float(row["end"])
            if not (start >= 0 and end >= start and end != float("inf")):
                timeless += 1
                continue
            file, tier = str(row["file"]), str(row["modality"])
            durations[file] = max(durations.get(file, 0.0), end)
            person = "" if int(row["person"]) == SCENE else str(int(row["person"]))
            if row.get("text"):
                segments.append(Segment(file, start, end, str(row["text"]), TEXT, person, MACHINE))
            if row["status"] != "ok" or not row["label"]:
                without[str(row["status"]) if row["status"] != "ok" else "without a label"] += 1
                continue
            labelled += 1
            sure = row.get("confidence", NAN)
            segments.append(Segment(file, start, end, str(row["label"]), tier, person, MACHINE, float(sure)))
            if "scheme" in row:
                vocabularies.setdefault(tier, tuple(scheme_of(str(row["scheme"])).labels))
    notes = []
    if labelled:
        notes.append(
            f"of {labelled} rows the most probable class and its probability are kept; the other probabilities, valence, "
            "arousal, conformal sets and the evidence stay in the table"
        )
    if without:
        told = ", ".join(f"{count} {status}" for status, count in sorted(without.items()))
        notes.append(f"{without.total()} rows have no label and are left out ({told})")
    if timeless:
        notes.append(f"{timeless} rows have no times and are left out")
    return Annotations(tuple(segments), vocabularies, tuple(dict.fromkeys(files)), durations, tuple(notes), tuple(folders))
