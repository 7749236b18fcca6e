"""Which of the things that a network gives are its scores: one array, or one of several by name or by form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from affectlens.core.errors import ScoresError
from affectlens.core.settings import nearest

LOGITS = "logits"  # what the outputs of transformers call them


def chosen_output(given: Any, width: int, output: str = "", name: str = "the model") -> Any:
    """The scores among what a network gave.

    Parameters
    ----------
    given : tensor, array, mapping, tuple or list
        An output of transformers is a mapping.
    width : int
        Scores an input has.
    output : str
        Name, or number, of the wanted one; without it the only one there is, one that is called ``logits``, or the only one
        of form ``(n, width)``.
    name : str
        What errors call the model.

    Returns
    -------
    tensor or array
        As it was given.

    Raises
    ------
    ScoresError
        None of that name, or several that could be meant; the message has names and shapes of all.

    Examples
    --------
    >>> several = {"deep": np.zeros((5, 9)), "scores": np.ones((5, 2))}
    >>> chosen_output(several, 2).shape
    (5, 2)
    >>> chosen_output(several, 2, "score")
    Traceback (most recent call last):
    affectlens.core.errors.ScoresError: the model: no output 'score'; it gives deep (5, 9), scores (5, 2); did you mean scores?
    """
    several = _named(given)
    if several is None:
        if output and output != "0":
            raise ScoresError(
                f"{name}: output {output!r} was chosen, and it gives one array alone, without a name; leave it out"
            )
        return given
    shown = ", ".join(f"{key} {_form(value)}" for key, value in several.items()) or "nothing"
    if output:
        if output not in several:
            raise ScoresError(f"{name}: no output {output!r}; it gives {shown}{nearest(output, several)}")
        return several[output]
    if len(several) == 1:
        return next(iter(several.values()))
    fitting = [key for key, value in several.items() if _fits(value, width)]
    if LOGITS in fitting:
        return several[LOGITS]
    if len(fitting) == 1:
        return several[fitting[0]]
    why = f"{len(fitting)} of them could be its scores" if fitting else f"none has the form (n, {width})"
    raise ScoresError(f"{name}: it gives {shown}; {why}: choose one by its name (output=)")


def _named(given: Any) -> dict[str, Any] | None:
    """Several outputs by name or number; None where one array was given."""
    if isinstance(given, Mapping):
        return {str(key): value for key, value in given.items() if value is not None}
    if not isinstance(given, tuple | list) or not given:
        return None
    arrays = all(isinstance(value, Tensor | np.ndarray | Mapping) for value in given)
    rows = arrays and isinstance(given, list) and len({np.shape(value) for value in given}) == 1 and np.ndim(given[0]) == 1
    if not arrays or rows:  # a list of rows is one array
        return None
    keys = getattr(given, "_fields", None) or range(len(given))
    return {str(key): value for key, value in zip(keys, given, strict=True)}


def _fits(value: Any, width: int) -> bool:
    shape = tuple(getattr(value, "shape", ()))
    return (len(shape) == 2 and shape[1] == width) or (width == 1 and len(shape) == 1)


def _form(value: Any) -> str:
    return str(tuple(value.shape)) if hasattr(value, "shape") else type(value).__name__
