"""Groups of segments that one voice spoke: the two that are likeliest one are joined until none are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from affectlens.models.speakers.alike import VoiceSpace


def clusters(space: VoiceSpace, coordinates: np.ndarray, weights: np.ndarray, count: int | None = None) -> np.ndarray:
    """Group segments by voice.

    Parameters
    ----------
    space : VoiceSpace
        How alike voices are.
    coordinates : (n, directions) array
        Of the segments.
    weights : (n,) array
        Of the segments: how much was heard of each.
    count : int, optional
        Voices, where that is known.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` numbers of voices from 0, in the order in which they are first heard.

    Examples
    --------
    >>> space = VoiceSpace(np.eye(1), np.array([100.0]), 1.0, 0.0)
    >>> clusters(space, np.array([[-9.0], [9.5], [-9.2]]), np.ones(3)).tolist()
    [0, 1, 0]
    """
    label = np.arange(len(coordinates))
    for left, (gain, first, second) in zip(range(len(label), 1, -1), merges(space, coordinates, weights), strict=False):
        if left == count or (count is None and gain < space.threshold):
            break
        label[label == second] = first
    return in_order(label)


def merges(space: VoiceSpace, coordinates: np.ndarray, weights: np.ndarray) -> Iterator[tuple[float, int, int]]:
    """Join the two groups that are likeliest one voice, again and again, until one is left.

    Parameters
    ----------
    space, coordinates, weights
        As for `clusters`.

    Yields
    ------
    gain : float
        Logarithm of how much likelier the two are one voice than two.
    first, second : int
        A segment of each; the first stands for both from then on.
    """
    sums, totals = coordinates * weights[:, None], np.array(weights, float)
    alone = space.likelihood(sums, totals)
    alive = np.ones(len(sums), bool)
    gain = np.full((len(sums), len(sums)), -np.inf)
    for number in range(len(sums)):
        gain[number, :number] = _gains(space, sums, totals, alone, number)[:number]
    gain = np.maximum(gain, gain.T)
    for _ in range(len(sums) - 1):
        first, second = (int(place) for place in np.unravel_index(int(gain.argmax()), gain.shape))
        yield float(gain[first, second]), first, second
        sums[first] += sums[second]
        totals[first] += totals[second]
        alone[first] = space.likelihood(sums[first], totals[first])
        alive[second] = False
        row = np.where(alive, _gains(space, sums, totals, alone, first), -np.inf)
        row[first] = -np.inf
        gain[first], gain[:, first] = row, row
        gain[second], gain[:, second] = -np.inf, -np.inf


def _gains(space: VoiceSpace, sums: np.ndarray, totals: np.ndarray, alone: np.ndarray, number: int) -> np.ndarray:
    """How much likelier one group is to be one voice with each other group than to be another."""
    joined = space.likelihood(sums + sums[number], totals + totals[number])
    return np.asarray(joined - alone - alone[number])


def in_order(label: np.ndarray) -> np.ndarray:
    """Names numbered from 0 in the order in which they appear."""
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(int(name), len(numbers)) for name in label], int)
