"""Databases in audformat: a header ``db.yaml`` with schemes, splits and tables, and one file a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.barrier import reading
from affectlens.core.disk.finding import is_hidden
from affectlens.core.disk.places import written
from affectlens.core.environment.extras import helpful
from affectlens.core.errors import CorpusError
from affectlens.core.untrusted.documents import read_text
from affectlens.core.untrusted.sheets import in_posix, read_sheet, words
from affectlens.corpora.account import count_found, drop, remark
from affectlens.corpora.base import SPLITS
from affectlens.corpora.speech.base import Rows, register_speech
from affectlens.corpora.speech.segments import key_of_segment, seconds

EMOTION = "emotion"
_LANGUAGES = {
    "deu": "de", "ger": "de", "eng": "en", "fra": "fr", "ita": "it", "spa": "es", "pol": "pl", "urd": "ur", "fas": "fa",
    "ell": "el", "zho": "zh", "cmn": "zh", "jpn": "ja", "dan": "da", "nld": "nl", "por": "pt", "rus": "ru", "tur": "tr",
}  # fmt: skip
ABOUT = ("speaker", "gender", "age", "language", "transcription", "text")  # what is taken of a clip and of its speaker


@dataclass(frozen=True)
class Table:
    """A table of the database: its name, its cells, the scheme of each column, and the split that it is of, if any."""

    name: str
    frame: pd.DataFrame
    schemes: dict[str, str] = field(default_factory=dict)
    split: str = ""

    @property
    def of_files(self) -> bool:
        """Whether its rows are files or parts of them; the others are of speakers or sentences."""
        return "file" in self.frame

    def column(self, scheme: str) -> str:
        """The column of a scheme: by its name, or by what the header says; empty without one."""
        if scheme in self.frame:
            return scheme
        return next((column for column, own in self.schemes.items() if own == scheme and column in self.frame), "")


@register_speech(
    "audformat", "An audformat database", "", "the database's own", "https://audeering.github.io/audformat",
    "db.yaml with tables db.NAME.csv (or .parquet), of which at least one has columns file and emotion; speaker, gender and "
    "age there, in other tables of files, in a table of speakers or in the header's schemes",
)  # fmt: skip
def audformat(root: Path) -> Rows:
    """All tables with labels together, each clip or segment once; parts train, dev and test as the header gives them."""
    if not root.is_dir():
        raise CorpusError(f"{root}: a file; the folder of an audformat database was expected")
    header = _header(root)
    tables = _tables(root, header)
    labelled = [table for table in tables if table.of_files and table.column(EMOTION)]
    if not labelled:
        names = ", ".join(table.name for table in tables) or "none"
        raise CorpusError(f"{root}: tables here: {names}; expected db.*.csv or db.*.parquet with columns file and emotion")
    rows = _labelled(labelled)
    facts = _facts(tables, header)
    languages = header.get("languages") or []
    spoken = _code(str(languages[0])) if len(languages) == 1 else ""
    for row in rows:
        known = facts.get(row["file"], {})
        row |= {column: value for column, value in known.items() if not row.get(column)}
        row["text"] = row.get("text") or row.pop("transcription", "")
        row["language"] = _code(row.get("language", "")) or spoken
        row["path"] = written(root / row["file"])
    return rows


def _header(root: Path) -> dict[str, Any]:
    file = root / "db.yaml"
    if not file.exists():
        remark("no db.yaml: schemes, splits and languages are not known")
        return {}
    with helpful():
        import yaml
    with reading(file, "the header of an audformat database", CorpusError):
        content = yaml.safe_load(read_text(file, CorpusError))
    if not isinstance(content, dict):
        raise CorpusError(f"{file}: a header with schemes and tables was expected")
    return content


def _tables(root: Path, header: dict[str, Any]) -> list[Table]:
    described = {**(header.get("tables") or {}), **(header.get("misc_tables") or {})}
    files: dict[str, Path] = {}
    for path in sorted([*root.glob("db.*.csv"), *root.glob("db.*.parquet")]):
        if not is_hidden(path, root):
            files.setdefault(path.name.removeprefix("db.").removesuffix(path.suffix), path)
    missing = [name for name in described if name not in files]
    if missing:
        pickled = [name for name in missing if (root / f"db.{name}.pkl").exists()]
        why = "; pickles can run code and are not read, save the database as csv" if pickled else ""
        remark(f"tables of the header without a csv or parquet file: {', '.join(missing)}{why}")
    out = []
    for name, path in files.items():
        about = described.get(name) or {}
        with reading(path, "a table of an audformat database", CorpusError):
            frame = read_sheet(path).frame
            if not isinstance(frame.index, pd.RangeIndex):
                frame = frame.reset_index()
        schemes = {column: str((entry or {}).get("scheme_id", "")) for column, entry in (about.get("columns") or {}).items()}
        out.append(Table(name, frame, schemes, _part(name, about, header)))
    return out


def _part(name: str, about: dict[str, Any], header: dict[str, Any]) -> str:
    """The split of a table: by the header, or by a part of its name such as ``emotion.train.gold_standard``."""
    given = str(about.get("split_id") or "")
    kind = str(((header.get("splits") or {}).get(given) or {}).get("type", ""))
    return next((SPLITS[word] for word in (given, kind, *name.split(".")) if word in SPLITS), "")


def _labelled(tables: list[Table]) -> Rows:
    """Every clip or segment that some table labels; one that tables label differently is left out."""
    votes: dict[str, Counter[str]] = {}
    rows: dict[str, dict[str, Any]] = {}
    empty: set[str] = set()
    for table in tables:
        frame, label = table.frame, words(table.frame[table.column(EMOTION)]).str.strip()
        files = words(frame["file"]).map(in_posix)
        start, end = (seconds(frame[column]) if column in frame else None for column in ("start", "end"))
        for number, (file, named) in enumerate(zip(files, label, strict=True)):
            times = _times(start, end, number)
            key = file if times is None else key_of_segment(file, *times)
            if not named:
                empty.add(key)
                continue
            votes.setdefault(key, Counter())[named] += len(tables) if "gold" in table.name else 1
            row = rows.setdefault(key, {"key": key, "file": file, "label": named, "split": ""})
            row["split"] = row["split"] or table.split
            if times is not None:
                row["start"], row["end"] = times
            row |= {column: _plain(frame[column].iloc[number]) for column in ABOUT if column in frame and not row.get(column)}
    count_found(len(votes) + len(empty - set(votes)), "clips or segments")
    for key in sorted(empty - set(votes)):
        drop(key, "no table gives it an emotion")
    return _agreed(rows, votes)


def _times(start: Any, end: Any, number: int) -> tuple[float, float] | None:
    """Start and end of a row in seconds; None where it is a whole file."""
    if start is None:
        return None
    last = float("nan") if end is None else float(end[number])
    return None if last != last and not start[number] > 0 else (float(start[number]), last)


def _agreed(rows: dict[str, dict[str, Any]], votes: dict[str, Counter[str]]) -> Rows:
    """Rows with the emotion that a gold standard gives, or most tables."""
    parts = {row["file"] for row in rows.values() if "start" in row}
    out, differ = [], 0
    for key, row in rows.items():
        (label, most), *others = votes[key].most_common(2)
        differ += bool(others)
        if others and others[0][1] == most:
            drop(key, "tables give it several emotions, equally often")
        elif key == row["file"] and key in parts:
            drop(key, "a whole file, of which parts are items")
        else:
            out.append({**row, "label": label})
    if differ:
        remark(
            f"tables differ in the emotion of {differ} clips or segments: the gold standard counts, else what most tables give"
        )
    return out


def _plain(cell: Any) -> str:
    return "" if cell is None or cell != cell else str(cell).strip()


def _facts(tables: list[Table], header: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What is known of each file: from tables of files, and through its speaker from tables and schemes of speakers."""
    facts: dict[str, dict[str, str]] = {}
    for table in tables:
        if not table.of_files or "start" in table.frame:
            continue
        columns = {column: table.column(column) for column in ABOUT}
        taken = {name: words(table.frame[column]).str.strip() for name, column in columns.items() if column}
        for number, file in enumerate(words(table.frame["file"]).map(in_posix)):
            known = facts.setdefault(file, {})
            for name, values in taken.items():
                known[name] = known.get(name) or values.iloc[number]
    people = _people(tables, header)
    for known in facts.values():
        for name, value in people.get(known.get("speaker", ""), {}).items():
            known[name] = known.get(name) or value
    return facts


def _people(tables: list[Table], header: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Facts by speaker: of a table without files (a misc table), or of the scheme's labels in the header."""
    out: dict[str, dict[str, str]] = {}
    labels = ((header.get("schemes") or {}).get("speaker") or {}).get("labels")
    if isinstance(labels, dict):
        for who, about in labels.items():
            if isinstance(about, dict):
                out[str(who)] = {str(column): str(value) for column, value in about.items() if column in ABOUT}
    wanted = labels if isinstance(labels, str) else "speaker"
    for table in tables:
        if table.of_files or table.name != wanted:
            continue
        level = "speaker" if "speaker" in table.frame else table.frame.columns[0]
        for record in table.frame.to_dict("records"):
            out[_plain(record[level])] = {
                str(column): _plain(value) for column, value in record.items() if column in ABOUT and column != level
            }
    return out


def _code(language: str) -> str:
    """Two letters of a language where audformat has three."""
    return _LANGUAGES.get(language, language)
