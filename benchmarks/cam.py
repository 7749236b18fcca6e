"""Maps of all classes against one forward pass, Captum's LayerGradCam and pytorch-grad-cam, a call a class, on our networks.

pytorch-grad-cam is compared where it is installed: `pip install --no-deps --target DIR grad-cam`, and DIR on PYTHONPATH.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from captum.attr import LayerGradCam

from affectlens.explainers.cam import METHODS, CamEngine
from affectlens.models.adapters import TorchModel
from affectlens.models.base import load_model
from affectlens.models.shipped.emonet import LABELS, SIDE, EmoNet

FEWEST = 9  # calls of each work that is timed


class _Nothing:
    """Takes the place of a class or function that is made but never used."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """Nothing is kept."""


class _Empty(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for what pytorch-grad-cam imports and its Grad-CAM never calls: drawing, and torchvision's transforms."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name.split(".")[0] in ("torchvision", "matplotlib", "ttach"):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        module = types.ModuleType(spec.name)

        def anything(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return _Nothing

        module.__getattr__ = anything  # type: ignore[method-assign]
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is run."""


def pytorch_grad_cam() -> Any:
    """The peer's package, or None where it is not installed."""
    sys.meta_path.append(_Empty())  # asked only for what is not installed
    try:
        return importlib.import_module("pytorch_grad_cam")
    except ImportError:
        return None
    finally:
        sys.meta_path.pop()
        for name in [name for name, module in sys.modules.items() if isinstance(getattr(module, "__loader__", None), _Empty)]:
            del sys.modules[name]  # nobody else may take it for the real one


def peers(model: TorchModel, layer: str, x: torch.Tensor) -> dict[str, Callable[[], np.ndarray]]:
    """The other libraries' maps of every class, by name."""
    classes, module = range(len(model.labels)), model.module(layer)
    captum = LayerGradCam(model.net, module)

    def of_captum() -> np.ndarray:
        maps = [captum.attribute(x, target=k, relu_attributions=False).detach() for k in classes]
        return torch.cat(maps, dim=1).numpy()

    out: dict[str, Callable[[], np.ndarray]] = {"Captum": of_captum}
    package = pytorch_grad_cam()
    if package is not None:
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        theirs = package.GradCAM(model.net, [module])
        out["pytorch-grad-cam"] = lambda: np.stack(
            [theirs(input_tensor=x, targets=[ClassifierOutputTarget(k)] * len(x)) for k in classes], axis=1
        )
    return out


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Ratios for batches of 1 and 32, the largest difference of the maps, and the cost of each method."""
    torch.set_num_threads(1)
    face = load_model("face")
    rng = np.random.default_rng(0)
    for batch in (1, 32):
        crops = face.tensor(rng.integers(0, 255, (batch, 48, 48), dtype=np.uint8))
        yield from compared("face", face, face.layer, crops, 10, 1.3)
    torch.manual_seed(0)
    emonet = TorchModel(EmoNet().eval(), LABELS, "scene")
    # Its head holds nine tenths of its weights, so that 20 classes' gradients alone are more work than a forward pass.
    yield from compared("EmoNet, random weights", emonet, "conv5", torch.randn(8, 3, SIDE, SIDE) * 50, 10, None)
    crops = face.tensor(rng.integers(0, 255, (8, 48, 48), dtype=np.uint8))
    engine = CamEngine(face, face.layer)
    for method in METHODS:
        forward, cost = paired(lambda: passed(face, crops), lambda m=method: engine(crops, m))  # type: ignore[misc]
        yield (f"{method}, 7 classes, batch 8: cost in forward passes", f"{cost / forward:.1f}", "", None)


def passed(model: TorchModel, x: torch.Tensor) -> torch.Tensor:
    """One forward pass."""
    with torch.inference_mode():
        return torch.as_tensor(model.net(x))


def paired(one: Callable[[], object], other: Callable[[], object], seconds: float = 6.0) -> tuple[float, float]:
    """Median processor times of two works on one thread, in turn for some seconds, each as often before the other as after it.

    What else a machine does costs time on the clock, and not the same of both; of the processor's own time it takes next to
    nothing, and what it takes by emptying caches falls on both alike.
    """
    spent: dict[int, list[float]] = {0: [], 1: []}
    works = (one, other)
    one(), other()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(spent[0]) < FEWEST:
        for which in (0, 1) if len(spent[0]) % 2 else (1, 0):
            began = time.process_time()
            works[which]()
            spent[which].append(time.process_time() - began)
    return float(np.median(spent[0])), float(np.median(spent[1]))


def compared(
    name: str, model: TorchModel, layer: str, x: torch.Tensor, least: float, most: float | None
) -> Iterator[tuple[str, str, str, bool | None]]:
    """Grad-CAM of all classes against one forward pass and against each peer."""
    engine, what = CamEngine(model, layer), f"{name}, {len(model.labels)} classes, batch {len(x)}"

    def ours() -> np.ndarray:
        return engine(x, "grad-cam").maps

    forward, cost = paired(lambda: passed(model, x), ours)
    limit = f"at most {most}" if most else ""
    yield (
        f"{what}: Grad-CAM / forward pass",
        f"{cost / forward:.2f} ({1000 * cost:.1f} ms)",
        limit,
        cost / forward <= most if most else None,
    )
    ratios = {}
    for peer, theirs in peers(model, layer, x).items():
        own, time_of = paired(ours, theirs)
        ratios[peer] = time_of / own
        yield (f"{what}: {peer} / ours", f"{ratios[peer]:.1f}", "", None)
        if peer == "Captum":
            gap = float(np.abs(theirs() - ours()).max() / max(1.0, np.abs(ours()).max()))
            yield (f"{what}: largest difference of the maps, relative", f"{gap:.1e}", "at most 1e-5", gap <= 1e-5)
    slower = max(ratios.values())
    yield (f"{what}: the slower peer / ours", f"{slower:.1f}", f"at least {least:.0f}", slower >= least)
