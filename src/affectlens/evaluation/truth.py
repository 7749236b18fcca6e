"""Human annotations as truth: what a run says of recordings against what people said of them, segment by segment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.core.labels import canonical
from affectlens.core.labels import scheme as scheme_of
from affectlens.core.listing import some
from affectlens.core.schema import SCENE
from affectlens.evaluation.predictions import Predictions
from affectlens.evaluation.result import Evaluation
from affectlens.evaluation.scores import score
from affectlens.exchange.annotations import Annotations, Segment
from affectlens.exchange.runs import tables_of
from affectlens.exchange.transfer import import_annotations
from affectlens.models.adapters.predictions.matching import match
from affectlens.models.base import Calibration
from affectlens.stats.generators import Rng

SHOWN = 5
FUSED = "fused"


@dataclass(frozen=True)
class Truth:
    """What people said, ready to be compared.

    Attributes
    ----------
    segments : dict of str to list of Segment
        By recording, values in this package's spelling of classes.
    notes : tuple of str
        What was left out of the files, counted.
    """

    segments: dict[str, list[Segment]]
    notes: tuple[str, ...]


def truth_of(given: Any, as_: str, classes: Iterable[str]) -> Truth:
    """Annotations of people whose values are classes.

    Parameters
    ----------
    given : path, Annotations, or several of them
        As `import_annotations` reads them.
    as_ : str
        The format; by each file's suffix where it is not given.
    classes : iterable of str
        The classes of the run.

    Returns
    -------
    Truth
        By recording.

    Raises
    ------
    UsageError
        No value of any annotation is one of the classes.
    """
    known = set(classes)
    sources = given if isinstance(given, list | tuple) else [given]
    out: dict[str, list[Segment]] = defaultdict(list)
    notes: list[str] = []
    others: Counter[str] = Counter()
    points = 0
    for source in sources:
        made = source if isinstance(source, Annotations) else import_annotations(Path(source), as_)
        notes += made.notes
        for one in made.segments:
            value = canonical(one.value)
            if value not in known:
                others[one.value] += 1
            elif one.is_point:
                points += 1
            else:
                out[one.file].append(replace(one, value=value))
    if not out:
        raise UsageError(
            f"--truth: no annotation is one of the classes {', '.join(sorted(known))}; there are "
            f"{some((repr(value) for value, _ in others.most_common()), SHOWN) or 'none at all'}"
        )
    if others:
        shown = some((f"{value!r} ({count})" for value, count in others.most_common()), SHOWN)
        notes.append(f"truth: {others.total()} annotations are none of the classes and are left out: {shown}")
    if points:
        notes.append(f"truth: {points} annotations are points in time and are left out")
    return Truth(dict(out), tuple(notes))


def against_truth(
    runs: Any, truth: Any, *, as_: str = "", modality: str = FUSED, draws: int = 1000, seed: Rng = 0
) -> Evaluation:
    """Scores of what a run says against human annotations.

    Each segment of the run is compared with the label that people gave for most of its time; several raters vote by the time
    that they gave it. Segments that the run abstained from or could not read are errors; segments that nobody annotated are
    counted and left out.

    Parameters
    ----------
    runs : path, Run, Result, DataFrame, or several of them
        Folders of ``explain``, tables of ``recognize``, or what these give.
    truth : path, Annotations, or several of them
        What people said, in any format of `affectlens.import_annotations`.
    as_ : str
        The format of truth; by the suffix of each file where it is not given.
    modality : str
        Whose answer counts.
    draws : int
        Of the bootstrap; recordings are drawn whole, of one recording its people.
    seed : int or numpy.random.Generator
        Of the draws.

    Returns
    -------
    Evaluation
        As `affectlens.evaluate` gives it.

    Raises
    ------
    UsageError
        The annotations are of other recordings, people or classes.
    """
    tables = [table for table, _ in tables_of(runs if isinstance(runs, list | tuple) else [runs])]
    frame = pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)
    rows = frame[(frame.modality == modality) & (frame.person != SCENE)]
    if rows.empty:
        known = ", ".join(sorted(set(frame.modality))) or "none"
        raise UsageError(f"--truth: the run has no rows of people by {modality!r}; its modalities are {known}")
    schemes = sorted(set(rows.scheme)) if "scheme" in rows else ["ekman7"]
    if len(schemes) > 1:
        raise UsageError(f"--truth: the run has answers in several schemes ({', '.join(schemes)}); compare them one by one")
    labels = tuple(scheme_of(str(schemes[0])).labels)
    known_truth = truth_of(truth, as_, labels)
    judged, notes = _judged(rows, known_truth, labels)
    predictions = _predictions(judged, labels)
    made = score(predictions, Calibration(), seed, draws=draws)
    about: dict[str, Any] = {
        "model": f"affectlens, {modality}",
        "sha256": "",
        "scores": "probabilities",
        "scores_from": "the run",
    }
    about |= {"corpus": "human annotations", "split": "all", "draws": draws, "seed": seed if isinstance(seed, int) else ""}
    return replace(made, about=about, notes=(*known_truth.notes, *notes))


def _judged(rows: pd.DataFrame, truth: Truth, labels: tuple[str, ...]) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the run with the labels that people gave for most of their time."""
    files = [str(file) for file in dict.fromkeys(rows.file)]
    matched = match(files, list(truth.segments))
    if not matched.pairs:
        raise UsageError(
            f"--truth: the annotations are of {some(truth.segments, SHOWN)}, the run is of {some(files, SHOWN)}; name the "
            f"files alike ({next(iter(matched.reasons.values()), '')})"
        )
    judged: list[dict[str, Any]] = []
    silent = 0
    notes: list[str] = []
    for file, of_file in rows.groupby("file", sort=False):
        if file not in matched.pairs:
            continue
        said, told = _of_people(
            truth.segments[matched.pairs[str(file)]], sorted({str(int(one)) for one in of_file.person}), str(file)
        )
        notes += told
        for row in of_file.to_dict("records"):
            votes = _votes(said.get(str(int(row["person"])), []), float(row["start"]), float(row["end"]))
            if not votes:
                silent += 1
                continue
            most = max(votes.values())
            row["truth"] = tuple(label for label in labels if votes.get(label, -1.0) >= most - 1e-9)
            judged.append(row)
    if matched.reasons:
        notes.append(f"{len(matched.reasons)} recordings of the run have no annotations: {some(matched.reasons, SHOWN)}")
    if matched.spare:
        notes.append(f"annotations of {len(matched.spare)} recordings are of none of the run: {some(matched.spare, SHOWN)}")
    if silent:
        notes.append(f"{silent} of {len(rows)} segments have no annotation and are not scored")
    if not judged:
        raise UsageError("--truth: no segment of the run overlaps an annotation in time")
    return judged, notes


