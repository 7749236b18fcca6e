"""Many small recordings for the benchmarks of scale and faults: clips of a second whose pictures differ, and motions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from affectlens.assets.store import locate
from affectlens.media.frames import frames

PROGRAM = """
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


def clips_in(folder: Path, count: int) -> None:
    """Clips of a second, five frames each, in which the sample clip's speaker stands in another place every time."""
    from tests.conftest import write_video

    folder.mkdir(parents=True)
    images = [frame.image[:180, :240] for frame in frames(locate("sample-clip"), 5.0) if 2 <= frame.time < 3]
    for number in range(count):
        moved = [np.roll(image, (number % 20, number // 20 % 20), axis=(0, 1)) for image in images]
        write_video(folder / f"{number:05d}.mp4", moved, rate=5)


def walks_in(folder: Path, count: int) -> None:
    """Motions of a second, each a file of its own."""
    from tests.perception.body.walker import walker, write_bvh

    folder.mkdir(parents=True)
    first = write_bvh(walker(seconds=1.0), folder / "00000.bvh")
    text = first.read_text(encoding="utf-8")
    for number in range(1, count):
        (folder / f"{number:05d}.bvh").write_text(text + "\n" * number, encoding="utf-8")


def pictures_in(folder: Path, count: int) -> None:
    """Small pictures of a face that stands in another place every time."""
    folder.mkdir(parents=True)
    image = next(frame.image for frame in frames(locate("sample-clip"), 1.0) if frame.time >= 2)[:180, :240]
    for number in range(count):
        moved = np.roll(image, (number % 20, number // 20 % 20), axis=(0, 1))
        Image.fromarray(moved).save(folder / f"{number:05d}.png")


def child(**given: object) -> dict[str, float]:
    """Recognise in a process of its own; gives its seconds, its peak memory in MB and how many rows it wrote.

    Raises
    ------
    RuntimeError
        It failed; the last line that it said.
    """
    done = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps(given)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no word"])[-1])
    return dict(json.loads(done.stdout.splitlines()[-1]))
