"""Ray: actors that open the task once each, on the cluster at ``RAY_ADDRESS`` or on this machine.

Core actors alone are used: what an item comes to is written where all nodes see it, so nothing but names goes through the
object store. An actor whose process or node is lost is begun again by Ray, and its item is tried again as often as with worker
processes.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from affectlens.core.environment.extras import helpful
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.dispatch.processes import TRIES
from affectlens.dispatch.task import Crash, Surroundings, Task

log = logging.getLogger(__name__)
PAUSE = 0.5  # seconds between two questions whether an actor runs again
PATIENCE = 60.0  # seconds without an answer after which it is said that the cluster has no room
RESTARTS = 100  # of one actor; its items are tried no more than TRIES times each


class Worker:
    """What an actor does; opened at its first item, so that an actor that was begun again opens anew."""

    def __init__(self, task: Task, surroundings: Surroundings, threads: int) -> None:
        self._task, self._surroundings, self._threads = task, surroundings, threads
        self._handle: Any = None

    def is_there(self) -> bool:
        """Answers as soon as the actor runs."""
        return True

    def do(self, item: str) -> Any:
        """What an item comes to."""
        with self._surroundings.entered():
            if self._handle is None:
                self._handle = self._task.open(self._threads)
            return self._handle(item)


def from_ray(task: Task, items: Sequence[str], workers: int) -> Iterator[Any]:
    """What each item comes to, from actors of Ray.

    Parameters
    ----------
    task : Task
        Opened once in every actor; what it reads and writes has to be seen by all nodes.
    items : sequence of str
        In the order in which they are begun.
    workers : int
        Actors. Each has a GPU of its own where the cluster has any.

    Yields
    ------
    Any or Crash
        What the task gives, in the order in which items are finished; a `Crash` for one whose actor ended every time.

    Raises
    ------
    UsageError
        Ray is not installed, or the cluster has fewer processors than are asked for and one to spare.
    AffectlensError
        The task cannot be opened.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    with helpful():
        import ray

    begun = not ray.is_initialized()
    if begun:
        address = os.environ.get("RAY_ADDRESS") or None
        ray.init(address=address, **_own_cluster(workers) if address is None else {}, log_to_driver=True)
    try:
        _, share, gpus = _share(_resources(ray), workers)
        log.info("Ray: %d actors of %d processors each, %s GPUs in all", workers, share, f"{gpus:g}")
        options = {"num_cpus": share, "num_gpus": 1 if gpus >= 1 else 0, "max_restarts": RESTARTS, "max_task_retries": 0}
        count = min(workers, len(items), int(gpus) if gpus >= 1 else workers)
        Actor = ray.remote(Worker).options(**options)
        surroundings = Surroundings()
        actors = deque(Actor.remote(task, surroundings, share) for _ in range(count))
        yield from _Actors(ray, deque(items), actors).results()
    finally:
        if begun:
            ray.shutdown()


def _resources(ray: Any) -> dict[str, float]:
    return dict(ray.cluster_resources())


def _own_cluster(workers: int) -> dict[str, Any]:
    """A cluster of this machine with a processor for every actor and one to spare: where actors have all, Ray hangs."""
    return {"num_cpus": workers + 1, "include_dashboard": False, "object_store_memory": 100 * 1024 * 1024}


def _share(resources: dict[str, float], workers: int) -> tuple[int, int, float]:
    """Processors of a cluster, those of each actor with one left over, and GPUs."""
    processors = int(resources.get("CPU", 0))
    if workers >= processors:
        raise UsageError(
            f"--workers {workers}: the cluster has {processors} processors, of which one is left to Ray; "
            f"{max(0, processors - 1)} or fewer were expected"
        )
    return processors, max(1, (processors - 1) // workers), float(resources.get("GPU", 0))


@dataclass
class _Actors:
    """Actors of one run: those that have nothing to do, those at an item, and those that are being begun again."""

    ray: Any
    waiting: deque[str]
    idle: deque[Any]
    tries: dict[str, int] = field(default_factory=dict)
    at_work: dict[Any, tuple[Any, str | None]] = field(default_factory=dict)  # without an item: whether it runs is asked
    resting: list[tuple[float, Any]] = field(default_factory=list)  # when to ask again, and whom

    @property
    def has_more(self) -> bool:
        """Whether items are left; an actor that is still being begun again when all is done is not waited for."""
        return bool(self.waiting) or any(item is not None for _, item in self.at_work.values())

    def hand_out(self) -> None:
        """Give items to those that have none, and ask those that were lost whether they run again."""
        while self.waiting and self.idle:
            actor, item = self.idle.popleft(), self.waiting.popleft()
            self.at_work[actor.do.remote(item)] = actor, item
        due = [actor for when, actor in self.resting if when <= time.monotonic()]
        self.resting = [(when, actor) for when, actor in self.resting if actor not in due]
        for actor in due:
            self.at_work[actor.is_there.remote()] = actor, None

    def results(self) -> Iterator[Any]:
        """What items came to, as they come to it."""
        while self.has_more:
            self.hand_out()
            if not self.at_work and not self.resting:
                raise AffectlensError("no actor of Ray begins again; what is left is done by the next run with --resume")
            if not self.at_work:
                time.sleep(PAUSE)
                continue
            ready, _ = self.ray.wait(list(self.at_work), num_returns=1, timeout=PAUSE if self.resting else PATIENCE)
            if ready:
                yield from self.met(ready[0])
            elif all(item is None for _, item in self.at_work.values()):
                log.warning("Ray: %d actors were lost, and the cluster has no room for them; waiting", len(self.at_work))

    def met(self, call: Any) -> Iterator[Any]:
        """Take what a call came to."""
        ray = self.ray
        actor, item = self.at_work.pop(call)
        try:
            made = ray.get(call)
        except ray.exceptions.RayActorError as error:
            yield from self.lost(actor, item, error)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause if isinstance(getattr(error, "cause", None), AffectlensError) else None
            raise cause or AffectlensError(f"an actor of Ray failed: {_first_line(error)}") from error
        else:
            self.idle.append(actor)
            if item is not None:
                yield made

    def lost(self, actor: Any, item: str | None, error: Exception) -> Iterator[Crash]:
        """What follows where the process or the node of an actor ended."""
        if item is None and not isinstance(error, self.ray.exceptions.ActorUnavailableError):
            log.warning("an actor of Ray does not begin again: %s", _first_line(error))
            return
        self.resting.append((time.monotonic() + PAUSE, actor))
        if item is not None:
            yield from _ended(item, self.tries, self.waiting, _first_line(error))


def _ended(item: str, tries: dict[str, int], waiting: deque[str], reason: str) -> Iterator[Crash]:
    """Let an item be tried again whose actor ended, or give it up."""
    tries[item] = tries.get(item, 0) + 1
    log.warning("%s: the actor that was at it ended (%s)", item, reason)
    if tries[item] < TRIES:
        waiting.appendleft(item)
    else:
        yield Crash(item, reason, tries[item])


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
