"""The training loop of every network: batches, loss, step, learning rate, checkpoints and the choice of an epoch.

It is also the only place where torch is seeded. Draws that take no generator (first weights, dropout) come from a seed inside
``seeded``, and the global state of the process is as it was afterwards.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from affectlens.core.barrier import reading
from affectlens.core.disk.files import write_text, write_whole
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress, silent
from affectlens.models.checkpoints import read_checkpoint

log = logging.getLogger(__name__)
_OTHER = {"recipe": "by another recipe", "content": "from other data", "version": "by another version of affectlens"}

Batch = TypeVar("Batch")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's global generator (of the CPU) starts from ``seed``; afterwards it is as it was before."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


class Stateful(Protocol):
    """Anything whose state can be saved: a network, an optimiser, a schedule."""

    def state_dict(self) -> dict[str, Any]:
        """The state as tensors and plain types."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Take over such a state."""
        ...


@dataclass
class BestEpoch:
    """Everything that a stopped run needs to go on, kept in a folder, and the weights of the epoch that ships.

    Parameters
    ----------
    folder : Path
        Takes ``checkpoint.pt``, written whole or not at all after every epoch, and ``log.jsonl`` with one line an epoch.
    recipe : dict
        Plain types; a checkpoint is read only by the recipe that made it.
    content : str
        A digest of what is learned and chosen from; a checkpoint is read only where it is the same.
    parts : dict of str to Stateful
        What is saved and put back.
    name : str
        What the validation score is called in the log.
    score : callable
        The validation score after an epoch; the epoch with the highest one ships, the later of two equal ones.
    weights : callable
        The tensors to keep of the best epoch.
    """

    folder: Path
    recipe: dict[str, Any]
    content: str
    parts: dict[str, Stateful]
    name: str
    score: Callable[[], float]
    weights: Callable[[], dict[str, Tensor]]
    best: dict[str, Any] = field(default_factory=lambda: {"score": float("-inf"), "epoch": 0, "weights": {}})
    rows: list[dict[str, Any]] = field(default_factory=list)

    def resume(self) -> int:
        """Put back what was saved.

        Returns
        -------
        int
            How many epochs are done.

        Raises
        ------
        UsageError
            The checkpoint was made by another recipe, from other data or by another version.
        """
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return 0
        try:
            with reading(path, "a checkpoint of a training run", UsageError):
                saved: dict[str, Any] = dict(read_checkpoint(path))
        except UsageError as error:
            log.warning("%s; training begins again", error)
            return 0
        for name, value in self._made_by().items():
            if saved.get(name) != value:
                raise UsageError(f"{path} was made {_OTHER[name]}; give another --out or delete it")
        for name, part in self.parts.items():
            part.load_state_dict(saved["parts"][name])
        self.best, self.rows = saved["best"], json.loads(saved["log"])
        self._write_log()  # a run may be killed after the checkpoint and before the log
        done = int(saved["epochs"])
        log.info("%d epochs were done before in %s", done, self.folder)
        return done

    def _made_by(self) -> dict[str, str]:
        return {"recipe": json.dumps(self.recipe), "content": self.content, "version": package_version()}

    def keep(self, epoch: int, of: int, loss: float, seconds: float) -> None:
        """Score the network after an epoch and write checkpoint and log."""
        score = self.score()
        if score >= self.best["score"]:
            weights = {name: tensor.clone() for name, tensor in self.weights().items()}
            self.best = {"score": score, "epoch": epoch, "weights": weights}
        parts = {name: part.state_dict() for name, part in self.parts.items()}
        row = {"epoch": epoch, "of": of, "loss": round(loss, 4), self.name: round(score, 4), "seconds": round(seconds, 1)}
        self.rows.append(row)
        saved = {**self._made_by(), "epochs": epoch, "parts": parts, "best": self.best, "log": json.dumps(self.rows)}
        write_whole(self.folder / "checkpoint.pt", lambda path: torch.save(saved, path))
        self._write_log()

    def _write_log(self) -> None:
        write_text(self.folder / "log.jsonl", "".join(json.dumps(row) + "\n" for row in self.rows))


