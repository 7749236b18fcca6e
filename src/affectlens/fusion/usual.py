"""Where and when a recording was made, what was usual there before, and how far its people differ from that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.assets.store import locate
from affectlens.context.place import Place, place_of, recorded_at
from affectlens.context.prior import LICENCE, findingemo
from affectlens.context.store import Store, Unit
from affectlens.context.usual import FEWEST, Context, differs, distance, narrowest, part_of_day
from affectlens.context.usual import usual as of_context
from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import OutputError
from affectlens.core.labels import EKMAN7
from affectlens.core.schema import Evidence, Row
from affectlens.fusion.pool import Opinion
from affectlens.fusion.usual_evidence import UsualDetail
from affectlens.modalities.base import Clip


@dataclass(frozen=True)
class Usual:
    """What is known of the recording's place and time and of what is usual there, before its own people are looked at.

    Parameters
    ----------
    place, when, when_from
        Where and when it was made, and what says when.
    context : Context
        Kind of place and part of the day.
    fingerprint : str
        Hash of the recording, by which the store knows it.
    store : Store, optional
        Where this recording will be kept.
    others : DataFrame, optional
        People of the other recordings in the store, one a row.
    elsewhere : DataFrame, optional
        The same of a prior.
    """

    place: Place
    when: datetime | None
    when_from: str
    context: Context
    fingerprint: str = ""
    store: Store | None = None
    others: pd.DataFrame | None = None
    elsewhere: pd.DataFrame | None = None


def what_is_usual(clip: Clip) -> Usual | None:
    """Place, time and the averages to compare with, where a store or a prior was named.

    Returns
    -------
    Usual or None
        A store that cannot be read becomes a note of the recording.
    """
    options = clip.options
    if not (options.store or options.prior):
        return None
    place = place_of(clip.path, options.place)
    if not place.kind and clip.place is not None:
        place = clip.place
    when, when_from = recorded_at(clip.path, clip.info.kind, options.when)
    out = Usual(place, when, when_from, Context(place.kind, part_of_day(when.hour) if when else ""))
    if options.prior:
        out = replace(out, elsewhere=findingemo(locate("findingemo")))
    if options.store:
        try:
            store = Store(Path(options.store))
            fingerprint = sha256_of(clip.path)  # the same recording under another name is the same
            others = store.units(without=fingerprint)
            out = replace(out, store=store, fingerprint=fingerprint, others=others)
        except OutputError as error:
            clip.problems.add(f"the store of usual expressions: {error}")
    return out


def usual_opinion(clip: Clip, usual: Usual | None) -> Opinion | None:
    """What is usual here as an opinion for the pool, when asked for.

    Returns
    -------
    Opinion or None
        The average of the narrowest context with enough people, else of the prior; its weight is the share of label entropy
        that it explains.
    """
    if usual is None or not clip.options.use_usual:
        return None
    rng = np.random.default_rng(clip.options.seed)
    for units, name in ((usual.others, "usual"), (usual.elsewhere, "usual elsewhere")):
        if units is None:
            continue
        context = narrowest(units, usual.context, EKMAN7.labels)
        average = of_context(units, context, EKMAN7.labels, rng)
        if average.people >= FEWEST:
            p = average.mean
            explained = 1 + float((p * np.log(np.clip(p, 1e-9, 1))).sum()) / np.log(len(p))
            return Opinion(name, p, explained, EKMAN7.labels)
    place_name = "" if usual.context == Context() else f" {usual.context} or elsewhere"
    clip.problems.add(f"what is usual takes no part: fewer than {FEWEST} people are known{place_name}")
    return None


def usual_evidence(clip: Clip, rows: list[Row], usual: Usual | None) -> list[Evidence]:
    """Compare each person's mean fused distribution with what is usual, then keep this recording's in the store.

    A store that cannot be written becomes a note of the recording; its other results stand. Where what is usual took part in
    the answers, they are not kept: the store would come to confirm itself.

    Returns
    -------
    list of Evidence
        One row a person and source.
    """
    if usual is None:
        return []
    fused = [row for row in rows if row.modality == "fused"]
    people = {person: [row for row in fused if row.person == person] for person in sorted({row.person for row in rows})}
    units = [unit for person, person_rows in people.items() for unit in _units(person, person_rows)]
    out: list[Evidence] = []
    if clip.explaining:
        for unit in units:
            theirs = people[unit.person]
            whole = replace(theirs[0], start=theirs[0].start, end=max(row.end for row in theirs))
            if usual.others is not None:
                out.append(_compared(clip, whole, unit, usual, usual.others))
            if usual.elsewhere is not None:
                out.append(_compared(clip, whole, unit, usual, usual.elsewhere, LICENCE))
    if usual.store is not None and not clip.options.use_usual:
        try:
            usual.store.put(usual.fingerprint, usual.place.kind, usual.place.indoor, usual.when, units)
        except OutputError as error:
            clip.problems.add(f"the store of usual expressions: {error}")
    return out


def _units(person: int, rows: list[Row]) -> list[Unit]:
    """A person's mean over the readable rows; none where nobody is named or nothing could be read."""
    good = [row.probabilities for row in rows if row.status == "ok" and row.probabilities is not None]
    if not good or person < 0:
        return []
    mean = np.mean(good, axis=0)
    return [Unit(person, len(good), rows[0].scheme.labels, tuple(float(value) for value in mean / mean.sum()))]


def _compared(clip: Clip, whole: Row, unit: Unit, usual: Usual, units: pd.DataFrame, source: str = "") -> Evidence:
    """``source`` names a prior: its labels are not this package's answers, so it gets no test."""
    rng = np.random.default_rng(clip.options.seed)
    observed, labels = np.array(unit.probabilities), unit.labels
    compare = distance if source else differs
    difference = compare(observed, units, usual.context, labels, rng)
    detail = UsualDetail(
        place=usual.place.kind or "not known",
        place_from=usual.place.source,
        when=usual.when.isoformat() if usual.when else "not known",
        when_from=usual.when_from,
        context=str(difference.usual.context),
        people=difference.usual.people,
        recordings=difference.usual.recordings,
        usual={label: round(float(value), 4) for label, value in zip(labels, difference.usual.mean, strict=True)},
        low=tuple(round(float(value), 4) for value in difference.usual.interval[0]),
        high=tuple(round(float(value), 4) for value in difference.usual.interval[1]),
        here={label: round(value, 4) for label, value in zip(labels, unit.probabilities, strict=True)},
        most=difference.label,
        by=round(difference.by, 4),
        source=source,
        taken_in=clip.options.use_usual,
    )
    tested: dict[str, Any] = {} if source else {"p_value": difference.p, "test": "rank among the others of the context"}
    return clip.evidence(
        whole,
        "usual elsewhere" if source else "usual",
        difference.divergence,
        target=difference.label,
        detail=detail,
        method="Jensen-Shannon divergence from the smoothed average of the context",
        **tested,
    )
