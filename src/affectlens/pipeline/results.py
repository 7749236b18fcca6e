"""What a call gives back: one result a recording, and the run that holds them all."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self, overload

import pandas as pd

from affectlens.core.disk.files import write_json
from affectlens.core.disk.places import written
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.failures import Failure
from affectlens.core.listing import rest
from affectlens.core.results import SavedResult
from affectlens.core.schema import SCENE
from affectlens.core.tables import SCHEMA_VERSION, check_version, evidence_frame, read_frame, rows_frame, write_frame
from affectlens.core.untrusted.documents import json_of
from affectlens.evaluation.result import Evaluation
from affectlens.pipeline.jobs import MANIFEST

UTTERANCES, LETTERS = 3, 140  # of what was said, in a summary


@dataclass(frozen=True)
class Result:
    """One recording.

    Attributes
    ----------
    file : str
        The recording.
    table : DataFrame
        One row a segment and modality, see ``affectlens.Row``.
    evidence : DataFrame
        One row a finding, see ``affectlens.Evidence``; empty where nothing was explained.
    report : Path or None
        The page, where one was written.
    problems : tuple of str
        What could not be decoded on the way.
    seconds : dict
        Time spent, by stage.
    """

    file: str
    table: pd.DataFrame
    evidence: pd.DataFrame
    report: Path | None
    problems: tuple[str, ...]
    seconds: dict[str, float]

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table

    def plot(self, person: int | None = None) -> Any:
        """A chart (altair) of the fused probabilities over time: of one person, or one below the other of everybody read.

        Returns
        -------
        altair.Chart
            Time in seconds across.

        Raises
        ------
        UsageError
            There is nothing to draw.
        """
        import altair as alt

        from affectlens.figures.charts import timeline

        fused = self.table[(self.table.modality == "fused") & (self.table.status == "ok")]
        people = sorted(set(fused.person))
        if person is not None and person not in people:
            raise UsageError(f"no readable segment of person {person}; there are {', '.join(map(str, people)) or 'none'}")
        if not people:
            raise UsageError(f"{self.file}: no segment could be read, so there is nothing to draw")
        charts = [timeline(fused[fused.person == shown]) for shown in (people if person is None else [person])]
        return charts[0] if len(charts) == 1 else alt.vconcat(*(_plain(chart) for chart in charts))

    def summary(self) -> list[str]:
        """A few lines for the terminal: who expressed what, what was missing, what was said, how long it took."""
        fused = self.table[self.table.modality == "fused"]
        lines = [self.file]
        for person, rows in fused.groupby("person"):
            lines += _person_line(int(person), rows)
        missing = self.table[(self.table.status == "missing") & (self.table.modality != "fused") & (self.table.person == SCENE)]
        if len(missing):
            reasons = missing.groupby("modality", sort=False).reason.first()
            lines.append("  not there: " + "; ".join(f"{modality}: {why}" for modality, why in reasons.items()))
        spoken = self.table.text[(self.table.modality == "words") & (self.table.text != "")]
        lines += [f"  words: “{_cut(text)}”" for text in spoken.head(UTTERANCES)]
        if left_out := rest(UTTERANCES, len(spoken), "utterances", "the table"):
            lines.append(f"  {left_out}")
        lines += [f"  note: {problem}" for problem in self.problems]
        return [*lines, f"  {len(self.evidence)} evidence rows, {self.seconds.get('total', float('nan')):.1f} s"]

    def pictures(self) -> list[Path]:
        """Write every chart of the report as png too, beside its svg; gives their paths, none where there is no report."""
        from affectlens.figures.charts import save_png

        if self.report is None:
            return []
        return [save_png(file) for file in sorted((self.report.parent / "figures").glob("*.svg"))]

    def save(self, folder: str | Path) -> Path:
        """Write the result to a folder that ``load`` reads; a report goes along. Gives the folder."""
        folder = Path(folder)
        if self.report is not None:
            if folder.resolve() != self.report.parent.resolve():
                shutil.copytree(self.report.parent, folder, dirs_exist_ok=True)
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        write_frame(self.table, folder / "table.parquet")
        write_frame(self.table, folder / "table.csv")
        write_frame(self.evidence, folder / "evidence.parquet")
        facts = {"schema_version": SCHEMA_VERSION, "file": self.file, "problems": list(self.problems), "seconds": self.seconds}
        write_json(folder / MANIFEST, facts)
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The inverse of ``save``; reads the report folders of ``affectlens.explain`` too.

        Returns
        -------
        Result
            As it was saved.

        Raises
        ------
        UsageError
            No finished result in the folder.
        OutputError
            It was written in a form that this version does not read; the message says what to do.
        AffectlensError
            A file in it is larger than what is read of one.
        """
        folder = Path(folder)
        try:
            facts = json_of(folder / MANIFEST)
            if "file" not in facts:
                raise UsageError(f"{folder} holds an audit of {facts.get('kind')!r}; the report of a recording was expected")
            check_version(facts.get("schema_version"), folder)
            table, evidence = read_frame(folder / "table.parquet"), read_frame(folder / "evidence.parquet")
            page = folder / "report.html"
            report = page if page.exists() else None
            seconds = {str(stage): float(spent) for stage, spent in dict(facts["seconds"]).items()}
            return cls(str(facts["file"]), table, evidence, report, tuple(map(str, facts["problems"])), seconds)
        except AffectlensError:
            raise
        except Exception as error:  # whatever a library says of bytes that are not what it wrote
            raise UsageError(f"{folder}: no finished report in it ({error}); make one with --out or `explain`") from error


