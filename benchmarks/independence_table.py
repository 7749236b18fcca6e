"""The tables of levels and powers in docs/methods.md: `python -m benchmarks.independence_table [MINUTES]`.

Without MINUTES it prints what is known. Cells are extended in turn by 50 repetitions, the cheap ones first and up to 1,000, of
power up to 100, and what is made is kept under `runs/independence`. ``INDEPENDENCE_SEED`` draws other data,
``INDEPENDENCE_CELLS`` takes the cells whose names begin so, of several between semicolons: `level, z of 50;power`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from affectlens.stats.resample import wilson
from benchmarks.independence import ONLY, SEED, default, peer
from benchmarks.independence_cells import Make, dependences, true_hypotheses
from benchmarks.independence_parts import STATS, Parts

ALPHA = 0.05
MOST, MOST_POWERS, STEP = 1000, 100, 50
CODE = STATS / "independence"
DRAWN = tuple(STATS / f"{name}.py" for name in ("exchanges", "randomization", "resolution", "tail"))
DEFAULT = Parts("default", default, (CODE, *DRAWN), SEED)
PEER = Parts("kci", peer, (CODE / "peers/kernels.py", CODE / "variables.py"), SEED)


@dataclass(frozen=True)
class Cell:
    """One cell of a table: who answers, about which data, and how often at most."""

    parts: Parts
    name: str
    make: Make
    most: int

    @property
    def p(self) -> np.ndarray:
        """P-values that are known."""
        return self.parts.known(self.name)[: self.most]


def levels() -> dict[str, Cell]:
    """Cells in which the hypothesis is true."""
    return {name: Cell(DEFAULT, f"level, {name}", make, MOST) for name, make in true_hypotheses().items()}


def powers() -> dict[str, tuple[Cell, Cell, Cell]]:
    """Cells with a dependence: the default's, KCI's, and KCI's on the same data without it."""
    out = {}
    for name, (plant, strength) in dependences().items():
        made, without = partial(plant, strength=strength), partial(plant, strength=0.0)
        out[name] = (
            Cell(DEFAULT, f"power, {name}", made, MOST_POWERS),
            Cell(PEER, f"power, {name}", made, MOST_POWERS),
            Cell(PEER, f"level, {name}", without, MOST_POWERS),
        )
    return out


def extend(minutes: float) -> None:
    """Make what is missing, so that a cell which is four times as dear gets half as many repetitions."""
    end = time.monotonic() + 60 * minutes
    cells = [cell for cell in (*levels().values(), *(c for three in powers().values() for c in three)) if wanted(cell)]
    seconds: dict[int, float] = {}
    while time.monotonic() < end:
        left = [i for i, cell in enumerate(cells) if len(cell.p) < cell.most]
        if not left:
            return
        chosen = min(left, key=lambda i: (len(cells[i].p) + 1) * seconds.get(i, 1e-9) ** 0.5)
        cell, began = cells[chosen], time.monotonic()
        step = STEP if len(cell.p) else STEP // 5
        known = len(cell.p)
        cell.parts.extended(cell.name, cell.make, min(known + step, cell.most))
        seconds[chosen] = (time.monotonic() - began) / step
        print(f"{cell.parts.test}, {cell.name}: {len(cell.p)}", flush=True)


def wanted(cell: Cell) -> bool:
    """Whether the cell was asked for."""
    return cell.name.startswith(tuple(ONLY.split(";")))


def share(p: np.ndarray) -> str:
    """Share of p-values of .05 or less."""
    return f"{(p <= ALPHA).mean():.3f}".removeprefix("0") if len(p) else ""


def of_levels() -> Iterator[str]:
    """Lines of the table of levels, and what they come to."""
    yield "| hypothesis true, α = .05 | rejected | 95 % interval | repetitions |"
    yield "|---|---|---|---|"
    rejected = total = 0
    for name, cell in levels().items():
        p = cell.p
        if len(p):
            ends = wilson(int((p <= ALPHA).sum()), len(p))
            low, high = (f"{end:.3f}".removeprefix("0") for end in (ends.low, ends.high))
            yield f"| {name} | {share(p)} | [{low}, {high}] | {len(p)} |"
        rejected, total = rejected + int((p <= ALPHA).sum()), total + len(p)
    if total:
        whole = wilson(rejected, total)
        yield f"\n{rejected} of {total} rejected: {whole.value:.3f} [{whole.low:.3f}, {whole.high:.3f}]"


def of_powers() -> Iterator[str]:
    """Lines of the table of powers."""
    yield "| dependence | `wgcm` or `stratified` | repetitions | KCI | KCI's level without it | repetitions |"
    yield "|---|---|---|---|---|---|"
    for name, (own, theirs, without) in powers().items():
        if len(own.p):
            yield f"| {name} | {share(own.p)} | {len(own.p)} | {share(theirs.p)} | {share(without.p)} | {len(without.p)} |"


def main(arguments: list[str]) -> None:
    """Extend, then print."""
    if arguments:
        extend(float(arguments[0]))
    print("\n".join([*of_levels(), "", *of_powers()]))


if __name__ == "__main__":
    main(sys.argv[1:])
