"""Scores of words weights on the test splits of several corpora, with errors of recognition, and under known class shares.

    python scripts/words_domains.py goemotions=/corpora/goemotions meld=/corpora/meld [--weights FILE] [--most N]

A corpus that the weights have not learnt from (their card says which) is new data to them. Intervals: 95 %,
bootstrap over texts or dialogues.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score

from affectlens.corpora.base import items_of, label_targets, open_corpus
from affectlens.learning.augmentation.word_errors import WordErrors
from affectlens.models.shipped.words import WordsModel
from affectlens.models.typicality import LEAST_TYPICAL
from affectlens.stats.classification import (
    conformal_coverage,
    entropy_explained,
    expected_calibration_error,
)
from affectlens.stats.resample import bootstrap

HEARD = 600  # texts that are also read with errors of recognition


def scored(name: str, probabilities: np.ndarray, targets: np.ndarray, groups: np.ndarray, threshold: float) -> None:
    """Print the scores of probabilities ``(n, classes)``; a text is right when its answer is one of its labels."""
    top = probabilities.argmax(axis=1)
    right = targets[np.arange(len(top)), top] > 0
    truth = np.where(right, top, targets.argmax(axis=1))
    every = range(targets.shape[1])
    statistics: dict[str, Callable[[np.ndarray], float]] = {
        "accuracy": lambda rows: float(right[rows].mean()),
        "weighted F1": lambda rows: float(f1_score(truth[rows], top[rows], average="weighted", labels=every, zero_division=0)),
        "macro F1": lambda rows: float(f1_score(truth[rows], top[rows], average="macro", labels=every, zero_division=0)),
    }
    rng, shown = np.random.default_rng(0), []
    for score, statistic in statistics.items():
        estimate = bootstrap(statistic, len(top), rng, groups=groups if len(set(groups)) > 1 else None, draws=200)
        shown.append(f"{score} {estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]")
    coverage, size = conformal_coverage(probabilities, targets, threshold)
    error = expected_calibration_error(probabilities.max(axis=1), right)
    shown.append(f"ECE {error:.3f}, coverage {coverage:.3f}, set size {size:.2f}")
    print(f"{name}: {', '.join(shown)}, entropy explained {entropy_explained(probabilities, targets):.3f}", flush=True)


def main() -> None:
    """Score each corpus."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpora", nargs="+", metavar="NAME=PATH")
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--most", type=int, default=0, help="Texts of a corpus, drawn at random; 0 for all.")
    given = parser.parse_args()
    model = WordsModel(given.weights)
    print(f"weights {model.meta['sha256'][:12]}: {model.meta['corpus']}; prior {np.round(model.calibration.prior, 3)}")
    for spec in given.corpora:
        corpus = open_corpus(spec)
        name = corpus.info.name
        items = [item for item in items_of(corpus, "test") if isinstance(item.data, str)]
        if given.most:
            items = [items[i] for i in np.random.default_rng(0).permutation(len(items))[: given.most]]
        targets, groups = label_targets([item.labels for item in items], model.labels), np.array([item.group for item in items])
        embedded = model.embed([item.data for item in items])
        logits = model.name_class(embedded).astype(np.float64)
        calibration = model.calibration
        answers = calibration.probabilities(logits)
        scored(f"{name}, test, {len(items)} texts", answers, targets, groups, calibration.conformal)
        if model.typicality is not None:
            print(f"{name}: {(model.typical(embedded) < LEAST_TYPICAL).mean():.3f} below the level of typicality")
        domain = model.meta.get("domains", {}).get(name)
        if domain:
            middle = np.mean([part["prior"] for part in model.meta["domains"].values()], axis=0)
            shifted = (logits + np.log(np.array(domain["prior"]) / middle)) / domain["temperature"]
            powers = np.exp(shifted - shifted.max(axis=1, keepdims=True))
            own = powers / powers.sum(axis=1, keepdims=True)
            scored(f"{name}, its own class shares and calibration", own, targets, groups, domain["conformal"])
        errors = WordErrors(item.data for item in items_of(corpus, "train") if isinstance(item.data, str))
        rng = np.random.default_rng(0)
        chosen = rng.permutation(len(items))[:HEARD]
        heard = calibration.probabilities(model.predict([errors(items[i].data, rng) for i in chosen]))
        scored(
            f"{name}, {len(chosen)} texts as written", answers[chosen], targets[chosen], groups[chosen], calibration.conformal
        )
        scored(f"{name}, the same with errors of recognition", heard, targets[chosen], groups[chosen], calibration.conformal)


if __name__ == "__main__":
    main()
