"""Maps of thirteen architectures against formulas by hand, Captum and pytorch-grad-cam, to 1e-5 of the largest value.

pytorch-grad-cam wants torchvision, of which the methods compared here use nothing: where it is installed alone
(``pip install --no-deps grad-cam``) it is compared, else its tests skip. The formulas and Captum are always there.
"""

from functools import cache

import numpy as np
import pytest
import torch
from benchmarks.architectures import CLASSES, SIDE, architectures, made, pictures, planes
from benchmarks.cam import pytorch_grad_cam
from captum.attr import LayerGradCam, LayerGradientXActivation
from torch import nn
from torch.nn import functional as F

from affectlens.explainers.cam import CamEngine
from affectlens.models.adapters import TorchModel

LABELS = ("anger", "joy", "neutral")
METHODS = {
    "grad-cam": "GradCAM",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "grad-cam++": "GradCAMPlusPlus",
    "eigencam": "EigenCAM",
    "score-cam": "ScoreCAM",
}


class Logits(nn.Module):
    """The logits of a network alone, which is all that the peers can read; larger by a factor."""

    def __init__(self, net, factor=1.0):
        super().__init__()
        self.net, self.factor = net, factor

    def forward(self, x):
        answer = self.net(x)
        return self.factor * getattr(answer, "logits", answer)


@cache
def network(name):
    return made(name)


@cache
def by_hand(name):
    """Activation and gradients ``(n, c, h, w)`` of every class, by a hook that copies, and autograd."""
    architecture, recorded = network(name), []

    def hook(_module, _inputs, output):
        recorded.append(output)
        return output.clone()

    handle = architecture.net.get_submodule(architecture.layer).register_forward_hook(hook)
    logits = Logits(architecture.net)(pictures())
    handle.remove()
    (output,) = recorded
    gradients = [torch.autograd.grad(logits[:, k].sum(), output, retain_graph=True)[0] for k in range(CLASSES)]
    return planes(output.detach(), architecture.prefix), [planes(g, architecture.prefix) for g in gradients]


def formulas(name, method, k):
    """A map by the formula of its paper, ``(n, h, w)``."""
    a, gradients = by_hand(name)
    g = gradients[k]
    if method == "grad-cam":
        return (g.mean((2, 3), keepdim=True) * a).sum(1)
    if method == "hirescam":
        return (g * a).sum(1)
    if method == "layercam":
        return (g.clamp(min=0) * a).sum(1)
    if method == "grad-cam++":
        alpha = g**2 / (2 * g**2 + a.sum((2, 3), keepdim=True) * g**3)
        weights = (alpha.nan_to_num(0) * g.clamp(min=0)).sum((2, 3), keepdim=True)
        return (weights * a).sum(1)
    if method == "eigencam":
        flat = a.flatten(2).transpose(1, 2)
        flat = flat - flat.mean(1, keepdim=True)
        first = torch.linalg.eigh(flat.transpose(1, 2) @ flat)[1][:, :, -1:]
        return (flat @ first).reshape(len(a), *a.shape[2:])
    masks = F.interpolate(a, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    masks = masks - masks.amin((2, 3), keepdim=True)
    masks = (masks / masks.amax((2, 3), keepdim=True)).nan_to_num(0)  # a channel that is the same everywhere shows nothing
    net, x = Logits(network(name).net), pictures()
    with torch.no_grad():
        scores = torch.stack([net(x[i : i + 1] * masks[i][:, None])[:, k] for i in range(len(x))])
    return (scores.softmax(1)[:, :, None, None] * a).sum(1)


def agree(ours, theirs, free_sign=False):
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape and np.ptp(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        gap = np.abs(one - other).max()
        gap = min(gap, np.abs(one + other).max()) if free_sign else gap
        assert gap <= 1e-5 * np.abs(other).max(), gap / np.abs(other).max()


def our_maps(name, method, factor=1.0):
    architecture = network(name)
    model = TorchModel(Logits(architecture.net, factor) if factor != 1 else architecture.net, LABELS)
    layer = ("net." if factor != 1 else "") + architecture.layer
    return CamEngine(model, layer)(pictures().numpy(), method).maps


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", architectures())
def test_maps_are_those_of_the_formulas(name, method):
    maps = our_maps(name, method)
    assert maps.dtype == np.float64
    for k in range(CLASSES):
        agree(maps[:, k], formulas(name, method, k).numpy(), free_sign=method == "eigencam")


@pytest.mark.parametrize("name", architectures())
def test_grad_cam_and_hirescam_are_those_of_captum(name):
    architecture = network(name)
    net, layer = Logits(architecture.net), architecture.net.get_submodule(architecture.layer)
    for k in range(CLASSES):
        product = LayerGradientXActivation(net, layer).attribute(pictures(), target=k)
        agree(our_maps(name, "hirescam")[:, k], planes(product, architecture.prefix).sum(1).detach().numpy())
        if architecture.prefix is None:  # Captum's Grad-CAM takes grids alone
            theirs = LayerGradCam(net, layer).attribute(pictures(), target=k, relu_attributions=False)
            agree(our_maps(name, "grad-cam")[:, k], theirs[:, 0].detach().numpy())


@pytest.mark.skipif(pytorch_grad_cam() is None, reason="pytorch-grad-cam is not here; pip install --no-deps grad-cam")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", architectures())
def test_maps_are_those_of_pytorch_grad_cam(monkeypatch, name, method):
    from pytorch_grad_cam import score_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    # It scales activations up corner to corner, which the authors of Score-CAM do not; and it writes bars to the terminal.
    monkeypatch.setattr(nn, "UpsamplingBilinear2d", lambda size: nn.Upsample(size=size, mode="bilinear"))
    monkeypatch.setattr(score_cam.tqdm, "tqdm", lambda steps: steps, raising=False)
    # It adds 1e-6 to the denominator of Grad-CAM++: large logits make that nothing.
    factor = 1e6 if method == "grad-cam++" else 1.0
    architecture = network(name)
    layer = architecture.net.get_submodule(architecture.layer)
    peer = getattr(pytorch_grad_cam(), METHODS[method])(
        Logits(architecture.net, factor), [layer], reshape_transform=lambda states: planes(states, architecture.prefix)
    )
    raw, drawn = [], peer.get_cam_image  # before it is cut at 0 and scaled to the picture

    def recorded(*given, **named):
        raw.append(drawn(*given, **named))
        return raw[-1]

    monkeypatch.setattr(peer, "get_cam_image", recorded)
    maps = our_maps(name, method, factor)
    for k in range(CLASSES):
        peer(pictures(), [ClassifierOutputTarget(k)] * len(pictures()))
        agree(maps[:, k], raw[-1], free_sign=method == "eigencam")
