"""What tells covered faces: a linear map of the face network's grid, learnt from patches that are laid over crops."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from affectlens.learning.augmentation.photometric import photometric
from affectlens.models.nets.face import COVERED, TwoStreamFaceNet

# Top, bottom, left and right of what is covered, as shares of the crop, by the part of the face that is then not seen.
PLACES = {"brows and eyes": (0.22, 0.50, 0.14, 0.86), "mouth": (0.62, 0.96, 0.20, 0.80)}
HARMLESS = ((0.0, 0.14, 0.1, 0.9), (0.4, 0.9, 0.0, 0.12), (0.4, 0.9, 0.88, 1.0), (0.5, 0.62, 0.1, 0.35))  # forehead and edges
DECAY = 1e-3  # of the weights' squares


def covered_crops(images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Lay patches over crops: a third of them over the brows and eyes, a third over the mouth, others elsewhere or nowhere.

    Parameters
    ----------
    images : torch.Tensor
        ``(n, 1, h, w)`` in [0, 1].
    generator : torch.Generator
        Everything is drawn from it.

    Returns
    -------
    covered : torch.Tensor
        ``(n, 1, h, w)``: patches are flat, noise, or of another crop made large, as a hand or a cloth has a texture.
    which : torch.Tensor
        ``(n, 2)`` float, 1 where the part of ``PLACES`` is covered.
    """
    out, which = images.clone(), torch.zeros(len(images), len(PLACES))
    height, width = images.shape[-2:]
    for number in range(len(images)):
        kind = int(torch.randint(0, 6, (1,), generator=generator))
        boxes = [*PLACES.values(), *HARMLESS]
        if kind >= 5:
            continue
        if kind < 4:
            which[number, kind // 2] = 1.0
        place = kind // 2 if kind < 4 else len(PLACES) + int(torch.randint(0, len(HARMLESS), (1,), generator=generator))
        shift = 0.04 * (torch.rand(4, generator=generator) - 0.5)
        top, bottom, left, right = (torch.tensor(boxes[place]) + shift).clamp(0, 1).tolist()
        rows = slice(round(top * height), max(round(bottom * height), round(top * height) + 1))
        columns = slice(round(left * width), max(round(right * width), round(left * width) + 1))
        out[number, 0, rows, columns] = _patch(images, out[number, 0, rows, columns].shape, generator)
    return out, which


def _patch(images: Tensor, shape: torch.Size, generator: torch.Generator) -> Tensor:
    level, kind = torch.rand(1, generator=generator), int(torch.randint(0, 4, (1,), generator=generator))
    if kind == 0:
        return level.expand(shape)
    if kind == 1:
        return (level + 0.2 * torch.randn(shape, generator=generator)).clamp(0, 1)
    other = images[int(torch.randint(0, len(images), (1,), generator=generator)), 0]
    top, left = torch.randint(0, other.shape[0] - 12, (2,), generator=generator).tolist()
    part = other[top : top + 12, left : left + 12]
    grown = F.interpolate(part[None, None], size=tuple(shape), mode="bilinear", align_corners=False)[0, 0]
    return (level + 0.5 * (grown - grown.mean())).clamp(0, 1)


def fit_cover(net: TwoStreamFaceNet, images: np.ndarray, seed: int = 0, batch: int = 128) -> dict[str, Tensor]:
    """The linear map from the network's grid to whether brows or mouth are covered.

    Parameters
    ----------
    net : TwoStreamFaceNet
        Trained; it stays as it is.
    images : numpy.ndarray
        Crops ``(n, 48, 48)`` uint8 to lay patches over.
    seed : int
        Of patches and other changes.
    batch : int
        Crops in a pass.

    Returns
    -------
    dict of str to torch.Tensor
        ``cover.weight`` ``(2, width)`` and ``cover.bias`` ``(2,)``, as the weights file holds them.
    """
    generator = torch.Generator().manual_seed(seed)
    bands, which = [], []
    net.eval()
    for start in range(0, len(images), batch):
        pictures = torch.from_numpy(images[start : start + batch]).float().div_(255).unsqueeze(1)
        changed, truth = covered_crops(photometric(pictures, generator, 0.5), generator)
        with torch.no_grad():
            bands.append(net.bands(changed))
        which.append(truth)
    x, y = torch.cat(bands), torch.cat(which)
    mean, deviation = x.mean(0), x.std(0) + 1e-3
    scaled = (x - mean) / deviation
    weight, bias = torch.zeros(y.shape[1], x.shape[1], requires_grad=True), torch.zeros(y.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=80, history_size=10)

    def loss() -> Tensor:
        optimiser.zero_grad()
        error = F.binary_cross_entropy_with_logits(scaled @ weight.T + bias, y) + DECAY * (weight**2).sum()
        error.backward()  # type: ignore[no-untyped-call]
        return error

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    plain = (weight / deviation).detach()
    return {f"{COVERED}.weight": plain, f"{COVERED}.bias": (bias - plain @ mean).detach()}
