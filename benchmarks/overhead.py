"""What explanation costs over prediction alone on the face path, on the sample clip repeated to half a minute."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from affectlens.assets.store import locate
from affectlens.core.options import Options
from affectlens.pipeline import Engine
from benchmarks.clips import repeated


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Wall time of the face path with and without explanations (rows and evidence; the page is not part of either)."""
    engine = Engine(Options(modalities=("face",), device="cpu"))
    with tempfile.TemporaryDirectory() as folder:
        for seconds in (8.7, 30.0):
            clip = locate("sample-clip") if seconds < 9 else repeated(Path(folder) / "half.mp4", seconds)
            engine.run(clip, explaining=True)
            ratios, plain = [], []
            for _ in range(5):
                began = time.perf_counter()
                engine.run(clip, explaining=False)
                middle = time.perf_counter()
                engine.run(clip, explaining=True)
                ratios.append((time.perf_counter() - middle) / (middle - began))
                plain.append(middle - began)
            ratio = float(np.median(ratios))
            what = f"face path, {seconds:.0f} s of video: explained / predicted"
            yield what, f"{ratio:.2f}x ({np.median(plain):.2f} s alone)", "at most 1.5x", ratio <= 1.5