def with_file(table: pd.DataFrame, file: str) -> pd.DataFrame:
    """Rows under the name that their recording has now: it may have been moved since they were written."""
    name = written(file)
    if "file" not in table or not len(table) or (table.file == name).all():
        return table
    return table.assign(file=name)


def load_report(folder: Path, file: str) -> Result:
    """The report of a recording as `Result.load` reads it, under the name that the recording has now."""
    result = Result.load(folder)
    return replace(result, file=file, table=with_file(result.table, file), evidence=with_file(result.evidence, file))


class Results(Sequence[Result]):
    """Results that lie on disk, each read when it is asked for, so that there may be more than the memory holds.

    Parameters
    ----------
    load : callable
        From a result's name and its recording to the result.
    """

    def __init__(self, load: Callable[[str, str], Result]) -> None:
        self._load = load
        self._names: list[tuple[str, str]] = []

    def add(self, name: str, file: str) -> None:
        """Add a result by its name and its recording."""
        self._names.append((name, file))

    def owns(self, folder: Path) -> None:
        """Remove a folder, in which they lie, when nobody has them any more."""
        weakref.finalize(self, shutil.rmtree, folder, True)

    @property
    def names(self) -> list[str]:
        """Names of the results."""
        return [name for name, _ in self._names]

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, place: int) -> Result: ...
    @overload
    def __getitem__(self, place: slice) -> list[Result]: ...
    def __getitem__(self, place: int | slice) -> Result | list[Result]:
        if isinstance(place, slice):
            return [self._load(*entry) for entry in self._names[place]]
        return self._load(*self._names[place])


@dataclass
class Run(SavedResult):
    """Every recording of a call.

    Attributes
    ----------
    results : sequence of Result
        What is done, in the order of the inputs; each is read from disk when it is asked for.
    failed : list of Failure
        Inputs that came to nothing, with what failed and why.
    resumed : list of str
        Those of the results that an earlier run had made.
    notes : list of str
        What was left out of folders and tables of paths.
    out : Path or None
        Where it was written to.
    rows : int
        Rows of all recordings.
    agreement : Evaluation or None
        With human annotations, where they were given.
    """

    kind: ClassVar[str] = "run"

    results: Sequence[Result] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    out: Path | None = None
    rows: int = 0
    agreement: Evaluation | None = None

    @property
    def failures(self) -> dict[str, str]:
        """Why each input failed that did; the others are done."""
        return {failure.key: failure.reason for failure in self.failed}

    def tables(self) -> Iterator[pd.DataFrame]:
        """The rows of one recording after the other; only one's are in memory."""
        return (result.table for result in self.results)

    @property
    def table(self) -> pd.DataFrame:
        """Rows of all recordings, read from disk; `tables` gives them one recording at a time."""
        tables = list(self.tables())
        return pd.concat(tables, ignore_index=True) if tables else rows_frame([])

    @property
    def evidence(self) -> pd.DataFrame:
        """Evidence of all recordings, read from disk."""
        parts = [result.evidence for result in self.results]
        return pd.concat(parts, ignore_index=True) if parts else evidence_frame([])

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table

    def charts(self) -> dict[str, Callable[[], Any]]:
        """Fused probabilities over time of every recording, by its name."""
        return {result.file: result.plot for result in self.results}

    @property
    def reports(self) -> list[Path]:
        """The pages that were written, in the order of the inputs; nothing is read."""
        if self.out is None or not isinstance(self.results, Results):
            return []
        return [self.out / name / "report.html" for name in dict.fromkeys(self.results.names)]

    @property
    def exit_code(self) -> int:
        """0 when all is done, 1 when some inputs failed."""
        return 1 if self.failed else 0


def _cut(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"


def _person_line(person: int, rows: pd.DataFrame) -> list[str]:
    name = "out of view" if person == SCENE else f"person {person}"
    good = rows[rows.status == "ok"]
    if not len(good):
        return [] if person == SCENE else [f"  {name}: not read ({rows.reason.iloc[0]})"]
    shares = good.label.value_counts(normalize=True)
    listed = ", ".join(f"{label} {share:.0%}" for label, share in shares.head(3).items())
    if len(shares) > 3:
        listed += f", others {shares.iloc[3:].sum():.0%}"
    conflict = f"; modalities disagree in {int(good.conflict.sum())}" if good.conflict.any() else ""
    return [f"  {name}: {len(good)} segments expressed {listed}{conflict}"]


def _plain(chart: Any) -> Any:
    """Without its configuration, which only the outermost of nested charts may have."""
    import altair as alt

    made = chart.copy(deep=True)
    made.config = alt.Undefined
    return made
