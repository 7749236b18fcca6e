"""Putting acoustic features on one scale: against a corpus, and against a speaker where that can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHRINK = 5.0  # clips that a speaker's own statistics must outweigh
LEAST = 20  # median clips a speaker, under which a corpus's speakers are not trusted
CLIP = 3.0  # standard deviations


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each feature, ``(features,)`` each."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> Scale:
        """The scale of features ``(n, features)``."""
        return cls(x.mean(axis=0), x.std(axis=0) + 1e-8)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Features in deviations from the mean."""
        return np.asarray((x - self.mean) / self.deviation)


def speakers_trusted(speakers: np.ndarray, least: int = LEAST) -> bool:
    """Whether a corpus's speakers can be compared with themselves: the median speaker has at least ``least`` clips.

    The rule needs no labels. Where most speakers have a few clips (of one emotion each, perhaps), their own mean would take
    the emotion away with the voice.

    Returns
    -------
    bool
        Whether they can.
    """
    _, counts = np.unique(speakers.astype(str), return_counts=True)
    return len(counts) > 1 and float(np.median(counts)) >= least


def toward_own(z: np.ndarray, shrink: float = SHRINK) -> np.ndarray:
    """Features, already in deviations, relative to their own mean and variance.

    Those are shrunk towards 0 and 1 by ``n / (n + shrink)`` (James & Stein 1961): few clips change little.

    Parameters
    ----------
    z : numpy.ndarray
        ``(n, features)``.
    shrink : float
        Clips that their own statistics must outweigh.

    Returns
    -------
    numpy.ndarray
        ``(n, features)``.
    """
    weight = len(z) / (len(z) + shrink)
    return np.asarray((z - weight * z.mean(axis=0)) / np.sqrt(weight * z.var(axis=0) + (1 - weight)))


def normalise(
    x: np.ndarray,
    corpus: np.ndarray,
    speaker: np.ndarray,
    *,
    by_speaker: bool = True,
    shrink: float = SHRINK,
    least: int = LEAST,
) -> np.ndarray:
    """Features against their corpus, then against their speaker where ``speakers_trusted``; uses no labels.

    Parameters
    ----------
    x : numpy.ndarray
        ``(n, features)`` in real units.
    corpus, speaker : numpy.ndarray
        Names ``(n,)``.
    by_speaker : bool
        Whether speakers count at all.
    shrink, least
        See ``toward_own`` and ``speakers_trusted``.

    Returns
    -------
    numpy.ndarray
        ``(n, features)`` in deviations, clipped at three.
    """
    out = np.zeros(x.shape)
    for name in dict.fromkeys(corpus):
        members = np.flatnonzero(corpus == name)
        z = Scale.of(x[members])(x[members])
        if by_speaker and speakers_trusted(speaker[members], least):
            for person in dict.fromkeys(speaker[members]):
                rows = speaker[members] == person
                z[rows] = toward_own(z[rows], shrink)
        out[members] = z
    return np.clip(out, -CLIP, CLIP)


def pooled(x: np.ndarray, corpus: np.ndarray) -> Scale:
    """The mean of the corpora's scales, for a recording that belongs to none of them."""
    scales = [Scale.of(x[corpus == name]) for name in dict.fromkeys(corpus)]
    variance = np.mean([scale.deviation**2 for scale in scales], axis=0)
    return Scale(np.mean([scale.mean for scale in scales], axis=0), np.sqrt(variance))


def against_own_clip(x: np.ndarray, scale: Scale, shrink: float = SHRINK) -> np.ndarray:
    """Turns ``(n, features)`` of one speaker in one recording: against ``scale``, then against that speaker's own, shrunk."""
    z = scale(x)
    return np.asarray(np.clip(toward_own(z, shrink) if len(z) > 1 else z, -CLIP, CLIP))
