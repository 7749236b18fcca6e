"""One function for all ways to run."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from affectlens.dispatch.processes import from_processes
from affectlens.dispatch.running import Running
from affectlens.dispatch.task import Task


def dispatched(task: Task, items: Sequence[str], how: Running) -> Generator[Any, None, None]:
    """What each item comes to.

    Parameters
    ----------
    task : Task
        What is done with every item.
    items : sequence of str
        In the order in which they are begun.
    how : Running
        Workers, and where they are; the shard was taken into account by whoever made the list.

    Yields
    ------
    Any or Crash
        What the task gives, in the order in which items are finished.
    """
    if not items:
        return
    if how.on == "ray":
        from affectlens.dispatch.ray_actors import from_ray

        yield from from_ray(task, items, how.workers)
    elif how.workers > 1:
        yield from from_processes(task, items, how.workers, how.threads())
    else:
        handle = task.open(None)
        for item in items:
            yield handle(item)
