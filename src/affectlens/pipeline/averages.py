"""What is usual: averages of a store that earlier runs filled, as a table, sentences and a chart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from affectlens.context.store import Store
from affectlens.context.usual import averages
from affectlens.core.disk.files import make_folder
from affectlens.core.errors import UsageError
from affectlens.core.labels import EKMAN7
from affectlens.core.results import SavedResult
from affectlens.core.tables import write_frame

FILE = "averages.csv"


@dataclass(frozen=True)
class Averages(SavedResult):
    """Smoothed average shares of the classes by place, part of the day, hour and weekday.

    Attributes
    ----------
    table : DataFrame
        One row a context: ``by``, ``value``, a column a class, ``people`` and ``recordings`` behind it.
    """

    kind: ClassVar[str] = "averages"
    primary: ClassVar[str] = "table"

    table: pd.DataFrame

    def findings(self) -> list[str]:
        """A sentence a context, the four largest shares first."""
        out = []
        for row in self.table.to_dict("records"):
            ranked = sorted(((row[label], label) for label in EKMAN7.labels), reverse=True)
            shares, rest = ranked[:4], [share for share, _ in ranked[4:]]
            context = f"{row['by']} {row['value']}".strip().replace("_", " ")
            listed = ", ".join(f"{label} {share:.0%}" for share, label in shares)
            people = "1 person" if row["people"] == 1 else f"{row['people']} people"
            recordings = "1 recording" if row["recordings"] == 1 else f"{row['recordings']} recordings"
            out.append(f"{context}: {people} in {recordings}: {listed}, others {sum(rest):.0%}")
        return out

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``averages``: one bar a context, those of few people faint."""
        from affectlens.figures.usual import averages_chart

        return {"averages": lambda: averages_chart(self.table, EKMAN7.labels)}

    def save(self, folder: str | Path) -> Path:
        """Write the result, ``averages.csv``, and a chart where there is more than one context; gives the folder."""
        from affectlens.figures import charts

        folder = super().save(make_folder(Path(folder)))
        write_frame(self.table, folder / FILE)
        if len(self.table) > 1:
            charts.save(self.plot(), folder / "averages")
        return folder


def usual(store: str | Path, *, out: str | Path | None = None, seed: int = 0) -> Averages:
    """Average expressed emotion by place, part of the day, hour and weekday.

    Parameters
    ----------
    store : path
        The file that ``explain(…, store=FILE)`` filled.
    out : path, optional
        Folder for the table and a chart.
    seed : int
        Seed of the intervals.

    Returns
    -------
    Averages
        The table, with sentences and a chart.

    Raises
    ------
    UsageError
        There is no such store. OutputError: it cannot be read, or ``out`` cannot be written.
    """
    if seed < 0:
        raise UsageError(f"--seed {seed}: a number of at least 0 was expected")
    if not Path(store).is_file():
        raise UsageError(f"--store {store}: no such file; `affectlens explain … --store FILE` fills one")
    if out is not None:
        make_folder(Path(out))
    result = Averages(averages(Store(Path(store)).units(), EKMAN7.labels, np.random.default_rng(seed)))
    if out is not None:
        result.save(out)
    return result
