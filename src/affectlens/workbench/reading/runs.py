"""A run folder, read: what `explain` and the audits write, with a notice for everything that is not as it should be."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import AffectlensError, OutputError
from affectlens.core.kinds import EVIDENCE
from affectlens.core.listing import some
from affectlens.core.schema import STATUS, Evidence
from affectlens.core.tables import RUN_FORMAT, SCHEMA_VERSION, check_version, evidence_frame, read_frame
from affectlens.core.untrusted.documents import json_of
from affectlens.core.untrusted.frames import read_parquet
from affectlens.pipeline.jobs import MANIFEST
from affectlens.pipeline.seen import FRAMES, MAPS, TRANSCRIPT
from affectlens.workbench.reading.notices import ERROR, INFO, WARNING, Notice

KEPT = 6  # runs in memory
NEEDED = ("start", "end", "person", "modality", "scheme", "label", "confidence", "status", "reason", "text")
PARTS = ("table.parquet", "table.csv", "evidence.parquet", "report.html", MANIFEST, "result.json", FRAMES, MAPS)
LONGEST_STORY = 20_000  # rows of evidence that an older run's narrative is made from


class UnreadableError(AffectlensError):
    """A run folder cannot be shown; ``notice`` says why."""

    def __init__(self, notice: Notice) -> None:
        super().__init__(notice.message)
        self.notice = notice


def looks_like_run(names: set[str]) -> bool:
    """Whether a folder with these files is one that `explain` or an audit wrote, or began to write."""
    return MANIFEST in names or ("table.parquet" in names and "evidence.parquet" in names) or "result.json" in names


def manifest_of(folder: Path) -> dict[str, Any]:
    """What ``provenance.json`` says.

    Parameters
    ----------
    folder : Path
        A run.

    Returns
    -------
    dict
        JSON types.

    Raises
    ------
    UnreadableError
        It is not there, torn, or of another version.
    """  # noqa: DOC501
    _only_files(folder)
    file = folder / MANIFEST
    if not file.exists():
        there = [name for name in PARTS if (folder / name).exists()]
        raise UnreadableError(
            Notice(
                ERROR,
                "half-written",
                f"{folder.name} is half-written ({', '.join(there) or 'nothing'} is there, {MANIFEST} is not, "
                "which is written last): its run was broken off or is at work; run the recording again with --resume",
            )
        )
    try:
        facts = json_of(file)
        if not isinstance(facts, dict):
            raise ValueError("a table of settings was expected")
    except (OSError, ValueError, AffectlensError) as error:
        raise UnreadableError(
            Notice(ERROR, "unreadable", f"{folder.name}: {MANIFEST} cannot be read ({error}); run the recording again")
        ) from error
    version = facts.get("run_format", RUN_FORMAT)
    if not isinstance(version, int) or version > RUN_FORMAT:
        raise UnreadableError(
            Notice(
                ERROR,
                "newer-version",
                f"{folder.name} has run format {version}, this affectlens reads {RUN_FORMAT}; update affectlens",
            )
        )
    return dict(facts)


def _only_files(folder: Path) -> None:
    """Refuse a run that holds links or pipes: what they lead to is none of its files, and may lie in no given folder."""
    try:
        with os.scandir(folder) as entries:
            odd = sorted(e.name for e in entries if e.is_symlink() or not (e.is_file() or e.is_dir()))
    except OSError:
        return  # that it cannot be read is told by whoever reads it
    if odd:
        raise UnreadableError(
            Notice(
                ERROR,
                "unreadable",
                f"{folder.name} holds {some(odd, 5)}, which {'is' if len(odd) == 1 else 'are'} no file but a link or a pipe; "
                "copy what it stands for in its place",
            )
        )


@dataclass
class Run:
    """The run of one recording; its tables are read when they are asked for.

    Attributes
    ----------
    folder : Path
        Where it lies.
    facts : dict
        What ``provenance.json`` says.
    notices : list of Notice
        What is not as it should be.
    """

    folder: Path
    facts: dict[str, Any]
    notices: list[Notice] = field(default_factory=list)
    kept_derived: tuple[Any, pd.DataFrame] | None = field(default=None, repr=False)
    kept_lanes: tuple[Any, bytes] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The recording's name."""
        return Path(str(self.facts.get("file", self.folder.name))).name or self.folder.name

    @property
    def sha256(self) -> str:
        """Of the recording; empty in runs that do not say."""
        return str(self.facts.get("sha256", "") or _part(self.facts, "job").get("sha256", ""))

    @property
    def duration(self) -> float:
        """Seconds; of a recording that does not say, until the last row."""
        given = self.facts.get("duration")
        known = float(given) if isinstance(given, int | float) else 0.0
        last = float(self.table.end.max()) if len(self.table) else 0.0
        return max(known, last) if np.isfinite(last) else known

    @property
    def options(self) -> dict[str, Any]:
        """With what it was made."""
        return _part(_part(self.facts, "job"), "options")

    @property
    def rate(self) -> float:
        """Sampled frames a second."""
        given = self.options.get("rate", 5.0)
        return float(given) if isinstance(given, int | float) and given > 0 else 5.0

    @cached_property
    def table(self) -> pd.DataFrame:
        """Rows in order of time; those that cannot be of a run are left out, with a notice."""
        table = self._read("table.parquet")
        lacking = [name for name in NEEDED if name not in table]
        if lacking:
            raise UnreadableError(
                Notice(
                    ERROR,
                    "edited-table",
                    f"{self.folder.name}: table.parquet lacks the columns {', '.join(lacking)}; it was changed "
                    "by hand or by another program: run the recording again",
                )
            )
        good = _sound(table)
        if len(good) < len(table):
            self._tell(
                Notice(
                    WARNING,
                    "edited-table",
                    f"{len(table) - len(good)} of {len(table)} rows of table.parquet are none that affectlens "
                    "writes (times, people or a status that cannot be) and are left out; it was changed by hand",
                )
            )
        return _with_plain_texts(good.sort_values(["start", "person", "modality"], kind="stable").reset_index(drop=True))

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """Rows of evidence; of kinds that nothing here knows, none. Without it the rest of the run is shown all the same."""
        try:
            table = self._read("evidence.parquet")
        except UnreadableError as error:
            self._tell(Notice(WARNING, error.notice.code, f"{error.notice.message}; what follows is shown without reasons"))
            return evidence_frame([])
        if "kind" not in table or "id" not in table:
            return table.iloc[0:0]
        known = table.kind.isin(EVIDENCE.names())
        if not known.all():
            others = ", ".join(sorted(set(table.kind[~known].astype(str))))
            self._tell(
                Notice(
                    INFO,
                    "kept-out",
                    f"{int((~known).sum())} rows of evidence are of kinds that no installed module knows ({others})",
                )
            )
        return _with_plain_texts(table[known].reset_index(drop=True))

    @cached_property
    def frames(self) -> pd.DataFrame:
        """Who was where in each sampled frame; empty in older runs and without a picture."""
        return self._optional(FRAMES)

    @cached_property
    def maps(self) -> pd.DataFrame:
        """Maps as cells and corners; empty in older runs."""
        return self._optional(MAPS)

    @cached_property
    def transcript(self) -> dict[str, Any]:
        """What was heard as words; empty without."""
        file = self.folder / TRANSCRIPT
        if not file.exists():
            return {}
        try:
            state = json_of(file)
        except (OSError, ValueError, AffectlensError) as error:
            self._tell(Notice(WARNING, "unreadable", f"{TRANSCRIPT} cannot be read ({error}); words have no times"))
            return {}
        return dict(state) if isinstance(state, dict) else {}

    @cached_property
    def story(self) -> list[dict[str, Any]]:
        """Sentences as `explain` told them: person and clauses, each with its text and evidence."""
        file = self.folder / "narrative.json"
        try:
            told = json_of(file)
            return [
                {"person": int(line["person"]), "clauses": [dict(part) for part in line["clauses"]]}
                for line in told["sentences"]
            ]
        except FileNotFoundError:
            return self._told()
        except (OSError, ValueError, KeyError, TypeError, AffectlensError):
            self._tell(Notice(INFO, "unreadable", "narrative.json cannot be read; the sentences were made anew"))
            return self._told()

    def rows_of(self, table: pd.DataFrame) -> list[Evidence]:
        """Evidence of rows, in their order; what cannot be such is left out."""
        out = []
        for record in table.to_dict("records"):
            try:
                out.append(Evidence.from_record(record))
            except (AffectlensError, KeyError, TypeError, ValueError):
                continue
        return out

    @cached_property
    def tested(self) -> dict[tuple[int, str, float], bool]:
        """By person, modality and start: whether its explanation, where it was tested, was shown to be faithful."""
        rows = self.evidence[self.evidence.kind == "faithfulness"]
        out: dict[tuple[int, str, float], bool] = {}
        for person, modality, start, subject, value, p_value in zip(
            rows.person, rows.modality, rows.start, rows.subject, rows.value, rows.p_value, strict=True
        ):
            key = (int(person), str(modality), round(float(start), 4))
            out[key] = out.get(key, True) and is_shown(str(subject), float(value), float(p_value))
        return out

    def faithful(self, person: int, modality: str, start: float) -> bool | None:
        """True, False, or None where the explanation was not tested."""
        return self.tested.get((int(person), str(modality), round(float(start), 4)))

    def check(self) -> None:
        """Read everything that matters at once, so that all notices are there."""
        _ = self.table, self.evidence, self.frames
        self._check_digests()

    def _check_digests(self) -> None:
        """Whether tables are as they were written."""
        noted = self.facts.get("files")
        for name, digest in noted.items() if isinstance(noted, dict) else ():
            file = self.folder / Path(str(name)).name
            if file.exists() and sha256_of(file) != digest:
                what = (
                    "the numbers shown are those that stand in it now"
                    if name.endswith(".parquet")
                    else ("the numbers shown are those of table.parquet, which is as it was written")
                )
                self._tell(Notice(WARNING, "edited-table", f"{name} was changed after the run was made; {what}"))

    def _tell(self, notice: Notice) -> None:
        if notice not in self.notices:
            self.notices.append(notice)

    def _told(self) -> list[dict[str, Any]]:
        from affectlens.report.narrative import narrative

        lines = narrative(self.rows_of(self.evidence.head(LONGEST_STORY)))
        return [
            {"person": line.person, "clauses": [{"text": part.text, "evidence": part.evidence} for part in line.clauses]}
            for line in lines
        ]

    def _read(self, name: str) -> pd.DataFrame:
        file = self.folder / name
        if not file.exists():
            raise UnreadableError(
                Notice(
                    ERROR,
                    "half-written",
                    f"{self.folder.name} has no {name}; it was taken away or the run was broken off: run the recording again",
                )
            )
        try:
            return read_frame(file)
        except OutputError as error:
            raise UnreadableError(Notice(ERROR, "unreadable", f"{self.folder.name}: {_without(error, self.folder)}")) from error

    def _optional(self, name: str) -> pd.DataFrame:
        file = self.folder / name
        if not file.exists():
            return pd.DataFrame()
        try:
            return read_parquet(file)
        except Exception as error:  # whatever a library says of bytes that are not what it wrote
            self._tell(Notice(WARNING, "unreadable", f"{name} cannot be read ({error}); boxes and maps are not shown"))
            return pd.DataFrame()


