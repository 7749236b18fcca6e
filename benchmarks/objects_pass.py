"""A pass over photographs with maps, detection and rows, against what cannot be spared: decoding, the model, detection."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from affectlens.explain.objects.pictures import Pictures
from affectlens.explain.objects.run import collect
from affectlens.models.adapters import TorchModel
from affectlens.models.emonet import LABELS, EmoNet, prepared
from affectlens.models.pictures import PictureModel

ROUNDS, SEEN = 5, 30


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Ratios with one map and with the four that are the default."""
    folder = Path("../shared/data/scene/cc0")
    if not folder.exists():
        yield ("pass over pictures: the photographs are not here", "", "", None)
        return
    torch.manual_seed(0)
    white = TorchModel(EmoNet().eval(), LABELS, "scene")
    model = PictureModel("EmoNet, random weights", LABELS, prepared, white, "conv5")
    pictures = Pictures(folder)
    pictures._items = pictures._items[:SEEN]

    def spared() -> float:
        began = time.perf_counter()
        for i in range(len(pictures)):
            view = pictures[i]
            model.probabilities([model.prepare(view.picture)])
        return time.perf_counter() - began

    def whole(methods: tuple[str, ...]) -> float:
        with tempfile.TemporaryDirectory() as out:
            began = time.perf_counter()
            collect(model, pictures, methods, Path(out), np.random.default_rng(0))
            return time.perf_counter() - began

    spared()
    for methods in (("hirescam",), ("hirescam", "grad-cam", "lift-cam", "eigencam")):
        pairs = [(spared(), whole(methods)) for _ in range(ROUNDS)]
        ratio = float(np.median([b / a for a, b in pairs]))
        each = 1000 * float(np.median([b for _, b in pairs])) / len(pictures)
        limit = "at most 1.15" if len(methods) == 1 else ""
        name = f"pass with {len(methods)} map{'s' if len(methods) > 1 else ''} / decode, model, detection"
        yield (name, f"{ratio:.2f} ({each:.0f} ms a picture)", limit, ratio <= 1.15 if limit else None)
