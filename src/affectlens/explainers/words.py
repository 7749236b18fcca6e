"""Which words speak for a class: integrated gradients over word embeddings, and leaving one word out as a check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from affectlens.core.labels import class_index
from affectlens.core.results import SavedResult

if TYPE_CHECKING:
    from affectlens.models.shipped.words import WordsModel

MASK_ID = 103  # [MASK] of the base vocabulary


@dataclass(frozen=True, eq=False)
class WordAttribution(SavedResult):
    """What each word of a text does for a class.

    Attributes
    ----------
    words : tuple of str
        The words.
    gradients : ndarray
        ``(words,)``, integrated gradients, parts of the logit.
    left_out : ndarray
        ``(words,)``, the drop of the target's log-odds when the word is masked.
    target : str
        The class.
    completeness : float
        Relative gap between the attributions' sum and the change of the logit.
    steps : int
        Points on the path.
    """

    kind: ClassVar[str] = "word attribution"

    words: tuple[str, ...]
    gradients: np.ndarray
    left_out: np.ndarray
    target: str
    completeness: float
    steps: int

    def to_frame(self) -> pd.DataFrame:
        """One row a word, in order: word, gradients, left_out."""
        return pd.DataFrame({"word": self.words, "gradients": self.gradients, "left_out": self.left_out})

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``words``: a bar a word, in order."""
        return {"words": self._chart}

    def _chart(self) -> Any:
        import altair as alt

        frame = self.to_frame().assign(place=range(len(self.words)))
        frame["shown"] = [f"{place + 1} {word}" for place, word in enumerate(self.words)]
        order = alt.Y("shown:N", sort=alt.SortField("place"), title=None)
        title = f"part of the logit of {self.target}"
        return alt.Chart(frame).mark_bar().encode(x=alt.X("gradients:Q", title=title), y=order)


def integrated_gradients(model: WordsModel, ids: Sequence[int], target: int, steps: int = 32) -> tuple[np.ndarray, float]:
    """Attribute a logit to tokens by integrated gradients (Sundararajan et al. 2017).

    The path runs from a text of ``[MASK]`` (special tokens kept) to the text, Gauss-Legendre points, one batched pass.

    Parameters
    ----------
    model : WordsModel
        The model.
    ids : sequence of int
        The tokens, with the special ones.
    target : int
        Index of the class.
    steps : int
        Points on the path.

    Returns
    -------
    attributions : ndarray
        ``(tokens,)`` in logit units.
    gap : float
        Difference between their sum and the change of the logit, over that change.
    """
    import torch  # what shows attributions that were made earlier does not wait for it

    row = torch.tensor([list(ids)], device=model.device)
    mask = torch.ones_like(row)
    blank = row.clone()
    blank[0, 1:-1] = MASK_ID
    with torch.no_grad():
        goal, start = model.net.embed(row), model.net.embed(blank)
        ends = model.net(torch.cat([row, blank]), torch.cat([mask, mask]))[:, target]
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    total = torch.zeros_like(goal[0])
    for part in np.array_split(np.arange(steps), max(1, steps // 16)):
        alpha = torch.tensor((nodes[part] + 1) / 2, dtype=goal.dtype, device=goal.device).view(-1, 1, 1)
        share = torch.tensor(weights[part] / 2, dtype=goal.dtype, device=goal.device).view(-1, 1, 1)
        points = (start + alpha * (goal - start)).requires_grad_(True)
        with torch.enable_grad():
            logits = model.net.forward_embedded(points, mask.expand(len(part), -1))
            (gradient,) = torch.autograd.grad(logits[:, target].sum(), points)
        total += (gradient * share).sum(dim=0)
    tokens = (total * (goal - start)[0]).sum(dim=-1)
    change = float(ends[0] - ends[1])
    gap = abs(float(tokens.sum()) - change) / max(abs(change), 1e-3)
    return tokens.detach().double().cpu().numpy(), gap


def words_of(spans: Sequence[tuple[int, int] | None], text: str) -> list[tuple[str, list[int]]]:
    """List the whole words of a text with the indices of the tokens that make them; punctuation joins the word before it.

    Returns
    -------
    list of (str, list of int)
        In order; words without a token are left out.

    Examples
    --------
    >>> words_of([None, (0, 2), (3, 7), (7, 8), None], "so glad!")
    [('so', [1]), ('glad!', [2, 3])]
    """
    out: list[tuple[str, list[int]]] = []
    bounds: list[tuple[int, int]] = []
    position = 0
    for word in text.split():
        start = text.index(word, position)
        position = start + len(word)
        bounds.append((start, position))
        out.append((word, []))
    for token, span in enumerate(spans):
        if span is None:
            continue
        for index, (start, end) in enumerate(bounds):
            if start <= span[0] < end:
                out[index][1].append(token)
                break
    return [(word, tokens) for word, tokens in out if tokens]


def attribute_words(model: WordsModel, text: str, target: str | int, steps: int = 32) -> WordAttribution:
    """Attribution of every word of ``text`` for the class ``target``, given by name or position."""
    tokens = model.tokens(text)
    index = class_index(target, model.labels)
    values, gap = integrated_gradients(model, tokens.ids, index, steps)
    words = words_of(tokens.spans, text)
    variants = [list(tokens.ids)]
    for _, members in words:
        changed = list(tokens.ids)
        for token in members:
            changed[token] = MASK_ID
        variants.append(changed)
    probabilities = model.calibration.probabilities(model.predict_ids(variants))[:, index]
    odds = np.log(probabilities / np.clip(1 - probabilities, 1e-12, None))
    return WordAttribution(
        tuple(word for word, _ in words),
        np.array([values[members].sum() for _, members in words]),
        odds[0] - odds[1:],
        model.labels[index],
        gap,
        steps,
    )
