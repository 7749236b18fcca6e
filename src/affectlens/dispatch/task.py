"""What every way to run has in common: the task, what surrounds it in another process, and a worker that ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from affectlens.core.limits import Limits, current, limited
from affectlens.core.registry import named_plugins, use_plugin
from affectlens.core.untrusted.code import allowing, code_allowed

Handler = Callable[[str], Any]


class Task(Protocol):
    """What is done with every item; it travels to the workers, so it holds no models and no open files."""

    def open(self, threads: int | None) -> Handler:
        """Load what is needed once; gives a function from an item to what it came to, which raises nothing.

        ``threads`` is the most that a worker shall use; None for as many as the task has set itself.
        """

    def stop(self) -> None:
        """Give back what other processes wait for; called from another thread when the worker has to end at once."""


@dataclass(frozen=True)
class Crash:
    """A worker ended while it was at an item, as often as it was tried.

    Attributes
    ----------
    item : str
        The item.
    reason : str
        How it ended.
    tries : int
        How often.
    """

    item: str
    reason: str
    tries: int


@dataclass(frozen=True)
class Surroundings:
    """What holds in this process beside the task, so that it holds in a worker too: plug-ins, limits, permissions."""

    plugins: tuple[str, ...] = field(default_factory=lambda: named_plugins())
    limits: Limits = field(default_factory=current)
    code: bool = field(default_factory=code_allowed)
    level: int = field(default_factory=lambda: logging.getLogger("affectlens").getEffectiveLevel())

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let the same hold here."""
        logging.getLogger("affectlens").setLevel(self.level)
        for plugin in self.plugins:
            use_plugin(plugin)
        with limited(self.limits), allowing(self.code):
            yield
