"""Fusion of modules that were never recorded together: class-matched pairing, training, and every subset's score.

No openly reachable corpus has all modules of the same people. A case is made of one item of each corpus with the same label
(class-matched). Such items are independent given the class, which those of one person are not: scores are what the modules
could give at most, and serve to compare ways of fusing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from affectlens.learning.loop import TrainingLoop, batches_of, one_cycle_of, seeded
from affectlens.learning.recipes.fusion import FusionRecipe
from affectlens.models.base import Calibration
from affectlens.models.nets.fusion import FusionConfig, FusionNet, Part
from affectlens.stats.classification import conformal_threshold, softmax
from affectlens.stats.generators import Rng, generator

LINKED = ("gait", "posture")  # of one recording: drawn together
FUSIONS = ("early", "gated", "pool", "product")


@dataclass(frozen=True)
class Bank:
    """Items of one module.

    Attributes
    ----------
    deep : numpy.ndarray
        Deep features ``(n, size)``.
    logits : numpy.ndarray
        The module's own answers ``(n, classes)``.
    labels : numpy.ndarray
        Class indices ``(n,)``.
    groups : numpy.ndarray
        People, recordings or pictures ``(n,)``.
    calibration : Calibration
        Of the module's own answers.
    """

    deep: np.ndarray
    logits: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    calibration: Calibration

    @property
    def answers(self) -> np.ndarray:
        """The module's own calibrated log probabilities ``(n, classes)``."""
        return np.asarray(np.log(np.clip(softmax(self.logits / self.calibration.temperature), 1e-4, 1)), np.float32)

    def take(self, rows: np.ndarray) -> Bank:
        """Some of the items."""
        return replace(self, deep=self.deep[rows], logits=self.logits[rows], labels=self.labels[rows], groups=self.groups[rows])


