"""The shipped speech model: 88 acoustic features to a small latent and four classes, trained by this project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from affectlens.core.errors import ModelError
from affectlens.models.base import register_model
from affectlens.models.nets.speech import SpeechNet, SpeechNetConfig
from affectlens.models.shipped.speech_scale import Scale, against_own_clip
from affectlens.models.weights import read_weights, weights_path


@dataclass(frozen=True)
class Neighbour:
    """A training clip near a turn in the latent: where it is from, its label, and how far, in median distances between
    training clips."""

    corpus: str
    key: str
    label: str
    language: str
    gender: str
    distance: float


class SpeechModel:
    """Normalised features ``(n, 88)`` to logits ``(n, 4)`` and latents; ``normalise`` makes those from real units."""

    name = "speech"
    modality = "voice"

    def __init__(self, path: Path | None = None) -> None:
        tensors, self.meta, self.calibration = read_weights(path or weights_path("speech"))
        self.net = SpeechNet(SpeechNetConfig(**self.meta["config"]))
        self._exemplars = tensors.pop("exemplars").float().numpy()
        self.net.load_state_dict({k: v.float() for k, v in tensors.items()})
        self.net.eval()
        self.labels: tuple[str, ...] = tuple(self.meta["labels"])
        scale = self.meta["scale"]
        self.scale = Scale(np.array(scale["mean"]), np.array(scale["deviation"]))

    def normalise(self, features: np.ndarray) -> np.ndarray:
        """Features ``(turns, 88)`` in real units, the turns of one speaker in one recording, as the network wants them."""
        return against_own_clip(features, self.scale)

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """Logits ``(n, 4)`` float32 of normalised features."""
        with torch.inference_mode():
            return np.asarray(self.net(self._tensor(batch)).numpy())

    def encode(self, batch: np.ndarray) -> np.ndarray:
        """Latents ``(n, latent)`` float32."""
        with torch.inference_mode():
            return np.asarray(self.net.encode(self._tensor(batch))[0].numpy())

    def decode(self, latent: np.ndarray) -> np.ndarray:
        """Normalised features ``(n, 88)`` of latents."""
        with torch.inference_mode():
            return np.asarray(self.net.decode(torch.from_numpy(np.asarray(latent, dtype=np.float32))).numpy())

    def neighbours(self, latent: np.ndarray, k: int = 3) -> list[Neighbour]:
        """The training clips nearest to one latent ``(latent,)``, nearest first (Euclidean)."""
        distance = np.linalg.norm(self._exemplars - latent, axis=1) / self.meta["spacing"]
        nearest = np.argsort(distance, kind="stable")[:k]
        found = [(self.meta["exemplars"][i], float(distance[i])) for i in nearest]
        return [Neighbour(c, key, label, lang, sex, far) for (c, key, label, lang, sex), far in found]

    def _tensor(self, batch: np.ndarray) -> torch.Tensor:
        batch = np.asarray(batch, dtype=np.float32)
        if batch.ndim != 2 or batch.shape[1] != self.net.config.features:
            raise ModelError(f"features of shape {batch.shape}; expected (n, {self.net.config.features})")
        if not np.isfinite(batch).all():
            raise ModelError("features hold values that are not numbers")
        return torch.from_numpy(batch)


@register_model("speech")
def load(path: Path | None = None) -> SpeechModel:
    """The shipped speech model."""
    return SpeechModel(path)
