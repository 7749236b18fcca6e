"""Fusion of modules that were never recorded together: class-matched pairing, training, and every subset's score.

No openly reachable corpus has all modules of the same people. A case is made of one item of each corpus with the same label
(class-matched). Such items are independent given the class, which those of one person are not: scores are what the modules
could give at most, and serve to compare ways of fusing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
from torch.nn import functional as F

from affectlens.models.base import Calibration
from affectlens.models.nets.fusion import FusionConfig, FusionNet
from affectlens.stats.classification import softmax

LINKED = ("gait", "posture")  # of one recording: drawn together
FUSIONS = ("early", "gated", "pool", "product")
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Bank:
    """Items of one module: ``deep`` ``(n, size)``, the module's own ``logits`` ``(n, classes)``, class indices ``labels``
    ``(n,)``, ``groups`` ``(n,)`` (people, recordings, pictures) and how the module's own answers are ``calibrated``."""

    deep: np.ndarray
    logits: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    calibration: Calibration

    @property
    def answers(self) -> np.ndarray:
        """The module's own calibrated log probabilities ``(n, classes)``."""
        return np.log(np.clip(softmax(self.logits / self.calibration.temperature), 1e-4, 1)).astype(np.float32)

    def take(self, rows: np.ndarray) -> Bank:
        """Some of the items."""
        return replace(self, deep=self.deep[rows], logits=self.logits[rows], labels=self.labels[rows], groups=self.groups[rows])


@dataclass(frozen=True)
class FusionRecipe:
    """Every choice of training. ``keep`` is the probability with which a module takes part in a case (at least one does).

    Chosen among five by the log loss on one half of the training people after training on the other, without test items.
    """

    epochs: int = 6
    cases: int = 4096
    batch: int = 128
    rate: float = 2e-4
    weight_decay: float = 1.0
    smoothing: float = 0.05
    keep: float = 0.6
    noise: float = 0.5
    width: int = 16
    seed: int = 0

    def of(self, kind: str) -> FusionRecipe:
        """The recipe of a kind: a gated network starts from nothing and has to learn for longer."""
        return self if kind == "early" else replace(self, epochs=10, rate=5e-4, weight_decay=0.3, noise=0.3)


def pair(banks: dict[str, Bank], classes: int, n: int, rng: np.random.Generator, resample: bool = False,
         joint: bool = False) -> tuple[np.ndarray, dict[str, np.ndarray]]:  # fmt: skip
    """Labels ``(n,)``, classes in equal parts, and for each module the rows of the items that make the cases.

    With ``resample`` groups of each module are drawn with replacement first, for a bootstrap over people. ``joint`` banks hold
    the same cases row by row, and nothing is paired.
    """
    y = np.arange(n) % classes
    rows: dict[str, np.ndarray] = {}
    if joint:
        first = next(iter(banks.values()))
        only = pair({"": first}, classes, n, rng, resample)[1][""]
        return y, dict.fromkeys(banks, only)
    for name, bank in banks.items():
        lead = LINKED[0] if name == LINKED[1] and LINKED[0] in rows else None
        out = np.zeros(n, dtype=int)
        for c in range(classes):
            mine = np.flatnonzero(bank.labels == c)
            at = np.flatnonzero(y == c)
            if lead:  # of the very recording whose gait was drawn
                wanted = banks[lead].groups[rows[lead][at]]
                by = {g: mine[bank.groups[mine] == g] for g in set(wanted)}
                out[at] = [rng.choice(by[g]) if len(by[g]) else rng.choice(mine) for g in wanted]
                continue
            if resample:
                names, inverse = np.unique(bank.groups[mine], return_inverse=True)
                times = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
                mine = np.repeat(mine, times[inverse])
            out[at] = rng.choice(mine, len(at))
        rows[name] = out
    return y, rows


def train_fusion(banks: dict[str, Bank], classes: int, kind: str, recipe: FusionRecipe, joint: bool = False) -> FusionNet:
    """A network over class-matched (or ``joint``) cases, drawn anew every epoch, with modules dropped at random."""
    recipe = recipe.of(kind)
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    deep = {name: torch.from_numpy(b.deep.astype(np.float32)) for name, b in banks.items()}
    answers = {name: torch.from_numpy(b.answers) for name, b in banks.items()}
    config = FusionConfig(tuple((n, z.shape[1]) for n, z in deep.items()), classes, recipe.width, kind=kind)
    net = FusionNet(config)
    for name, z in deep.items():
        net.fit_scale(name, z)
    optimiser = torch.optim.AdamW(
        [p for p in net.parameters() if p.requires_grad], lr=recipe.rate, weight_decay=recipe.weight_decay
    )
    steps = recipe.epochs * -(-recipe.cases // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps)
    net.train()
    for _ in range(recipe.epochs):
        labels, rows = pair(banks, classes, recipe.cases, rng, joint=joint)
        y = torch.from_numpy(labels)
        for at in torch.randperm(len(y), generator=generator).split(recipe.batch):
            present = torch.rand(len(at), len(deep), generator=generator) < recipe.keep
            lonely = ~present.any(1)
            present[lonely, torch.randint(0, len(deep), (int(lonely.sum()),), generator=generator)] = True
            given, said = {}, {}
            for name, z in deep.items():
                chosen = torch.from_numpy(rows[name])[at]
                x, said[name] = z[chosen], answers[name][chosen]
                noise = torch.randn(x.shape, generator=generator) * net.scales[f"{name}_deviation"]
                given[name] = x + recipe.noise * noise
            loss = F.cross_entropy(net(given, said, present), y[at], label_smoothing=recipe.smoothing)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
    return net.eval()


def subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Every subset that is not empty, small ones first."""
    return [s for size in range(1, len(names) + 1) for s in combinations(names, size)]


class Fusions:
    """All ways of fusing, on one test bank a module: networks' parts and modules' own answers are computed once."""

    def __init__(self, nets: dict[str, FusionNet], banks: dict[str, Bank], classes: int) -> None:
        self.nets, self.banks, self.classes = nets, banks, classes
        with torch.inference_mode():
            self._parts = {
                kind: {
                    name: net.part(name, torch.from_numpy(b.deep.astype(np.float32)), torch.from_numpy(b.answers))
                    for name, b in banks.items()
                }
                for kind, net in nets.items()
            }
        self._log = {name: b.answers.astype(np.float64) for name, b in banks.items()}

    def probabilities(self, how: str, members: tuple[str, ...], rows: dict[str, np.ndarray]) -> np.ndarray:
        """Probabilities ``(n, classes)`` when only ``members`` are present."""
        if how in self.nets:
            net = self.nets[how]
            n = len(next(iter(rows.values())))
            present = torch.tensor([name in members for name in net.config.names]).expand(n, -1)
            with torch.inference_mode():
                parts = {}
                for name in members:
                    at = torch.from_numpy(rows[name])
                    p = self._parts[how][name]
                    parts[name] = type(p)(p.joined[at], p.said[at], p.gate[at])
                return np.asarray(net.join(parts, present).double().softmax(1).numpy())
        logs = np.stack([self._log[name][rows[name]] for name in members])
        if how == "pool":
            weight = np.array([max(self.banks[name].calibration.reliability, 1e-6) for name in members])
            return softmax(np.tensordot(weight / weight.sum(), logs, axes=1))
        return softmax(logs.sum(axis=0))  # classes are equally frequent, so the prior drops out