def pair(
    banks: dict[str, Bank], classes: int, n: int, rng: Rng, resample: bool = False, joint: bool = False
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Cases of items with the same label.

    Parameters
    ----------
    banks : dict of str to Bank
        Items of each module.
    classes : int
        How many classes there are; each makes an equal part of the cases.
    n : int
        How many cases are wanted.
    rng : int or numpy.random.Generator
        Draws the items.
    resample : bool
        Whether groups of each module are drawn with replacement first, for a bootstrap over people.
    joint : bool
        Whether banks hold the same cases row by row, so that nothing is paired.

    Returns
    -------
    numpy.ndarray, dict of str to numpy.ndarray
        Labels ``(n,)``, and for each module the rows ``(n,)`` of the items that make the cases.
    """
    rng = generator(rng)
    y = np.arange(n) % classes
    rows: dict[str, np.ndarray] = {}
    if joint:
        first = next(iter(banks.values()))
        only = pair({"": first}, classes, n, rng, resample)[1][""]
        return y, dict.fromkeys(banks, only)
    for name, bank in banks.items():
        lead = LINKED[0] if name == LINKED[1] and LINKED[0] in rows else None
        out = np.zeros(n, dtype=int)
        for label in range(classes):
            candidates = np.flatnonzero(bank.labels == label)
            at = np.flatnonzero(y == label)
            if lead:
                out[at] = _same_recording(bank, candidates, banks[lead].groups[rows[lead][at]], rng)
                continue
            if resample:
                names, inverse = np.unique(bank.groups[candidates], return_inverse=True)
                times = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
                candidates = np.repeat(candidates, times[inverse])
            out[at] = rng.choice(candidates, len(at))
        rows[name] = out
    return y, rows


def _same_recording(bank: Bank, candidates: np.ndarray, recordings: np.ndarray, rng: np.random.Generator) -> list[int]:
    """For each recording a candidate of that very recording, or any where it has none."""
    by_group = {group: candidates[bank.groups[candidates] == group] for group in set(recordings)}
    return [int(rng.choice(by_group[group] if len(by_group[group]) else candidates)) for group in recordings]


def train_fusion(banks: dict[str, Bank], classes: int, kind: str, recipe: FusionRecipe, joint: bool = False) -> FusionNet:
    """A network over cases that are drawn anew every epoch, with modules dropped at random.

    Parameters
    ----------
    banks : dict of str to Bank
        Training items of each module.
    classes : int
        How many classes there are.
    kind : str
        ``early`` or ``gated``.
    recipe : FusionRecipe
        How it is trained.
    joint : bool
        Whether the banks hold the same cases row by row; else cases are class-matched.

    Returns
    -------
    FusionNet
        Trained.
    """
    recipe = recipe.of(kind)
    rng = np.random.default_rng(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    deep = {name: torch.from_numpy(bank.deep.astype(np.float32)) for name, bank in banks.items()}
    answers = {name: torch.from_numpy(bank.answers) for name, bank in banks.items()}

    def batches(_epoch: int) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        labels, case_rows = pair(banks, classes, recipe.cases, rng, joint=joint)
        y, rows = torch.from_numpy(labels), {name: torch.from_numpy(case_rows[name]) for name in deep}
        for at in batches_of(len(y), recipe.batch, generator):
            yield y[at], {name: chosen[at] for name, chosen in rows.items()}

    def loss(case: tuple[Tensor, dict[str, Tensor]]) -> Tensor:
        y, rows = case
        present = torch.rand(len(y), len(deep), generator=generator) < recipe.keep
        lonely = ~present.any(1)
        present[lonely, torch.randint(0, len(deep), (int(lonely.sum()),), generator=generator)] = True
        noisy = {}
        for name, features in deep.items():
            chosen = features[rows[name]]
            noise = torch.randn(chosen.shape, generator=generator) * net.scales[f"{name}_deviation"]
            noisy[name] = chosen + recipe.noise * noise
        own_answers = {name: values[rows[name]] for name, values in answers.items()}
        return F.cross_entropy(net(noisy, own_answers, present), y, label_smoothing=recipe.smoothing)

    with seeded(recipe.seed):
        widths = tuple((name, features.shape[1]) for name, features in deep.items())
        net = FusionNet(FusionConfig(widths, classes, recipe.width, kind=kind))
        for name, features in deep.items():
            net.fit_scale(name, features)
        trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=recipe.rate, weight_decay=recipe.weight_decay)
        schedule = one_cycle_of(optimiser, recipe, recipe.cases)
        TrainingLoop[tuple[Tensor, dict[str, Tensor]]](net, optimiser, recipe.epochs, batches, loss, schedule).run()
    return net


def pool_threshold(
    banks: dict[str, Bank], rows: dict[str, np.ndarray], present: np.ndarray, targets: np.ndarray, coverage: float = 0.9
) -> float:
    """The conformal threshold of pooled answers, fitted to the cases as a whole: sets of single modules promise nothing of it.

    Parameters
    ----------
    banks : dict of str to Bank
        Items of people who calibrated no module.
    rows : dict of str to numpy.ndarray
        The item of each bank in each case ``(n,)``.
    present : numpy.ndarray
        Which modules take part ``(n, modules)``, at least one in each case.
    targets : numpy.ndarray
        One-hot labels ``(n, classes)``.
    coverage : float
        Probability with which the set shall hold the label.

    Returns
    -------
    float
        As ``conformal_threshold`` gives it.
    """
    logs = np.stack([bank.answers[rows[name]] for name, bank in banks.items()], axis=1)
    weight = np.array([max(bank.calibration.reliability, 1e-6) for bank in banks.values()]) * present
    pooled = softmax(np.einsum("nm,nmc->nc", weight / weight.sum(axis=1, keepdims=True), logs))
    return conformal_threshold(pooled, targets, coverage)


def subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Every subset that is not empty, small ones first."""
    return [subset for size in range(1, len(names) + 1) for subset in combinations(names, size)]


class Fusions:
    """All ways of fusing, on one test bank a module: networks' parts and modules' own answers are computed once."""

    def __init__(self, nets: dict[str, FusionNet], banks: dict[str, Bank], classes: int) -> None:
        self.nets, self.banks, self.classes = nets, banks, classes
        with torch.inference_mode():
            self._parts = {
                kind: {
                    name: net.part(name, torch.from_numpy(bank.deep.astype(np.float32)), torch.from_numpy(bank.answers))
                    for name, bank in banks.items()
                }
                for kind, net in nets.items()
            }
        self._log = {name: bank.answers.astype(np.float64) for name, bank in banks.items()}

    def probabilities(self, fusion: str, members: tuple[str, ...], rows: dict[str, np.ndarray]) -> np.ndarray:
        """Probabilities ``(n, classes)`` when only ``members`` are present."""
        if fusion in self.nets:
            net = self.nets[fusion]
            n = len(next(iter(rows.values())))
            present = torch.tensor([name in members for name in net.config.names]).expand(n, -1)
            with torch.inference_mode():
                parts = {}
                for name in members:
                    at = torch.from_numpy(rows[name])
                    part = self._parts[fusion][name]
                    parts[name] = Part(part.joined[at], part.answer[at], part.gate[at])
                return np.asarray(net.join(parts, present).double().softmax(1).numpy())
        logs = np.stack([self._log[name][rows[name]] for name in members])
        if fusion == "pool":
            weight = np.array([max(self.banks[name].calibration.reliability, 1e-6) for name in members])
            return softmax(np.tensordot(weight / weight.sum(), logs, axes=1))
        return softmax(logs.sum(axis=0))  # classes are equally frequent, so the prior drops out