@dataclass
class TrainingLoop(Generic[Batch]):
    """One run of training.

    Parameters
    ----------
    net : torch.nn.Module
        Trained in place.
    optimiser : torch.optim.Optimizer
        Takes one step a batch.
    epochs : int
        Passes over the data.
    batches : callable
        The batches of an epoch, which is counted from 0.
    loss : callable
        The loss of a batch; None leaves the batch out.
    schedule : LRScheduler, optional
        Sets the learning rate after every step.
    clip : float, optional
        Largest norm of the gradient.
    after_step : callable, optional
        Called after every step, before the learning rate changes.
    stop : callable, optional
        Called with each finished epoch, counted from 0; training ends where it gives True.
    best : BestEpoch, optional
        Saves every epoch, goes on from a stopped run and keeps the best epoch.
    seed : int, optional
        With it every epoch starts from a seed of its own, so that a resumed run draws what a whole one would.
    stage : str
        What ``progress`` is told.
    progress : Progress
        Told of the epochs that are done.
    """

    net: nn.Module
    optimiser: torch.optim.Optimizer
    epochs: int
    batches: Callable[[int], Iterable[Batch]]
    loss: Callable[[Batch], Tensor | None]
    schedule: LRScheduler | None = None
    clip: float | None = None
    after_step: Callable[[], None] | None = None
    stop: Callable[[int], bool] | None = None
    best: BestEpoch | None = None
    seed: int | None = None
    stage: str = "training"
    progress: Progress = silent

    def run(self) -> None:
        """Train; the network is left ready to answer, with the weights of its last epoch."""
        first = self.best.resume() if self.best else 0
        for epoch in range(first, self.epochs):
            began = time.perf_counter()
            with nullcontext() if self.seed is None else seeded(epoch_seed(self.seed, epoch)):
                loss = self._pass(epoch)
            if self.best:
                self.best.keep(epoch + 1, self.epochs, loss, time.perf_counter() - began)
            self.progress(self.stage, epoch + 1, self.epochs)
            if self.stop and self.stop(epoch):
                break
        self.net.eval()

    def _pass(self, epoch: int) -> float:
        """One epoch; the mean loss of its steps."""
        self.net.train()
        losses = []
        for batch in self.batches(epoch):
            loss = self.loss(batch)
            if loss is None:
                continue
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            if self.clip is not None:
                learned = [weight for weight in self.net.parameters() if weight.requires_grad]
                nn.utils.clip_grad_norm_(learned, self.clip)
            self.optimiser.step()
            if self.after_step:
                self.after_step()
            if self.schedule:
                self.schedule.step()
            losses.append(loss.item())
        return sum(losses) / max(1, len(losses))


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of one epoch of a run."""
    return seed * 100_003 + epoch


def train_rows(
    net: nn.Module,
    recipe: Any,
    count: int,
    loss: Callable[[Tensor], Tensor | None],
    generator: torch.Generator,
    *,
    one_cycle: bool = True,
) -> None:
    """Train a small network on a table of items with AdamW.

    Parameters
    ----------
    net : torch.nn.Module
        Trained in place.
    recipe : Settings
        With ``epochs``, ``batch``, ``rate`` and ``weight_decay``.
    count : int
        How many items there are; each epoch goes through all of them in an order drawn from ``generator``.
    loss : callable
        The loss of the items at indices ``(b,)``; None leaves a batch out.
    generator : torch.Generator
        Draws the order.
    one_cycle : bool
        Whether the rate rises to ``recipe.rate`` and falls again (Smith & Topin 2018, arXiv 1708.07120) or stays.
    """
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    schedule = one_cycle_of(optimiser, recipe, count) if one_cycle else None
    TrainingLoop[Tensor](
        net, optimiser, recipe.epochs, lambda _: batches_of(count, recipe.batch, generator), loss, schedule
    ).run()


def batches_of(count: int, size: int, generator: torch.Generator | None = None) -> Iterator[Tensor]:
    """Indices of ``count`` items in a random order, ``size`` at a time; drawn from torch's own state without a generator."""
    order = torch.randperm(count, generator=generator)
    for start in range(0, count, size):
        yield order[start : start + size]


def one_cycle_of(optimiser: torch.optim.Optimizer, recipe: Any, count: int) -> OneCycleLR:
    """A rate that rises to the recipe's and falls to nearly nothing, over all steps of ``count`` items an epoch."""
    steps = -(-count // recipe.batch)
    return OneCycleLR(optimiser, recipe.rate, total_steps=recipe.epochs * steps)
