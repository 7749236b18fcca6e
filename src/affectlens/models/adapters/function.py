"""Python functions as models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from affectlens.models.adapters.blackbox import BlackBox


class CallableModel(BlackBox):
    """A Python function from a batch to logits or probabilities ``(n, classes)``.

    Parameters
    ----------
    function : callable
        Takes what ``read`` gives, ``n`` of it.
    labels : sequence of str
        The classes, in the order of its answers.
    modality : str
        What it looks at.
    name : str
        What pages and errors call it.
    reader : callable, optional
        Makes an item of a corpus what the function is given.
    meta : dict, optional
        See ``Model``.

    Examples
    --------
    >>> model = CallableModel(lambda texts: [[len(t), 0.0] for t in texts], ("long", "short"), "words")
    >>> model.predict(["ab", "c"])
    array([[2., 0.],
           [1., 0.]], dtype=float32)
    >>> model.probabilities(["ab", "ab"]).round(2)
    array([[0.88, 0.12],
           [0.88, 0.12]])
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        labels: Sequence[str],
        modality: str = "face",
        *,
        name: str = "function",
        reader: Callable[[Any], Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(name, modality, labels, meta, reader=reader)
        self._function = function

    def answers(self, inputs: Any) -> np.ndarray:
        """What the function gives."""
        return np.asarray(self._function(inputs))
