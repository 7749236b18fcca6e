"""The recipe of the words network: adapters on a frozen encoder, soft targets for texts with several labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from affectlens.core.disk.files import digest_of, sha256_of
from affectlens.core.progress import Progress, silent
from affectlens.learning.augmentation.word_errors import WordErrors
from affectlens.learning.loop import BestEpoch, TrainingLoop, seeded
from affectlens.learning.recipes.words import WordsRecipe
from affectlens.models.nets.words import WordsNet, WordsNetConfig, WordsTokenizer, by_length, pad_rows
from affectlens.stats.classification import softmax


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


@dataclass(frozen=True)
class Texts:
    """Texts with their labels, of one corpus or several.

    Attributes
    ----------
    texts : list of str
        What is read.
    targets : numpy.ndarray
        Distributions over the classes ``(n, classes)``.
    domains : numpy.ndarray
        The corpus of each text ``(n,)``, counted from 0.
    """

    texts: list[str]
    targets: np.ndarray
    domains: np.ndarray

    def priors(self) -> np.ndarray:
        """Shares of the classes in each corpus ``(domains, classes)``, none of them zero."""
        counts = np.stack([self.targets[self.domains == domain].sum(axis=0) for domain in range(self.domains.max() + 1)]) + 1
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def train_words(
    training: Texts,
    validation: Texts,
    base: Path,
    tokenizer: WordsTokenizer,
    out: Path,
    recipe: WordsRecipe | None = None,
    progress: Progress = silent,
    config: WordsNetConfig | None = None,
    start: dict[str, Tensor] | None = None,
) -> WordsNet:
    """Train the adapters; a run that was stopped goes on from its last finished epoch.

    Parameters
    ----------
    training, validation : Texts
        Of the same corpora.
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
    start : dict of str to torch.Tensor, optional
        Adapters and head to go on from.

    Returns
    -------
    WordsNet
        With the weights of the epoch that has the lowest cross-entropy on validation, the mean over corpora. Its logits are
        for classes of like frequency: the logarithms of a population's class shares are to be added (Menon et al. 2021,
        "Long-tail learning via logit adjustment"), each corpus's own in training.
    """
    recipe, config = recipe or WordsRecipe(), config or WordsNetConfig()
    with seeded(recipe.seed):
        net = WordsNet(config)
    net.load_base(base)
    net.load_state_dict(start or {}, strict=False)
    adapters = [parameter for name, parameter in net.named_parameters() if name.endswith((".down", ".up"))]
    groups = [{"params": adapters, "lr": recipe.rate}, {"params": list(net.head.parameters()), "lr": recipe.head_rate}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98))
    errors = WordErrors(training.texts)
    rows = [tokenizer.encode(text)[0].ids for text in training.texts]
    fixed = [tokenizer.encode(text)[0].ids for text in validation.texts]
    lengths = np.array([len(ids) for ids in rows])
    target = torch.from_numpy(training.targets.astype(np.float32))
    log_prior = torch.from_numpy(np.log(training.priors()).astype(np.float32))[torch.from_numpy(training.domains)]
    steps = -(-sum(len(part) for part in _drawn(training.domains, recipe.each, np.random.default_rng(0))) // recipe.batch)

    def rate_factor(step: int) -> float:
        done = min(1.0, step / (steps * recipe.epochs))
        return (min(1.0, done / recipe.warmup) if recipe.warmup else 1.0) * (1 - done)

    def batches(epoch: int) -> Iterator[np.ndarray]:
        rng = np.random.default_rng([recipe.seed, epoch])
        chosen = np.concatenate(_drawn(training.domains, recipe.each, rng))
        return (chosen[part] for part in _like_lengths(lengths[chosen], recipe.batch, rng))

    def read(number: int, rng: np.random.Generator) -> list[int]:
        if rng.random() >= recipe.errors:
            return rows[number]
        return tokenizer.encode(errors(training.texts[number], rng))[0].ids

    def loss(chosen: np.ndarray) -> Tensor:
        # drawn from torch's state, which starts anew in every epoch: a resumed run makes the errors that a whole one would
        rng = np.random.default_rng(int(torch.randint(2**31, (1,))))
        at = torch.from_numpy(chosen)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            logits = net(*pad_rows([read(number, rng) for number in chosen]))
        return F.cross_entropy(logits.float() + log_prior[at], target[at])

    def score() -> float:
        net.eval()
        logits = by_length(net, fixed, config.classes) + np.log(training.priors())[validation.domains]
        losses = -(validation.targets * np.log(softmax(logits))).sum(axis=1)
        return -float(np.mean([losses[validation.domains == domain].mean() for domain in np.unique(validation.domains)]))

    schedule = LambdaLR(optimiser, rate_factor)
    described = {name: value for name, value in recipe.to_dict().items() if name != "start"}
    best = BestEpoch(
        out,
        {**described, "net": asdict(config)},
        digest_of(*_content(training), *_content(validation), sha256_of(base), *_content_of(start)),
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


def _drawn(domains: np.ndarray, each: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Of every corpus all texts, or as many as an epoch draws of one."""
    every = [np.flatnonzero(domains == domain) for domain in np.unique(domains)]
    return [rng.permutation(rows)[: each or None] for rows in every]


def _content(part: Texts) -> tuple[list[str], np.ndarray, np.ndarray]:
    return part.texts, part.targets, part.domains


def _content_of(start: dict[str, Tensor] | None) -> list[np.ndarray]:
    return [start[name].numpy() for name in sorted(start)] if start else []


class _Adapters:
    """The trained part of a network as something to save: the frozen encoder is not."""

    def __init__(self, net: WordsNet) -> None:
        self._net = net

    def state_dict(self) -> dict[str, Tensor]:
        return self._net.trained_state()

    def load_state_dict(self, state_dict: dict[str, Tensor]) -> None:
        self._net.load_state_dict(state_dict, strict=False)
