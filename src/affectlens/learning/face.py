"""The recipe of the face network: SGD with a one-cycle rate, weight averaging, growing pictures, resumable."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from affectlens.learning.augment import augment_faces
from affectlens.learning.checkpoint import load_checkpoint, log_epoch, save_checkpoint
from affectlens.models.nets.face import FaceNetConfig, TwoStreamFaceNet


@dataclass(frozen=True)
class FaceRecipe:
    """Every choice of the training run. Sizes in pixels, rates per step of SGD, fractions of the whole run.

    ``teacher_share`` is the share of the targets that comes from an earlier network's answers, where one is given.
    """

    epochs: int = 30
    batch: int = 96
    rate: float = 0.05
    weight_decay: float = 5e-4
    warmup: float = 0.1
    label_smoothing: float = 0.1
    teacher_share: float = 0.5
    small_size: int = 40
    small_until: float = 0.4
    strong_until: float = 0.5
    average_decay: float = 0.999
    plain_last_epochs: int = 3
    zooms: tuple[float, ...] = (1.0, 0.92, 0.85)  # views of a crop that are averaged; chosen on validation
    seed: int = 0
    net: FaceNetConfig = field(default_factory=FaceNetConfig)


def learning_rate(progress: float, recipe: FaceRecipe) -> float:
    """Linear rise over ``warmup`` of the run, then a cosine down to a thousandth of the peak."""
    if progress < recipe.warmup:
        return recipe.rate * (0.05 + 0.95 * progress / recipe.warmup)
    rest = (progress - recipe.warmup) / (1 - recipe.warmup)
    return recipe.rate * (0.001 + 0.999 * 0.5 * (1 + float(np.cos(np.pi * rest))))


def augmentation(epoch: int, recipe: FaceRecipe) -> dict[str, float]:
    """Strong changes first, milder ones later, hardly any in the last epochs, so that training ends near real crops."""
    if epoch >= recipe.epochs - recipe.plain_last_epochs:
        return {"rotate": 6.0, "zoom": 0.06, "shift": 0.04, "shear": 0.0, "erase": 0.0}
    if epoch >= recipe.strong_until * recipe.epochs:
        return {"rotate": 10.0, "zoom": 0.10, "shift": 0.06, "shear": 0.03, "erase": 0.15}
    return {"rotate": 15.0, "zoom": 0.15, "shift": 0.10, "shear": 0.08, "erase": 0.3}


def predict_logits(net: nn.Module, images: np.ndarray, batch: int = 256, mirror: bool = True) -> np.ndarray:
    """Logits ``(n, classes)`` of uint8 crops ``(n, h, w)``; the mean over the crop and its mirror image."""
    net.eval()
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            x = torch.from_numpy(images[start : start + batch]).float().div_(255).unsqueeze(1)
            logits = net(x)
            rows.append((logits + net(x.flip(-1))) / 2 if mirror else logits)
    return torch.cat(rows).numpy()


def train_face(
    images: np.ndarray,
    labels: np.ndarray,
    validation_images: np.ndarray,
    validation_labels: np.ndarray,
    out: Path,
    recipe: FaceRecipe | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
    start: nn.Module | None = None,
) -> TwoStreamFaceNet:
    """Train on uint8 crops ``(n, 48, 48)`` with class indices ``(n,)``; writes ``checkpoint.pt`` and ``log.jsonl``.

    With ``start``, an earlier network of the same layout, training goes on from its weights, and its answers to the
    training crops make up ``teacher_share`` of the targets (born-again training, Furlanello et al. 2018: where labels are
    noisy, as in FER2013, the network's own second opinion is better than a fixed smoothing).

    The epoch that ships is the one whose averaged weights do best on the validation split, which is never the test split.
    A run that was stopped goes on from its last finished epoch.
    """
    recipe = recipe or FaceRecipe()
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    net = TwoStreamFaceNet(recipe.net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if start is not None:
        net.load_state_dict(start.state_dict())
    average = TwoStreamFaceNet(recipe.net)
    average.load_state_dict(net.state_dict())
    decayed = [p for p in net.parameters() if p.ndim > 1]
    flat = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": flat, "weight_decay": 0.0}]
    optimiser = torch.optim.SGD(groups, lr=recipe.rate, momentum=0.9, nesterov=True)
    state: dict[str, Any] = {"epoch": 0, "updates": 0, "best": -1.0, "best_epoch": 0, "best_weights": None}
    parts = {"net": net, "average": average, "optimiser": optimiser}
    if saved := load_checkpoint(out, recipe):
        state = saved["state"]
        for name, part in parts.items():
            part.load_state_dict(saved[name])
    x_all = torch.from_numpy(images).unsqueeze(1)
    y_all = _targets(images, labels, recipe, start)
    steps = len(x_all) // recipe.batch
    for epoch in range(state["epoch"], recipe.epochs):
        began = time.perf_counter()
        generator = torch.Generator().manual_seed(recipe.seed * 100_003 + epoch)
        order = torch.randperm(len(x_all), generator=generator)
        torch.manual_seed(recipe.seed * 100_003 + epoch)  # dropout: a resumed run draws what a whole one would
        size = recipe.small_size if epoch < recipe.small_until * recipe.epochs else images.shape[1]
        strength = augmentation(epoch, recipe)
        net.train()
        total = 0.0
        for step in range(steps):
            rate = learning_rate((epoch + step / steps) / recipe.epochs, recipe)
            for group in optimiser.param_groups:
                group["lr"] = rate
            rows = order[step * recipe.batch : (step + 1) * recipe.batch]
            x = augment_faces(
                x_all[rows].float().div_(255),
                generator,
                size,
                **strength,
            )
            loss = F.cross_entropy(net(x), y_all[rows])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            _average(average, net, min(recipe.average_decay, (1 + state["updates"]) / (10 + state["updates"])))
            state["updates"] += 1
            total += loss.item()
        accuracy = float((predict_logits(average, validation_images).argmax(1) == validation_labels).mean())
        row = {
            "epoch": epoch + 1,
            "of": recipe.epochs,
            "size": size,
            "loss": round(total / steps, 4),
            "validation_accuracy": round(accuracy, 4),
            "seconds": round(time.perf_counter() - began, 1),
        }
        if accuracy >= state["best"]:
            state["best"], state["best_epoch"] = accuracy, epoch + 1
            state["best_weights"] = {k: v.clone() for k, v in average.state_dict().items()}
        state["epoch"] = epoch + 1
        save_checkpoint(out, recipe, {k: v.state_dict() for k, v in parts.items()} | {"state": state})
        log_epoch(out, row)
        if progress:
            progress(row)
    average.load_state_dict(state["best_weights"])
    return average.eval()


def _targets(images: np.ndarray, labels: np.ndarray, recipe: FaceRecipe, teacher: nn.Module | None) -> torch.Tensor:
    """Target distributions ``(n, classes)``: smoothed labels, mixed with the teacher's answers where there is one."""
    classes = recipe.net.classes
    hard = F.one_hot(torch.from_numpy(labels.astype(np.int64)), classes).float()
    targets = hard * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
    if teacher is None:
        return targets
    answers = torch.from_numpy(predict_logits(teacher, images)).softmax(1)
    return targets.lerp(answers, recipe.teacher_share)


@torch.no_grad()
def _average(average: nn.Module, net: nn.Module, decay: float) -> None:
    for mean, value in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
