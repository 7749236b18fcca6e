"""The contract of interventions: an input of the same form comes out, dose nearest zero is no change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from affectlens.checks.base import kept, run_checks, same


@dataclass(frozen=True)
class Subject:
    """A change with items and doses; no doses where it is done or not."""

    change: Callable[..., Any]
    given: Sequence[Any]
    doses: tuple[float, ...]

    @property
    def items(self) -> list[Any]:
        """Fresh copies, since a change may change what it is given."""
        return [kept(item) for item in self.given]

    def changes(self, item: Any) -> dict[str, Any]:
        """The item at each dose, by the dose in words."""
        if not self.doses:
            return {"changed": self.change(*item) if isinstance(item, tuple) else self.change(item)}
        return {f"at dose {dose:g}": self.change(item, dose) for dose in self.doses}


def check_intervention(intervention: Any, items: Sequence[Any], *, leave_out: Collection[str] = ()) -> None:
    """Check that an intervention keeps to its contract.

    Parameters
    ----------
    intervention : object
        With ``name``, ``change`` and, where there are doses, ``doses``.
    items : sequence
        What it changes: pictures, sounds or texts; tuples of a picture and a mask for objects.
    leave_out : collection of str
        Names of ``CHECKS`` that are not run.

    Raises
    ------
    CheckError
        What is wrong, check by check.
    UsageError
        No such check.
    """
    subject = Subject(intervention.change, items, tuple(getattr(intervention, "doses", ()) or ()))
    run_checks(f"the intervention {intervention.name!r}", CHECKS, subject, leave_out)


def form(subject: Subject) -> Iterator[str]:
    """What comes out has the form of what went in: type, shape, bytes or decimals; a sound may become longer or shorter."""
    for i, item in enumerate(subject.items):
        given = item[0] if isinstance(item, tuple) else item
        # A scene may be cut, a sound become shorter; a face or a scene whose objects lie under a mask keeps its size.
        resized = isinstance(given, np.ndarray) and (given.ndim == 1 or not (subject.doses or isinstance(item, tuple)))
        for how, out in subject.changes(item).items():
            if not _has_form_of(given, out, resized):
                yield f"item {i} {how}: {_form(out)}; {_form(given)} was expected"


def _has_form_of(given: Any, out: Any, resized: bool) -> bool:
    if not isinstance(given, np.ndarray):
        return isinstance(out, type(given))
    if not isinstance(out, np.ndarray) or out.ndim != given.ndim or not out.size or not np.isfinite(out.astype(float)).all():
        return False
    numbers = out.dtype == given.dtype or out.dtype.kind == given.dtype.kind == "f"
    return numbers and (resized or out.shape == given.shape)


def nothing(subject: Subject) -> Iterator[str]:
    """The dose nearest zero leaves the input as it is."""
    if not subject.doses:
        return
    least = min(subject.doses, key=abs)
    for i, item in enumerate(subject.items):
        if not same(subject.change(item, least), item):
            yield f"item {i} is changed at dose {least:g}, the one nearest zero; that dose is what others are compared with"


def moves(subject: Subject) -> Iterator[str]:
    """Some item is changed by some dose."""
    if all(
        same(out, item[0] if isinstance(item, tuple) else item)
        for item in subject.items
        for out in subject.changes(item).values()
    ):
        yield "no item is changed by any dose"


def repeated(subject: Subject) -> Iterator[str]:
    """The same item at the same dose comes out the same, and what went in stays as it is."""
    for i, item in enumerate(subject.items):
        first, second = subject.changes(item), subject.changes(kept(subject.given[i]))
        if not same(first, second):
            yield f"item {i} comes out differently the second time"
        if not same(item, subject.given[i]):
            yield f"item {i} itself is changed; give a copy"


def _form(value: Any) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


CHECKS = {check.__name__: check for check in (form, nothing, moves, repeated)}
