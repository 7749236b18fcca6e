"""The contract of properties: one number or word an item, the same each time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from affectlens.checks.base import kept, run_checks, same
from affectlens.features.properties.registry import Property, property_named

KINDS = ("continuous", "ordinal", "binary", "categorical")


@dataclass(frozen=True)
class Subject:
    """A property with items to measure."""

    property: Property
    items: Sequence[Any]


def check_property(property: str | Property, items: Sequence[Any], *, leave_out: Collection[str] = ()) -> None:
    """Check that a property keeps to its contract.

    Parameters
    ----------
    property : str or Property
        A registered name, or a property.
    items : sequence
        What its modality gives: faces' views, clips, texts or motions.
    leave_out : collection of str
        Names of ``CHECKS`` that are not run.

    Raises
    ------
    CheckError
        What is wrong, check by check.
    UsageError
        No such property or check.
    """
    measured = property_named(property) if isinstance(property, str) else property
    run_checks(f"the property {measured.name!r}", CHECKS, Subject(measured, items), leave_out)


def described(subject: Subject) -> Iterator[str]:
    """It has a kind that there is, and says what it says."""
    if subject.property.kind not in KINDS:
        yield f"kind {subject.property.kind!r}; one of {', '.join(KINDS)} was expected"
    if not subject.property.says and not subject.property.unit:
        yield "neither says nor unit tells what it measures"


def measured(subject: Subject) -> Iterator[str]:
    """Each item has a finite number, a word for words, or None."""
    for i, item in enumerate(subject.items):
        value = subject.property.measure(item)
        number = isinstance(value, int | float | np.integer | np.floating) and np.isfinite(value)
        word = isinstance(value, str) and subject.property.kind in ("categorical", "binary", "ordinal")
        if value is not None and not number and not word:
            wanted = "a finite number" if subject.property.kind == "continuous" else "a finite number or a word"
            yield f"item {i}: {value!r}; {wanted} was expected"


def repeated(subject: Subject) -> Iterator[str]:
    """The same item has the same value, and stays as it is."""
    for i, item in enumerate(subject.items):
        before = kept(item) if isinstance(item, np.ndarray | str | dict | list) else None
        if not same(subject.property.measure(item), subject.property.measure(item)):
            yield f"item {i}: another value the second time"
        if before is not None and not same(before, item):
            yield f"item {i} is changed"


CHECKS = {check.__name__: check for check in (described, measured, repeated)}
