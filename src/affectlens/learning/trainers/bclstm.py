"""Training of the contextual LSTM: whole dialogues in a batch, epochs chosen by held-out training dialogues, never by test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from affectlens.core.errors import CorpusError, UsageError
from affectlens.core.progress import Progress, silent
from affectlens.corpora.dialogues.base import DialogueSet
from affectlens.learning.balance import class_weights
from affectlens.learning.loop import TrainingLoop, batches_of, seeded
from affectlens.learning.recipes.bclstm import BcLstmRecipe
from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet, swapped


@dataclass(frozen=True)
class Packed:
    """Dialogues as padded tensors.

    Attributes
    ----------
    features : dict of str to torch.Tensor
        Of each modality ``(b, t, width)``.
    labels, mask, speaker : torch.Tensor
        Class indices (-1: none), which utterances are real, and who speaks, ``(b, t)`` each.
    rows : torch.Tensor
        Place of each utterance in the set it came from ``(b, t)``, -1 in padding.
    """

    features: dict[str, Tensor]
    labels: Tensor
    mask: Tensor
    speaker: Tensor
    rows: Tensor

    def take(self, dialogues: Tensor) -> Packed:
        """Some of the dialogues, padded no longer than they need."""
        longest = int(self.mask[dialogues].sum(1).max())
        return Packed(
            {modality: values[dialogues, :longest] for modality, values in self.features.items()},
            *(values[dialogues, :longest] for values in (self.labels, self.mask, self.speaker, self.rows)),
        )


def scale_of(data: DialogueSet) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean and deviation of every feature of each modality, from training data only."""
    return {modality: (values.mean(axis=0), values.std(axis=0) + 1e-6) for modality, values in data.features.items()}


def pack(data: DialogueSet, scale: dict[str, tuple[np.ndarray, np.ndarray]], limit: float) -> Packed:
    """Standardised, clipped features of whole dialogues; speakers are numbered within each by first appearance.

    Parameters
    ----------
    data : DialogueSet
        Utterances.
    scale : dict of str to (numpy.ndarray, numpy.ndarray)
        ``scale_of`` the training data.
    limit : float
        Deviations at which features are clipped.

    Returns
    -------
    Packed
        In the order of the set.

    Raises
    ------
    UsageError
        Features of another width than the scale's.
    """
    names = data.dialogues
    turns = {name: np.flatnonzero(names == name) for name in dict.fromkeys(names)}
    shape = (len(turns), max(len(at) for at in turns.values()))
    rows = np.full(shape, -1)
    speaker = np.zeros(shape, dtype=np.int64)
    speakers = data.speakers
    for i, at in enumerate(turns.values()):
        rows[i, : len(at)] = at
        number = {name: number for number, name in enumerate(dict.fromkeys(speakers[at]))}
        speaker[i, : len(at)] = [number[name] for name in speakers[at]]
    mask = rows >= 0
    features = {}
    for modality, values in data.features.items():
        if modality not in scale or len(scale[modality][0]) != values.shape[1]:
            raise UsageError(f"{modality} features are {values.shape[1]} wide; the network was trained on another width")
        scaled = np.clip((values - scale[modality][0]) / scale[modality][1], -limit, limit).astype(np.float32)
        features[modality] = torch.from_numpy(np.where(mask[..., None], scaled[rows], 0).astype(np.float32))
    labels = np.where(mask, data.labels[rows], -1)
    return Packed(features, torch.from_numpy(labels), torch.from_numpy(mask), torch.from_numpy(speaker), torch.from_numpy(rows))


def predict(net: BcLstmNet, data: Packed, batch: int = 64) -> np.ndarray:
    """Logits ``(n, classes)`` float32 in the order of the set's rows."""
    net.eval()
    out = np.zeros((int(data.mask.sum()), net.config.classes), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(data.mask), batch):
            part = data.take(torch.arange(start, min(start + batch, len(data.mask))))
            logits = net(part.features, part.mask, part.speaker)
            out[part.rows[part.mask].numpy()] = logits[part.mask].numpy()
    return out


