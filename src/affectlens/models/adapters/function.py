"""Python functions as models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from affectlens.models.adapters.blackbox import BlackBox
from affectlens.models.scores import Scores


class CallableModel(BlackBox):
    """A Python function from a batch to scores ``(n, classes)``.

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
    reader, prepare : callable, optional
        Make an item of a corpus what the function is given, see ``BaseModel``.
    meta : dict, optional
        See ``Model``.
    scores, output
        What it gives, and which of several outputs that is; see ``BlackBox``.

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
        prepare: Callable[[Any], Any] | None = None,
        meta: dict[str, Any] | None = None,
        scores: str | Scores = "",
        output: str = "",
    ) -> None:
        super().__init__(name, modality, labels, meta, reader=reader, prepare=prepare, scores=scores, output=output)
        self.function = function

    def answers(self, inputs: Any) -> Any:
        """What the function gives."""
        return self.function(inputs)
