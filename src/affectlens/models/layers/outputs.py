"""Tensors in what modules give: a tensor, a tuple, a dictionary, or a record such as the ModelOutput of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from affectlens.core.errors import ModelError

_STATES = ("last_hidden_state", "hidden_states", "logits")  # keys of what a layer gives, the first that is there
_LOGITS = ("logits", "out", "output")
_missing = object()


def is_numbers(value: Any) -> bool:
    """Whether a value is a tensor of real numbers, which can have a gradient."""
    return isinstance(value, Tensor) and value.is_floating_point()


def states_key(output: Any) -> Any:
    """Where the states lie in what a layer gives: a key or an index, None where it is one tensor, or ``_missing``."""
    if is_numbers(output):
        return None
    if isinstance(output, Mapping):
        named = [key for key in _STATES if is_numbers(output.get(key))]
        return (named or [key for key, value in output.items() if is_numbers(value)] + [_missing])[0]
    if isinstance(output, tuple | list):
        return next((place for place, value in enumerate(output) if is_numbers(value)), _missing)
    return _missing


def states_of(output: Any, layer: str) -> Tensor:
    """The states in what a layer gives: the tensor, the first tensor of a tuple, or ``last_hidden_state`` of a record.

    Returns
    -------
    Tensor
        Of real numbers.

    Raises
    ------
    ModelError
        There is none.
    """
    key = states_key(output)
    if key is _missing:
        what = f"a tensor of {output.dtype}" if isinstance(output, Tensor) else type(output).__name__
        raise ModelError(f"layer {layer!r} gives {what}; a tensor of real numbers, or a tuple or record with one, was expected")
    states: Tensor = output if key is None else output[key]
    return states


def with_states(output: Any, states: Tensor) -> Any:
    """What a layer gave, with other states in their place; the rest is handed on as it is."""
    key = states_key(output)
    if key is None:
        return states
    if isinstance(output, Mapping):
        changed: Any = dict(output) if type(output) is dict else type(output)(**output)  # a record such as a ModelOutput
        changed[key] = states
        return changed
    values = list(output)
    values[key] = states
    if hasattr(output, "_make"):  # a named tuple
        return output._make(values)
    return type(output)(values)


def logits_of(answer: Any) -> Tensor:
    """The logits in what a network gives.

    Parameters
    ----------
    answer : Tensor, tuple, mapping or record
        Of a record or mapping ``logits`` counts, of a tuple the first tensor ``(n, classes)``.

    Returns
    -------
    Tensor
        ``(n, classes)``.

    Raises
    ------
    ModelError
        There are none.

    Examples
    --------
    >>> logits_of({"loss": torch.tensor(1.0), "logits": torch.zeros(2, 3)}).shape
    torch.Size([2, 3])
    """
    if is_numbers(answer):
        logits: Tensor | None = answer
    elif is_numbers(getattr(answer, "logits", None)):
        logits = answer.logits
    else:
        logits = _first_logits(answer)
    if logits is None or logits.ndim != 2:
        what = f"{type(answer).__name__} without real numbers" if logits is None else f"a tensor {tuple(logits.shape)}"
        raise ModelError(f"the network gave {what}; logits (n, classes) were expected")
    return logits


def _first_logits(answer: Any) -> Tensor | None:
    if isinstance(answer, Mapping):
        named = [answer[key] for key in _LOGITS if is_numbers(answer.get(key))]
        values = named or list(answer.values())
    else:
        values = list(answer) if isinstance(answer, tuple | list) else []
    tensors = [value for value in values if is_numbers(value)]
    return next((tensor for tensor in tensors if tensor.ndim == 2), tensors[0] if tensors else None)


def one_row_each(logits: Tensor, inputs: int) -> Tensor:
    """The logits, once it is known that there is one row for each input.

    Returns
    -------
    Tensor
        As given.

    Raises
    ------
    ModelError
        There are more or fewer rows.
    """
    if len(logits) != inputs:
        raise ModelError(
            f"the network gave {len(logits)} rows of logits for {inputs} inputs; one row an input was expected, with the inputs"
            " along the first axis: wrap a network that takes them along another one in a module that turns the axes"
        )
    return logits


def as_numpy(values: Tensor) -> Any:
    """An array of a tensor: float64 stays, everything else (half precision too) becomes float32."""
    kept = values.detach().cpu()
    return (kept if kept.dtype == torch.float64 else kept.float()).numpy()
