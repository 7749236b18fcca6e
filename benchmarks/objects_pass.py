"""A pass over photographs with maps, detection and rows, against what cannot be spared: decoding, the model, detection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from affectlens.audits.objects.audit import TOGETHER, ObjectAuditor
from affectlens.audits.objects.pictures import Pictures
from affectlens.audits.objects.settings import ObjectSettings
from affectlens.audits.objects.statistics import combine
from affectlens.explainers.overlap import PLACES, SMALL
from affectlens.models.adapters import TorchModel
from affectlens.models.shipped.emonet import LABELS, EmoNet, prepared

ROUNDS, SEEN = 3, 72


def many(pictures: int = 50_000) -> float:
    """Seconds of the statistics over rows made at random: 20 emotions, 80 objects of which a few are frequent."""
    rng = np.random.default_rng(0)
    emotion = rng.choice([f"emotion {i}" for i in range(20)], pictures)
    image = np.repeat(np.arange(pictures), rng.integers(1, 6, pictures))
    share = 1 / np.arange(1, 81)
    kinds = {"map": (SMALL**2, np.float16), "mask": (SMALL**2, np.float16), "placed": (PLACES, np.float32)}
    held = {k: [rng.random(n).astype(t).tobytes() for _ in range(997)] for k, (n, t) in kinds.items()}
    rows = pd.DataFrame({
        "image": [f"i{i}" for i in image], "emotion": emotion[image],
        "object": rng.choice([f"object {i}" for i in range(80)], len(image), p=share / share.sum()),
        "relevance": rng.random(len(image)) * 0.3, "area": rng.random(len(image)) * 0.3 + 0.01, "mean": 0.1, "importance": 0.3,
        "moved": 0.15, **{k: [v[i % 997] for i in range(len(image))] for k, v in held.items()},
    }).drop_duplicates(["image", "object"])  # fmt: skip
    images = pd.DataFrame({"image": [f"i{i}" for i in range(pictures)], "emotion": emotion})
    began = time.perf_counter()
    combine(rows, images, rng)
    return time.perf_counter() - began


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Ratios with one map and with the four that are the default; time of the statistics over many pictures."""
    yield ("statistics over 50,000 pictures, 20 emotions, 80 objects", f"{many():.0f} s", "", None)
    folder = Path("../shared/data/scene/cc0")
    if not folder.exists():
        yield ("pass over pictures: the photographs are not here", "", "", None)
        return
    torch.manual_seed(0)
    name = "EmoNet, random weights"
    model = TorchModel(EmoNet().eval(), LABELS, "scene", name=name, layer="conv5", prepare=prepared)
    pictures = Pictures(folder)
    keys = pictures.keys()[:SEEN]

    def spared() -> float:
        began = time.perf_counter()
        for start in range(0, len(keys), TOGETHER):
            views = [pictures[key] for key in keys[start : start + TOGETHER]]
            model.probabilities([model.prepare(v.picture) for v in views])
        return time.perf_counter() - began

    def whole(methods: tuple[str, ...]) -> float:
        began = time.perf_counter()
        ObjectAuditor(model, pictures, ObjectSettings(methods=methods)).collect(keys=keys)
        return time.perf_counter() - began

    spared()
    for methods in (("hirescam",), ("hirescam", "grad-cam", "lift-cam", "eigencam")):
        pairs = [(spared(), whole(methods)) for _ in range(ROUNDS)]
        ratio = float(np.median([b / a for a, b in pairs]))
        each = 1000 * float(np.median([b for _, b in pairs])) / len(keys)
        limit = "at most 1.15" if len(methods) == 1 else ""
        name = f"pass with {len(methods)} map{'s' if len(methods) > 1 else ''} / decode, model, detection"
        yield (name, f"{ratio:.2f} ({each:.0f} ms a picture)", limit, ratio <= 1.15 if limit else None)
