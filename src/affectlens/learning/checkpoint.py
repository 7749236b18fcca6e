"""Checkpoints of a training run: written whole or not at all, read only by the recipe that made them."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

NAME = "checkpoint.pt"


def save_checkpoint(folder: Path, recipe: Any, parts: dict[str, Any]) -> None:
    """Write ``parts`` (tensors, state dicts, plain types) beside the ``recipe`` dataclass to ``folder/checkpoint.pt``."""
    torch.save(parts | {"recipe": json.dumps(asdict(recipe))}, folder / "checkpoint.tmp")
    os.replace(folder / "checkpoint.tmp", folder / NAME)


def load_checkpoint(folder: Path, recipe: Any) -> dict[str, Any] | None:
    """The parts that were saved, or None where there is no checkpoint.

    Raises:
        ValueError: the checkpoint was made by another recipe.
    """
    path = folder / NAME
    if not path.exists():
        return None
    payload: dict[str, Any] = torch.load(path, weights_only=True)
    if payload.pop("recipe") != json.dumps(asdict(recipe)):
        raise ValueError(f"{path} was made by another recipe; give another --out or delete it")
    return payload


def log_epoch(folder: Path, row: dict[str, Any]) -> None:
    """Append one epoch's numbers to ``folder/log.jsonl``."""
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(row) + "\n")
