"""Maps of all seven classes against Captum's LayerGradCam, one call a class, on the shipped face network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from captum.attr import LayerGradCam

from affectlens.explain.cam import METHODS, CamEngine
from affectlens.models.base import load_model


def median_time(work: Callable[[], object], repeats: int = 9) -> float:
    """Median seconds of a call after one warm-up."""
    work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Ratios for batches of 1 and 32, the largest difference of the maps, and the cost of each method."""
    model = load_model("face")
    engine = CamEngine(model, model.cam_layer)
    peer = LayerGradCam(model.net, model.net.join)
    rng = np.random.default_rng(0)
    for batch in (1, 32):
        crops = rng.integers(0, 255, (batch, 48, 48), dtype=np.uint8)
        x = model.tensor(crops)

        def theirs(x: torch.Tensor = x) -> torch.Tensor:
            return torch.cat([peer.attribute(x, target=k, relu_attributions=False) for k in range(7)], dim=1)

        def ours(crops: np.ndarray = crops) -> np.ndarray:
            return engine(crops, "grad-cam").maps

        # Interleaved, so that a noisy neighbour slows both.
        pairs = [(median_time(theirs, 3), median_time(ours, 3)) for _ in range(5)]
        ratio = float(np.median([a / b for a, b in pairs]))
        milliseconds = 1000 * float(np.median([b for _, b in pairs]))
        yield (
            f"Grad-CAM of 7 classes, batch {batch}: Captum / ours",
            f"{ratio:.1f}x ({milliseconds:.1f} ms)",
            "at least 5x",
            ratio >= 5,
        )
        gap = float(np.abs(theirs().detach().numpy() - ours()).max())
        yield f"largest difference of the maps, batch {batch}", f"{gap:.1e}", "at most 1e-5", gap <= 1e-5
    crops = rng.integers(0, 255, (8, 48, 48), dtype=np.uint8)
    forward = median_time(lambda: model.net(model.tensor(crops)))
    for method in METHODS:
        cost = median_time(lambda m=method: engine(crops, m), 2)  # type: ignore[misc]
        yield f"{method}, 7 classes, batch 8: cost in forward passes", f"{cost / forward:.1f}", "", None
