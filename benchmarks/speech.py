"""The speech path over an hour of audio: memory that does not grow, and the network's share of the time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np

from affectlens.models.base import load_model
from affectlens.perception.voice.egemaps import functionals
from affectlens.perception.voice.stream import describe

_CHILD = """
import resource, sys
import numpy as np
from affectlens.perception.voice.stream import DescriptorStream
stream, rng, frames = DescriptorStream(), np.random.default_rng(0), 0
t = np.arange(160000) / 16000
for block in range(int(sys.argv[1]) * 6):
    hertz = 120 + 40 * np.sin(2 * np.pi * 0.4 * t)
    voiced = np.sin(2 * np.pi * 2.5 * t) > -0.3
    x = sum(np.sin(2 * np.pi * k * np.cumsum(hertz) / 16000) / k for k in range(1, 12)) * voiced * 0.1
    frames += len(stream.push((x + rng.normal(0, 1e-3, len(x))).astype(np.float32)))
frames += len(stream.finish())
print(frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Peak memory at 2 and 60 minutes; time of the network against that of the features."""
    peaks = {}
    for minutes in (2, 60):
        done = subprocess.run([sys.executable, "-c", _CHILD, str(minutes)], capture_output=True, text=True, check=True)
        peaks[minutes] = float(done.stdout.split()[-1])
        yield f"peak memory of descriptors, {minutes} min of audio", f"{peaks[minutes]:.0f} MB", "", None
    ratio = peaks[60] / peaks[2]
    yield "peak memory, 60 min / 2 min", f"{ratio:.3f}", "at most 1.10", ratio <= 1.10
    model = load_model("speech")
    rng = np.random.default_rng(0)
    clips = [rng.normal(0, 0.05, 48000).astype(np.float32) for _ in range(40)]
    began = time.process_time()
    features = np.stack([functionals(describe(x)) for x in clips])
    heard = time.process_time() - began
    began = time.process_time()
    for row in features:
        model.predict(model.normalise(row[None]))
    read = time.process_time() - began
    yield "network / features, clip by clip", f"{100 * read / heard:.2f} %", "under 1 %", read < 0.01 * heard
