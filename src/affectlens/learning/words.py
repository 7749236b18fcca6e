"""The recipe of the words network: adapters on a frozen encoder, soft targets for texts with several labels."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from affectlens.learning.checkpoint import load_checkpoint, log_epoch, save_checkpoint
from affectlens.models.nets.words import WordsNet, WordsNetConfig, WordsTokenizer, pad_rows


@dataclass(frozen=True)
class WordsRecipe:
    """Every choice of the training run. Rates per step of AdamW."""

    epochs: int = 2
    batch: int = 32
    rate: float = 1e-3
    head_rate: float = 2e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    seed: int = 0
    net: WordsNetConfig = field(default_factory=WordsNetConfig)


def soft_targets(labels: list[list[int]], classes: int) -> np.ndarray:
    """Each text's mass shared equally among its labels: ``(n, classes)`` float32, rows sum to one."""
    out = np.zeros((len(labels), classes), dtype=np.float32)
    for i, row in enumerate(labels):
        out[i, row] = 1 / len(row)
    return out


def predict_logits(net: WordsNet, rows: list[list[int]], batch: int = 64) -> np.ndarray:
    """Logits ``(n, classes)`` of token id lists, in the order given; texts of like length share a batch."""
    net.eval()
    order = np.argsort([len(r) for r in rows], kind="stable")
    out = np.zeros((len(rows), net.config.classes), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            out[chosen] = net(*pad_rows([rows[i] for i in chosen])).numpy()
    return out


def _batches(lengths: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
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
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> WordsNet:
    """Train the adapters; writes ``checkpoint.pt`` after every epoch and ``log.jsonl``; resumes where it stopped.

    The epoch that ships has the lowest validation cross-entropy.
    """
    recipe = recipe or WordsRecipe()
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    net = WordsNet(recipe.net)
    net.load_base(base)
    head = list(net.head.parameters())
    adapters = [p for n, p in net.named_parameters() if n.endswith((".down", ".up"))]
    optimiser = torch.optim.AdamW(
        [{"params": adapters, "peak": recipe.rate}, {"params": head, "peak": recipe.head_rate}],
        lr=recipe.rate,
        weight_decay=recipe.weight_decay,
        betas=(0.9, 0.98),
    )
    rows = [tokenizer.encode(t)[0].ids for t in texts]
    validation = [tokenizer.encode(t)[0].ids for t in validation_texts]
    target = torch.from_numpy(soft_targets(labels, recipe.net.classes))
    validation_target = torch.from_numpy(soft_targets(validation_labels, recipe.net.classes))
    lengths = np.array([len(r) for r in rows])
    state: dict[str, Any] = {"epoch": 0, "best": float("inf"), "best_epoch": 0, "best_weights": None}
    if saved := load_checkpoint(out, recipe):
        state = saved["state"]
        net.load_state_dict(saved["net"], strict=False)
        optimiser.load_state_dict(saved["optimiser"])
    trained = [p for p in net.parameters() if p.requires_grad]
    for epoch in range(state["epoch"], recipe.epochs):
        began, total = time.perf_counter(), 0.0
        torch.manual_seed(recipe.seed * 100_003 + epoch)
        batches = _batches(lengths, recipe.batch, np.random.default_rng([recipe.seed, epoch]))
        net.train()
        for step, chosen in enumerate(batches):
            done = (epoch + step / len(batches)) / recipe.epochs
            factor = min(1.0, done / recipe.warmup) * (1 - done)
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * factor
            loss = F.cross_entropy(net(*pad_rows([rows[i] for i in chosen])), target[torch.from_numpy(chosen)])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            total += loss.item()
            if progress and step % 200 == 0:
                progress({"epoch": epoch + 1, "step": step, "of": len(batches), "loss": round(loss.item(), 4)})
        logits = torch.from_numpy(predict_logits(net, validation))
        score = float(F.cross_entropy(logits, validation_target))
        row = {
            "epoch": epoch + 1,
            "of": recipe.epochs,
            "loss": round(total / len(batches), 4),
            "validation_cross_entropy": round(score, 4),
            "seconds": round(time.perf_counter() - began, 1),
        }
        if score < state["best"]:
            state["best"], state["best_epoch"], state["best_weights"] = score, epoch + 1, net.trained_state()
        state["epoch"] = epoch + 1
        save_checkpoint(out, recipe, {"net": net.trained_state(), "optimiser": optimiser.state_dict(), "state": state})
        log_epoch(out, row)
        if progress:
            progress(row)
    net.load_state_dict(state["best_weights"], strict=False)
    return net.eval()
