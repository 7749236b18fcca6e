"""Where and when a recording was made, what was usual there before, and how far its people differ from that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.assets.store import sha256
from affectlens.emotions import EKMAN7
from affectlens.errors import OutputError
from affectlens.explain.store import Store, Unit
from affectlens.explain.usual import Context, differs, part_of_day
from affectlens.modalities.base import Clip
from affectlens.perception.place import place_of, recorded_at
from affectlens.table import Evidence, Row


def usual_evidence(clip: Clip, rows: list[Row]) -> list[Evidence]:
    """Compare each person's mean fused distribution with what the store holds of other recordings, then keep this one's there.

    A store that cannot be read or written becomes a note of the recording; its other results stand.
    """
    people = {p: [r for r in rows if r.person == p and r.modality == "fused"] for p in sorted({r.person for r in rows})}
    units = []
    for person, mine in people.items():
        good = [r.probabilities for r in mine if r.status == "ok" and r.probabilities is not None]
        if good and person >= 0:
            mean = np.mean(good, axis=0)
            units.append(Unit(person, len(good), EKMAN7.labels, tuple(float(v) for v in mean / mean.sum())))
    place = place_of(clip.path, clip.options.place)
    when, clock = recorded_at(clip.path, clip.info.kind, clip.options.when)
    out: list[Evidence] = []
    try:
        store = Store(Path(clip.options.store))
        mark = sha256(clip.path)  # the same recording under another name is the same
        if clip.explaining:
            held = store.units(without=mark)
            context = Context(place.kind, part_of_day(when.hour) if when else "")
            told: dict[str, Any] = {"place": place.kind or "not known", "place_from": place.source,
                                    "when": when.isoformat() if when else "not known", "when_from": clock}  # fmt: skip
            for unit in units:
                mine = people[unit.person]
                whole = replace(mine[0], start=mine[0].start, end=max(r.end for r in mine))
                d = differs(
                    np.array(unit.probabilities), held, context, EKMAN7.labels, np.random.default_rng(clip.options.seed)
                )
                settings = told | {
                    "context": str(d.usual.context), "people": d.usual.people, "recordings": d.usual.recordings,
                    "usual": {k: round(float(v), 4) for k, v in zip(EKMAN7.labels, d.usual.mean, strict=True)},
                    "low": [round(float(v), 4) for v in d.usual.interval[0]],
                    "high": [round(float(v), 4) for v in d.usual.interval[1]],
                    "here": {k: round(v, 4) for k, v in zip(EKMAN7.labels, unit.probabilities, strict=True)},
                    "most": d.label, "by": round(d.by, 4),
                }  # fmt: skip
                out.append(
                    clip.evidence(whole, "situation", "usual", d.divergence, "bit", "Jensen-Shannon divergence from the "
                                                                                    "smoothed "
                                  "average of the context", p_value=d.p, test="rank among the others of the context",
                                  target=d.label, settings=settings)
                )  # fmt: skip
        store.put(mark, place.kind, place.indoor, when, units)
    except OutputError as error:
        clip.problems.add(f"the store of usual expressions: {error}")
    return out
