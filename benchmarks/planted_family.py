"""Is one dependence found among 40 properties of 7 classes, and none where none is? Simulated answers, Holm's correction.

Repetitions are 400, or ``FAMILY_REPETITIONS``. Power is that in a family of 280 tests; a level, which the size of a family does
not change, is that of families of 10 properties and 7 classes, so that hundreds of them are made in minutes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from affectlens.audits.properties.dependence import DependenceTest, dependence_test
from affectlens.stats.multiple import holm
from affectlens.stats.resolution import Resolution, reachable

REPETITIONS = int(os.environ.get("FAMILY_REPETITIONS", "400"))
PROPERTIES, FEW, CLASSES, ITEMS = 40, 10, 7, 290
FAMILY, SMALL = Resolution(tests=PROPERTIES * CLASSES), Resolution(tests=FEW * CLASSES)
Line = tuple[str, str, str, bool | None]


@dataclass(frozen=True)
class Design:
    """``people`` with ``each`` as many items, or None; whether properties are ``constant`` in them, or ``rare`` marks."""

    name: str
    people: int | None = None
    each: int = 1
    constant: bool = False
    rare: bool = False
    items: int = ITEMS


DESIGNS = (
    Design("290 items"),
    Design("290 people of one item", 290),
    Design("29 people of 10 items, within people", 29, 10),
    Design("29 people of 10 items, constant in people", 29, 10, constant=True),
)


@dataclass(frozen=True)
class Answers:
    """Log-odds ``(n, classes)``, what is left of the first without label and person (of deviation 1), labels and people."""

    outputs: np.ndarray
    left: np.ndarray
    labels: pd.Series
    people: pd.Series | None


def answers(design: Design, rng: np.random.Generator) -> Answers:
    """Answers that follow the label and, where there are people, the person."""
    n = design.items if design.people is None else design.people * design.each
    labels = rng.integers(0, CLASSES, n)
    noise = rng.normal(size=(n, CLASSES))
    who = np.arange(n) if design.people is None else np.repeat(np.arange(design.people), design.each)
    person = rng.normal(size=(n, CLASSES))[who] * (design.each > 1)
    left = person[:, 0] if design.constant else noise[:, 0]  # a constant property goes with what is the person's own
    outputs = noise + person + 2.0 * np.eye(CLASSES)[labels]
    people = None if design.people is None else pd.Series(who.astype(str))
    return Answers(outputs, left, pd.Series(labels.astype(str)), people)


def made(design: Design, given: Answers, correlation: float, rng: np.random.Generator) -> pd.Series:
    """A property with that correlation with the first class's log-odds given label and person, or among people."""
    n = len(given.left)
    if design.rare:
        return pd.Series(rng.permutation(np.arange(n) < 10).astype(float))
    noise = rng.normal(size=n)
    left = given.left
    if design.constant:
        codes = np.arange(n) // design.each
        noise = noise[codes]
        mean = np.bincount(codes, given.outputs[:, 0] - 2.0 * (given.labels == "0").to_numpy()) / design.each
        left = ((mean - mean.mean()) / mean.std())[codes]
    return pd.Series(correlation * left + np.sqrt(1 - correlation**2) * noise)


def tested(design: Design, correlation: float, rng: np.random.Generator) -> DependenceTest:
    """The planted test of the family."""
    given = answers(design, rng)
    x = made(design, given, correlation, rng)
    return dependence_test(x, "continuous", pd.Series(given.outputs[:, 0]), given.labels, given.people, rng, FAMILY)


def power(design: Design, correlation: float) -> tuple[float, float, float]:
    """Share of repetitions in which the planted test is significant whatever the others give; what it says it finds; floor."""
    found, said, smallest = [], [], []
    for seed in range(REPETITIONS):
        test = tested(design, correlation, np.random.default_rng([seed, 1]))
        found.append(test.pvalue * FAMILY.tests <= FAMILY.alpha)
        said.append(test.smallest_found)
        smallest.append(test.smallest_p)
    return float(np.mean(found)), float(np.median(said)), float(np.median(smallest))


def level(design: Design) -> tuple[float, float]:
    """Share of repetitions in which anything of a family without dependence is significant, and of tests with p ≤ .001."""
    wrong, small = [], []
    kind = "binary" if design.rare else "continuous"
    for seed in range(REPETITIONS):
        rng = np.random.default_rng([seed, 2])
        given = answers(design, rng)
        p = []
        for _ in range(FEW):
            x = made(design, given, 0.0, rng)
            p += [
                dependence_test(x, kind, pd.Series(y), given.labels, given.people, rng, SMALL).pvalue for y in given.outputs.T
            ]
        wrong.append(bool((holm(np.array(p)) <= SMALL.alpha).any()))
        small.append(float((np.array(p) <= 0.001).mean()))
    return float(np.mean(wrong)), float(np.mean(small))


def run() -> Iterator[Line]:
    """Power at .3 and at what is said to be found, levels of whole families, and what six people can show."""
    least = 0.9 - 2 * float(np.sqrt(0.09 / REPETITIONS))
    for design in DESIGNS:
        share, said, smallest = power(design, 0.3)
        wanted = design.people is None or design.each == 1
        yield (
            f"correlation .3 found, {design.name}", f"{share:.3f}", f"at least {least:.3f} (.9)" if wanted else "",
            share >= least if wanted else None,
        )  # fmt: skip
        told = reachable(np.full(FAMILY.tests, smallest))
        yield f"  smallest p {smallest:.2g}, so at most", f"{told} of {FAMILY.tests} tests", "all", told == FAMILY.tests
        share = power(design, said)[0]
        yield (
            f"  correlation {said:.2f}, said to be found with .8", f"{share:.3f}", ".72 to .9", 0.72 <= share <= 0.9
        )  # fmt: skip
    for items in (140, 290):
        share = power(Design("", items=items), 0.999)[0]
        yield f"correlation .999 found, {items} items", f"{share:.3f}", "1", share == 1
    limit = 0.05 + 2 * np.sqrt(0.05 * 0.95 / REPETITIONS)
    for design in (*DESIGNS, Design("290 items, ten marked", rare=True)):
        share, small = level(design)
        what = f"anything found where nothing is, {design.name}"
        yield what, f"{share:.3f} of {REPETITIONS}", f"at most {limit:.3f}", share <= limit
        yield "  single tests with p of .001 or less", f"{small:.4f} of {REPETITIONS * SMALL.tests}", "", None
    few = dependence_test(
        pd.Series(np.repeat([0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 10)), "binary", pd.Series(np.arange(60.0)), None,
        pd.Series(np.repeat(list("abcdef"), 10)), np.random.default_rng(0), FAMILY,
    )  # fmt: skip
    told = reachable(np.full(FAMILY.tests, few.smallest_p))
    yield "six people, three of a kind: smallest p, tests that can be told", f"{few.smallest_p:.2f}, {told}", "none", told == 0
