"""The level of every test of a study: how often it finds something at .05 in studies without any effect.

``AFFECTLENS_STUDIES`` says how many studies are simulated, 200 by default; the figures of docs/study.md are of 1,000.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from affectlens.study.analysis import tested
from affectlens.study.epochs import KEY, Epochs
from affectlens.study.layout import Analysis

PEOPLE, BINS = 12, 16
MEASURES = ["happiness", "anger", "sadness"]
LOW, HIGH = 0.037, 0.064  # what 1,000 studies at .05 give with 95 % probability


def null_study(rng: np.random.Generator, groups: bool) -> Epochs:
    """Courses of people that hang together in time and among measures, with levels and scales of their own, and gaps."""
    rows = []
    for person in range(PEOPLE):
        own, scale = rng.normal(size=len(MEASURES)), rng.uniform(0.5, 2.0)
        group = "ab"[person % 2] if groups else ""
        for condition in ("x",) if groups else ("x", "y"):
            noise = rng.normal(size=(len(MEASURES) + 1, BINS + 4))
            smooth = np.stack([np.convolve(one, np.ones(5) / 5**0.5, "valid") for one in noise])
            courses = own[:, None] * (not groups) + scale * (smooth[:-1] + 0.7 * smooth[-1])
            for number, measure in enumerate(MEASURES):
                for place in range(BINS):
                    if rng.random() > 0.03:
                        rows.append((f"p{person}", group, condition, measure, place, courses[number, place]))
    frame = pd.DataFrame(rows, columns=[*KEY, "value"])
    return Epochs(frame, frame)


def found(seed: int, groups: bool) -> dict[str, bool]:
    """Which tests find something in one study."""
    rng = np.random.default_rng((seed, int(groups)))
    analysis = Analysis(
        measures=MEASURES, window=(-4, 4), bin=0.5, draws=499, seed=seed, baseline="none" if groups else (-4, -3)
    )
    # Within people the levels of people are symmetric about zero, as differences from a baseline are where nothing happens.
    made = tested(null_study(rng, groups), analysis)
    tests, name = made.tests, "between groups" if groups else "between conditions"
    mixed = made.mixed[made.mixed.term != "intercept"]
    own = tests[tests.family == name]
    first = own[own.measure == MEASURES[0]]
    out = {
        f"{name}: permutation of one measure": bool(first.p_value.item() <= 0.05),
        f"{name}: t of one measure": bool(first.p_t.item() <= 0.05),
        f"{name}: any of three after Holm": bool((own.p_holm <= 0.05).any()),
        f"{name}: clusters over time and measures": bool((made.clusters.p_value <= 0.05).any()),
        f"{name}: mixed model of one measure": bool(mixed[mixed.measure == MEASURES[0]].p_value.item() <= 0.05),
    }
    if not groups:
        base = tests[(tests.family == "from baseline") & (tests.measure == MEASURES[0]) & (tests.comparison == "x")]
        out["from baseline: sign flips of one measure"] = bool(base.p_value.item() <= 0.05)
    return out


def run() -> Iterator[tuple[str, str, str, bool]]:
    """What is measured, its value, its limit, and whether it held."""
    studies = int(os.environ.get("AFFECTLENS_STUDIES", "200"))
    counts: Counter[str] = Counter()
    for seed in range(studies):
        for groups in (False, True):
            counts.update({name: int(hit) for name, hit in found(seed, groups).items()})
    slack = 3 * (0.05 * 0.95 / studies) ** 0.5
    low, high = (LOW, HIGH) if studies >= 1000 else (0.05 - slack, 0.05 + slack)
    for name, count in counts.items():
        share = count / studies
        least = 0.0 if "Holm" in name else low  # Holm's correction may be cautious, never lax
        yield f"level of {name}, {studies} studies", f"{share:.3f}", f"{least:.3f} to {high:.3f}", least <= share <= high
