"""`affectlens train background`: what a picture without its people says, on a corpus of whole pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold
from torch.nn import functional as F

from affectlens.assets.store import locate, sha256
from affectlens.core.errors import UsageError
from affectlens.core.labels import EKMAN7
from affectlens.corpora.base import open_corpus
from affectlens.learning.balance import class_weights
from affectlens.learning.export import calibrate, export
from affectlens.models.shipped.background import BackgroundModel, BackgroundNet, BackgroundNetConfig
from affectlens.perception.scene.objects import object_detector
from affectlens.stats.classification import accuracy, confusion, softmax, unweighted_recall
from affectlens.stats.resample import Estimate, bootstrap

Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class BackgroundRecipe:
    """Every choice of training; ``held`` is the share of groups kept from training for calibration and scores."""

    epochs: int = 30
    batch: int = 64
    rate: float = 1e-3
    weight_decay: float = 5e-2
    smoothing: float = 0.1
    noise: float = 0.1
    held: int = 4
    seed: int = 0


@dataclass(frozen=True)
class BackgroundRun:
    """Scores with intervals on pictures that were not learned from, and the weights."""

    scores: dict[str, Estimate]
    weights: Path


def backgrounds(corpus: str, path: Path, split: str, told: Told | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features ``(n, 320)``, class indices and groups of every picture of a split that has a class of the seven and some
    background."""
    source, find = open_corpus(corpus, path), object_detector(locate("efficientdet-lite0"))
    x, y, groups = [], [], []
    total = len(source.table(split))
    for i, item in enumerate(source.items(split)):
        label = next((v for v in item.labels if v in EKMAN7.labels), None)
        if item.data is not None and label is not None:
            box = (item.meta or {}).get("box")
            people = [t.box for t in find(item.data) if t.name == "person"]
            z = find.features(item.data, [*people, *([box] if box else [])])
            if np.isfinite(z).all():
                x.append(z)
                y.append(EKMAN7.labels.index(label))
                groups.append(item.group or item.key)
        if told:
            told(f"{corpus}, {split}", i + 1, total)
    if not x:
        raise UsageError(f"{path}: no picture of {total} has a class of {', '.join(EKMAN7.labels)} and some background")
    return np.stack(x), np.array(y), np.array(groups, dtype=object)


def train_net(x: np.ndarray, y: np.ndarray, recipe: BackgroundRecipe, classes: int) -> BackgroundNet:
    """A network on features ``(n, 320)``; classes count alike."""
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    net = BackgroundNet(BackgroundNetConfig(classes))
    a, b = torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.int64))
    spread = a.std(0)
    weight = class_weights(y, classes)
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    net.train()
    for _ in range(recipe.epochs):
        for at in torch.randperm(len(b), generator=generator).split(recipe.batch):
            if len(at) < 2:
                continue
            noisy = a[at] + recipe.noise * spread * torch.randn(a[at].shape, generator=generator)
            loss = F.cross_entropy(net(noisy), b[at], weight=weight, label_smoothing=recipe.smoothing)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
    return net.eval()


def train_background_model(
    corpus: str, path: Path, out: Path, recipe: BackgroundRecipe | None = None, progress: Told | None = None
) -> BackgroundRun:
    """Write ``background.safetensors`` and ``background.md`` below ``out``; a part of the groups is held out for calibration
    and scores."""
    recipe = recipe or BackgroundRecipe()
    out.mkdir(parents=True, exist_ok=True)
    source = open_corpus(corpus, path)
    x, y, groups = backgrounds(corpus, path, source.info.splits[0], progress)
    split = StratifiedGroupKFold(recipe.held, shuffle=True, random_state=recipe.seed)
    train, held = next(split.split(x, y, groups))
    net = train_net(x[train], y[train], recipe, len(EKMAN7.labels))
    with torch.inference_mode():
        logits = net(torch.from_numpy(x[held].astype(np.float32))).numpy()
    calibration = calibrate(logits, np.eye(len(EKMAN7.labels))[y[held]])
    guess = softmax(logits).argmax(1)
    rng = np.random.default_rng(recipe.seed)

    def table(rows: np.ndarray) -> np.ndarray:
        return confusion(y[held][rows], guess[rows], len(EKMAN7.labels))

    scores = {
        "UAR": bootstrap(lambda r: unweighted_recall(table(r)), len(held), rng, groups=groups[held]),
        "accuracy": bootstrap(lambda r: accuracy(table(r)), len(held), rng, groups=groups[held]),
    }
    weights = out / "background.safetensors"
    meta = {"labels": list(EKMAN7.labels), "config": net.config.to_dict(), "recipe": asdict(recipe),
            "corpus": source.info.title, "licence": source.info.licence, "home": source.info.home}  # fmt: skip
    export(weights, {k: v.detach() for k, v in net.state_dict().items()}, meta, calibration)
    _card(out / "background.md", weights, scores, len(train), len(held))
    return BackgroundRun(scores, weights)


def _card(path: Path, weights: Path, scores: dict[str, Estimate], learned: int, held: int) -> None:
    model = BackgroundModel(weights)
    lines = [
        "# Model card: background", "",
        "A small network over features of EfficientDet-Lite0's backbone (Apache-2.0, trained on COCO) of the frame without its "
        "people, after the background module of EMERSK (arXiv 2306.08657); widths are ours.", "",
        f"- Classes: {', '.join(model.labels)}: what raters saw in the people of such pictures, told from the surroundings",
        f"- Corpus: {model.meta['corpus']}, {learned} pictures learned from, {held} held out; licence: {model.meta['licence']}",
        f"- Weights `{weights.name}`, sha256 `{sha256(weights)}`", "",
        "## Held-out pictures", "", *(f"- {k}: {v}" for k, v in scores.items()), "",
        "The held-out part also fitted the temperature, so calibration there is a little too good.", "",
        "## Recipe", "", *(f"- {k}: {v}" for k, v in model.meta["recipe"].items()), "",
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
