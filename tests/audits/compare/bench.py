"""A corpus of small grey pictures whose classes are told by a stripe, and networks and functions that read them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from affectlens.corpora.base import CorpusInfo, Item
from affectlens.models.adapters import CallableModel

CLASSES = ("anger", "happiness", "sadness")


class Stripes:
    """Pictures of 48 pixels: a bright stripe at the height of the class; the ground is light or dark; people by number."""

    def __init__(self, n: int = 240, people: int = 0, seed: int = 0, damaged: tuple[int, ...] = ()) -> None:
        rng = np.random.default_rng(seed)
        self.info = CorpusInfo("stripes", "Stripes", "face", "CC0", "", "", ("test",))
        self.truth = rng.integers(0, 3, n)
        self.ground = rng.integers(60, 140, n)
        self.pictures = []
        for label, ground in zip(self.truth, self.ground, strict=True):
            picture = np.full((48, 48), ground, float)
            picture[4 + 14 * label : 14 + 14 * label] += 60
            self.pictures.append(np.clip(picture + rng.normal(0, 25, (48, 48)), 0, 255).astype(np.uint8))
        self.keys = [f"{place:04}" for place in range(n)]
        self.people = [f"p{place % people}" for place in range(n)] if people else [f"{place}" for place in range(n)]
        self.damaged, self.read = damaged, 0

    def table(self, split: str) -> pd.DataFrame:
        labels = [CLASSES[number] for number in self.truth]
        return pd.DataFrame({"key": self.keys, "label": labels, "group": self.people})

    def items(self, split: str) -> Any:
        for place, key in enumerate(self.keys):
            self.read += 1
            lost = place in self.damaged
            labels = (CLASSES[self.truth[place]],)
            yield Item(
                key, None if lost else self.pictures[place], labels, self.people[place], None, "it is damaged" if lost else ""
            )


class Reader:
    """Finds the brightest third, with errors that grow with ``noise`` and are the same whenever it sees the same picture."""

    def __init__(self, noise: float, seed: int, classes: int) -> None:
        self.noise, self.seed, self.classes, self.asked = noise, seed, classes, 0

    def __fingerprint__(self) -> Any:
        return type(self).__name__, self.noise, self.seed, self.classes

    def __call__(self, pictures: Any) -> np.ndarray:
        batch = [np.asarray(picture, float).reshape(48, 48, -1).mean(axis=2) for picture in pictures]
        self.asked += len(batch)
        thirds = np.array([[picture[4 + 14 * k : 14 + 14 * k].mean() for k in range(3)] for picture in batch])
        own = [np.random.default_rng(int(picture.sum()) + 7919 * self.seed).normal(0, self.noise, 3) for picture in batch]
        logits = np.pad((thirds + np.array(own)) / 20, ((0, 0), (0, self.classes - 3)), constant_values=-9.0)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)


def reader(noise: float, seed: int, name: str, labels: tuple[str, ...] = CLASSES) -> CallableModel:
    """A model of such a function."""
    return CallableModel(Reader(noise, seed, len(labels)), labels, "face", name=name, scores="probabilities")
