"""Changes of grey face crops in batches that a recording makes: tone, light, blur, size, noise and JPEG; on any device.

FER2013's pictures are histogram-equalised: each grey level is as common as any other. ``uneven`` undoes that by a random
histogram, as crops of recordings have one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 8  # pixels of a JPEG block
# Luminance table of the JPEG standard, annex K.1.
_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip


def photometric(images: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Each change with its own probability, drawn for each picture.

    Parameters
    ----------
    images : torch.Tensor
        ``(n, 1, h, w)`` in [0, 1], on the generator's device.
    generator : torch.Generator
        Everything is drawn from it, so the same generator gives the same batch.
    strength : float
        In [0, 1]; multiplies the probabilities.

    Returns
    -------
    torch.Tensor
        ``(n, 1, h, w)`` in [0, 1].

    Examples
    --------
    >>> crops = torch.rand(2, 1, 48, 48)
    >>> bool((photometric(crops, torch.Generator().manual_seed(0), 0.0) == crops).all())
    True
    """
    changes = ((uneven, 0.7), (lit, 0.3), (contrasted, 0.6), (blurred, 0.3), (coarse, 0.3), (noisy, 0.25), (jpeg, 0.3))
    for change, probability in changes:
        chosen = torch.rand(len(images), generator=generator, device=generator.device) < probability * strength
        images = torch.where(chosen.view(-1, 1, 1, 1), change(images, generator), images)
    return images


def uneven(images: Tensor, generator: torch.Generator, knots: int = 8) -> Tensor:
    """Give equalised pictures a random histogram: first the normal one for half of them, then a random rising curve."""
    n = len(images)
    bell = (torch.erfinv((2 * images - 1).clamp(-0.985, 0.985)) * math.sqrt(2) / 5 + 0.5).clamp(0, 1)
    images = torch.where(_uniform(n, 0, 1, generator) < 0.5, bell, images)
    steps = -torch.log(torch.rand(n, knots, generator=generator, device=generator.device).clamp_min(1e-3))
    curve = F.pad(steps.cumsum(1) / steps.sum(1, keepdim=True), (1, 0))
    place = (images.flatten(1) * knots).clamp(0, knots - 1e-3)
    left = place.floor().long()
    low, high = curve.gather(1, left), curve.gather(1, left + 1)
    return (low + (high - low) * (place - left)).view_as(images)


def lit(images: Tensor, generator: torch.Generator) -> Tensor:
    """Light from a side: a ramp from 0.4 at least to 1 across the picture, in a random direction."""
    n, _, height, width = images.shape
    angle, depth = _uniform(n, 0, 2 * math.pi, generator), _uniform(n, 0.1, 0.6, generator)
    rows = torch.linspace(-0.5, 0.5, height, device=images.device).view(1, 1, height, 1)
    columns = torch.linspace(-0.5, 0.5, width, device=images.device).view(1, 1, 1, width)
    ramp = (angle.cos() * columns + angle.sin() * rows) / math.sqrt(2) + 0.5
    return images * (1 - depth * ramp)


def contrasted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Other contrast, brightness and gamma; what leaves [0, 1] is cut off, as a camera does."""
    n = len(images)
    gain, shift = _uniform(n, -1.2, 0.3, generator).exp(), _uniform(n, -0.25, 0.25, generator)
    images = images.clamp_min(1e-4) ** _uniform(n, -0.5, 0.5, generator).exp()
    return ((images - 0.5) * gain + 0.5 + shift).clamp(0, 1)


def blurred(images: Tensor, generator: torch.Generator) -> Tensor:
    """Gaussian blur with a deviation of 0.4 to 1.5 pixels."""
    n, _, height, width = images.shape
    deviation = _uniform(n, 0.4, 1.5, generator)
    offsets = torch.arange(-4, 5, device=images.device).view(1, 1, 1, 9)
    kernel = torch.exp(-0.5 * (offsets / deviation) ** 2)
    kernel = kernel / kernel.sum(-1, keepdim=True)
    stacked = F.pad(images.view(1, n, height, width), (4, 4, 4, 4), mode="replicate")
    stacked = F.conv2d(F.conv2d(stacked, kernel, groups=n), kernel.transpose(2, 3), groups=n)
    return stacked.view(n, 1, height, width)


def coarse(images: Tensor, generator: torch.Generator) -> Tensor:
    """Low resolution: made 14 to 36 pixels wide (one size a batch) and enlarged again."""
    side = int(torch.randint(14, 37, (1,), generator=generator, device=generator.device))
    small = F.interpolate(images, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
    return F.interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)


def noisy(images: Tensor, generator: torch.Generator) -> Tensor:
    """Normal noise with a deviation of up to 0.08."""
    noise = torch.randn(images.shape, generator=generator, device=generator.device)
    return (images + noise * _uniform(len(images), 0, 0.08, generator)).clamp(0, 1)


def jpeg(images: Tensor, generator: torch.Generator) -> Tensor:
    """What JPEG of quality 10 to 80 leaves of a picture whose sides are multiples of eight pixels."""
    n, _, height, width = images.shape
    quality = _uniform(n, 10, 80, generator)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(n, 1, 1, 1)
    order = torch.arange(BLOCK, device=images.device, dtype=images.dtype)
    basis = torch.cos((2 * order + 1).view(1, -1) * order.view(-1, 1) * math.pi / (2 * BLOCK)) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    steps = (torch.tensor(_LUMINANCE, device=images.device, dtype=images.dtype) * scale).clamp_min(1)
    blocks = images.view(n, height // BLOCK, BLOCK, width // BLOCK, BLOCK).transpose(2, 3).reshape(n, -1, BLOCK, BLOCK)
    kept = torch.round(basis @ (255 * blocks - 128) @ basis.T / steps) * steps
    back = ((basis.T @ kept @ basis + 128) / 255).clamp(0, 1)
    return back.view(n, height // BLOCK, width // BLOCK, BLOCK, BLOCK).transpose(2, 3).reshape(images.shape)


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """A number for each picture, ``(n, 1, 1, 1)``."""
    return low + (high - low) * torch.rand(n, 1, 1, 1, generator=generator, device=generator.device)