def is_shown(subject: str, value: float, p_value: float, alpha: float = 0.05) -> bool:
    """Whether a test by deletion or insertion shows that an explanation beats random orders.

    Returns
    -------
    bool
        The area has to be smaller for deletion and larger for insertion, with p of at most ``alpha``.

    Examples
    --------
    >>> is_shown("deletion", -0.1, 0.02), is_shown("insertion", -0.1, 0.02), is_shown("insertion", 0.1, 0.2)
    (True, False, False)
    """
    return bool((value < 0) == (subject == "deletion") and p_value <= alpha)


def open_run(folder: Path) -> Run:
    """The run of a recording in a folder.

    Parameters
    ----------
    folder : Path
        As `explain` wrote it.

    Returns
    -------
    Run
        Its tables are read when they are asked for, and may raise `UnreadableError` then.

    Raises
    ------
    UnreadableError
        Nothing of it can be shown.
    """
    facts = manifest_of(folder)
    if "file" not in facts:
        raise UnreadableError(Notice(ERROR, "unreadable", f"{folder.name} is no run of a recording"))
    try:
        check_version(facts.get("schema_version"), Path(folder.name))
    except OutputError as error:
        older = str(facts.get("schema_version")).isdigit() and int(facts["schema_version"]) > SCHEMA_VERSION
        code = "newer-version" if older else "older-version"
        raise UnreadableError(Notice(ERROR, code, str(error))) from error
    run = Run(folder, facts)
    if "run_format" not in facts:
        run.notices.append(
            Notice(
                INFO,
                "older-version",
                "this run was made by an older affectlens, which wrote no boxes, maps and sentences; what there "
                "is is shown (explain the recording again for the rest)",
            )
        )
    return run


