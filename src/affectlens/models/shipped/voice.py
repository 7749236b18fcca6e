"""The shipped model of the voice: what Whisper's encoder holds of a turn, joined with the autoencoder of eGeMAPS."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from affectlens.assets.store import locate
from affectlens.core.errors import ModelError
from affectlens.models.base import load_model, register_model
from affectlens.models.nets.voice import VoiceNet, VoiceNetConfig
from affectlens.models.readers import functionals_of, sound_of
from affectlens.models.shipped.loaded import TrainedModel
from affectlens.models.shipped.speech import SpeechModel
from affectlens.models.whisper.encoder import WhisperEncoder, from_ctranslate2
from affectlens.models.whisper.states import DEPTH, pooled, states_of

_TYPICAL = slice(2 * 1024, 3 * 1024)  # columns of the states that typicality is measured in: one middle layer


def own_share(turns: int, shrink: float) -> float:
    """How much of a speaker's own mean is taken off, so that one turn changes little (James & Stein 1961).

    Returns
    -------
    float
        ``n / (n + shrink)``.

    Examples
    --------
    >>> own_share(5, 5.0)
    0.5
    """
    return turns / (turns + shrink)


def typical_part(deep: np.ndarray) -> np.ndarray:
    """What typicality looks at of scaled states ``(n, features)``."""
    part = deep[:, _TYPICAL]
    return part if part.shape[1] else deep


@register_model("voice")
class VoiceModel(TrainedModel):
    """Turns of speech to four classes.

    An input is the 88 functionals of a turn and its pooled states, one after the other; ``predict`` takes each turn by itself,
    ``centred`` and ``joined`` serve several turns of one speaker.
    """

    kind, reads = "voice", "voice"
    network, shape = VoiceNet, VoiceNetConfig
    assets = ("whisper-base",)

    def read_scale(self) -> None:
        """How much own turns count, the weights of both answers, and from which p-value a turn is like those of training."""
        self.shrink = float(self.meta["shrink"])
        self.join = tuple(float(weight) for weight in self.meta["join"])
        self.least_typical = float(self.meta["least_typical"])

    @cached_property
    def encoder(self) -> WhisperEncoder:
        """Whisper's encoder, as deep as it is needed; an AssetError where it is not here and cannot be had."""
        return from_ctranslate2(locate("whisper-base"), DEPTH)

    @cached_property
    def acoustic(self) -> SpeechModel:
        """The autoencoder that the answer is joined with."""
        model: SpeechModel = load_model("speech")
        return model

    def states(self, sound: np.ndarray) -> Tensor:
        """States ``(layers, frames, width)`` of one turn ``(n,)`` at 16 kHz."""
        return states_of(self.encoder, sound)

    def read(self, item: Any) -> np.ndarray:
        """Functionals and pooled states ``(88 + features,)`` of one clip, float32."""
        sound = sound_of(item)
        return np.concatenate([functionals_of(sound), pooled(self.states(sound))[0]]).astype(np.float32)

    def heard(self, states: np.ndarray) -> np.ndarray:
        """The head's logits ``(n, 4)`` of pooled states ``(n, features)``, each turn by itself and not centred."""
        return np.asarray(self.run(self.net, self._checked(states, self.net.config.features)), np.float64)

    def typicality_of(self, states: np.ndarray) -> np.ndarray:
        """p-values ``(n,)`` of pooled states, near 0 for what is unlike all speech that was learnt from; NaN if unknown."""
        return self.typical(typical_part(self.deep(self._checked(states, self.net.config.features))))

    def centred(self, heard: np.ndarray) -> np.ndarray:
        """The turns of one speaker in one recording, against their shrunken mean.

        Parameters
        ----------
        heard : numpy.ndarray
            Logits ``(n, 4)`` of `heard`.

        Returns
        -------
        numpy.ndarray
            Logits ``(n, 4)``. The head is linear: this is the same as taking the mean off the states.
        """
        bias = self.net.head.bias.detach().numpy().astype(np.float64)
        return np.asarray(heard - own_share(len(heard), self.shrink) * (heard - bias).mean(axis=0))

    def joined(self, heard: np.ndarray, acoustic: np.ndarray) -> np.ndarray:
        """One answer of the centred logits ``(n, 4)`` and of the autoencoder's."""
        return np.asarray(self.join[0] * heard + self.join[1] * acoustic)

    def predict(self, inputs: Any) -> np.ndarray:
        """Joined logits ``(n, 4)`` float32 of turns that nothing else is known of."""
        width = self.acoustic.net.config.features
        given = self._checked(inputs, width + self.net.config.features)
        measured = (
            np.stack([self.acoustic.normalise(row[None, :width])[0] for row in given]) if len(given) else given[:, :width]
        )
        alone = [self.centred(row[None])[0] for row in self.heard(given[:, width:])]
        heard = np.reshape(alone, (len(given), len(self.labels)))
        return np.asarray(self.joined(heard, self.acoustic.predict(measured)), np.float32)

    def _checked(self, inputs: Any, width: int) -> np.ndarray:
        features = np.asarray(inputs, dtype=np.float32)
        if features.ndim != 2 or features.shape[1] != width:
            raise ModelError(f"features of shape {features.shape}; expected (n, {width})")
        if not np.isfinite(features).all():
            raise ModelError("features hold values that are not numbers")
        return features

    def without(self, states: Tensor, share: Tensor) -> np.ndarray:
        """The head's logits ``(m, 4)`` of a turn of which frames count as ``share`` ``(m, frames)`` says."""
        with torch.inference_mode():
            return self.heard(pooled(states, share))
