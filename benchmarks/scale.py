"""Many recordings: two workers against one, memory of 20 against 2,000 recordings, and a cluster simulated from measured times.

``CLIPS=200 RECORDINGS=2000 python -m benchmarks scale``. The clips are a second of the sample clip each; the recordings whose
memory is measured are motions of a second that only the gait modality reads, which keeps 2,000 of them within minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.simulated_cluster import Stages, efficiency

_CHILD = """
import json, resource, sys, time
import affectlens
given = json.loads(sys.argv[1])
if __name__ == "__main__":
    began = time.monotonic()
    run = affectlens.recognize(device="cpu", **given)
    assert not run.failures, run.failures
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.monotonic() - began, "peak": peak, "rows": run.rows}))
"""


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Speed, memory, simulation."""
    clips, recordings = int(os.environ.get("CLIPS", "200")), int(os.environ.get("RECORDINGS", "2000"))
    with tempfile.TemporaryDirectory(prefix="affectlens-scale-") as scratch:
        folder = Path(scratch)
        peaks = {}
        for count in (20, recordings):
            walks(folder / f"walks{count}", count)
            found = _child(inputs=str(folder / f"walks{count}"), out=str(folder / f"w{count}.csv"), modalities=["gait"])
            peaks[count] = found["peak"]
            yield f"peak memory, {count} recordings", f"{found['peak']:.0f} MB", "", None
        ratio = peaks[recordings] / peaks[20]
        yield f"peak memory, {recordings} / 20 recordings", f"{ratio:.3f}", "at most 1.10", ratio <= 1.10
        pictures = folder / "clips"
        clips_in(pictures, clips)
        seconds = {}
        for workers in (1, 2):
            out = folder / f"c{workers}.csv"
            given = {"modalities": ["face"], "threads": 1, "workers": workers, "journal": str(folder / f"{workers}.jsonl")}
            seconds[workers] = _child(inputs=str(pictures), out=str(out), **given)["seconds"]
            yield f"{clips} clips of 1 s, faces, {workers} workers", f"{seconds[workers]:.0f} s", "", None
        same = (folder / "c1.csv").read_bytes() == (folder / "c2.csv").read_bytes()
        yield "their tables", "same bytes" if same else "other bytes", "same bytes", same
        speed = seconds[1] / seconds[2]
        yield "2 workers against 1", f"{speed:.2f} times", "at least 1.7", speed >= 1.7
        stages = measured(folder / "1.jsonl", seconds[1], clips)
    yield f"measured: {stages}", "", "", None
    for workers, share in efficiency(stages, 20_000, np.random.default_rng(0)).items():
        yield f"simulated, {workers} workers, 20,000 recordings", f"{share:.0%} efficient", "", None


def _child(**given: object) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", _CHILD, json.dumps(given)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def walks(folder: Path, count: int) -> None:
    """Motions of a second, each of its own."""
    from tests.perception.body.walker import walker, write_bvh

    folder.mkdir()
    first = write_bvh(walker(seconds=1.0), folder / "00000.bvh")
    text = first.read_text(encoding="utf-8")
    for number in range(1, count):
        (folder / f"{number:05d}.bvh").write_text(text + "\n" * number, encoding="utf-8")


def clips_in(folder: Path, count: int) -> None:
    """Clips of a second that differ in their metadata alone."""
    from tests.conftest import write_video

    from affectlens.assets.store import locate
    from affectlens.media.container import open_file
    from affectlens.media.frames import frames

    folder.mkdir()
    images = [f.image[:180, :240] for f in frames(locate("sample-clip"), 5.0) if 2 <= f.time < 3]
    first = write_video(folder / "00000.mp4", images, rate=5)
    for number in range(1, count):
        with open_file(first) as given, open_file(str(folder / f"{number:05d}.mp4"), "w") as out:
            out.metadata["title"] = str(number)
            stream = out.add_stream_from_template(given.streams.video[0])
            for packet in given.demux(given.streams.video[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)


def measured(journal: Path, seconds: float, count: int) -> Stages:
    """Times of the stages from the log of a run: work of each recording, what surrounds it, and the start of a worker."""
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    work = [line["seconds"] for line in lines if line["event"] == "new"]
    times = [line["time"] for line in lines]
    inner = _between(times[1], times[-1])
    around = max(0.0, (inner - sum(work[1:])) / max(1, len(work) - 1))
    return Stages(tuple(work), around, max(0.0, seconds - inner), _ledger_seconds())


def _between(first: str, last: str) -> float:
    from datetime import datetime

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
