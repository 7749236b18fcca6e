"""The shipped speech model: 88 acoustic features to a small latent and four classes, trained by this project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from affectlens.core.errors import ModelError
from affectlens.models.base import register_model
from affectlens.models.nets.speech import SpeechNet, SpeechNetConfig
from affectlens.models.readers import functionals_of
from affectlens.models.shipped.loaded import TrainedModel
from affectlens.models.shipped.speech_scale import Scale, against_own_clip


@dataclass(frozen=True)
class Neighbour:
    """A training clip near a turn in the latent.

    Where it is from, its label, and how far it is, in median distances between training clips.
    """

    corpus: str
    key: str
    label: str
    language: str
    gender: str
    distance: float


@register_model("speech")
class SpeechModel(TrainedModel):
    """Normalised features ``(n, 88)`` to logits ``(n, 4)`` and latents; ``normalise`` makes those from real units."""

    kind, reads = "speech", "voice"
    network, shape = SpeechNet, SpeechNetConfig

    def read_scale(self) -> None:
        """Mean and deviation ``(88,)`` of the features."""
        scale = self.meta["scale"]
        self.scale = Scale(np.array(scale["mean"]), np.array(scale["deviation"]))

    def load(self, tensors: dict[str, torch.Tensor]) -> None:
        """Give the network its weights, and keep the latents of training clips beside it."""
        self._exemplars = tensors["exemplars"].float().numpy()
        super().load({name: tensor for name, tensor in tensors.items() if name != "exemplars"})

    def read(self, item: Any) -> np.ndarray:
        """The normalised features ``(88,)`` of one clip by itself, float32.

        A recording with several turns of a speaker, or a whole corpus, is better read together: see ``normalise`` and
        ``speech_scale.normalise``.

        Returns
        -------
        numpy.ndarray
            In deviations, clipped at 3.
        """
        return np.asarray(self.normalise(functionals_of(item)[None])[0], np.float32)

    def normalise(self, features: np.ndarray) -> np.ndarray:
        """Features ``(turns, 88)`` in real units, the turns of one speaker in one recording, as the network wants them."""
        return against_own_clip(features, self.scale)

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, 4)`` float32 of normalised features."""
        return self.run(self.net, self._checked(inputs))

    def encode(self, inputs: Any) -> np.ndarray:
        """Latents ``(n, latent)`` float32."""
        return self.run(lambda features: self.net.encode(features)[0], self._checked(inputs))

    def decode(self, latent: np.ndarray) -> np.ndarray:
        """Normalised features ``(n, 88)`` of latents."""
        return self.run(self.net.decode, latent)

    def neighbours(self, latent: np.ndarray, k: int = 3) -> list[Neighbour]:
        """The training clips nearest to one latent ``(latent,)``, nearest first (Euclidean)."""
        distance = np.linalg.norm(self._exemplars - latent, axis=1) / self.meta["spacing"]
        nearest = np.argsort(distance, kind="stable")[:k]
        exemplars = [(self.meta["exemplars"][i], float(distance[i])) for i in nearest]
        return [Neighbour(corpus, key, label, lang, sex, far) for (corpus, key, label, lang, sex), far in exemplars]

    def _checked(self, inputs: Any) -> np.ndarray:
        features = np.asarray(inputs, dtype=np.float32)
        if features.ndim != 2 or features.shape[1] != self.net.config.features:
            raise ModelError(f"features of shape {features.shape}; expected (n, {self.net.config.features})")
        if not np.isfinite(features).all():
            raise ModelError("features hold values that are not numbers")
        return features
