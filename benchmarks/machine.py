"""What a figure was taken under, and figures that are kept so that a benchmark that was broken off goes on where it was."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cost:
    """What something took.

    Attributes
    ----------
    seconds : float
        By the clock.
    processor : float
        Seconds of all processors, of this process and those that it waited for.
    load : float
        Processes that wanted a processor, the mean of the minute before the end; above the number of processors the seconds
        by the clock say little.
    """

    seconds: float
    processor: float
    load: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.processor:.1f} s of processors, load {self.load:.1f}"


def cost_of(work: Callable[[], Any]) -> Cost:
    """Do something and tell what it took."""
    began, before = time.monotonic(), _processor()
    work()
    return Cost(time.monotonic() - began, _processor() - before, os.getloadavg()[0])


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Kept:
    """Figures in a file, each measured once; without a file nothing is kept.

    The file is named by the variable ``KEEP``. Where it holds a figure already, that one is used.
    """

    def __init__(self) -> None:
        name = os.environ.get("KEEP", "")
        self.file = Path(name) if name else None

    def cost(self, name: str, work: Callable[[], Any]) -> Cost:
        """What something takes, measured now or kept from an earlier run."""
        return Cost(**self.facts(name, lambda: asdict(cost_of(work))))

    def facts(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Facts made now or kept from an earlier run."""
        known = self._known()
        if name not in known:
            known = self._known() | {name: make()}
            if self.file is not None:
                self.file.write_text(json.dumps(known, indent=1), encoding="utf-8")
        return dict(known[name])

    def _known(self) -> dict[str, Any]:
        if self.file is None or not self.file.exists():
            return {}
        return dict(json.loads(self.file.read_text(encoding="utf-8")))


def parts_asked_for(names: Iterable[str]) -> list[str]:
    """Parts of a benchmark that the variable ``PARTS`` names, all where it names none.

    Examples
    --------
    >>> os.environ["PARTS"] = "b"
    >>> parts_asked_for(["a", "b"])
    ['b']
    >>> del os.environ["PARTS"]
    """
    wanted = [name for name in os.environ.get("PARTS", "").split(",") if name]
    unknown = set(wanted) - set(names)
    if unknown:
        raise SystemExit(f"PARTS={','.join(sorted(unknown))}: {', '.join(names)} were expected")
    return [name for name in names if not wanted or name in wanted]
