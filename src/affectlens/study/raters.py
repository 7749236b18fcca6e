"""How far raters agree with each other, and the model with them, on the same moments; recordings are drawn whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd

from affectlens.core.errors import AffectlensError
from affectlens.core.labels import canonical
from affectlens.exchange.annotations import Segment
from affectlens.exchange.transfer import import_annotations
from affectlens.models.adapters.predictions.matching import match
from affectlens.stats.agreement import cohen_kappa, krippendorff_alpha
from affectlens.stats.resample import Estimate, bootstrap
from affectlens.study.layout import Study
from affectlens.study.tidy import MAIN, Gathered

MODEL = "affectlens"
FRAME = 1e-3  # seconds that a frame counts, of which only the moment is known


def ratings_of(study: Study, gathered: Gathered, problems: dict[str, str]) -> pd.DataFrame:
    """Labels of every rater and of the model, a row a recording and moment.

    Parameters
    ----------
    study : Study
        Its file.
    gathered : Gathered
        Its rows.
    problems : dict
        Receives files of raters that cannot be read.

    Returns
    -------
    DataFrame
        recording, start, then a column a rater, the model last; empty texts where nobody said anything.
    """
    said: dict[str, dict[str, list[Segment]]] = {}
    recordings = list(gathered.extents)
    for number, rater in enumerate(study.raters):
        for place, name in enumerate(rater.files):
            where = study.where("raters", number, "files", place)
            try:
                made = import_annotations(study.place(name), rater.read_as)
            except AffectlensError as error:
                problems[f"rater {rater.name}: {name}"] = f"{where}: {error}"
                continue
            matched = match(list(made.files), recordings)
            for file in made.files:
                if file not in matched.pairs:
                    problems[f"rater {rater.name}: {name}"] = (
                        f"{where}: it is of {file}, which is no recording of the study that was read"
                    )
                    continue
                own = said.setdefault(matched.pairs[file], {}).setdefault(rater.name, [])
                own += [one for one in made.segments if one.file == file and not one.is_point]
    rows = []
    table = gathered.table[gathered.table.role == MAIN]
    for recording, by_rater in said.items():
        own = table[table.recording == recording]
        rows += _moments(recording, by_rater, own, study)
    return pd.DataFrame(rows, columns=["recording", "start", *(one.name for one in study.raters), MODEL])


def _moments(recording: str, by_rater: dict[str, list[Segment]], own: pd.DataFrame, study: Study) -> list[dict[str, object]]:
    width = study.analysis.bin
    last = max((one.end for segments in by_rater.values() for one in segments), default=0.0)
    offset = next((one.offset for person in study.participants for one in person.recordings if one.name == recording), 0.0)
    labelled = own[own.status == "ok"] if "label" in own else own.iloc[:0]
    model = [
        Segment("", max(0.0, float(row.start) - offset), max(0.0, float(row.end) - offset), str(row.label))
        for row in labelled.itertuples()
    ]
    rows = []
    for number in range(int(np.ceil(last / width - 1e-9))):
        start, end = number * width, (number + 1) * width
        row: dict[str, object] = {"recording": recording, "start": start, MODEL: _label(model, start, end)}
        row |= {one.name: _label(by_rater.get(one.name, []), start, end) for one in study.raters}
        rows.append(row)
    return rows


def _label(segments: list[Segment], start: float, end: float) -> str:
    """What is said for most of a moment."""
    seconds: dict[str, float] = {}
    for one in segments:
        shared = min(end, one.end) - max(start, one.start)
        inside = one.is_point and start <= one.start < end  # a frame, of which only the moment is known
        if shared > 0 or inside:
            label = canonical(one.value)
            seconds[label] = seconds.get(label, 0.0) + (FRAME if inside else shared)
    return max(sorted(seconds), key=lambda label: seconds[label]) if seconds else ""


def agreement(ratings: pd.DataFrame, raters: list[str], draws: int, seed: int) -> pd.DataFrame:
    """Agreement of raters with each other and of the model with them.

    Parameters
    ----------
    ratings : DataFrame
        As `ratings_of` gives it.
    raters : list of str
        Their names.
    draws, seed : int
        Of the bootstrap over recordings.

    Returns
    -------
    DataFrame
        what, measure, value, low, high, moments, recordings. The last row says whether the model differs more from the raters
        than
        they do from each other.
    """
    if ratings.empty:
        return pd.DataFrame()
    columns = [*raters, MODEL]
    table = ratings[columns].to_numpy(dtype=object)
    table[table == ""] = None
    files = ratings.recording.to_numpy(dtype=object)

    def estimated(what: str, measure: str, statistic: Callable[[np.ndarray], float], used: list[int]) -> dict[str, object]:
        both = np.flatnonzero((table[:, used] != None).sum(axis=1) >= 2)  # noqa: E711
        groups = files[both] if len(set(files[both])) > 1 else None
        made = (
            bootstrap(lambda rows: statistic(table[both][rows]), len(both), seed, groups=groups, draws=draws)
            if len(both)
            else _nothing()
        )
        return {
            "what": what, "measure": measure, "value": made.value, "low": made.low if groups is not None else np.nan,
            "high": made.high if groups is not None else np.nan, "moments": len(both), "recordings": len(set(files[both])),
        }  # fmt: skip

    human = list(range(len(raters)))
    rows = []
    if len(raters) > 1:
        rows.append(estimated("raters", "Krippendorff's alpha", lambda part: krippendorff_alpha(part[:, human].T), human))
    for one, other in combinations(range(len(columns)), 2):
        rows.append(
            estimated(f"{columns[one]} and {columns[other]}", "Cohen's kappa", partial(_kappa, one, other), [one, other])
        )
    if len(raters) > 1:

        def gap(part: np.ndarray) -> float:
            model = _mean([cohen_kappa(part[:, one], part[:, -1]) for one in human])
            return model - _mean([cohen_kappa(part[:, one], part[:, two]) for one, two in combinations(human, 2)])

        rows.append(
            estimated(
                "the model with raters, minus raters with each other", "difference of mean kappa", gap, [*human, len(raters)]
            )
        )
    return pd.DataFrame(rows)


def _mean(values: list[float]) -> float:
    known = [value for value in values if value == value]
    return sum(known) / len(known) if known else float("nan")


def _kappa(one: int, other: int, part: np.ndarray) -> float:
    return cohen_kappa(part[:, one], part[:, other])


def _nothing() -> Estimate:
    return Estimate(np.nan, np.nan, np.nan, 0, 0)
