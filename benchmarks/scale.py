"""Many recordings: memory of 20 against 2,000, the same bytes from every way to run, a cluster simulated from measured times.

``CLIPS=200 RECORDINGS=2000 PARTS=memory,ways,cluster python -m benchmarks scale``. The clips are a second each and differ in
their pictures; the recordings whose memory is measured are motions of a second that only the gait modality reads, which keeps
2,000 of them within minutes. Nothing here is a limit on time, so it may run on a busy machine; for speed see ``speed``.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from benchmarks.machine import Kept, cost_of, parts_asked_for
from benchmarks.many_clips import child, clips_in, walks_in
from benchmarks.simulated_cluster import Stages, efficiency

Row = tuple[str, str, str, bool | None]
FACES = {"modalities": ["face"], "threads": 1}


def run() -> Iterator[Row]:
    """Memory, ways, simulation."""
    parts = {"memory": memory, "ways": ways, "cluster": cluster}
    for name in parts_asked_for(parts):
        with tempfile.TemporaryDirectory(prefix="affectlens-scale-") as scratch:
            yield from parts[name](Path(scratch), Kept())


def memory(folder: Path, kept: Kept) -> Iterator[Row]:
    """Peak memory does not grow with the number of recordings."""
    many = int(os.environ.get("RECORDINGS", "2000"))
    peaks = {}
    for count in (20, many):

        def measured_now(count: int = count) -> dict[str, float]:
            walks_in(folder / f"walks{count}", count)
            return child(inputs=str(folder / f"walks{count}"), out=str(folder / f"w{count}.csv"), modalities=["gait"])

        found = kept.facts(f"memory of {count}", measured_now)
        peaks[count] = found["peak"]
        yield f"peak memory, {count} recordings", f"{found['peak']:.0f} MB ({found['rows']:.0f} rows)", "", None
    ratio = peaks[many] / peaks[20]
    yield f"peak memory, {many} / 20 recordings", f"{ratio:.3f}", "at most 1.10", ratio <= 1.10


def ways(folder: Path, kept: Kept) -> Iterator[Row]:
    """One process, two workers, two actors of Ray and three shards give the same bytes."""
    from affectlens.pipeline.merging import merge

    clips = int(os.environ.get("CLIPS", "200"))
    clips_in(folder / "clips", clips)
    given = {"inputs": str(folder / "clips"), **FACES}
    child(out=str(folder / "one.csv"), **given)
    expected = (folder / "one.csv").read_bytes()
    for name, more in (("workers", {"workers": 2}), ("ray", {"workers": 2, "on": "ray"})):
        try:
            cost = cost_of(lambda name=name, more=more: child(out=str(folder / f"{name}.csv"), **given, **more))
        except RuntimeError as error:
            yield f"{clips} clips, {more}", str(error), "", None
            continue
        same = (folder / f"{name}.csv").read_bytes() == expected
        yield f"{clips} clips, {more}: {cost}", "same bytes" if same else "other bytes", "same bytes", same
    for shard in ("2/3", "3/3", "1/3"):
        child(out=str(folder / "shards.csv"), shard=shard, **given)
    merge(folder / "shards.csv")
    same = (folder / "shards.csv").read_bytes() == expected
    yield f"{clips} clips in 3 shards, merged", "same bytes" if same else "other bytes", "same bytes", same


def cluster(folder: Path, kept: Kept) -> Iterator[Row]:
    """A cluster simulated from the times of a run on this machine."""
    clips = min(50, int(os.environ.get("CLIPS", "200")))

    def measured_now() -> dict[str, object]:
        clips_in(folder / "timed", clips)
        journal = folder / "timed.jsonl"
        found = child(inputs=str(folder / "timed"), out=str(folder / "timed.csv"), journal=str(journal), **FACES)
        return {"load": os.getloadavg()[0], **measured(journal, found["seconds"]).__dict__}

    facts = kept.facts("stages", measured_now)
    load = facts.pop("load")
    stages = Stages(**(facts | {"work": tuple(facts["work"])}))
    yield f"measured: {stages}", f"load {load:.1f}", "", None
    for workers, share in efficiency(stages, 20_000, np.random.default_rng(0)).items():
        yield f"simulated, {workers} workers, 20,000 recordings", f"{share:.0%} efficient", "", None


def measured(journal: Path, seconds: float) -> Stages:
    """Times of the stages from the log of a run: work of each recording, what surrounds it, and the start of a worker."""
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    work = [line["seconds"] for line in lines if line["event"] == "new"]
    times = [line["time"] for line in lines]
    inner = _between(times[1], times[-1])
    around = max(0.0, (inner - sum(work[1:])) / max(1, len(work) - 1))
    return Stages(tuple(work), around, max(0.0, seconds - inner), _ledger_seconds())


def _between(first: str, last: str) -> float:
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def _ledger_seconds(count: int = 200) -> float:
    """Time that the ledger takes of a shared folder for one recording: a claim taken and given back, a record written."""
    from affectlens.ledger import DONE, Claim, Item, Ledger

    with tempfile.TemporaryDirectory(prefix="affectlens-ledger-") as folder:
        ledger = Ledger(Path(folder))
        began = time.perf_counter()
        for number in range(count):
            claim = ledger.claims.take(str(number))
            assert isinstance(claim, Claim)
            ledger.records.record(Item(str(number), DONE))
            claim.release()
        return (time.perf_counter() - began) / count
