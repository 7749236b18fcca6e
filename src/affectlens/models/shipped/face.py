"""The face model that comes with the package: the two-stream network with its calibration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.nn import functional

from affectlens.models.adapters.torch_module import TorchModel
from affectlens.models.base import register_model
from affectlens.models.nets.face import COVERED, FaceNetConfig, TwoStreamFaceNet, banded
from affectlens.models.readers import face_crop
from affectlens.models.shipped.loaded import TrainedModel

PARTS = ("brows and eyes", "mouth")  # that may be covered


@dataclass(frozen=True)
class FaceAnswers:
    """What the network says of crops.

    Attributes
    ----------
    deep : numpy.ndarray
        Pooled features ``(n, 288)``, for early fusion.
    logits : numpy.ndarray
        ``(n, 7)``, averaged over the views.
    covered : numpy.ndarray
        Probabilities ``(n, 2)`` that the parts in ``PARTS`` are covered; NaN where the weights cannot tell.
    typical : numpy.ndarray
        p-values ``(n,)``, near 0 for what is unlike all faces that were learnt; NaN where the weights cannot tell.
    """

    deep: np.ndarray
    logits: np.ndarray
    covered: np.ndarray
    typical: np.ndarray


@register_model("face")
class FaceModel(TrainedModel, TorchModel):
    """Grey crops ``(n, 48, 48)`` uint8 to logits ``(n, 7)``.

    Logits are the mean over the views that its file names: zooms of the crop, each also mirrored. Explanations (activations,
    gradients, maps) are of the crop as it is.
    """

    kind = reads = "face"
    network, shape = TwoStreamFaceNet, FaceNetConfig
    assets = ("yunet", "face-landmarker")  # what finds the crop in a picture

    def __init__(self, path: Path | None = None, device: str = "cpu") -> None:
        TrainedModel.__init__(self, path)
        TorchModel.__init__(
            self,
            self.net,
            self.labels,
            self.reads,
            device,
            name=self.kind,
            layer="join",
            meta=self.meta,
            calibration=self.calibration,
        )

    def prepare(self, datum: np.ndarray) -> np.ndarray:
        """A whole picture, or an upright crop of a face, as a grey crop ``(48, 48)``: no face is looked for in it."""
        return grey48(datum)

    def read(self, item: Any) -> np.ndarray:
        """The upright grey crop ``(48, 48)`` uint8 of the largest face of a picture, as the main job makes it."""
        return face_crop(item)

    def tensor(self, batch: Any) -> torch.Tensor:
        """Crops ``(n, 48, 48)`` or ``(n, 1, 48, 48)``, uint8 or in [0, 1], as ``(n, 1, 48, 48)`` float."""
        pictures = batch if isinstance(batch, torch.Tensor) else torch.tensor(np.asarray(batch))
        scale = 255.0 if pictures.dtype == torch.uint8 else 1.0
        pictures = pictures.float().to(self.device) / scale
        return pictures.unsqueeze(1) if pictures.ndim == 3 else pictures

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, 7)`` float32, averaged over the views."""
        return np.asarray(np.mean([TorchModel.predict(self, view) for view in self._views(inputs)], axis=0))

    def _views(self, inputs: Any) -> Iterator[torch.Tensor]:
        pictures = self.tensor(inputs)
        for zoom in self.meta.get("zooms", [1.0]):
            view = zoomed(pictures, zoom)
            yield view
            if self.meta.get("mirror", True):
                yield view.flip(-1)

    def load(self, tensors: dict[str, torch.Tensor]) -> None:
        """Give the network its weights; those that tell covered faces stay beside it."""
        self._cover = {name.partition(".")[2]: tensors[name].float() for name in tensors if name.startswith(f"{COVERED}.")}
        TrainedModel.load(self, {name: tensor for name, tensor in tensors.items() if not name.startswith(f"{COVERED}.")})

    def deep_and_logits(self, inputs: Any) -> tuple[np.ndarray, np.ndarray]:
        """Pooled features ``(n, 288)`` for early fusion and logits ``(n, 7)``, both averaged over the views."""
        answers = self.answers(inputs)
        return answers.deep, answers.logits

    def answers(self, inputs: Any) -> FaceAnswers:
        """All that the network says of crops, from one pass over each view; cover and typicality are of the first view."""
        with self.evaluating(), torch.inference_mode():
            grids = [self.net.grid(view) for view in self._views(inputs)]
            deep = [grid.mean(dim=(2, 3)) for grid in grids]
            logits = [self.net.classifier(features) for features in deep]
            covered = np.full((len(deep[0]), len(PARTS)), np.nan)
            if self._cover:
                weight, bias = (self._cover[name].to(self.device) for name in ("weight", "bias"))
                covered = torch.sigmoid(banded(grids[0]) @ weight.T + bias).cpu().numpy()
            typical = self.typical(deep[0].cpu().numpy())
            mean_deep, mean_logits = (torch.stack(part).mean(0).cpu().numpy() for part in (deep, logits))
            return FaceAnswers(mean_deep, mean_logits, covered, typical)

    def attention(self, inputs: Any) -> np.ndarray:
        """The attention stream's mask ``(n, 12, 12)`` in (0, 1)."""
        with self.evaluating(), torch.inference_mode():
            return np.asarray(self.net.forward_with_mask(self.tensor(inputs))[1][:, 0].cpu().numpy())


def zoomed(pictures: torch.Tensor, zoom: float) -> torch.Tensor:
    """The middle ``zoom`` of pictures ``(n, 1, h, w)`` at their full size (bilinear)."""
    if zoom == 1.0:
        return pictures
    theta = torch.tensor([[zoom, 0.0, 0.0], [0.0, zoom, 0.0]], device=pictures.device).expand(len(pictures), 2, 3)
    grid = functional.affine_grid(theta, list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def grey48(picture: np.ndarray) -> np.ndarray:
    """A picture ``(h, w)`` or ``(h, w, 3)`` uint8 as the face model takes it, ``(48, 48)``."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return grey if grey.shape == (48, 48) else np.asarray(cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA))