def fit(
    train: Packed,
    config: BcLstmConfig,
    recipe: BcLstmRecipe,
    progress: Progress = silent,
    held_out: np.ndarray | None = None,
) -> tuple[BcLstmNet, int]:
    """Choose the number of epochs on held-out dialogues, then train on all of them.

    Held-out dialogues are scored with features swapped at the training rates: features that give the answer away would
    otherwise say nothing about how well context is used.

    Parameters
    ----------
    train : Packed
        Training dialogues.
    config : BcLstmConfig
        Shape of the network.
    recipe : BcLstmRecipe
        How it is trained.
    progress : Progress
        Told of epochs of both runs together.
    held_out : numpy.ndarray, optional
        Indices of the dialogues that choose, such as a corpus's own validation part; a share of all by default.

    Returns
    -------
    BcLstmNet, int
        The network, and how many epochs it was trained for.

    Raises
    ------
    CorpusError
        Too few dialogues.
    """
    n = len(train.mask)
    order = np.random.default_rng(recipe.seed).permutation(n)
    count = max(1, round(recipe.share * n))
    if held_out is not None:
        order, count = np.concatenate([held_out, np.setdiff1d(order, held_out)]), len(held_out)
    if n - count < 2 or count < 1:
        raise CorpusError(f"{n} dialogues to learn from, {count} of them held out; at least 2 more than those are needed")
    at = torch.from_numpy(order)
    losses: list[np.ndarray] = []
    total = 2 * recipe.epochs

    def searched(net: BcLstmNet, epoch: int) -> bool:
        losses.append(_held_out_loss(net, train.take(at[:count]), recipe))
        progress("contextual LSTM", epoch + 1, total)
        return len(losses) - 1 - int(np.argmin([row.mean() for row in losses])) >= recipe.patience

    _train(train.take(at[count:]), config, recipe, recipe.epochs, searched)
    best = first_as_good(np.array(losses)) + 1

    def trained(_net: BcLstmNet, epoch: int) -> bool:
        progress("contextual LSTM", recipe.epochs + round((epoch + 1) / best * recipe.epochs), total)
        return False

    return _train(train, config, recipe, best, trained), best


def _train(
    data: Packed, config: BcLstmConfig, recipe: BcLstmRecipe, epochs: int, stop: Callable[[BcLstmNet, int], bool]
) -> BcLstmNet:
    weight = None
    if recipe.balanced:
        weight = class_weights(data.labels[data.labels >= 0].numpy(), config.classes, 0.5)

    def loss(dialogues: Tensor) -> Tensor | None:
        part = data.take(dialogues)
        scored = part.labels >= 0
        if not scored.any():
            return None
        logits, own_answers = net.answers(part.features, part.mask, part.speaker)
        answers = [(logits, 1.0), *((answer, recipe.branch) for answer in own_answers.values() if net.joined)]
        truth = part.labels[scored]
        total = torch.zeros(())
        for answer, share in answers:
            total = total + share * F.cross_entropy(answer[scored], truth, weight=weight, label_smoothing=recipe.smoothing)
        return total

    with seeded(recipe.seed):
        net = BcLstmNet(config)
        TrainingLoop[Tensor](
            net,
            torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay),
            epochs,
            lambda _: batches_of(len(data.mask), recipe.batch),
            loss,
            clip=5.0,
            stop=lambda epoch: stop(net, epoch),
        ).run()
    return net


def first_as_good(losses: np.ndarray) -> int:
    """The first epoch that is no more than one standard error worse than the best (Breiman et al. 1984).

    Parameters
    ----------
    losses : numpy.ndarray
        ``(epochs, dialogues)``; the error is that of the paired difference.

    Returns
    -------
    int
        Counted from 0.
    """
    best = losses[int(np.argmin(losses.mean(axis=1)))]
    worse = losses - best
    error = worse.std(axis=1, ddof=1) / np.sqrt(losses.shape[1]) if losses.shape[1] > 1 else np.zeros(len(losses))
    return int(np.flatnonzero(worse.mean(axis=1) <= error)[0])


def _held_out_loss(net: BcLstmNet, data: Packed, recipe: BcLstmRecipe, draws: int = 4) -> np.ndarray:
    """Log loss of each held-out dialogue, mean over draws of swapped features (the same ones in every epoch)."""
    net.eval()
    generator = torch.Generator().manual_seed(recipe.seed)
    count = (data.labels >= 0).sum(1).clamp(min=1)
    total = torch.zeros(len(data.mask))
    times = draws if net.config.swap else 1
    with torch.inference_mode():
        for _ in range(times):
            features = {
                modality: swapped(values, data.mask, net.config.swap.get(modality, 0.0), generator)
                for modality, values in data.features.items()
            }
            logits = net(features, data.mask, data.speaker)
            losses = F.cross_entropy(logits.flatten(0, 1), data.labels.flatten(), ignore_index=-1, reduction="none")
            total += losses.view(data.labels.shape).sum(1) / count
    return (total / times).numpy()
