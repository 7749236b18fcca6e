"""The contract of models: answers have the right form and depend on the input alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from affectlens.checks.base import RandomStates, gap, kept, raised, run_checks, same
from affectlens.core.errors import AffectlensError, ModelError
from affectlens.corpora.base import Item
from affectlens.models.open import open_model
from affectlens.models.scores import scores_of


@dataclass(frozen=True)
class Subject:
    """A model with inputs ``predict`` takes, items ``read`` takes, and how far answers may be apart."""

    model: Any
    given: Any
    items: Sequence[Any]
    tolerance: float

    @property
    def inputs(self) -> Any:
        """A fresh copy of the inputs, since a call may change them."""
        return kept(self.given)

    @property
    def count(self) -> int:
        """How many inputs there are."""
        return len(self.given[0]) if isinstance(self.given, tuple) else len(self.given)

    def some(self, rows: Sequence[int]) -> Any:
        """The inputs of these rows; a tuple stands for several inputs of as many rows each."""
        return _taken(self.inputs, rows)


def check_model(
    model: Any, inputs: Any, *, items: Sequence[Any] = (), tolerance: float = 1e-4, leave_out: Collection[str] = ()
) -> None:
    """Check that a model keeps to the contract of ``affectlens.models.base.Model``.

    Parameters
    ----------
    model : Model or str
        The model, or what ``open_model`` opens.
    inputs : sequence or array_like
        At least three different inputs as ``predict`` takes them.
    items : sequence
        Items of a corpus, or bare data, as ``read`` takes them.
    tolerance : float
        How far logits may be apart that should be the same.
    leave_out : collection of str
        Names of ``CHECKS`` that are not run.

    Raises
    ------
    CheckError
        What is wrong, check by check.
    UsageError
        No such model or check.
    """
    if isinstance(model, str):
        model = open_model(model)
    title = f"the model {getattr(model, 'name', type(model).__name__)!r}"
    run_checks(title, CHECKS, Subject(model, inputs, items, tolerance), leave_out)


def described(s: Subject) -> Iterator[str]:
    """``name`` and ``modality`` are texts, ``labels`` a tuple of different texts, ``meta`` a dict; the methods are there."""
    for name in ("name", "modality"):
        if not isinstance(getattr(s.model, name, None), str) or not getattr(s.model, name):
            yield f"{name} is {getattr(s.model, name, None)!r}; a text was expected"
    labels = getattr(s.model, "labels", ())
    least = 2 if scores_of(s.model).exclusive else 1
    if not isinstance(labels, tuple) or len(labels) < least or len(set(labels)) < len(labels):
        yield f"labels are {labels!r}; a tuple of {'two' if least == 2 else 'one'} or more different texts was expected"
    if not isinstance(getattr(s.model, "meta", None), dict):
        yield f"meta is {getattr(s.model, 'meta', None)!r}; a dict was expected"
    for name in ("read", "predict", "probabilities"):
        if not callable(getattr(s.model, name, None)):
            yield f"there is no method {name}"


def logits(s: Subject) -> Iterator[str]:
    """``predict`` gives finite float32 ``(n, classes)``."""
    z = s.model.predict(s.inputs)
    wanted = (s.count, len(s.model.labels))
    if not isinstance(z, np.ndarray) or z.shape != wanted:
        yield f"predict gives {_form(z)}; an array {wanted} was expected"
    elif z.dtype != np.float32:
        yield f"predict gives {z.dtype}; float32 was expected"
    elif not np.isfinite(z).all():
        yield f"predict gives {int((~np.isfinite(z)).sum())} values that are not finite"


def probabilities(s: Subject) -> Iterator[str]:
    """``probabilities`` gives float64 ``(n, classes)``, rows with the sum one or independent ones; of values a ModelError."""
    scores = scores_of(s.model)
    if not scores.are_probabilities:
        try:
            s.model.probabilities(s.inputs)
            yield f"probabilities are given, though the scores are {scores}; a ModelError was expected"
        except ModelError:
            pass
        return
    p = s.model.probabilities(s.inputs)
    wanted = (s.count, len(s.model.labels))
    if not isinstance(p, np.ndarray) or p.shape != wanted or p.dtype != np.float64:
        yield f"probabilities gives {_form(p)}; float64 {wanted} was expected"
    elif not scores.exclusive:
        if not ((p >= 0) & (p <= 1)).all():
            yield f"probabilities go from {p.min():.6g} to {p.max():.6g}; from 0 to 1 was expected"
    elif not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1, atol=1e-6):
        yield f"rows of probabilities sum to {p.sum(axis=1).min():.6g} to {p.sum(axis=1).max():.6g}, least {p.min():.3g}"


def calibrated(s: Subject) -> Iterator[str]:
    """What a model says of its ``calibration`` can be true, and ``probabilities`` are the logits under it."""
    facts = getattr(s.model, "calibration", None)
    if facts is None:
        return
    for name, low, high in (("temperature", 1e-6, np.inf), ("conformal", 0, 1), ("coverage", 0, 1), ("reliability", 0, 1)):
        if not low <= getattr(facts, name) <= high:
            yield f"calibration.{name} is {getattr(facts, name)}; a number from {low:g} to {high:g} was expected"
    for name, values in (("prior", facts.prior), ("thresholds", (s.model.meta or {}).get("thresholds", ()))):
        if len(values) not in (0, len(s.model.labels)) or not all(0 <= v <= 1 for v in values):
            yield f"{name} {tuple(values)}; none, or a share for each of {len(s.model.labels)} classes, was expected"
    if facts.prior and abs(sum(facts.prior) - 1) > 1e-3:
        yield f"calibration.prior sums to {sum(facts.prior):.6g}"
    scores = scores_of(s.model)
    if facts.temperature > 0 and scores.are_probabilities:
        logits = np.asarray(s.model.predict(s.inputs), np.float64)
        apart = gap(np.asarray(s.model.probabilities(s.inputs)), scores.probabilities(logits / facts.temperature))
        if apart > s.tolerance:
            yield f"probabilities differ from those of the calibrated logits by up to {apart:.3g}"


def batch(s: Subject) -> Iterator[str]:
    """The answer to one input does not depend on those beside it, but for a model that says that it is ``contextual``."""
    if getattr(s.model, "contextual", False):
        return
    together = np.asarray(s.model.predict(s.inputs))
    alone = np.concatenate([np.asarray(s.model.predict(s.some([i]))) for i in range(s.count)])
    apart = gap(together, alone)
    if apart > s.tolerance:
        yield f"logits of inputs asked alone and together differ by up to {apart:.3g}; at most {s.tolerance:g} was expected"


def order(s: Subject) -> Iterator[str]:
    """Answers come in the order of the inputs."""
    if getattr(s.model, "contextual", False):
        return
    rows = list(range(s.count))[::-1]
    apart = gap(np.asarray(s.model.predict(s.inputs))[rows], np.asarray(s.model.predict(s.some(rows))))
    if apart > s.tolerance:
        yield f"inputs asked backwards give other logits, by up to {apart:.3g}"


def state(s: Subject) -> Iterator[str]:
    """Asking again gives the same; inputs and global random numbers are left as they were."""
    inputs = s.inputs
    with RandomStates() as random:
        first = np.asarray(s.model.predict(inputs))
    yield from random.problems()
    if gap(first, np.asarray(s.model.predict(s.inputs))) > 0:
        yield "the same inputs asked twice give different logits"
    if not same(inputs, s.given):
        yield "predict changes its inputs"


def reading(s: Subject) -> Iterator[str]:
    """``read`` makes inputs that ``predict`` takes; what cannot be read is a ModelError with the reason."""
    for item in s.items:
        z = np.asarray(s.model.predict([s.model.read(item)]))
        if z.shape != (1, len(s.model.labels)):
            yield f"what read makes of one item gives logits {z.shape}; (1, {len(s.model.labels)}) was expected"
    lost = Item("a", None, (s.model.labels[0],), problem="the file is gone")
    try:
        s.model.read(lost)
        yield "read takes an item without data; a ModelError with its problem was expected"
    except ModelError as error:
        if "the file is gone" not in str(error):
            yield f"the error for an item without data does not give its problem: {error}"
    except Exception as error:
        yield f"read of an item without data: {raised(error)}; a ModelError was expected"


def inside(s: Subject) -> Iterator[str]:
    """A white box gives activations and gradients of its layers, row by row, and names an unknown layer."""
    if not hasattr(s.model, "activations"):
        return
    names = tuple(s.model.layers)
    layer = getattr(s.model, "layer", "")
    if not isinstance(layer, str) or (layer and layer not in names):
        yield f"layer is {layer!r}; one of layers was expected"
        layer = ""
    layer = layer or names[-1]
    a = np.asarray(s.model.activations(s.inputs, layer))
    if len(a) != s.count:
        yield f"activations at {layer!r} are {a.shape}; {s.count} rows were expected"
    for target in (s.model.labels[0], 0):
        g = np.asarray(s.model.gradients(s.inputs, layer, target))
        if g.shape != a.shape:
            yield f"gradients at {layer!r} are {g.shape}, activations {a.shape}; the same shape was expected"
    try:
        s.model.activations(s.inputs, "no such layer")
        yield "activations of 'no such layer' are given; an error was expected"
    except AffectlensError:
        pass


def untouched(s: Subject) -> Iterator[str]:
    """Parameters, their gradients, hooks and modes of a torch network are as before every call."""
    net = getattr(s.model, "net", None)
    if not isinstance(net, nn.Module):
        return
    calls: dict[str, Callable[[], object]] = {"predict": lambda: s.model.predict(s.inputs)}
    if hasattr(s.model, "activations"):
        layer = getattr(s.model, "layer", "")
        layer = layer if isinstance(layer, str) and layer else tuple(s.model.layers)[-1]
        calls["activations"] = lambda: s.model.activations(s.inputs, layer)
        calls["gradients"] = lambda: s.model.gradients(s.inputs, layer, s.model.labels[0])
    for name, call in calls.items():
        before = network_state(net)
        call()
        yield from (f"{name} changes {what}" for what in changed(before, network_state(net)))


def network_state(net: nn.Module) -> dict[str, Any]:
    """What a call must leave as it was."""
    return {
        "parameters": {k: v.detach().cpu().numpy().copy() for k, v in net.state_dict().items()},
        "gradients of parameters": {
            k: None if p.grad is None else p.grad.cpu().numpy().copy() for k, p in net.named_parameters()
        },
        "hooks": [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in net.modules()],
        "training modes": [m.training for m in net.modules()],
        "whether gradients are recorded": torch.is_grad_enabled(),
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of what is not as it was."""
    return [name for name, value in before.items() if not same(value, after[name])]


def _taken(inputs: Any, rows: Sequence[int]) -> Any:
    if isinstance(inputs, tuple):
        return tuple(_taken(x, rows) for x in inputs)
    if isinstance(inputs, np.ndarray | torch.Tensor):
        return inputs[list(rows)]
    return [inputs[i] for i in rows]


def _form(value: Any) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


CHECKS = {
    check.__name__: check
    for check in (untouched, described, logits, probabilities, calibrated, batch, order, state, reading, inside)
}