class Opened:
    """Runs that were read lately, as they stand on the disk."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._lock = most, threading.Lock()
        self._runs: OrderedDict[tuple[str, int, int], Run] = OrderedDict()

    def __call__(self, folder: Path) -> Run:
        """The run in a folder, read anew where its files changed."""
        key = (str(folder), *_state(folder))
        with self._lock:
            if key in self._runs:
                self._runs.move_to_end(key)
                return self._runs[key]
        run = open_run(folder)
        run.check()
        with self._lock:
            self._runs[key] = run
            while len(self._runs) > self._most:
                self._runs.popitem(last=False)
        return run


def _state(folder: Path) -> tuple[int, int]:
    """What tells one state of a run from another: the newest change and all sizes of its tables."""
    newest = total = 0
    for name in (MANIFEST, "table.parquet", "table.csv", "evidence.parquet", FRAMES, MAPS, TRANSCRIPT, "narrative.json"):
        try:
            about = (folder / name).stat()
        except OSError:
            continue
        newest, total = max(newest, about.st_mtime_ns), total + about.st_size
    return newest, total


def _sound(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that can be of a run."""
    numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in ("start", "end", "person", "confidence")}
    good = (numbers["start"] >= 0) & (numbers["end"] >= numbers["start"]) & (numbers["person"] >= -1)
    good &= numbers["person"].mod(1).eq(0) & table.status.isin(STATUS) & ~np.isinf(numbers["end"])
    if good.all():
        return table
    kept = table[good].copy()
    for name, values in numbers.items():
        kept[name] = values[good]
    kept["person"] = kept.person.astype(int)
    return kept


def _with_plain_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of texts as Python's own, which are gone through many times as fast as Arrow's."""
    return table.assign(**{
        name: table[name].to_numpy(object) for name in table.columns if pd.api.types.is_string_dtype(table[name])
    }).astype({name: object for name in table.columns if pd.api.types.is_string_dtype(table[name])})  # fmt: skip


def _part(facts: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = facts.get(name)
    return dict(value) if isinstance(value, dict) else {}


def _without(error: Exception, folder: Path) -> str:
    """A message without where the folder lies."""
    return str(error).replace(f"{folder}/", "")
