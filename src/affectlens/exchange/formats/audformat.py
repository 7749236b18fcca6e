"""An audformat database: a table for each tier, person's and rater's column beside it. Databases are written by audformat.

The format is described at https://audeering.github.io/audformat. Pickles, which can run code, are never read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.barrier import reading
from affectlens.core.environment.extras import helpful
from affectlens.core.errors import MediaError
from affectlens.core.untrusted.documents import read_text
from affectlens.core.untrusted.sheets import in_posix, numbers, read_sheet, words
from affectlens.corpora.speech.segments import seconds
from affectlens.exchange.annotations import NAN, Annotations, Segment
from affectlens.exchange.lines import count, segment_of_line
from affectlens.exchange.registry import register_format
from affectlens.exchange.tiers import parts_of_name, tier_name, without_layers

PERSON, CONFIDENCE = "speaker", "confidence"
EMPTY = "-"  # of a speaker that is not named, so that a column is one of words


def read(path: Path) -> Annotations:
    """Read all tables of segments; each column of words is a tier, but for those of speaker and confidence."""
    header = _header(path)
    tables = header.get("tables") or {}
    tier_names = without_layers((about or {}).get("description") or name for name, about in tables.items())
    segments: list[Segment] = []
    notes: list[str] = []
    for name, about in tables.items():
        file = next(
            (path / f"db.{name}.{suffix}" for suffix in ("csv", "parquet") if (path / f"db.{name}.{suffix}").exists()), None
        )
        if file is None:
            notes.append(f"{path.name}: the table {name} has no csv or parquet file and is left out (pickles are not read)")
            continue
        with reading(file, "a table of an audformat database"):
            frame = read_sheet(file).frame
            if not isinstance(frame.index, pd.RangeIndex):
                frame = frame.reset_index()
            made, untimed = _segments(frame, about or {}, tier_names, file)
        segments += made
        if untimed:
            notes.append(
                f"{file.name}: {untimed} labels of whole files have no times and are left out; `--corpus audformat=` reads them"
            )
        count(file, segments)
    files = tuple(dict.fromkeys(one.file for one in segments))
    return Annotations(tuple(segments), _vocabularies(header, tables, tier_names), files, {}, tuple(notes))


def _header(path: Path) -> dict[str, Any]:
    file = path / "db.yaml"
    if not file.exists():
        raise MediaError(f"{path}: no db.yaml; the folder of an audformat database was expected")
    with helpful():
        import yaml
    with reading(file, "the header of an audformat database"):
        header = yaml.safe_load(read_text(file))
    if not isinstance(header, dict):
        raise MediaError(f"{file}: a header with tables was expected")
    return header


def _segments(frame: pd.DataFrame, about: dict[str, Any], names: dict[str, str], file: Path) -> tuple[list[Segment], int]:
    if not {"file", "start", "end"} <= set(frame.columns):
        return [], len(frame) if "file" in frame else 0
    start, end = seconds(frame["start"]), seconds(frame["end"])
    own = names.get(about.get("description") or "", "")
    tier, person, rater = parts_of_name(own) if "@" in own else ("", "", "")
    people = words(frame[PERSON]).str.strip() if PERSON in frame else pd.Series("", frame.index)
    sure = numbers(frame[CONFIDENCE]) if CONFIDENCE in frame else pd.Series(NAN, frame.index)
    made: list[Segment] = []
    untimed = 0
    for column in frame.columns:
        if column in ("file", "start", "end", PERSON, CONFIDENCE):
            continue
        told = ((about.get("columns") or {}).get(column) or {}).get("rater_id") or ""
        cells = words(frame[column])
        for number in range(len(frame)):
            value = str(cells.iloc[number])
            if not value:
                continue
            if end[number] != end[number] or start[number] != start[number]:
                untimed += 1
                continue
            who = str(people.iloc[number])
            about_it = {
                "file": in_posix(str(frame["file"].iloc[number])),
                "tier": tier or ("" if column == "value" else column),
                "person": ("" if who == EMPTY else who) or person,
                "rater": rater or told,
                "confidence": float(sure.iloc[number]),
            }
            made.append(segment_of_line(file, number + 2, float(start[number]), float(end[number]), value, **about_it))
    return made, untimed


def _vocabularies(header: dict[str, Any], tables: dict[str, Any], names: dict[str, str]) -> dict[str, tuple[str, ...]]:
    out: dict[str, tuple[str, ...]] = {}
    for about in tables.values():
        for column, entry in ((about or {}).get("columns") or {}).items():
            scheme = (header.get("schemes") or {}).get((entry or {}).get("scheme_id") or "") or {}
            labels = scheme.get("labels")
            own = names.get((about or {}).get("description") or "", "")
            if labels and isinstance(labels, list | dict) and column not in (PERSON, CONFIDENCE):
                out[parts_of_name(own)[0] if "@" in own else column] = tuple(map(str, labels))
    return out


@register_format(
    "audformat", "an audformat database", read=read, suffix="", several=True, step=1e-6,
    holds=("value", "recording", "tier", "person", "rater", "confidence", "point", "vocabulary"),
)  # fmt: skip
def write(annotations: Annotations, path: Path) -> None:
    """Write the folder of a database: ``db.yaml`` and a csv a table."""
    with helpful():
        import audformat
    database = audformat.Database("affectlens", source="affectlens", description="Annotations exported by affectlens.")
    database.schemes[CONFIDENCE] = audformat.Scheme("float", minimum=0, maximum=1)
    database.schemes[PERSON] = audformat.Scheme("str")
    for tier, vocabulary in annotations.vocabularies.items():
        database.schemes[f"words of {tier}"] = audformat.Scheme("str", labels=list(dict.fromkeys(vocabulary)))
    database.schemes["text"] = audformat.Scheme("str")
    raters: dict[str, str] = {}
    for number, (track, segments) in enumerate(_tables(annotations)):
        tier, _, rater = track
        table = audformat.Table(_index(segments), description=_described(*track))
        name = f"table{number:04d}"
        database[name] = table
        rater_id = raters.setdefault(rater, f"rater{len(raters)}") if rater else None
        if rater_id is not None and rater_id not in database.raters:
            database.raters[rater_id] = audformat.Rater("machine" if rater == "affectlens" else "human", description=rater)
        allowed = annotations.vocabularies.get(tier, ())
        closed = bool(allowed) and all(one.value in allowed for one in segments)
        table["value"] = audformat.Column(scheme_id=f"words of {tier}" if closed else "text", rater_id=rater_id)
        table["value"].set([one.value for one in segments])
        table[PERSON] = audformat.Column(scheme_id=PERSON)
        table[PERSON].set([one.person or EMPTY for one in segments])
        table[CONFIDENCE] = audformat.Column(scheme_id=CONFIDENCE)
        table[CONFIDENCE].set([one.confidence for one in segments])
    for tier in annotations.vocabularies:
        if not any(one.tier == tier for one in annotations.segments):
            table = audformat.Table(_index([]), description=_described(tier))
            database[f"empty{len(database.tables):04d}"] = table
            table["value"] = audformat.Column(scheme_id=f"words of {tier}")
    database.save(str(path), storage_format="csv", header_only=False)


def _described(tier: str, person: str = "", rater: str = "") -> str:
    name = tier_name(tier, person, rater)
    return name if "@" in name else f"{name}@"


def _index(segments: list[Segment]) -> pd.MultiIndex:
    import audformat

    times = ([pd.Timedelta(round(value * 1e6), "us") for value in values] for values in (
        [one.start for one in segments], [one.end for one in segments]
    ))  # fmt: skip
    return audformat.segmented_index([one.file for one in segments], *times)


def _tables(annotations: Annotations) -> list[tuple[tuple[str, str, str], list[Segment]]]:
    """Segments by track; of two with the same file and times the second stands in another table, since an index is unique."""
    out = []
    for track, segments in annotations.tracks().items():
        waiting = segments
        while waiting:
            seen: dict[tuple[str, float, float], Segment] = {}
            again = []
            for one in waiting:
                place = (one.file, one.start, one.end)
                if place in seen:
                    again.append(one)
                seen.setdefault(place, one)
            out.append((track, list(seen.values())))
            waiting = again
    return out
