"""Figures of ``audit compare``: false claims where models are alike, a planted gap found, and what the comparison costs.

``python -m benchmarks.compare level|power|cost [--runs N] [--corpus NAME=PATH]``. Level and power are simulations of the
statistics; cost compares the pass with the sum of the models' own passes and one measuring pass, on a corpus of faces.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.compare.answers import Answered, Response
from affectlens.audits.compare.families import BETWEEN
from affectlens.audits.compare.statistics import compare_answers
from affectlens.stats.resample import wilson

CLASSES = ("anger", "happiness", "sadness", "surprise")
KINDS = {"light": "continuous", "size": "continuous", "glasses": "binary", "place": "categorical"}


def planted(rng: np.random.Generator, n: int, skill: tuple[float, ...], people: int = 0, changes: int = 2) -> dict[str, Any]:
    """Models whose answers share each item's difficulty and differ by ``skill`` alone; properties that nothing depends on."""
    index = pd.Index([f"i{i}" for i in range(n)], name="key")
    truth = rng.integers(0, len(CLASSES), n)
    shared = rng.normal(0, 1, (n, len(CLASSES)))
    who = rng.integers(0, people, n) if people else np.arange(n)
    if people:
        shared += rng.normal(0, 0.7, (people, len(CLASSES)))[who]

    def logits(strength: float) -> np.ndarray:
        return strength * np.eye(len(CLASSES))[truth] + shared + rng.normal(0, 0.8, (n, len(CLASSES)))

    def answers(strength: float) -> pd.DataFrame:
        powers = np.exp(logits(strength))
        return pd.DataFrame(powers / powers.sum(axis=1, keepdims=True), index=index, columns=list(CLASSES))

    models, sample = [], np.sort(rng.permutation(n)[:80])
    for number, strength in enumerate(skill):
        responses = tuple(
            Response(
                f"change {k}", "units", (-1.0, 0.0, 1.0), [index[i] for i in sample],
                np.stack([logits(strength).argmax(axis=1)[sample] for _ in range(3)], axis=1),
            )
            for k in range(changes)
        )  # fmt: skip
        models.append(Answered(f"model {number}", answers(strength), responses=responses))
    table = pd.DataFrame(
        {
            "light": rng.normal(size=n), "size": rng.normal(size=n), "glasses": (rng.random(n) < 0.3).astype(float),
            "place": rng.choice(["home", "street", "office"], n),
        }, index=index,
    )  # fmt: skip
    labels = {key: (CLASSES[k],) for key, k in zip(index, truth, strict=True)}
    names = pd.Series([f"p{k}" for k in who], index=index) if people else None
    return {"models": models, "labels": labels, "table": table, "kinds": KINDS, "people": names}


def level(runs: int) -> None:
    """How often anything at all is claimed where nothing is there; half of the runs with 30 people of ten items each."""
    for people in (0, 30):
        wrong, whence = 0, Counter[str]()
        for seed in range(runs // 2):
            rng = np.random.default_rng(seed)
            found = compare_answers(**planted(rng, 300, (1.0, 1.0, 1.0), people), rng=rng, draws=2)
            wrong += bool(len(found.claims))
            whence.update(set(found.claims.family))
        share = wilson(wrong, runs // 2)
        print(
            f"three models alike, 300 items, {people or 'no'} people, {len(found.tests)} tests: {wrong} of {runs // 2} "
            f"comparisons claim something ({share.value:.3f}, {share.low:.3f} to {share.high:.3f}), of them {dict(whence)}",
            flush=True,
        )  # fmt: skip


def power(runs: int) -> None:
    """How often a gap of .08 in accuracy is found on 1,500 items, among the tests of four properties and two interventions."""
    for people, skill in ((0, (1.67, 1.32)), (100, (1.72, 1.31))):
        hits, gaps = 0, []
        for seed in range(runs // 2):
            rng = np.random.default_rng(seed)
            found = compare_answers(**planted(rng, 1500, skill, people), rng=rng, draws=2)
            accuracy = found.scores[found.scores.measure == "accuracy"].value.to_numpy()
            gaps.append(accuracy[0] - accuracy[1])
            hits += bool(((found.claims.family == BETWEEN) & (found.claims.measure == "accuracy")).any())
        print(
            f"two models, 1,500 items, {people or 'no'} people, gap {np.mean(gaps):.3f} on average (accuracy about "
            f"{accuracy.mean():.2f}): found in {hits} of {runs // 2} comparisons", flush=True
        )  # fmt: skip


def networks(count: int) -> list[Any]:
    """Small convolutional networks with random weights, that read a grey picture of 48 pixels."""
    import torch

    from affectlens import TorchModel
    from affectlens.core.labels import EKMAN7

    def prepare(picture: np.ndarray) -> np.ndarray:
        grey = picture if picture.ndim == 2 else picture.mean(axis=2)
        return grey[None].astype(np.float32) / 255

    made = []
    for seed in range(count):
        torch.manual_seed(seed)
        widths = (1, 32, 64, 96)
        blocks = [
            part for one, two in pairwise(widths)
            for part in (torch.nn.Conv2d(one, two, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2))
        ]  # fmt: skip
        net = torch.nn.Sequential(*blocks, torch.nn.Flatten(), torch.nn.Linear(96 * 6 * 6, 7)).eval()
        made.append(TorchModel(net, tuple(EKMAN7.labels), layer="0", prepare=prepare, name=f"net {seed}"))
    return made


def cost(corpus: str, count: int, limit: int) -> None:
    """The pass of the comparison against the sum of the networks' own passes and one measuring pass, each timed alone."""
    from affectlens.audits.compare.audit import Comparer
    from affectlens.audits.compare.settings import CompareSettings
    from affectlens.audits.properties.corpus import AuditedCorpus

    models, given = networks(count), AuditedCorpus(corpus)
    items = [item for _, item in zip(range(limit), given.items(), strict=False) if item.data is not None]
    given.keys = [item.key for item in items]
    given.items = lambda: iter(items)  # type: ignore[method-assign]  # pictures are in memory for both
    given.view(items[0])  # what is loaded once is loaded
    for model in models:
        model.probabilities(np.stack([model.read(item) for item in items[:64]]))
    begun = time.process_time()
    for model in models:
        for start in range(0, len(items), 512):
            model.probabilities(np.stack([model.read(item) for item in items[start : start + 512]]))
    passes = time.process_time() - begun
    settings = CompareSettings(interventions=("none",))
    comparer = Comparer(models, given, settings)
    begun = time.process_time()
    for item in items:
        view, _ = given.view(item)
        comparer._values(view)
    measuring = time.process_time() - begun
    with tempfile.TemporaryDirectory() as folder:
        comparer = Comparer(models, given, settings, folder)
        begun = time.process_time()
        comparer.collect()
        taken = time.process_time() - begun
        begun = time.process_time()
        comparer.compute()
        statistics = time.process_time() - begun
    print(
        f"{count} networks on {len(items)} pictures: their own passes {passes:.1f} s, one measuring pass {measuring:.1f} s, "
        f"the comparison's pass {taken:.1f} s: {taken / (passes + measuring):.2f} times the sum; statistics {statistics:.1f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("level", "power", "cost"))
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--corpus", default="fer2013=fer2013.csv")
    parser.add_argument("--models", type=int, default=6)
    parser.add_argument("--limit", type=int, default=3000)
    given = parser.parse_args()
    if given.what == "cost":
        cost(given.corpus, given.models, given.limit)
    else:
        {"level": level, "power": power}[given.what](given.runs)


if __name__ == "__main__":
    main()
