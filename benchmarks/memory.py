"""Peak memory of the main job at one and at ten minutes of video, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.clips import repeated

_CHILD = """
import resource, sys
from affectlens.core.options import Options
from affectlens.pipeline import Engine, explain
run = explain(sys.argv[1], sys.argv[2], engine=Engine(Options(device="cpu")))
assert not run.failures, run.failures
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak(clip: Path, out: Path) -> float:
    """Peak resident memory in MB of explaining one clip, report included."""
    done = subprocess.run([sys.executable, "-c", _CHILD, str(clip), str(out)], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Peaks and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        peaks = {}
        for minutes in (1, 10):
            clip = repeated(Path(folder) / f"{minutes}.mp4", 60.0 * minutes)
            peaks[minutes] = peak(clip, Path(folder) / f"out{minutes}")
            yield f"peak memory, {minutes} min of video", f"{peaks[minutes]:.0f} MB", "", None
        ratio = peaks[10] / peaks[1]
        yield "peak memory, 10 min / 1 min", f"{ratio:.3f}", "at most 1.10", ratio <= 1.10
