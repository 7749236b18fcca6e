"""The result of a study: tables that R and SPSS open at once, a page, and a folder to save to and to load from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from affectlens.core.results import SavedResult

RESULT = "result"  # the folder in that of the study


@dataclass(frozen=True)
class StudyResult(SavedResult):
    """What `affectlens.study.run` gives.

    Attributes
    ----------
    title : str
        Of the study.
    tidy : DataFrame
        A row a segment or frame of a recording, on the study's clock, with a column a measure; NaN where there was no answer.
    courses : DataFrame
        Means around the event by measure, condition, group and time, with 95 % intervals over people.
    people : DataFrame
        A row a participant and condition: the mean of each measure in the tested part of the window.
    tests, clusters, mixed : DataFrame
        Differences of means with effect sizes; cluster-based permutation tests over time and measures; mixed models.
    agreement, ratings : DataFrame
        Raters among each other and the model with them; and what everybody said, moment by moment.
    flow : DataFrame
        step, count, lost: what was lost where.
    others : DataFrame
        name, time: other markers of the stimulus, seconds from the event.
    lost : dict of str to str
        Recordings, events and files that gave nothing, and why, each with its line in the study file.
    notes : tuple of str
        What has to be known to read the numbers.
    methods : str
        A paragraph for the methods section.
    design : dict
        Numbers of participants, groups, conditions, and what was compared.
    """

    kind: ClassVar[str] = "study"
    primary: ClassVar[str] = "tidy"
    noun: ClassVar[str] = "study"
    again: ClassVar[str] = "run the study again"

    title: str
    tidy: pd.DataFrame
    courses: pd.DataFrame
    people: pd.DataFrame
    tests: pd.DataFrame
    clusters: pd.DataFrame
    mixed: pd.DataFrame
    agreement: pd.DataFrame
    ratings: pd.DataFrame
    flow: pd.DataFrame
    others: pd.DataFrame
    lost: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    methods: str = ""
    design: dict[str, Any] = field(default_factory=dict)

    def charts(self) -> dict[str, Callable[[], Any]]:
        """Time courses, and people's means by condition."""
        from affectlens.study import figures

        return {"courses": partial(figures.courses, self), "people": partial(figures.people, self)}

    def findings(self) -> list[str]:
        """What was found, in sentences with their numbers."""
        from affectlens.study.words import findings

        return findings(self)

    def report(self, folder: str | Path) -> Path:
        """Write the page and its figures to a folder; gives the page."""
        from affectlens.study.page import write

        return write(self, Path(folder))


def report(out: str | Path) -> Path:
    """Write the page of a study that was run before, anew.

    Parameters
    ----------
    out : path
        As `affectlens.study.run` took it.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    UsageError
        No finished study in the folder.
    """  # noqa: DOC502
    folder = Path(out)
    return StudyResult.load(folder / RESULT).report(folder)
