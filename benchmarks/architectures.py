"""Small networks with random weights in the form of thirteen architectures, with the layer that maps are drawn of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

CLASSES = 3
SIDE = 32


@dataclass(frozen=True)
class Architecture:
    """A network to compare maps on.

    Attributes
    ----------
    net : torch.nn.Module
        From ``(n, 3, 32, 32)`` to logits, or a record with them.
    layer : str
        Where maps are drawn.
    prefix : int or None
        Tokens before those of the patches; None where the layer gives a grid.
    """

    net: nn.Module
    layer: str
    prefix: int | None = None


def planes(states: Tensor, prefix: int | None) -> Tensor:
    """``(n, c, h, w)`` of a layer's output; tokens fill a square."""
    if prefix is None:
        return states
    tokens = states[:, prefix:].transpose(1, 2)
    side = round(tokens.shape[2] ** 0.5)
    return tokens.reshape(*tokens.shape[:2], side, side)


def block(inside: int, out: int, stride: int = 1, groups: int = 1, activation: nn.Module | None = None) -> nn.Sequential:
    """Convolution, batch norm, activation."""
    conv = nn.Conv2d(inside, out, 3, stride, 1, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), activation or nn.ReLU(inplace=True))


class Headed(nn.Module):
    """Features, global average, one linear layer."""

    def __init__(self, features: nn.Module, width: int) -> None:
        super().__init__()
        self.features, self.head = features, nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3)))


class Residual(nn.Module):
    """Two convolutions added to the input, in place; one ReLU is used twice."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.norm1, self.norm2, self.relu = nn.BatchNorm2d(width), nn.BatchNorm2d(width), nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x)))))
        out += x
        return self.relu(out)


class Dense(nn.Module):
    """Every layer sees all before it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(width + i * growth, growth, 3, padding=1) for i in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, torch.relu(layer(x))], 1)
        return x


class Inception(nn.Module):
    """Branches of several sizes side by side."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.three, self.five = (nn.Conv2d(width, 4, size, padding=size // 2) for size in (1, 3, 5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(width, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(torch.cat([branch(x) for branch in (self.one, self.three, self.five, self.pool)], 1))


def plain() -> Architecture:
    """Convolutions one after the other, and two linear layers over the flat grid."""
    features = nn.Sequential(block(3, 8, 2), nn.MaxPool2d(2), block(8, 12))
    return Architecture(nn.Sequential(features, nn.Flatten(), nn.Linear(12 * 64, 16), nn.Tanh(), nn.Linear(16, CLASSES)), "0")


def resnet_like() -> Architecture:
    """After He et al. 2016."""
    return Architecture(Headed(nn.Sequential(block(3, 8, 2), Residual(8), nn.AvgPool2d(2), Residual(8)), 8), "features.3")


def densenet_like() -> Architecture:
    """After Huang et al. 2017."""
    return Architecture(Headed(nn.Sequential(block(3, 6, 2), Dense(6, 4), nn.AvgPool2d(2)), 14), "features.1")


def mobilenet_like() -> Architecture:
    """Depthwise convolutions and ReLU6 in place, after Howard et al. 2017."""
    relu = nn.ReLU6(inplace=True)
    deep = nn.Sequential(block(3, 8, 2, 1, relu), block(8, 8, 2, 8, relu), nn.Conv2d(8, 12, 1), nn.BatchNorm2d(12), nn.ReLU6())
    return Architecture(Headed(deep, 12), "features")


def inception_like() -> Architecture:
    """After Szegedy et al. 2015."""
    return Architecture(Headed(nn.Sequential(block(3, 6, 2), Inception(6), nn.MaxPool2d(2)), 16), "features.1")


def transformers_networks() -> dict[str, Callable[[], Architecture]]:
    """Networks of transformers with tiny configurations, by name; nothing is fetched."""
    import transformers as t

    common = {"num_labels": CLASSES}
    tokens = {
        "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "image_size": SIDE,
        "patch_size": 8, **common,
    }  # fmt: skip
    stages = {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2, **common}
    regnet = t.RegNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], groups_width=4, layer_type="y", **common)
    swin = t.SwinConfig(
        image_size=SIDE, patch_size=2, embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=4, **common
    )  # fmt: skip
    convnext = t.ConvNextConfig(patch_size=2, **stages)
    resnet = t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", **common)
    efficientnet = t.EfficientNetConfig(
        image_size=SIDE, width_coefficient=0.2, depth_coefficient=0.1, hidden_dim=256, kernel_sizes=[3, 3], in_channels=[8, 8],
        out_channels=[8, 12], strides=[1, 2], num_block_repeats=[1, 1], expand_ratios=[1, 2], depthwise_padding=[], **common,
    )  # fmt: skip
    made = {
        "ConvNeXt": (lambda: t.ConvNextForImageClassification(convnext), "encoder.stages.1", None),
        "ViT": (lambda: t.ViTForImageClassification(t.ViTConfig(**tokens)), "layernorm_before", 1),
        "DeiT": (lambda: t.DeiTForImageClassification(t.DeiTConfig(**tokens)), "layernorm_before", 2),
        "Swin": (lambda: t.SwinForImageClassification(swin), "swin.layernorm", 0),
        "BEiT": (lambda: t.BeitForImageClassification(t.BeitConfig(**tokens)), "layernorm_before", 1),
        "ResNet (transformers)": (lambda: t.ResNetForImageClassification(resnet), "encoder.stages.1", None),
        "EfficientNet": (lambda: t.EfficientNetForImageClassification(efficientnet), "encoder.blocks.1", None),
        "RegNet": (lambda: t.RegNetForImageClassification(regnet), "encoder.stages.1", None),
    }

    def architecture(make: Callable[[], nn.Module], ending: str, prefix: int | None) -> Architecture:
        net = make()
        # Versions of transformers differ in the names before the ending.
        return Architecture(net, [name for name, _ in net.named_modules() if name.endswith(ending)][-1], prefix)

    return {name: partial(architecture, *parts) for name, parts in made.items()}


OWN: dict[str, Callable[[], Architecture]] = {
    "plain CNN": plain,
    "ResNet-like": resnet_like,
    "DenseNet-like": densenet_like,
    "MobileNet-like": mobilenet_like,
    "Inception-like": inception_like,
}


def architectures() -> dict[str, Callable[[], Architecture]]:
    """All of them by name."""
    return OWN | transformers_networks()


def made(name: str) -> Architecture:
    """One of them with drawn weights, in evaluation mode and double precision, always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        architecture = architectures()[name]()
    # Weights of transformers are drawn so small that all pictures have the same answer: they are drawn larger here.
    generator = torch.Generator().manual_seed(7)
    net = architecture.net.double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            fan = max(1, parameter[0].numel()) if parameter.ndim > 1 else 1
            drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            if parameter.ndim > 1:
                parameter.copy_(drawn * (1.5 / fan**0.5))
            else:
                parameter.add_(drawn * 0.1)
    return architecture


def pictures(count: int = 2) -> Tensor:
    """Noise ``(n, 3, 32, 32)`` in double precision that single precision holds exactly."""
    generator = torch.Generator().manual_seed(11)
    return torch.randn(count, 3, SIDE, SIDE, generator=generator).double()
