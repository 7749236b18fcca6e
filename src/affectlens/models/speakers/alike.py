"""How much likelier it is that vectors come from one voice than from two: two normal distributions, within and between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LEAST = 1e-3


@dataclass(frozen=True)
class VoiceSpace:
    """Probabilistic linear discriminant analysis (Ioffe 2006) with as many directions as tell voices apart.

    Attributes
    ----------
    projection : (width, directions) array
        To coordinates in which one voice, in whatever mood, has variance 1.
    between : (directions,) array
        Variance of the voices' means there.
    worth : float
        Independent observations that a vector counts for: vectors of one recording are less than independent.
    threshold : float
        Logarithm of the ratio of likelihoods from which two groups are one voice.
    """

    projection: np.ndarray
    between: np.ndarray
    worth: float
    threshold: float

    def coordinates(self, vectors: np.ndarray, middle: np.ndarray | None = None) -> np.ndarray:
        """Vectors ``(n, width)`` as ``(n, directions)``, about a middle (their own where none is given)."""
        middle = vectors.mean(axis=0) if middle is None else middle
        return np.asarray((vectors - middle) @ self.projection)

    def likelihood(self, sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Logarithm of the likelihood of groups as one voice each, up to what does not depend on the grouping.

        Parameters
        ----------
        sums : (groups, directions) array
            Weighted sums of coordinates.
        weights : (groups,) array
            Sums of weights.

        Returns
        -------
        numpy.ndarray
            ``(groups,)``.
        """
        scaled = 1 + self.worth * weights[..., None] * self.between
        return np.asarray(0.5 * ((self.worth * sums) ** 2 * self.between / scaled - np.log(scaled)).sum(axis=-1))


def fit_voices(
    vectors: np.ndarray,
    people: np.ndarray,
    recordings: np.ndarray,
    *,
    directions: int = 60,
    shrink: float = 0.9,
    worth: float = 0.3,
    threshold: float = -5.0,
) -> VoiceSpace:
    """A space of voices from vectors of people who speak in several moods.

    Parameters
    ----------
    vectors : (n, width) array
        One a clip.
    people, recordings : (n,) arrays
        Who speaks, and in which corpus: what a corpus has in common (the room, the microphone) is taken away.
    directions : int
        That are kept.
    shrink : float
        Of the variance within people towards the same in all directions (Ledoit & Wolf 2004).
    worth, threshold : float
        As in `VoiceSpace`.

    Returns
    -------
    VoiceSpace
        Fitted.
    """
    centred = np.array(vectors, float)
    for recording in np.unique(recordings):
        centred[recordings == recording] -= centred[recordings == recording].mean(axis=0)
    names, index, counts = np.unique(people, return_inverse=True, return_counts=True)
    means = np.stack([centred[index == number].mean(axis=0) for number in range(len(names))])
    rest = centred - means[index]
    within = rest.T @ rest / max(len(rest) - len(names), 1)
    width = within.shape[0]
    within = (1 - shrink) * within + shrink * np.eye(width) * np.trace(within) / width
    variances, axes = np.linalg.eigh(within)
    white = axes / np.sqrt(variances)
    spread = means @ white
    between = spread.T @ spread / len(names) - np.eye(width) * np.mean(1 / counts)
    sizes, turned = np.linalg.eigh(between)
    kept = np.argsort(-sizes)[:directions]
    return VoiceSpace(white @ turned[:, kept], np.maximum(sizes[kept], _LEAST), worth, threshold)
