"""Channel weights from running the network on changed pictures or changed channels: Score-CAM, Ablation-CAM, LIME-CAM.

A method gives weights ``(channels, k)`` for one picture ``(1, ...)``, its layer's output, its logits and the wanted classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from affectlens.explainers.cam.methods import register_cam
from affectlens.explainers.cam.network import Layout, OpenNetwork, picture_size
from affectlens.models.layers import channels_axis


@dataclass(frozen=True)
class Inside:
    """The network with a way to change the channels of one layer.

    Attributes
    ----------
    network : OpenNetwork
        The network.
    layout : Layout
        How the layer lies.
    batch_size : int
        Pictures in one forward pass.
    seed : int
        For what is drawn.
    """

    network: OpenNetwork
    layout: Layout
    batch_size: int
    seed: int

    def planes(self, output: Tensor) -> Tensor:
        """Channels ``(n, c, h, w)`` of a layer's output with the inputs first."""
        return self.layout.grid.planes(output)

    def masked(self, picture: Tensor, masks: Tensor) -> Tensor:
        """One picture ``(1, ...)`` under masks ``(m, h, w)``, in each of its channels; gives ``(m, ...)``."""
        axis = channels_axis(picture)
        return picture * (masks if axis is None else masks.unsqueeze(axis))

    def kept(self, picture: Tensor, output: Tensor, keep: Tensor) -> Tensor:
        """Logits ``(m, classes)`` with the channels of ``output`` ``(1, ...)`` kept where ``keep`` ``(m, c)`` is 1."""
        grid = self.layout.grid
        parts = torch.split(keep.to(output), self.batch_size)
        rows = [self._replaced(picture, grid.without(output, part)) for part in parts]
        return torch.cat(rows)

    def _replaced(self, picture: Tensor, changed: Tensor) -> Tensor:
        """The part before the layer sees one picture; where the network cannot widen its batch there, it sees all."""
        try:
            logits = self.network.with_layer(picture, self.layout, changed)
        except (RuntimeError, ValueError):
            logits = picture.new_zeros(0, 0)
        if len(logits) != len(changed):
            logits = self.network.with_layer(picture.expand(len(changed), *picture.shape[1:]), self.layout, changed)
        return logits

    def logits(self, pictures: Tensor) -> Tensor:
        """Logits of pictures as they are."""
        return self.network.logits(pictures)


@register_cam("score-cam", reads="network", source="Wang et al. 2020")
def score_cam(inside: Inside, picture: Tensor, output: Tensor, logits: Tensor, wanted: list[int]) -> Tensor:
    """Softmax of the target's score on the picture masked by each channel (Wang et al. 2020)."""
    planes = inside.planes(output)
    masks = F.interpolate(planes, size=picture_size(picture), mode="bilinear", align_corners=False)[0]
    low, high = masks.amin(dim=(1, 2), keepdim=True), masks.amax(dim=(1, 2), keepdim=True)
    masks = (masks - low) / (high - low).clamp_min(1e-8)
    scores = torch.cat([inside.logits(inside.masked(picture, part)) for part in torch.split(masks, inside.batch_size)])
    baseline = inside.logits(torch.zeros_like(picture))
    return F.softmax((scores - baseline)[:, wanted], dim=0)


@register_cam("ablation-cam", reads="network", source="Desai & Ramaswamy 2020")
def ablation_cam(inside: Inside, picture: Tensor, output: Tensor, logits: Tensor, wanted: list[int]) -> Tensor:
    """The relative drop of the target's logit when a channel is set to zero (Desai & Ramaswamy 2020)."""
    channels = inside.planes(output).shape[1]
    without = inside.kept(picture, output, 1 - torch.eye(channels, device=output.device))
    return (logits[wanted] - without[:, wanted]) / logits[wanted].abs().clamp_min(1e-8)


@register_cam("lime-cam", reads="network", source="Ribeiro et al. 2016; Jung & Oh 2021")
def lime_cam(inside: Inside, picture: Tensor, output: Tensor, logits: Tensor, wanted: list[int]) -> Tensor:
    """Coefficients of a local linear model of the logit on which channels are present (Ribeiro et al. 2016; Jung & Oh 2021).

    Four samples a channel with a drawn share of channels present, weighted by their cosine distance from the whole, ridge of
    1e-3; the samples are the same for every picture, so that pictures can be compared.

    Returns
    -------
    Tensor
        Weights ``(channels, k)``.
    """
    channels = inside.planes(output).shape[1]
    rng = np.random.default_rng(inside.seed)
    count = max(32, 4 * channels)
    present = rng.random((count, channels)) < rng.uniform(0.2, 0.95, (count, 1))
    present[0] = True
    responses = inside.kept(picture, output, torch.from_numpy(present).to(output)).double()[:, wanted]
    design = torch.from_numpy(present).to(responses)
    distance = 1 - design.mean(dim=1).sqrt()
    weight = torch.exp(-(distance**2) / 0.25**2)[:, None]
    design = torch.cat([design, torch.ones_like(design[:, :1])], dim=1)
    square = design.T @ (weight * design) + 1e-3 * torch.eye(channels + 1, dtype=design.dtype, device=design.device)
    result: Tensor = torch.linalg.solve(square, design.T @ (weight * responses))[:channels].to(output.dtype)
    return result
