"""Real-time factor of the main job on the sample clip, and where its time goes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from affectlens.assets.store import locate
from affectlens.core.options import Options
from affectlens.pipeline import Engine, explain


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Seconds of work a second of recording, whole and by stage (models loaded beforehand)."""
    began = time.perf_counter()
    engine = Engine(Options(device="cpu"))
    yield "loading all models", f"{time.perf_counter() - began:.1f} s", "", None
    clip = locate("sample-clip")
    with tempfile.TemporaryDirectory() as folder:
        explain(clip, Path(folder) / "warm", engine=engine)
        began = time.perf_counter()
        result = explain(clip, Path(folder) / "out", engine=engine).results[0]
        total = time.perf_counter() - began
    length = 8.713
    yield "real-time factor of `explain`, report included", f"{total / length:.2f} ({total:.1f} s)", "", None
    for stage in ("listening", "decoding", "people", "models", "finishing"):
        yield f"  {stage}", f"{result.seconds[stage] / length:.2f}", "", None
    yield "  page, figures and overlay", f"{(total - result.seconds['total']) / length:.2f}", "", None
