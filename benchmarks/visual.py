"""What each visual module adds to the face path, on the sample clip repeated to half a minute."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from affectlens.core.options import Options
from affectlens.pipeline import Engine
from benchmarks.clips import repeated

SETS = (("gait",), ("posture",), ("scene",), ("background",), ("gait", "posture", "scene", "background"))


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Wall time of face and other modules over the face path alone, median of interleaved runs."""
    with tempfile.TemporaryDirectory() as folder:
        weights = _untrained(Path(folder) / "background.safetensors")
        # The scene looks where somebody asks for an explanation or a comparison; a place is asked for here.
        more = {"device": "cpu", "background": str(weights), "store": str(Path(folder) / "usual.db")}
        engines = {names: Engine(Options(modalities=("face", *names), **more)) for names in ((), *SETS)}  # type: ignore[arg-type]
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


def _untrained(path: Path) -> Path:
    """A background network of the trained one's shape: what it costs does not depend on what it learned."""
    from affectlens.core.labels import EKMAN7
    from affectlens.models.base import Calibration
    from affectlens.models.shipped.background import BackgroundNet
    from affectlens.models.weights import save_weights

    net = BackgroundNet()
    save_weights(path, dict(net.state_dict()), {"labels": list(EKMAN7.labels), "config": net.config.to_dict()}, Calibration())
    return path
