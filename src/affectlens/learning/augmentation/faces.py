"""Augmentation of grey face crops in batches: one affine resampling, gamma and random erasing."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def augment_faces(
    images: Tensor,
    generator: torch.Generator,
    size: int,
    *,
    rotate: float,
    zoom: float,
    shift: float,
    shear: float,
    erase: float,
) -> Tensor:
    """Random mirror, rotation, zoom, shift, shear, gamma and erasing.

    Parameters
    ----------
    images : torch.Tensor
        ``(n, 1, h, w)`` in [0, 1], on the generator's device.
    generator : torch.Generator
        Everything is drawn from it, so the same generator gives the same batch.
    size : int
        Side of the result in pixels.
    rotate : float
        Largest rotation in degrees.
    zoom, shift, shear : float
        Largest changes as fractions of the picture.
    erase : float
        Probability that a box is replaced by noise.

    Returns
    -------
    torch.Tensor
        ``(n, 1, size, size)``.
    """
    n = images.shape[0]

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=generator.device)

    def uniform(limit: float) -> Tensor:
        return (draw(n) * 2 - 1) * limit

    angle, scale = uniform(math.radians(rotate)), 1 + uniform(zoom)
    mirror = torch.where(draw(n) < 0.5, -1.0, 1.0)
    cos, sin, slant = torch.cos(angle) / scale, torch.sin(angle) / scale, uniform(shear)
    theta = torch.zeros(n, 2, 3, device=generator.device)
    theta[:, 0, 0], theta[:, 0, 1], theta[:, 0, 2] = cos * mirror, -sin + slant, uniform(2 * shift)
    theta[:, 1, 0], theta[:, 1, 1], theta[:, 1, 2] = sin * mirror, cos, uniform(2 * shift)
    grid = F.affine_grid(theta, [n, 1, size, size], align_corners=False)
    out = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    gamma = torch.exp(uniform(0.4)).view(n, 1, 1, 1)
    out = out.clamp_min(1e-4) ** gamma
    return _erase(out, erase, generator) if erase else out


def _erase(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    n, _, height, width = images.shape
    device = generator.device
    chosen = torch.rand(n, generator=generator, device=device) < probability
    box = torch.rand(n, 4, generator=generator, device=device)
    tall, wide = (0.12 + 0.28 * box[:, 0]) * height, (0.12 + 0.28 * box[:, 1]) * width
    top, left = box[:, 2] * (height - tall), box[:, 3] * (width - wide)
    rows = torch.arange(height, device=device).view(1, height, 1)
    columns = torch.arange(width, device=device).view(1, 1, width)
    inside = (rows >= top.view(-1, 1, 1)) & (rows < (top + tall).view(-1, 1, 1))
    inside = inside & (columns >= left.view(-1, 1, 1)) & (columns < (left + wide).view(-1, 1, 1))
    inside = (inside & chosen.view(-1, 1, 1)).unsqueeze(1)
    noise = torch.rand(images.shape, generator=generator, device=device)
    return torch.where(inside, noise, images)
