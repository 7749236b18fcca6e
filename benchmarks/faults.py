"""Runs over many pictures that are disturbed: workers and drivers killed, the disk full, three runs at once.

``ITEMS=100 SEED=0 python -m benchmarks faults``. Every disturbed run is taken up again until it ends by itself, and its table
is compared byte by byte with that of the run that nobody disturbed. Items are small pictures that go through the face modality.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from affectlens.assets.store import locate
from affectlens.media.frames import frames

PROGRAM = """
import json, resource, sys
import affectlens
given = json.loads(sys.argv[1])
full = given.pop("full", 0)
if __name__ == "__main__":
    if full:  # the disk is full after so many bytes of one file
        resource.setrlimit(resource.RLIMIT_FSIZE, (full, full))
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    run = affectlens.recognize(modalities=("face",), threads=1, device="cpu", **given)
    sys.exit(run.exit_code)
"""


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Three kinds of disturbance."""
    count, seed = int(os.environ.get("ITEMS", "100")), int(os.environ.get("SEED", "0"))
    with tempfile.TemporaryDirectory(prefix="affectlens-faults-") as scratch:
        folder = Path(scratch)
        pictures = folder / "in"
        pictures_in(pictures, count)
        whole = folder / "whole.csv"
        began = time.monotonic()
        _wait(_started(pictures, whole))
        seconds = time.monotonic() - began
        expected = whole.read_bytes()
        kills = _disturbed(pictures, folder / "a.csv", seconds, np.random.default_rng(seed))
        said = f"{kills['worker']} workers, {kills['driver']} drivers killed, disk full {kills['full']} times"
        same = (folder / "a.csv").read_bytes() == expected
        yield said, "same bytes" if same else "other bytes", "same bytes", same
        new = _new(folder, "a.csv")
        once = sorted(new) == sorted(str(path) for path in pictures.iterdir()) and max(new.values()) == 1
        yield "every picture recognised to its end once", f"{len(new)} of {count}, most {max(new.values())}", "once", once
        together = [_started(pictures, folder / "b.csv", resume=True, name=f"b{number}") for number in range(3)]
        codes = [_wait(process) for process in together]
        same = (folder / "b.csv").read_bytes() == expected and not any(codes)
        yield "3 runs at once on one table", "same bytes" if same else f"other bytes, {codes}", "same bytes", same
        new = _new(folder, "b.csv")
        yield "done by them", f"{len(new)} of {count}, most {max(new.values())}", "once", set(new.values()) == {1}


def pictures_in(folder: Path, count: int) -> None:
    """Small pictures of faces that differ, made of a frame of the sample clip."""
    folder.mkdir(parents=True)
    frame = next(f.image for f in frames(locate("sample-clip"), 1.0) if f.time >= 2)[:180, :240]
    for number in range(count):
        Image.fromarray(np.roll(frame, number % 40, axis=number % 2)).save(folder / f"{number:05d}.png")


def _started(pictures: Path, out: Path, name: str = "", **more: object) -> subprocess.Popen[bytes]:
    journal = out.parent / f"{out.name}-{name}-{time.monotonic_ns()}.jsonl"
    given = {"inputs": str(pictures), "out": str(out), "journal": str(journal), **more}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, json.dumps(given)], stderr=subprocess.DEVNULL)


def _wait(process: subprocess.Popen[bytes]) -> int:
    return process.wait()


def _new(folder: Path, name: str) -> Counter[str]:
    """How often each picture was recognised to its end, by the logs of all runs."""
    lines = (line for log in folder.glob(f"{name}-*.jsonl") for line in log.read_text(encoding="utf-8").splitlines())
    events = [json.loads(line) for line in lines if line.endswith("}")]
    return Counter(event["file"] for event in events if event["event"] == "new" and event["state"] == "done")


def _disturbed(pictures: Path, out: Path, seconds: float, rng: np.random.Generator) -> Counter[str]:
    """Runs with two workers, taken up until one ends with all done; gives what was done to them."""
    kills: Counter[str] = Counter()
    for attempt in range(20):
        full = 400 if attempt == 2 else 0
        process = _started(pictures, out, resume=True, workers=2, full=full)
        kills["full"] += bool(full)
        dies = time.monotonic() + (seconds * rng.uniform(0.3, 0.8) if attempt < 2 else 1e9)
        next_kill = time.monotonic() + rng.uniform(2, 4)
        while process.poll() is None:
            time.sleep(0.1)
            if time.monotonic() > dies:
                process.send_signal(signal.SIGKILL)
                kills["driver"] += 1
                dies = 1e18
            if time.monotonic() > next_kill and attempt < 4:
                next_kill = time.monotonic() + rng.uniform(2, 4) + seconds / 8
                kills["worker"] += _kill_a_child(process.pid, rng)
        if process.returncode == 0:
            return kills
        subprocess.run([sys.executable, "-m", "affectlens", "runs", "retry", str(out)], check=False, capture_output=True)
    return kills


def _kill_a_child(parent: int, rng: np.random.Generator) -> int:
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0
    workers = [int(child) for child in children if b"spawn_main" in _command(int(child))]
    if not workers:
        return 0
    os.kill(int(rng.choice(workers)), signal.SIGKILL)
    return 1


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
