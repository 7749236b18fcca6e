"""Fitting the voice's head: a linear layer that is trained as it is used, on recordings of one to many turns of a speaker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import eigh
from scipy.optimize import minimize

from affectlens.core.errors import CorpusError
from affectlens.learning.recipes.voice import VoiceRecipe
from affectlens.models.shipped.voice import own_share
from affectlens.stats.generators import Rng, generator


@dataclass(frozen=True)
class Head:
    """A fitted head.

    Attributes
    ----------
    mean, deviation : numpy.ndarray
        ``(features,)``, means over the training corpora.
    weight : numpy.ndarray
        ``(features, classes)``.
    bias : numpy.ndarray
        ``(classes,)``.
    limit : float
        Deviations that count at most.
    """

    mean: np.ndarray
    deviation: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    limit: float

    def scaled(self, states: np.ndarray) -> np.ndarray:
        """States in deviations, limited."""
        return np.asarray(np.clip((states - self.mean) / self.deviation, -self.limit, self.limit), np.float32)

    def __call__(self, states: np.ndarray) -> np.ndarray:
        """Logits ``(n, classes)`` of turns by themselves."""
        return np.asarray(self.scaled(states) @ self.weight + self.bias, np.float64)


def fit_head(
    states: np.ndarray,
    labels: np.ndarray,
    corpus: np.ndarray,
    speaker: np.ndarray,
    recipe: VoiceRecipe,
    changed: np.ndarray | None = None,
    classes: int = 4,
) -> Head:
    """Fit the head on recordings that are drawn from corpora.

    Parameters
    ----------
    states : numpy.ndarray
        Pooled states of clips ``(n, features)``.
    labels : numpy.ndarray
        Class indices ``(n,)``.
    corpus, speaker : numpy.ndarray
        Names ``(n,)``; those of speakers are unique over corpora.
    recipe : VoiceRecipe
        How it is fitted.
    changed : numpy.ndarray, optional
        ``(copies, n, features)``: the clips as other recordings would have them.
    classes : int
        Classes.

    Returns
    -------
    Head
        Each class of each corpus counts alike.

    Raises
    ------
    CorpusError
        One class alone.
    """
    if len(np.unique(labels)) < 2:
        raise CorpusError("all clips are of one class; at least two were expected")
    names = list(dict.fromkeys(corpus))
    mean = np.mean([states[corpus == name].mean(axis=0) for name in names], axis=0)
    variance = np.mean([states[corpus == name].var(axis=0) for name in names], axis=0)
    head = Head(mean, np.sqrt(variance) + 1e-6, np.zeros((states.shape[1], classes)), np.zeros(classes), recipe.limit)
    rng = np.random.default_rng(recipe.seed)
    clean = head.scaled(states)
    sources = [clean] * recipe.draws + [head.scaled(copy) for copy in (changed if changed is not None else ())]
    axes = _axes(clean, recipe.components)
    rows = np.concatenate([in_recordings(source @ axes, speaker, recipe, rng) for source in sources])
    y, where = np.tile(labels, len(sources)), np.tile(corpus, len(sources))
    offsets = _offsets(clean @ axes, labels, corpus, speaker)
    weight, bias = _logistic(rows, y, _balanced(y, where), offsets, recipe, classes)
    return Head(head.mean, head.deviation, axes @ weight, bias, recipe.limit)


def in_recordings(z: np.ndarray, speaker: np.ndarray, recipe: VoiceRecipe, rng: Rng) -> np.ndarray:
    """Scaled states as recordings have them: each clip among 1 to ``recipe.turns`` of its speaker, against their mean.

    Parameters
    ----------
    z : numpy.ndarray
        ``(n, features)``.
    speaker : numpy.ndarray
        Who speaks ``(n,)``.
    recipe : VoiceRecipe
        Has ``turns`` and ``shrink``.
    rng : numpy.random.Generator
        Deals clips to recordings.

    Returns
    -------
    numpy.ndarray
        ``(n, features)``.
    """
    rng = generator(rng)
    out = z.copy()
    for person in dict.fromkeys(speaker):
        left = rng.permutation(np.flatnonzero(speaker == person))
        while len(left):
            members, left = np.split(left, [int(rng.integers(1, recipe.turns + 1))])
            out[members] -= own_share(len(members), recipe.shrink) * z[members].mean(axis=0)
    return out


def _axes(z: np.ndarray, components: int) -> np.ndarray:
    """Principal axes ``(features, k)`` of scaled states, orthonormal, from the products of the fewer of rows and features."""
    count, width = z.shape
    kept = min(components, count, width)
    if width <= count:
        return np.asarray(eigh(z.T @ z, subset_by_index=[width - kept, width - 1])[1], np.float32)
    squares, vectors = eigh(z @ z.T, subset_by_index=[count - kept, count - 1])
    large = squares > 1e-6 * squares[-1]
    return np.asarray(z.T @ (vectors[:, large] / np.sqrt(squares[large])), np.float32)


def _offsets(z: np.ndarray, labels: np.ndarray, corpus: np.ndarray, speaker: np.ndarray) -> np.ndarray:
    """How corpora and speakers differ from the others whatever they express ``(m, features)``: the head shall not see it."""
    out = []
    for name in dict.fromkeys(corpus):
        rows = np.flatnonzero(corpus == name)
        kinds = np.unique(labels[rows])
        by_class = {kind: z[rows[labels[rows] == kind]].mean(axis=0) for kind in kinds}
        out.append(np.mean(list(by_class.values()), axis=0))
        rest = z[rows] - np.stack([by_class[kind] for kind in labels[rows]])
        out.extend(rest[speaker[rows] == person].mean(axis=0) for person in dict.fromkeys(speaker[rows]))
    return np.asarray(out, np.float32)


def _balanced(y: np.ndarray, corpus: np.ndarray) -> np.ndarray:
    """Weights ``(n,)`` of mean 1: each class of each corpus counts alike."""
    cell = np.unique([f"{name}/{kind}" for name, kind in zip(corpus, y, strict=True)], return_inverse=True)[1].ravel()
    weight = 1 / np.bincount(cell)[cell]
    return np.asarray(weight / weight.mean())


def _logistic(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray, offsets: np.ndarray, recipe: VoiceRecipe, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Multinomial logistic regression with a penalty on its size and on what it says of offsets."""
    rows, targets = torch.from_numpy(np.ascontiguousarray(x)), torch.eye(classes)[torch.from_numpy(y)]
    share = torch.from_numpy((weight / len(weight)).astype(np.float32))[:, None]
    moved = torch.from_numpy(offsets)
    width = x.shape[1]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        given = torch.from_numpy(flat.astype(np.float32))
        w, b = given[: width * classes].view(width, classes), given[width * classes :]
        log_p = torch.log_softmax(rows @ w + b, dim=1)
        residual = share * (log_p.exp() - targets)
        seen = moved @ w
        value = -(share * targets * log_p).sum() + recipe.penalty / 2 * (w**2).sum()
        value = value + recipe.invariance / 2 * (seen**2).sum() / len(moved)
        slope = rows.T @ residual + recipe.penalty * w + recipe.invariance * (moved.T @ seen) / len(moved)
        return float(value), np.concatenate([slope.flatten().numpy(), residual.sum(dim=0).numpy()]).astype(np.float64)

    start = np.zeros((width + 1) * classes)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": recipe.epochs}).x
    return found[: width * classes].reshape(width, classes), found[width * classes :]
