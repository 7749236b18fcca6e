"""What the models that this project trains share: weights with their configuration, calibration and checksum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from affectlens.core.barrier import reason_of
from affectlens.core.disk.files import digest_of, sha256_of
from affectlens.core.errors import LimitError, ModelError
from affectlens.models.base import BaseModel
from affectlens.models.nets.config import NetConfig
from affectlens.models.typicality import PREFIX, Typicality
from affectlens.models.weights import read_weights, weights_path


class _Undrawn(TorchFunctionMode):
    """Leaves out how weights begin.

    To draw values for tensors that have none, and to scale them, torch loads its compiler, which takes a second.
    """

    def __torch_function__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        if getattr(function, "__module__", "") == "torch.nn.init" or function is torch.Tensor.div_:
            return (named or {}).get("tensor", given[0] if given else None)
        if function is torch.randn:
            function = torch.empty
        return function(*given, **(named or {}))


@contextmanager
def without_values() -> Iterator[None]:
    """Networks that are made inside have shapes and neither memory nor values."""
    with torch.device("meta"), _Undrawn():
        yield


class TrainedModel(BaseModel):
    """A network read from a weights file of ``affectlens train``.

    Parameters
    ----------
    path : Path, optional
        The file; without it the one that ships under the class's ``kind``.

    Attributes
    ----------
    typicality : Typicality or None
        What tells inputs that are unlike all that was learnt, where the file holds it.
    network_sha256 : str
        Of the network's tensors alone, whatever else the file holds: deep features are the same where it is.

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
        self.typicality = Typicality.from_tensors(tensors)
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)}
        self.network_sha256 = digest_of(*((name, tensors[name].numpy().tobytes().hex()) for name in sorted(tensors)))
        try:
            BaseModel.__init__(
                self, self.kind, self.reads, meta.get("labels", ()), meta | {"sha256": sha256_of(self.path)}, calibration
            )
            config = dict(meta["config"])
            _named(self.labels, config)
            self.check(config, tensors)
            self.net: Any = self.build(config)
            self.load(tensors)
            self.read_scale()
        except (ModelError, LimitError, ImportError):  # a package that is missing is no fault of the file
            raise
        except Exception as error:  # whatever torch says of a configuration that makes no network
            raise ModelError(f"{self.path}: not the weights of a {self.kind} model ({reason_of(error)})") from error
        self.net.eval()

    def check(self, config: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """See that a configuration asks for no larger network than there are weights for, before room is made for it.

        Parameters
        ----------
        config : dict
            Of the file.
        tensors : dict
            Its tensors by their names.

        Raises
        ------
        ValueError
            A tensor of the network is not in the file, or is of another shape there.
        """
        for name, shape in self.shapes(config).items():
            if name not in tensors or tensors[name].shape != shape:
                found = tuple(tensors[name].shape) if name in tensors else "not there"
                raise ValueError(f"its configuration asks for {name} of shape {tuple(shape)}, which is {found}")

    def shapes(self, config: dict[str, Any]) -> dict[str, torch.Size]:
        """Shapes of the tensors that a network of a configuration has, found without memory for them."""
        with without_values():
            return {name: tensor.shape for name, tensor in self.build(config).state_dict().items()}

    def build(self, config: dict[str, Any]) -> nn.Module:
        """The network of a configuration, in which JSON has made tuples lists."""
        net: nn.Module = self.network(self.shape(**{name: tuples(value) for name, value in config.items()}))
        return net

    def read_scale(self) -> None:
        """Take from ``meta`` what inputs are brought to scale by; nothing by default."""

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

    def typical(self, deep: np.ndarray) -> np.ndarray:
        """p-values ``(n,)`` of deep features ``(n, width)``, near 0 for what is unlike all that was learnt; NaN if unknown."""
        return np.full(len(deep), np.nan) if self.typicality is None else self.typicality.p_values(deep)

    def run(self, function: Callable[..., Tensor], *arrays: Any) -> np.ndarray:
        """What a part of the network gives of arrays ``(n, ...)``, which become float32."""
        with torch.inference_mode():
            return np.asarray(function(*(torch.from_numpy(np.asarray(array, np.float32)) for array in arrays)).numpy())


def tuples(value: Any) -> Any:
    """Lists as tuples, at every depth."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def _named(labels: Any, config: dict[str, Any]) -> None:
    """See that each class has a name of its own."""
    if not all(isinstance(label, str) for label in labels) or len(set(labels)) != len(labels):
        raise ValueError(f"labels {labels!r:.100}, expected different words")
    if len(labels) != config.get("classes", len(labels)):
        raise ValueError(f"{len(labels)} labels of {config['classes']!r:.40} classes")
