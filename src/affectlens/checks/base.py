"""What the suites share: checks run one after the other, and one error that lists what is wrong."""

from __future__ import annotations

import copy
import dataclasses
import random
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch

from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.settings import nearest

S = TypeVar("S")
Check = Callable[[S], Iterable[str]]
SHOWN = 5  # problems of one check that the error lists


class CheckError(AffectlensError):
    """Something does not keep to its contract.

    Attributes
    ----------
    subject : str
        What was checked.
    problems : dict of list of str
        By check, in plain words, what was expected and what came.
    """

    def __init__(self, subject: str, problems: Mapping[str, list[str]]) -> None:
        self.subject, self.problems = subject, dict(problems)
        lines = [f"{subject} does not keep to its contract:"]
        for name, texts in problems.items():
            lines += [f"- {name}: {text}" for text in texts[:SHOWN]]
            if len(texts) > SHOWN:
                lines.append(f"- {name}: and {len(texts) - SHOWN} more")
        lines.append(f"Single checks are left out by name: leave_out={tuple(problems)!r}.")
        super().__init__("\n".join(lines))


def run_checks(subject: str, checks: Mapping[str, Check[S]], about: S, leave_out: Collection[str] = ()) -> None:
    """Run checks; an exception inside one is a problem of that check.

    Parameters
    ----------
    subject : str
        What is checked, for the error.
    checks : mapping
        By name functions that take ``about`` and give problems in plain words.
    about : Any
        What every check looks at.
    leave_out : collection of str
        Checks that are not run.

    Raises
    ------
    CheckError
        There are problems.
    UsageError
        ``leave_out`` names a check that there is not.
    """
    for name in leave_out:
        if name not in checks:
            raise UsageError(f"leave_out: there is no check {name!r}{nearest(name, checks)}; there are {', '.join(checks)}")
    problems: dict[str, list[str]] = {}
    for name, check in checks.items():
        if name in leave_out:
            continue
        try:
            texts = list(check(about))
        except Exception as error:
            texts = [raised(error)]
        if texts:
            problems[name] = texts
    if problems:
        raise CheckError(subject, problems)


def raised(error: Exception) -> str:
    """Say which exception came, and from which line."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__} was raised: {error}{where}"


def same(first: Any, second: Any) -> bool:
    """Whether two values are equal, arrays and containers of arrays too; NaN equals NaN."""
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        first, second = np.asarray(first), np.asarray(second)
        numbers = first.dtype.kind in "fc" and second.dtype.kind in "fc"
        return first.shape == second.shape and bool(np.array_equal(first, second, equal_nan=numbers))
    if dataclasses.is_dataclass(first) and type(first) is type(second):
        return all(same(getattr(first, member.name), getattr(second, member.name)) for member in dataclasses.fields(first))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(same(left, right) for left, right in zip(first, second, strict=True))
    return bool(first == second) or (first != first and second != second)


def kept(value: Any) -> Any:
    """A deep copy, to compare with later."""
    return value.copy() if isinstance(value, np.ndarray) else copy.deepcopy(value)


class RandomStates:
    """Notices whether the global random numbers of Python, NumPy or torch are moved inside; they are as before outside.

    Attributes
    ----------
    moved : list of str
        Whose numbers were moved, once it is left.
    """

    def __enter__(self) -> RandomStates:
        self._outside = _random_states()
        # Drawn from, so that setting a seed is noticed even where it was set before.
        random.random()
        np.random.random()  # noqa: NPY002
        torch.rand(1)
        self._before = _random_states()
        self.moved: list[str] = []
        return self

    def __exit__(self, *_: object) -> None:
        after = _random_states()
        self.moved = [name for name, state in self._before.items() if not same(state, after[name])]
        random.setstate(self._outside["Python"])
        np.random.set_state(self._outside["NumPy"])  # noqa: NPY002
        torch.set_rng_state(torch.from_numpy(self._outside["torch"]))

    def problems(self) -> list[str]:
        """In words, nothing where none was moved."""
        text = "global random numbers are moved; draw from a generator or seed that is given"
        return [f"{name}'s {text}" for name in self.moved]


def _random_states() -> dict[str, Any]:
    return {"Python": random.getstate(), "NumPy": np.random.get_state(), "torch": torch.get_rng_state().numpy().copy()}  # noqa: NPY002


def gap(first: np.ndarray, second: np.ndarray) -> float:
    """The largest difference, infinite where the shapes differ or one is no number where the other is."""
    if first.shape != second.shape or (np.isnan(first) != np.isnan(second)).any():
        return float("inf")
    return float(np.nanmax(np.abs(first - second), initial=0.0)) if first.size else 0.0
