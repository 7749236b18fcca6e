"""The recipe of the words network: adapters on a frozen encoder, soft targets for texts with several labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from affectlens.core.disk.files import digest_of, sha256_of
from affectlens.core.progress import Progress, silent
from affectlens.learning.loop import BestEpoch, TrainingLoop, seeded
from affectlens.learning.recipes.words import WordsRecipe
from affectlens.models.nets.words import WordsNet, WordsNetConfig, WordsTokenizer, by_length, pad_rows


def soft_targets(labels: list[list[int]], classes: int) -> np.ndarray:
    """Each text's mass shared equally among its labels: ``(n, classes)`` float32, rows sum to one."""
    out = np.zeros((len(labels), classes), dtype=np.float32)
    for i, row in enumerate(labels):
        out[i, row] = 1 / len(row)
    return out


def _like_lengths(lengths: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Shuffled batches whose texts have like lengths, from pools of fifty batches."""
    order = rng.permutation(len(lengths))
    out: list[np.ndarray] = []
    for start in range(0, len(order), size * 50):
        pool = order[start : start + size * 50]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        out.extend(pool[i : i + size] for i in range(0, len(pool), size))
    return [out[i] for i in rng.permutation(len(out))]


def train_words(
    texts: list[str],
    labels: list[list[int]],
    validation_texts: list[str],
    validation_labels: list[list[int]],
    base: Path,
    tokenizer: WordsTokenizer,
    out: Path,
    recipe: WordsRecipe | None = None,
    progress: Progress = silent,
    config: WordsNetConfig | None = None,
) -> WordsNet:
    """Train the adapters; a run that was stopped goes on from its last finished epoch.

    Parameters
    ----------
    texts, validation_texts : list of str
        What is read.
    labels, validation_labels : list of list of int
        Class indices of each text; a text with several shares its mass equally among them.
    base : Path
        Weights of the encoder, which stay as they are.
    tokenizer : WordsTokenizer
        The encoder's.
    out : Path
        Takes ``checkpoint.pt`` and ``log.jsonl``.
    recipe : WordsRecipe, optional
        The shipped one by default.
    progress : Progress
        Told of finished epochs.
    config : WordsNetConfig, optional
        Shape of the network; that of the shipped one by default.

    Returns
    -------
    WordsNet
        With the weights of the epoch that has the lowest cross-entropy on validation.
    """
    recipe, config = recipe or WordsRecipe(), config or WordsNetConfig()
    with seeded(recipe.seed):
        net = WordsNet(config)
    net.load_base(base)
    adapters = [parameter for name, parameter in net.named_parameters() if name.endswith((".down", ".up"))]
    groups = [{"params": adapters, "lr": recipe.rate}, {"params": list(net.head.parameters()), "lr": recipe.head_rate}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98))
    rows = [tokenizer.encode(text)[0].ids for text in texts]
    validation = [tokenizer.encode(text)[0].ids for text in validation_texts]
    target = torch.from_numpy(soft_targets(labels, config.classes))
    validation_target = torch.from_numpy(soft_targets(validation_labels, config.classes))
    lengths = np.array([len(ids) for ids in rows])
    steps = -(-len(rows) // recipe.batch)

    def rate_factor(step: int) -> float:
        done = (step // steps + step % steps / steps) / recipe.epochs
        return (min(1.0, done / recipe.warmup) if recipe.warmup else 1.0) * (1 - done)

    def batches(epoch: int) -> Iterator[np.ndarray]:
        return iter(_like_lengths(lengths, recipe.batch, np.random.default_rng([recipe.seed, epoch])))

    def loss(chosen: np.ndarray) -> Tensor:
        return F.cross_entropy(net(*pad_rows([rows[i] for i in chosen])), target[torch.from_numpy(chosen)])

    def score() -> float:
        net.eval()
        logits = torch.from_numpy(by_length(net, validation, config.classes))
        return -float(F.cross_entropy(logits, validation_target))

    schedule = LambdaLR(optimiser, rate_factor)
    best = BestEpoch(
        out,
        {**recipe.to_dict(), "net": asdict(config)},
        digest_of(texts, labels, validation_texts, validation_labels, sha256_of(base)),
        {"net": _Adapters(net), "optimiser": optimiser, "schedule": schedule},
        "validation_log_likelihood",
        score,
        net.trained_state,
    )
    TrainingLoop[np.ndarray](
        net,
        optimiser,
        recipe.epochs,
        batches,
        loss,
        schedule,
        clip=1.0,
        best=best,
        seed=recipe.seed,
        stage="words network",
        progress=progress,
    ).run()
    net.load_state_dict(best.best["weights"], strict=False)
    return net.eval()


class _Adapters:
    """The trained part of a network as something to save: the frozen encoder is not."""

    def __init__(self, net: WordsNet) -> None:
        self._net = net

    def state_dict(self) -> dict[str, Tensor]:
        return self._net.trained_state()

    def load_state_dict(self, state_dict: dict[str, Tensor]) -> None:
        self._net.load_state_dict(state_dict, strict=False)
