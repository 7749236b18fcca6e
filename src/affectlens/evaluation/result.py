"""The result of an evaluation: scores with intervals, confusion, groups, and what was missed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Self

import pandas as pd

from affectlens.core.barrier import reading
from affectlens.core.disk.files import write_json, write_whole
from affectlens.core.errors import UsageError
from affectlens.core.failures import missed_frame
from affectlens.core.tables import unquoted, write_csv
from affectlens.core.untrusted.documents import json_of
from affectlens.core.untrusted.frames import read_csv
from affectlens.stats.resample import Estimate

SCHEMA_VERSION = 2
SCORES = "scores.json"
# Identifiers of the scores and what pages and tables call them.
HEADINGS = {
    "accuracy": "accuracy",
    "mean_recall": "UAR",
    "macro_f1": "macro F1",
    "calibration_error": "ECE",
    "coverage": "coverage",
    "set_size": "set size",
    "multilabel_macro_f1": "multi-label macro F1",
}


@dataclass(frozen=True)
class Evaluation:
    """What ``evaluate`` gives.

    Attributes
    ----------
    scores : dict of str to Estimate
        By identifier: accuracy, mean_recall (UAR), macro_f1, calibration_error (ECE), and where the model was calibrated,
        coverage and set_size of its conformal sets; of texts with several labels multilabel_macro_f1.
    confusion : pandas.DataFrame
        Counts: a row a label, a column a prediction, misses last.
    groups : pandas.DataFrame
        Columns group, n, accuracy, mean_recall.
    missed : dict of str to str
        Items that could not be read, and why; they count as errors.
    n : int
        Items.
    about : dict
        ``model``, ``sha256`` of its weights, ``scores`` and who says what they are (``scores_from``), ``corpus``,
        ``split``, ``draws``, ``seed``.
    notes : tuple of str
        What has to be known to read the scores.
    """

    scores: dict[str, Estimate]
    confusion: pd.DataFrame
    groups: pd.DataFrame
    missed: dict[str, str]
    n: int
    about: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row a score: columns score, heading, value, low, high (95 % interval), n, groups."""
        return pd.DataFrame([{"score": name, **row} for name, row in self._rows().items()])

    def plot(self) -> Any:
        """A chart (altair) of the scores between 0 and 1 with their intervals."""
        import altair

        frame = self.to_frame()
        base = altair.Chart(frame[frame.score != "set_size"]).encode(y=altair.Y("heading:N", title=None, sort=None))
        scale = altair.Scale(domain=[0, 1])
        bars = base.mark_rule(size=2).encode(x=altair.X("low:Q", title="score, 95 % interval", scale=scale), x2="high:Q")
        return bars + base.mark_point(filled=True, size=60).encode(x=altair.X("value:Q", scale=scale))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without groups and reasons."""
        table = {
            str(label): {str(column): int(count) for column, count in row.items()}
            for label, row in self.confusion.to_dict("index").items()
        }
        return {
            "schema_version": SCHEMA_VERSION,
            "n": self.n,
            "missed": len(self.missed),
            "scores": self._rows(),
            "confusion": table,
            "about": self.about,
            "notes": list(self.notes),
        }

    def _rows(self) -> dict[str, dict[str, Any]]:
        return {name: {"heading": HEADINGS[name], **asdict(estimate)} for name, estimate in self.scores.items()}

    def save(self, folder: str | Path) -> Path:
        """Write confusion.csv, groups.csv, missed.csv and last scores.json; gives the folder.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OutputError
            A file cannot be written.
        """
        folder = Path(folder)
        missed = missed_frame(self.missed)
        write_whole(folder / "confusion.csv", partial(write_csv, self.confusion, index=True))
        write_whole(folder / "groups.csv", partial(write_csv, self.groups))
        write_whole(folder / "missed.csv", partial(write_csv, missed))
        write_json(folder / SCORES, self.to_dict())
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The inverse of ``save``.

        Returns
        -------
        Evaluation
            As it was saved.

        Raises
        ------
        UsageError
            No evaluation in the folder, or one of another version of the layout.
        """
        folder = Path(folder)
        with reading(folder, "an evaluation", UsageError):
            return cls._loaded(folder)

    @classmethod
    def _loaded(cls, folder: Path) -> Self:
        try:
            facts = json_of(folder / SCORES)
            version = facts.get("schema_version")
            if version != SCHEMA_VERSION:
                raise UsageError(
                    f"{folder} has layout {version}, this version of affectlens reads {SCHEMA_VERSION}; evaluate again"
                )
            read_table = partial(read_csv, keep_default_na=False, float_precision="round_trip")
            confusion = read_table(folder / "confusion.csv", index_col=0).rename(index=unquoted, columns=unquoted)
            groups = read_table(folder / "groups.csv", dtype={"group": str})
            groups["group"] = groups["group"].map(unquoted)
            missed = read_table(folder / "missed.csv", dtype=str).map(unquoted)
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder}: no evaluation in it ({error}); evaluate with --out {folder}") from error
        names = [entry.name for entry in fields(Estimate)]
        scores = {name: Estimate(**{entry: row[entry] for entry in names}) for name, row in facts["scores"].items()}
        confusion.index.name = None
        return cls(
            scores,
            confusion,
            groups,
            dict(zip(missed.key, missed.reason, strict=True)),
            facts["n"],
            facts["about"],
            tuple(facts["notes"]),
        )
