"""Maps from the gradient of every class's logit at a layer.

Grad-CAM, Grad-CAM++, HiResCAM, LayerCAM, EigenCAM, LIFT-CAM, LRP-CAM.
A map is a function of the activation ``(n, c, h, w)`` and the gradients ``(n, k, c, h, w)``, and gives ``(n, k, h, w)``.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from affectlens.explainers.cam.methods import register_cam
from affectlens.models.layers.gradients import no_gradient


@register_cam("grad-cam", source="Selvaraju et al. 2017")
def grad_cam(a: Tensor, g: Tensor) -> Tensor:
    """Channel weights are mean gradients (Selvaraju et al. 2017, eq. 1 and 2, without the ReLU)."""
    return torch.einsum("nkc,nchw->nkhw", g.mean(dim=(3, 4)), a)


@register_cam("grad-cam++", source="Chattopadhyay et al. 2018")
def grad_cam_plus_plus(a: Tensor, g: Tensor) -> Tensor:
    """Pixel-wise weighting of positive gradients (Chattopadhyay et al. 2018, eq. 19 with an exponential output)."""
    square = g.pow(2)
    total = a.sum(dim=(2, 3))[:, None, :, None, None]
    below = 2 * square + total * g.pow(3)
    alpha = torch.where(square > 0, square / torch.where(below.abs() > 1e-12, below, torch.ones_like(below)), 0 * square)
    return torch.einsum("nkc,nchw->nkhw", (alpha * F.relu(g)).sum(dim=(3, 4)), a)


@register_cam("hirescam", source="Draelos & Carin 2020")
def hires_cam(a: Tensor, g: Tensor) -> Tensor:
    """Gradient times activation, summed over channels (Draelos & Carin 2020)."""
    return torch.einsum("nkchw,nchw->nkhw", g, a)


@register_cam("layercam", source="Jiang et al. 2021")
def layer_cam(a: Tensor, g: Tensor) -> Tensor:
    """Positive gradients times activation (Jiang et al. 2021, eq. 3 and 4)."""
    return torch.einsum("nkchw,nchw->nkhw", F.relu(g), a)


@register_cam("eigencam", source="Muhammad & Yeasin 2020")
def eigen_cam(a: Tensor, g: Tensor) -> Tensor:
    """First principal component of the activations (Muhammad & Yeasin 2020), the same for every class.

    Its sign is free; it is set so that the map agrees with the summed activation.

    Returns
    -------
    Tensor
        ``(n, k, h, w)``.
    """
    n, c, h, w = a.shape
    flat = a.reshape(n, c, h * w).transpose(1, 2)
    flat = flat - flat.mean(dim=1, keepdim=True)
    _, _, right = torch.linalg.svd(flat.double(), full_matrices=False)
    scores = (flat.double() @ right[:, 0, :, None]).squeeze(-1)
    energy = a.double().sum(dim=1).reshape(n, -1)
    energy = energy - energy.mean(dim=1, keepdim=True)
    sign = torch.where((scores * energy).sum(dim=1, keepdim=True) < 0, -1.0, 1.0)
    component = (scores * sign).to(a.dtype).reshape(n, 1, h, w)
    result: Tensor = component.expand(n, g.shape[1], h, w).clone()
    return result


@register_cam("lift-cam", rule="lift-cam", source="Jung & Oh 2021; Shrikumar et al. 2017")
@register_cam("lrp-cam", rule="lrp-cam", source="Bach et al. 2015; Ancona et al. 2018")
def contribution_cam(a: Tensor, g: Tensor) -> Tensor:
    """Channel weights are the channels' contributions, the sum of activation times multiplier (Jung & Oh 2021, eq. 9).

    With DeepLIFT's multipliers this is LIFT-CAM, with those of layer-wise relevance propagation LRP-CAM.

    Returns
    -------
    Tensor
        ``(n, k, h, w)``.
    """
    return torch.einsum("nkc,nchw->nkhw", torch.einsum("nkchw,nchw->nkc", g, a), a)


def class_gradients(logits: Tensor, activation: Tensor, wanted: list[int], layer: str = "", *, inputs_axis: int = 0) -> Tensor:
    """Take the gradients of the wanted classes' logits with respect to a layer's output.

    One batched backward pass where what follows the layer is no convolution, else a pass a class.

    Parameters
    ----------
    logits : Tensor
        ``(n, classes)``.
    activation : Tensor
        ``(n, ...)``, in the graph of the logits.
    wanted : list of int
        Indices of ``k`` classes.
    layer : str
        Name of the layer, for errors.
    inputs_axis : int
        The axis of ``activation`` that holds the inputs.

    Returns
    -------
    Tensor
        ``(n, k, ...)``.

    Raises
    ------
    ModelError
        The logits have no gradient there.
    """  # noqa: DOC501
    if not logits.requires_grad:
        raise no_gradient(layer)
    together = None if _convolves(logits) else _batched(logits, activation, wanted)
    if together is None:
        by_class = [
            torch.autograd.grad(logits[:, index].sum(), activation, retain_graph=True, allow_unused=True)[0] for index in wanted
        ]
        if any(gradient is None for gradient in by_class):
            raise no_gradient(layer)
        together = torch.stack(by_class)
    return together.movedim(inputs_axis + 1, 0)


def _batched(logits: Tensor, activation: Tensor, wanted: list[int]) -> Tensor | None:
    """Gradients ``(k, ...)`` of the classes in one backward pass; None where an operation cannot be batched."""
    unit = torch.zeros(len(wanted), *logits.shape, device=logits.device, dtype=logits.dtype)
    unit[torch.arange(len(wanted)), :, wanted] = 1
    try:
        return torch.autograd.grad(logits, activation, unit, retain_graph=True, is_grads_batched=True)[0]
    except RuntimeError:
        return None


def _convolves(logits: Tensor) -> bool:
    """Whether a convolution lies between the layer and the logits: batched, its backward pass is the slower one."""
    pending, seen = [logits.grad_fn], set()
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if "Convolution" in node.name():
            return True
        pending += [following for following, _ in node.next_functions]
    return False
