"""A discrete-event model of a cluster: workers that open their models, take recordings in turn, and share one file server.

Fed with the times that `benchmarks.scale` measures. It knows nothing of networks between machines but the one queue: the file
server does one request of the ledger after the other, which is what bends the curve where workers are very many.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Stages:
    """Seconds of one recording's work as they were measured, around it, of a worker's start, and of its ledger requests."""

    work: tuple[float, ...]
    around: float
    start: float
    ledger: float

    def __str__(self) -> str:
        mean = float(np.mean(self.work))
        return f"work {mean:.3f} s, around {self.around:.3f} s, start {self.start:.1f} s, ledger {1000 * self.ledger:.1f} ms"


def makespan(stages: Stages, durations: np.ndarray, workers: int) -> float:
    """Seconds until all recordings are done, the longest first.

    Examples
    --------
    >>> makespan(Stages((1.0,), 0.0, 2.0, 0.0), np.ones(4), 2)
    4.0
    >>> makespan(Stages((1.0,), 0.0, 0.0, 0.5), np.ones(2), 2)  # the second waits for the file server
    2.0
    """
    free = [(stages.start, number) for number in range(workers)]
    heapq.heapify(free)
    server = last = 0.0
    for duration in np.sort(durations)[::-1]:
        ready, number = heapq.heappop(free)
        server = max(server, ready) + stages.ledger
        done = server + float(duration) + stages.around
        last = max(last, done)
        heapq.heappush(free, (done, number))
    return last


def efficiency(stages: Stages, count: int, rng: np.random.Generator) -> dict[int, float]:
    """Share of the workers' time that is work, by their number; durations are drawn from the measured ones."""
    durations = rng.choice(np.array(stages.work), size=count)
    total = float(durations.sum()) + count * stages.around
    return {workers: total / (workers * makespan(stages, durations, workers)) for workers in WORKERS}
