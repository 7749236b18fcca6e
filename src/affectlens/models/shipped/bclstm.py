"""A trained contextual LSTM from its weights file: utterances of dialogues to expressed emotion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from affectlens.core.errors import ModelError
from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet
from affectlens.models.weights import read_weights


class BcLstmModel:
    """The network, its classes, and the scale of its features."""

    name = "bclstm"
    modality = "utterances"

    def __init__(self, path: Path) -> None:
        tensors, self.meta, self.calibration = read_weights(path)
        if "scale" not in self.meta or "widths" not in self.meta.get("config", {}):
            raise ModelError(f"{path}: not the weights of a contextual LSTM; make them with `affectlens train bclstm`")
        self.net = BcLstmNet(BcLstmConfig(**self.meta["config"]))
        self.net.load_state_dict({k: v.float() for k, v in tensors.items()})
        self.net.eval()
        self.labels: tuple[str, ...] = tuple(self.meta["labels"])
        self.scale = {m: (np.array(a), np.array(b)) for m, (a, b) in self.meta["scale"].items()}

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that the network reads."""
        return tuple(self.net.config.widths)

    @property
    def limit(self) -> float:
        """Standard deviations at which features are clipped."""
        return float(self.meta["recipe"]["limit"])


def meta_of(
    net: BcLstmNet, labels: tuple[str, ...], scale: dict[str, tuple[np.ndarray, np.ndarray]], recipe: dict[str, Any],
    corpus: str, licence: str,
) -> dict[str, Any]:  # fmt: skip
    """What a weights file says of itself."""
    return {
        "labels": list(labels),
        "config": net.config.to_dict(),
        "scale": {m: (np.asarray(a).tolist(), np.asarray(b).tolist()) for m, (a, b) in scale.items()},
        "recipe": recipe,
        "corpus": corpus,
        "licence": licence,
    }


def parameters(net: torch.nn.Module) -> int:
    """Number of trained values."""
    return sum(p.numel() for p in net.parameters())
