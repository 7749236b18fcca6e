"""The recipe of the face network: SGD with a warm-up and a cosine, weight averaging, growing pictures, resumable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from affectlens.core.disk.files import digest_of
from affectlens.core.options import torch_device
from affectlens.core.progress import Progress, silent
from affectlens.learning.augmentation.faces import augment_faces
from affectlens.learning.augmentation.photometric import photometric
from affectlens.learning.loop import BestEpoch, TrainingLoop, epoch_seed, seeded
from affectlens.learning.recipes.face import FaceRecipe
from affectlens.models.nets.face import FaceNetConfig, TwoStreamFaceNet

AFTERWARDS = ("unseen", "prior_strength")  # fields of the recipe that only matter once the network is trained


def rate_factor(done: float, warmup: float) -> float:
    """The rate as a share of its peak.

    Parameters
    ----------
    done : float
        Share of the run that is over.
    warmup : float
        Share of the run in which the rate rises linearly; then it falls along a cosine to a thousandth.

    Returns
    -------
    float
        In [0, 1].
    """
    if done < warmup:
        return 0.05 + 0.95 * done / warmup
    after_warmup = (done - warmup) / (1 - warmup) if warmup < 1 else 0.0
    return 0.001 + 0.999 * 0.5 * (1 + float(np.cos(np.pi * after_warmup)))


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
    device = next(net.parameters()).device
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            part = torch.from_numpy(images[start : start + batch]).to(device).float().div_(255).unsqueeze(1)
            logits = net(part)
            rows.append((logits + net(part.flip(-1))) / 2 if mirror else logits)
    return torch.cat(rows).cpu().numpy()


def mass_on_answer(logits: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy, or where ``labels`` are distributions ``(n, classes)`` the mean share that the answered class has in them."""
    answers = logits.argmax(1)
    hits = answers == labels if labels.ndim == 1 else labels[np.arange(len(answers)), answers]
    return float(np.mean(hits))


def train_face(
    images: np.ndarray,
    labels: np.ndarray,
    validation_images: np.ndarray,
    validation_labels: np.ndarray,
    out: Path,
    recipe: FaceRecipe | None = None,
    progress: Progress = silent,
    start: TwoStreamFaceNet | None = None,
    config: FaceNetConfig | None = None,
) -> TwoStreamFaceNet:
    """Train on grey crops; a run that was stopped goes on from its last finished epoch.

    Parameters
    ----------
    images, validation_images : numpy.ndarray
        Crops ``(n, 48, 48)`` uint8.
    labels, validation_labels : numpy.ndarray
        Class indices ``(n,)``, or distributions over the classes ``(n, classes)``, which are taken as they are.
    out : Path
        Takes ``checkpoint.pt`` and ``log.jsonl``.
    recipe : FaceRecipe, optional
        The shipped one by default.
    progress : Progress
        Told of finished epochs.
    start : TwoStreamFaceNet, optional
        An earlier network of the same layout: training goes on from its weights, and its answers to the training crops make
        up ``teacher_share`` of the targets (born-again training, Furlanello et al. 2018: where labels are noisy, as in
        FER2013, the network's own second opinion is better than a fixed smoothing).
    config : FaceNetConfig, optional
        Widths of the network; those of ``start`` or the shipped ones by default.

    Returns
    -------
    TwoStreamFaceNet
        With the averaged weights of the epoch that does best on the validation split, which is never the test split.

    Raises
    ------
    UsageError
        A device that is not there, or a checkpoint in ``out`` of another recipe or of other data.
    """  # noqa: DOC502
    recipe = recipe or FaceRecipe()
    device = torch_device(recipe.device)
    config = config or (start.config if start is not None else FaceNetConfig())
    with seeded(recipe.seed):
        net = TwoStreamFaceNet(config).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        average = TwoStreamFaceNet(config).to(device)
    if start is not None:
        net.load_state_dict(start.state_dict())
    average.load_state_dict(net.state_dict())
    groups = [
        {"params": [parameter for parameter in net.parameters() if parameter.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [parameter for parameter in net.parameters() if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.SGD(groups, lr=recipe.rate, momentum=0.9, nesterov=True)
    steps = max(1, len(images) // recipe.batch)
    schedule = LambdaLR(
        optimiser, lambda step: rate_factor((step // steps + step % steps / steps) / recipe.epochs, recipe.warmup)
    )
    pictures = torch.from_numpy(images).unsqueeze(1).to(device)
    targets = _targets(images, labels, recipe, config.classes, start).to(device)

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator(device).manual_seed(epoch_seed(recipe.seed, epoch))
        order = torch.randperm(len(pictures), generator=generator, device=device)
        plain = epoch >= recipe.epochs - recipe.plain_last_epochs
        size = recipe.small_size if epoch < recipe.small_until * recipe.epochs else images.shape[1]
        strength = augmentation(epoch, recipe)
        for step in range(steps):
            rows = order[step * recipe.batch : (step + 1) * recipe.batch]
            moved = augment_faces(pictures[rows].float().div_(255), generator, size, **strength)
            yield photometric(moved, generator, recipe.photometric * (0.5 if plain else 1.0)), targets[rows]

    def loss(pair: tuple[Tensor, Tensor]) -> Tensor:
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            logits = net(pair[0])
        return F.cross_entropy(logits.float(), pair[1])

    def average_weights() -> None:
        updates = schedule.last_epoch  # steps taken before this one
        _average(average, net, min(recipe.average_decay, (1 + updates) / (10 + updates)))

    best = BestEpoch(
        out,
        {**{name: value for name, value in recipe.to_dict().items() if name not in AFTERWARDS}, "net": asdict(config)},
        digest_of(images, labels, validation_images, validation_labels, *_tensors(start)),
        {"net": net, "average": average, "optimiser": optimiser, "schedule": schedule},
        "validation_accuracy",
        lambda: mass_on_answer(predict_logits(average, validation_images, mirror=recipe.mirror), validation_labels),
        average.state_dict,
    )
    TrainingLoop[tuple[Tensor, Tensor]](
        net,
        optimiser,
        recipe.epochs,
        batches,
        loss,
        schedule,
        after_step=average_weights,
        best=best,
        seed=recipe.seed,
        stage="face network",
        progress=progress,
    ).run()
    average.load_state_dict(best.best["weights"])
    return average.cpu().eval()


def _tensors(net: nn.Module | None) -> list[Any]:
    """Names and weights of a network."""
    weights = net.state_dict().items() if net is not None else ()
    return [part for name, tensor in weights for part in (name, tensor.detach().cpu().numpy())]


def _targets(images: np.ndarray, labels: np.ndarray, recipe: FaceRecipe, classes: int, teacher: nn.Module | None) -> Tensor:
    """Target distributions ``(n, classes)``: smoothed labels, mixed with the teacher's answers where there is one."""
    if labels.ndim == 2:
        targets = torch.from_numpy(labels).float()
    else:
        hard = F.one_hot(torch.from_numpy(labels.astype(np.int64)), classes).float()
        targets = hard * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
    if teacher is None or recipe.teacher_share == 0:
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
