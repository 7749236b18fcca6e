"""How fast: workers and Ray against fewer, many pictures in one call against many calls, and a clip against an earlier commit.

``KEEP=speed.json CLIPS=200 PICTURES=500 EARLIER=FOLDER/src PARTS=workers,ray,pictures,clip,long python -m benchmarks speed``.
Ratios of time mean something on a quiet machine alone, so every line says the load beside. With ``KEEP`` each figure is
measured once, and a run that was broken off goes on. ``EARLIER`` is the ``src`` folder of an earlier commit (``git archive
COMMIT src | tar x -C FOLDER``), with which ``clip`` and ``long`` are measured in turn.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from affectlens.assets.store import locate
from benchmarks.clips import repeated
from benchmarks.machine import Cost, Kept, parts_asked_for
from benchmarks.many_clips import child, clips_in, pictures_in

Row = tuple[str, str, str, bool | None]
FACES = {"modalities": ["face"], "threads": 1}
ROUNDS = 3


def run() -> Iterator[Row]:
    """All parts."""
    parts = {"workers": workers, "ray": ray, "pictures": pictures, "clip": clip, "long": long}
    for name in parts_asked_for(parts):
        with tempfile.TemporaryDirectory(prefix="affectlens-speed-") as scratch:
            yield from parts[name](Path(scratch), Kept())


def workers(folder: Path, kept: Kept) -> Iterator[Row]:
    """Two workers against one."""
    clips_in(folder / "clips", _count())
    costs = {}
    for number in (1, 2):
        costs[number] = kept.cost(f"{number} workers", lambda number=number: _clips(folder, workers=number))
        yield f"{_count()} clips of 1 s, faces, {number} workers", str(costs[number]), "", None
    speed = costs[1].seconds / costs[2].seconds
    yield "2 workers against 1", f"{speed:.2f} times", "at least 1.7", speed >= 1.7


def ray(folder: Path, kept: Kept) -> Iterator[Row]:
    """Two actors of Ray against two workers."""
    clips_in(folder / "clips", _count())
    plain = kept.cost("2 workers", lambda: _clips(folder, workers=2))
    actors = kept.cost("2 actors", lambda: _clips(folder, workers=2, on="ray"))
    yield f"{_count()} clips of 1 s, faces, 2 actors of Ray", str(actors), "", None
    speed = plain.seconds / actors.seconds
    yield "2 actors of Ray against 2 workers", f"{speed:.2f} times", "at least 0.9", speed >= 0.9


def pictures(folder: Path, kept: Kept) -> Iterator[Row]:
    """One call for many pictures against one call a picture, of which a few are measured."""
    count, few = int(os.environ.get("PICTURES", "500")), 10
    pictures_in(folder / "pictures", count)
    files = sorted((folder / "pictures").iterdir())

    def one_call() -> None:
        child(inputs=str(folder / "pictures"), out=str(folder / "all.csv"), **FACES)

    def many_calls() -> None:
        for file in files[:few]:
            child(inputs=str(file), out=str(folder / f"{file.stem}.csv"), **FACES)

    whole, single = kept.cost(f"{count} pictures in one call", one_call), kept.cost(f"{few} calls", many_calls)
    yield f"recognize, {count} pictures in one call", str(whole), "", None
    yield f"recognize, {few} pictures, a call each", str(single), "", None
    speed = (single.processor / few) / (whole.processor / count)
    yield "a call a picture against one call, processor time a picture", f"{speed:.1f} times", "at least 3", speed >= 3


def clip(folder: Path, kept: Kept) -> Iterator[Row]:
    """`explain` on the sample clip as a whole process, against an earlier commit."""
    yield from _against(folder, kept, "the sample clip", locate("sample-clip"), ROUNDS, 0.0)


def long(folder: Path, kept: Kept) -> Iterator[Row]:
    """`explain` on the sample clip looped to five minutes, against an earlier commit."""
    yield from _against(folder, kept, "5 minutes", repeated(folder / "long.mp4", 300.0), 1, 300.0)


def _against(folder: Path, kept: Kept, name: str, file: Path, rounds: int, length: float) -> Iterator[Row]:
    sources = {"now": ""} | ({"earlier": earlier} if (earlier := os.environ.get("EARLIER", "")) else {})
    best: dict[str, Cost] = {}
    for number in range(rounds):  # in turn, so that a load that changes meets both
        for which, source in sources.items():
            cost = kept.cost(f"{name}, {which}, {number}", lambda source=source: _explain(file, folder / "out", source))
            if which not in best or cost.processor < best[which].processor:
                best[which] = cost
    for which, cost in best.items():
        yield f"explain, {name}, {which}", str(cost), "", None
    if length:
        factor = best["now"].seconds / length
        yield f"explain, {name}, real-time factor", f"{factor:.2f}", "below 1", factor < 1
    if "earlier" in best:
        share = best["now"].processor / best["earlier"].processor
        yield f"explain, {name}, processor time of the earlier commit's", f"{share:.0%}", "", None


def _explain(file: Path, out: Path, source: str) -> None:
    more = {"PYTHONPATH": source} if source else {}
    command = [sys.executable, "-m", "affectlens", "explain", str(file), "--out", str(out), "--device", "cpu", "--force"]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | more)


def _count() -> int:
    return int(os.environ.get("CLIPS", "200"))


def _clips(folder: Path, **how: object) -> None:
    child(inputs=str(folder / "clips"), out=str(folder / f"{len(list(folder.iterdir()))}.csv"), **FACES, **how)
