"""The contract of explainers: maps have the right form, depend on picture and model alone, and leave both as they were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from affectlens.checks.base import RandomStates, gap, run_checks, same
from affectlens.checks.model import changed, network_state
from affectlens.core.errors import UsageError
from affectlens.explainers.cam import METHODS, CamEngine
from affectlens.models.adapters import TorchModel

Explain = Callable[[TorchModel, np.ndarray], np.ndarray]
LABELS = ("anger", "happiness", "neutral")


@dataclass(frozen=True)
class Subject:
    """An explainer with a model, pictures and how far maps may be apart; ``method`` is empty for a plain function."""

    explain: Explain
    method: str
    model: TorchModel
    given: np.ndarray
    layer: str
    tolerance: float

    @property
    def batch(self) -> np.ndarray:
        """A fresh copy of the pictures, since a call may change them."""
        return self.given.copy()

    def maps(self, rows: list[int] | slice = slice(None)) -> np.ndarray:
        """Maps of some of the pictures."""
        return np.asarray(self.explain(self.model, self.batch[rows]))


def check_explainer(
    method: str | Explain,
    model: TorchModel | None = None,
    batch: np.ndarray | None = None,
    *,
    layer: str = "",
    tolerance: float = 1e-4,
    leave_out: Collection[str] = (),
) -> None:
    """Check that an explainer keeps to its contract.

    Parameters
    ----------
    method : str or callable
        Name of a CAM method, or a function ``(model, pictures (n, ...)) -> maps (n, classes, h, w)``.
    model : TorchModel, optional
        A small network of convolutions when absent.
    batch : ndarray, optional
        At least three pictures as the model takes them; noise when absent.
    layer : str
        The layer at which a CAM method draws; the small network's own when absent.
    tolerance : float
        How far maps may be apart that should be the same, relative to the largest value.
    leave_out : collection of str
        Names of ``CHECKS`` that are not run.

    Raises
    ------
    CheckError
        What is wrong, check by check.
    UsageError
        No such method or check, or a model without pictures or layer.
    """
    if model is None:
        model, layer = small_model(), "0"
        batch = np.random.default_rng(0).random((4, 1, 12, 10)).astype(np.float32)
    if batch is None or (isinstance(method, str) and not layer):
        raise UsageError("give pictures with the model, and the layer of a CAM method")
    name = method if isinstance(method, str) else ""
    if name:
        METHODS.get(name)

    def cam(asked: TorchModel, pictures: np.ndarray) -> np.ndarray:
        return CamEngine(asked, layer)(pictures, name).maps

    explain = method if callable(method) else cam
    title = f"the explainer {name or getattr(method, '__name__', type(method).__name__)!r}"
    run_checks(title, CHECKS, Subject(explain, name, model, np.asarray(batch), layer, tolerance), leave_out)


def small_model() -> TorchModel:
    """Build a network of convolutions with drawn weights, always the same; global random numbers are not moved."""
    with torch.random.fork_rng(devices=[]):
        net = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, 8, 3, 2, 1),
            nn.Tanh(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, len(LABELS)),
        )
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return TorchModel(net.eval(), LABELS, scores="softmax")


def shape(s: Subject) -> Iterator[str]:
    """Maps are finite numbers ``(n, classes, h, w)``, and not the same everywhere."""
    maps = s.maps()
    wanted = (len(s.batch), len(s.model.labels))
    if maps.ndim != 4 or maps.shape[:2] != wanted:
        yield f"maps are {maps.shape}; {(*wanted, 'h', 'w')} was expected"
    elif not np.issubdtype(maps.dtype, np.floating) or not np.isfinite(maps).all():
        yield f"maps are {maps.dtype} with {int((~np.isfinite(maps.astype(float))).sum())} values that are not finite"
    elif np.ptp(maps) == 0:
        yield "all values of all maps are the same"


def batches(s: Subject) -> Iterator[str]:
    """The map of one picture does not depend on those beside it, and maps come in the order of the pictures."""
    together = s.maps()
    limit = s.tolerance * max(1.0, float(np.abs(together).max()))
    alone = np.concatenate([s.maps([i]) for i in range(len(s.batch))])
    if gap(together, alone) > limit:
        yield f"maps of pictures asked alone and together differ by up to {gap(together, alone):.3g}"
    rows = list(range(len(s.batch)))[::-1]
    if gap(together[rows], s.maps(rows)) > limit:
        yield f"pictures asked backwards have other maps, by up to {gap(together[rows], s.maps(rows)):.3g}"


def repeated(s: Subject) -> Iterator[str]:
    """Asking again gives the same maps; global random numbers and pictures are left as they were."""
    pictures = s.batch
    with RandomStates() as random:
        first = np.asarray(s.explain(s.model, pictures))
    yield from random.problems()
    if gap(first, s.maps()) > 0:
        yield "the same pictures asked twice have different maps"
    if not same(pictures, s.given):
        yield "the pictures are changed"


def targets(s: Subject) -> Iterator[str]:
    """The maps of some classes are those that they have among all; only CAM methods are asked."""
    if not s.method:
        return
    names = [s.model.labels[-1], s.model.labels[0]]
    some = CamEngine(s.model, s.layer)(s.batch, s.method, names)
    whole = s.maps()[:, [len(s.model.labels) - 1, 0]]
    if some.labels != tuple(names) or gap(some.maps, whole) > s.tolerance * max(1.0, float(np.abs(whole).max())):
        yield f"maps of {', '.join(names)} alone differ from those among all classes"


def untouched(s: Subject) -> Iterator[str]:
    """Parameters, their gradients, hooks and modes are as before, also when a call fails."""
    net = s.model.net
    before = network_state(net)
    s.maps()
    yield from (f"{what} of the network are not as they were" for what in changed(before, network_state(net)))
    before = network_state(net)
    try:
        s.explain(s.model, np.zeros((1, 7, 5, 5, 3), np.float32))
    except Exception:
        yield from (
            f"{what} of the network are not as they were after an error" for what in changed(before, network_state(net))
        )


CHECKS: dict[str, Callable[[Any], Iterator[str]]] = {
    check.__name__: check for check in (untouched, shape, batches, repeated, targets)
}
