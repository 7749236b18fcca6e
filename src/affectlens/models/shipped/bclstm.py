"""A trained contextual LSTM from its weights file: utterances of dialogues to expressed emotion."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from affectlens.core.errors import ModelError
from affectlens.corpora.base import Item
from affectlens.models.base import data_of, register_model
from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet
from affectlens.models.readers import described
from affectlens.models.shipped.loaded import TrainedModel


@register_model("bclstm", needs="`affectlens train bclstm` makes them")
class BcLstmModel(TrainedModel):
    """Utterances to logits; the answer to one depends on those of its dialogue that it is asked with.

    An input is a mapping of each modality to the utterance's features ``(width,)``, with ``dialogue`` and ``speaker``.
    """

    kind, reads = "bclstm", "utterances"
    network, shape = BcLstmNet, BcLstmConfig
    contextual = True

    def check(self, config: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """See that they are weights of this network; as `TrainedModel.check`.

        Raises
        ------
        ModelError
            They are of another one.
        """
        if "scale" not in self.meta or "widths" not in config:
            raise ModelError(f"{self.path}: not the weights of a contextual LSTM; make them with `affectlens train bclstm`")
        super().check(config, tensors)

    def read_scale(self) -> None:
        """Mean and deviation ``(width,)`` of the features of each modality."""
        scale = {m: (np.array(a, float), np.array(b, float)) for m, (a, b) in self.meta["scale"].items()}
        widths = {m: mean.shape[0] for m, (mean, deviation) in scale.items() if mean.shape == deviation.shape}
        if widths != self.meta["config"]["widths"]:
            raise ValueError("its scale is not of as many features as the network reads")
        self.scale = scale

    def read(self, item: Any) -> dict[str, Any]:
        """The features of an utterance, standardised and clipped, with its dialogue and speaker.

        Returns
        -------
        dict
            Each modality's features ``(width,)`` float32, with dialogue and speaker.

        Raises
        ------
        ModelError
            It has no features of a modality that the network reads, or of another width.
        """
        given = data_of(item)
        about = item.meta or {} if isinstance(item, Item) else given
        if not isinstance(given, dict):  # a text, with its features beside it
            given = about.get("features", given) if isinstance(item, Item) else given
        if not isinstance(given, dict):
            raise ModelError(f"features of {', '.join(self.modalities)} were expected, {described(given)} was given")
        utterance: dict[str, Any] = {name: str(about.get(name, "")) for name in ("dialogue", "speaker")}
        for modality, (mean, deviation) in self.scale.items():
            features = np.asarray(given.get(modality, ()), np.float64)
            if features.shape != mean.shape:
                raise ModelError(f"{modality} features {features.shape}; {mean.shape} were expected")
            scaled = np.clip((features - mean) / deviation, -self.limit, self.limit)
            utterance[modality] = scaled.astype(np.float32)
        return utterance

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32 of utterances in the order in which they were said."""
        dialogues = np.array([utterance["dialogue"] for utterance in inputs])
        logits = np.zeros((len(dialogues), len(self.labels)), np.float32)
        for dialogue in dict.fromkeys(dialogues):
            rows = np.flatnonzero(dialogues == dialogue)
            logits[rows] = self._dialogue([inputs[i] for i in rows])
        return logits

    def _dialogue(self, utterances: list[dict[str, Any]]) -> np.ndarray:
        numbers = {name: i for i, name in enumerate(dict.fromkeys(utterance["speaker"] for utterance in utterances))}
        features = {
            modality: torch.from_numpy(np.stack([utterance[modality] for utterance in utterances])[None])
            for modality in self.modalities
        }
        mask = torch.ones((1, len(utterances)), dtype=torch.bool)
        speaker = torch.tensor([[numbers[utterance["speaker"]] for utterance in utterances]])
        with torch.inference_mode():
            return np.asarray(self.net(features, mask, speaker)[0].numpy())

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that the network reads."""
        return tuple(self.net.config.widths)

    @property
    def limit(self) -> float:
        """Standard deviations at which features are clipped."""
        return float(self.meta["recipe"]["limit"])


def meta_of(
    net: BcLstmNet,
    labels: tuple[str, ...],
    scale: dict[str, tuple[np.ndarray, np.ndarray]],
    recipe: dict[str, Any],
    corpus: str,
    licence: str,
) -> dict[str, Any]:
    """What a weights file says of itself."""
    return {
        "labels": list(labels),
        "config": net.config.to_dict(),
        "scale": {
            modality: (np.asarray(mean).tolist(), np.asarray(deviation).tolist())
            for modality, (mean, deviation) in scale.items()
        },
        "recipe": recipe,
        "corpus": corpus,
        "licence": licence,
    }
