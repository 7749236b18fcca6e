"""What each visual module adds to the face path, on the sample clip repeated to half a minute."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from affectlens.options import Options
from affectlens.pipeline import Engine
from benchmarks.clips import repeated

SETS = (("gait",), ("posture",), ("gait", "posture"))


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Wall time of face and other modules over the face path alone, median of interleaved runs."""
    engines = {names: Engine(Options(modalities=("face", *names), device="cpu")) for names in ((), *SETS)}
    with tempfile.TemporaryDirectory() as folder:
        clip = repeated(Path(folder) / "half.mp4", 30.0)
        times: dict[tuple[str, ...], list[float]] = {names: [] for names in engines}
        for _ in range(3):
            for names, engine in engines.items():
                began = time.perf_counter()
                engine.run(clip, explaining=False)
                times[names].append(time.perf_counter() - began)
    alone = float(np.median(times[()]))
    for names in SETS:
        ratio = float(np.median(times[names])) / alone
        yield (
            f"face and {' and '.join(names)} / face alone, 30 s",
            f"{ratio:.2f}x ({alone:.1f} s alone)",
            "at most 3x",
            ratio <= 3,
        )
