"""End to end: a contextual LSTM trained on dialogues where one concept decides the class must show that concept, where it
is."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from affectlens.audits.concepts.audit import ConceptAuditor
from affectlens.audits.concepts.result import ConceptAudit
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.corpora.dialogues.base import DialogueSet, dialogue_set
from affectlens.learning.recipes.bclstm import BcLstmRecipe
from affectlens.learning.trainers.bclstm import fit, pack, scale_of
from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet
from affectlens.models.shipped.bclstm import BcLstmModel

SEEDS = 100
TEXT = ("branches.text.context", "branches.text.dense")
JOINED = ("context", "dense")
AUDIO = ("branches.audio.context", "branches.audio.dense")


def dialogues(seed: int, count: int, turns: int = 8) -> tuple[DialogueSet, dict[str, np.ndarray]]:
    """Text holds a concept that decides the class (one label in ten is wrong) and a decoy that decides nothing, audio is
    noise."""
    rng = np.random.default_rng(seed)
    n = count * turns
    concept, decoy = (rng.random((2, n)) < 0.5).astype(float)
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(20, 2)))[0].T
    text = rng.normal(size=(n, 20)) + 3 * concept[:, None] * axes[0] + 3 * decoy[:, None] * axes[1]
    label = np.where(rng.random(n) < 0.1, 1 - concept, concept).astype(int)
    rows = pd.DataFrame(
        {
            "key": [f"u{i}" for i in range(n)], "dialogue": np.repeat([f"d{i:03}" for i in range(count)], turns),
            "turn": np.tile(np.arange(turns), count), "label": np.array(["no", "yes"])[label], "speaker": "a",
        }
    )  # fmt: skip
    data = dialogue_set("planted", ("no", "yes"), rows, {"text": text, "audio": rng.normal(size=(n, 10))})
    return data, {"concept": concept, "decoy": decoy}


def trained(seed: int) -> BcLstmModel:
    """A small network on 60 dialogues."""
    data, _ = dialogues(1000 + seed, 60)
    scale = scale_of(data)
    config = BcLstmConfig({"text": 20, "audio": 10}, 2, hidden=16, dense=16, anchor="text")
    net, _ = fit(pack(data, scale, 3.0), config, BcLstmRecipe(epochs=12, patience=4, rate=5e-3, seed=seed))
    return wrapped(net, scale)


def wrapped(net: BcLstmNet, scale: dict[str, tuple[np.ndarray, np.ndarray]]) -> BcLstmModel:
    """A model without a weights file."""
    model = BcLstmModel.__new__(BcLstmModel)
    model.name, model.net, model.labels, model.scale = "planted", net, ("no", "yes"), scale
    model.meta = {"corpus": "planted", "recipe": {"limit": 3.0}}
    return model


def audited(model: BcLstmModel, data: DialogueSet, targets: dict[str, np.ndarray], settings: ConceptSettings) -> ConceptAudit:
    """An audit of concepts that are known already."""
    return ConceptAuditor(model, data, targets, settings).run()


def found(seed: int) -> pd.DataFrame:
    """One row a concept and layer: p over all tests, and accuracy of the direction, on 40 new dialogues."""
    data, targets = dialogues(5000 + seed, 40)
    frame = audited(trained(seed), data, targets, ConceptSettings(draws=199, bootstraps=0, seed=seed)).tests
    return frame[frame["class"] == "yes"].set_index(["concept", "layer"])


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Shares of seeds in which concept and decoy are found (p ≤ .05 over all tests) at text, joined and audio layers."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    hits = {k: np.zeros(2) for k in ("text", "joined", "audio")}
    for seed in range(SEEDS):
        f = found(seed)
        for where, layers in (("text", TEXT), ("joined", JOINED), ("audio", AUDIO)):
            for i, name in enumerate(("concept", "decoy")):
                sure = [f.loc[(name, m), "p_max_t"] <= 0.05 and f.loc[(name, m), "shift"] > 0 for m in layers]
                hits[where][i] += all(sure) if name == "concept" and where != "audio" else any(sure)
    for where, limit in (("text", 0.95), ("joined", 0.95), ("audio", None)):
        share = hits[where][0] / SEEDS
        yield (
            f"planted concept found at {where} layers", f"{share:.2f} of {SEEDS} seeds",
            f"at least {limit}" if limit else "at most .08", share >= limit if limit else share <= 0.08,
        )  # fmt: skip
    for where in ("text", "joined", "audio"):
        yield f"decoy found at {where} layers (a network may lean on it a little)", f"{hits[where][1] / SEEDS:.2f}", "", None
