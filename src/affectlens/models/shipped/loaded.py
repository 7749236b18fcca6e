"""What the models that this project trains share: weights with their configuration, calibration and checksum."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import ModelError
from affectlens.models.base import BaseModel
from affectlens.models.nets.config import NetConfig
from affectlens.models.weights import read_weights, weights_path


class TrainedModel(BaseModel):
    """A network read from a weights file of ``affectlens train``.

    Parameters
    ----------
    path : Path, optional
        The file; without it the one that ships under the class's ``kind``.

    Raises
    ------
    ModelError
        No such file, or one of another model.
    """

    kind: ClassVar[str]  # the name of its weights
    reads: ClassVar[str]  # its modality
    network: ClassVar[Any]  # the class of its network
    shape: ClassVar[type[NetConfig]]  # what that is made of

    def __init__(self, path: Path | None = None) -> None:
        self.path = Path(path) if path is not None else weights_path(self.kind)
        tensors, meta, calibration = read_weights(self.path)
        BaseModel.__init__(
            self, self.kind, self.reads, meta.get("labels", ()), meta | {"sha256": sha256_of(self.path)}, calibration
        )
        try:
            self.net: Any = self.build(dict(meta["config"]))
            self.load(tensors)
        except (KeyError, TypeError, RuntimeError) as error:
            raise ModelError(f"{self.path}: not the weights of a {self.kind} model ({str(error)[:200]})") from error
        self.net.eval()

    def build(self, config: dict[str, Any]) -> nn.Module:
        """The network of a configuration, in which JSON has made tuples lists."""
        net: nn.Module = self.network(self.shape(**{name: tuples(value) for name, value in config.items()}))
        return net

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Give the network its weights, which are stored in half precision."""
        self.net.load_state_dict(
            {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
        )

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32."""
        return self.run(self.net, inputs)

    def deep(self, inputs: Any) -> np.ndarray:
        """Deep features ``(n, width)`` float32, for early fusion."""
        return self.run(self.net.deep, inputs)

    def run(self, function: Callable[..., Tensor], *arrays: Any) -> np.ndarray:
        """What a part of the network gives of arrays ``(n, ...)``, which become float32."""
        with torch.inference_mode():
            return np.asarray(function(*(torch.from_numpy(np.asarray(array, np.float32)) for array in arrays)).numpy())


def tuples(value: Any) -> Any:
    """Lists as tuples, at every depth."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value