def _of_people(segments: list[Segment], people: list[str], file: str) -> tuple[dict[str, list[Segment]], list[str]]:
    """Annotations by the run's numbers of people."""
    named = sorted({one.person for one in segments if one.person})
    common = [one for one in segments if not one.person]
    if not named:
        if len(people) > 1:
            raise UsageError(
                f"--truth: {file}: the annotations do not say whose they are, and the run has the people {', '.join(people)}; "
                "name them (in ELAN the participant of a tier, elsewhere a tier such as emotion@0)"
            )
        return dict.fromkeys(people, common), []
    if set(named) & set(people):
        out = {person: [*common, *(one for one in segments if one.person == person)] for person in people}
        unknown = [name for name in named if name not in people]
        return out, [f"{file}: annotations of {some(unknown, SHOWN)} are of nobody in the run"] if unknown else []
    if len(named) == len(people) == 1:
        return {people[0]: segments}, [
            f"{file}: {named[0]} of the annotations is taken for person {people[0]} of the run, the only one"
        ]
    raise UsageError(
        f"--truth: {file}: the annotations are of {', '.join(named)}, the run has the people {', '.join(people)}; call them "
        "alike, so that nobody is mistaken for another"
    )


def _votes(segments: list[Segment], start: float, end: float) -> dict[str, float]:
    """Seconds of overlap by label; of a moment without length whatever holds there."""
    out: dict[str, float] = {}
    for one in segments:
        shared = min(end, one.end) - max(start, one.start)
        if shared > 0 or (end <= start and one.start <= start < one.end):
            out[one.value] = out.get(one.value, 0.0) + max(shared, 1e-9)
    return out


def _predictions(judged: list[dict[str, Any]], labels: tuple[str, ...]) -> Predictions:
    probabilities = np.array([[float(row.get(f"p_{label}", np.nan)) for label in labels] for row in judged])
    ok = np.array([row["status"] == "ok" for row in judged])
    probabilities[~ok] = np.nan
    targets = np.zeros((len(judged), len(labels)))
    keys: list[str] = []
    missed: dict[str, str] = {}
    for number, row in enumerate(judged):
        key = f"{row['file']}#{float(row['start']):g}-{float(row['end']):g}, person {int(row['person'])}"
        keys.append(key)
        for label in row["truth"]:
            targets[number, labels.index(label)] = 1 / len(row["truth"])
        if np.isnan(probabilities[number]).any():
            probabilities[number] = np.nan
            missed[key] = str(row["reason"]) or "no probabilities"
    several = len({row["file"] for row in judged}) > 1
    groups = [str(row["file"]) if several else f"person {int(row['person'])}" for row in judged]
    return Predictions(probabilities, targets, np.array(groups, dtype=object), keys, labels, missed)
