"""Concept tests of any torch network on data of one's own: layers, directions and tests in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from affectlens.audits.concepts.cav.space import Space
from affectlens.audits.concepts.cav.tcav import ConceptTests, test_concepts
from affectlens.audits.concepts.layers import read_layers
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.core.errors import UsageError
from affectlens.core.labels import class_index
from affectlens.core.progress import Progress, silent
from affectlens.core.settings import with_fields
from affectlens.models.adapters import TorchModel
from affectlens.models.layers import layer_name
from affectlens.stats.generators import Rng, seed_of

FEWEST_INPUTS = 3  # inputs of a class, under which its gradients are not looked at


def concept_tests(
    model: TorchModel | nn.Module,
    inputs: Any,
    concepts: Mapping[str, Any],
    layers: Sequence[str | nn.Module],
    classes: Sequence[str | int] = (),
    *,
    labels: Sequence[str] = (),
    truth: Sequence[str | int] | None = None,
    groups: Sequence[Any] | None = None,
    pool: str = "auto",
    forward: Callable[[Any, Any], Any] | None = None,
    batch_size: int = 64,
    rng: Rng = 0,
    settings: ConceptSettings | None = None,
    progress: Progress = silent,
    **fields: Any,
) -> ConceptTests:
    """Test whether concepts move the answers of a network, at each of its layers and for each class.

    Parameters
    ----------
    model : TorchModel or torch.nn.Module
        The network.
    inputs : Tensor, ndarray or list of n inputs
        What it reads.
    concepts : mapping of str to array (n,)
        By name 1 for an input with the concept, 0 without, NaN for no part, or graded values.
    layers : sequence of str or torch.nn.Module
        Dotted names, or the modules themselves.
    classes : sequence of str or int
        Classes by name or position; all when absent.
    labels : sequence of str
        Names of all classes in the order of the logits; a ``TorchModel`` knows them.
    truth : sequence of str or int, optional
        The class of each input. With it a class is tested on its own inputs, and each concept also within classes, since one
        that goes with a class shows whatever made the class. Without it every class is tested on all inputs.
    groups : sequence, optional
        Person, dialogue or recording of each input: groups change places as a whole.
    pool, forward, batch_size
        As in ``read_layers``.
    rng : int or numpy.random.Generator
        Draws pseudo-concepts and bootstraps.
    settings : ConceptSettings, optional
        Method, draws, counterparts and bootstraps.
    progress : Progress
        Told of the layers.
    **fields
        Single settings, in place of those of ``settings``.

    Returns
    -------
    ConceptTests
        ``to_frame()`` has a row a layer, concept and class; ``plot()`` draws it, ``save`` and ``load`` keep it.

    Raises
    ------
    UsageError
        An unknown layer, class or setting, concepts of another length than the inputs, or without enough examples.
    ModelError
        A layer that cannot be read, or has no gradient.

    Examples
    --------
    >>> import torch
    >>> net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))
    >>> inputs = torch.randn(80, 6)
    >>> tests = concept_tests(net, inputs, {"first": inputs[:, 0] > 0}, [net[1]], labels=("calm", "upset"), draws=99)
    >>> tests.to_frame()[["layer", "concept", "class"]].values.tolist()
    [['1', 'first', 'calm'], ['1', 'first', 'upset']]
    """
    net = model.net if isinstance(model, TorchModel) else model
    if isinstance(model, TorchModel):
        labels, inputs = model.labels, model.tensor(inputs) if forward is None else inputs
    count = len(inputs)
    targets = {name: _of_length(values, count, f"concept {name!r}") for name, values in concepts.items()}
    if not classes and not labels:
        raise UsageError("name the classes: labels=(…) for all of them, in the order of the logits, or classes=(0, 1, …)")
    wanted = [class_index(target, labels) if labels else int(target) for target in (classes or labels)]
    names = [labels[index] if labels else f"class {index}" for index in wanted]
    readings = read_layers(net, inputs, layers, wanted, pool=pool, forward=forward, batch_size=batch_size)
    rows = _rows(truth, labels, wanted, names, count)
    chosen = replace(
        with_fields(ConceptSettings, settings, fields), seed=seed_of(rng) if "seed" not in fields else fields["seed"]
    )
    spaces, rows_of, input_rows = {}, {}, np.concatenate(list(rows.values()))
    ends = np.cumsum([0, *map(len, rows.values())])
    for place, name in enumerate(rows):
        rows_of[name] = np.arange(ends[place], ends[place + 1])
    for layer in (layer_name(net, layer) for layer in layers):
        gradients = readings[layer].gradients
        assert gradients is not None  # classes were asked for
        together = np.concatenate([gradients[of_class, names.index(name)] for name, of_class in rows.items()])
        spaces[layer] = Space.of(readings[layer].activations, together)
    grouped = None if groups is None else _of_length(groups, count, "groups", numbers=False)
    strata = None if truth is None else _positions(truth, labels)
    return test_concepts(
        spaces, targets, rows_of, chosen, strata=strata, groups=grouped,
        input_groups=None if grouped is None else grouped[input_rows], progress=progress,
    )  # fmt: skip


def _rows(
    truth: Sequence[str | int] | None, labels: Sequence[str], wanted: Sequence[int], names: Sequence[str], count: int
) -> dict[str, np.ndarray]:
    """For each class the inputs at which its gradients are looked at."""
    if truth is None:
        return dict.fromkeys(names, np.arange(count))
    of_input = _positions(_of_length(truth, count, "truth", numbers=False), labels)
    rows = {name: np.flatnonzero(of_input == index) for name, index in zip(names, wanted, strict=True)}
    few = {name: len(of_class) for name, of_class in rows.items() if len(of_class) < FEWEST_INPUTS}
    if few:
        listed = ", ".join(f"{name} ({number})" for name, number in few.items())
        raise UsageError(
            f"too few inputs of {listed}; at least {FEWEST_INPUTS} of each class that is tested are needed: leave it out of "
            "classes, or leave truth out to test every class on all inputs"
        )
    return rows


def _positions(truth: Any, labels: Sequence[str]) -> np.ndarray:
    return np.array([class_index(_plain(one), labels) if labels else int(one) for one in truth])


def _plain(value: Any) -> str | int:
    return str(value) if isinstance(value, str) else int(value)


def _of_length(values: Any, count: int, what: str, numbers: bool = True) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64) if numbers else np.asarray(values)
    if array.shape != (count,):
        raise UsageError(f"{what} has the shape {array.shape}; one value for each of the {count} inputs was expected")
    return array
