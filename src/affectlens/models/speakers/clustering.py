"""Groups of segments that one voice spoke: the two that are likeliest one are joined until none are."""

from __future__ import annotations

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
    if not len(coordinates):
        return np.zeros(0, int)
    sums, totals = coordinates * weights[:, None], np.array(weights, float)
    alone = space.likelihood(sums, totals)
    alive = np.ones(len(sums), bool)
    label = np.arange(len(sums))
    gain = np.stack([_gains(space, sums, totals, alone, number) for number in range(len(sums))])
    np.fill_diagonal(gain, -np.inf)
    while alive.sum() > (count or 1):
        first, second = np.unravel_index(int(gain.argmax()), gain.shape)
        if count is None and gain[first, second] < space.threshold:
            break
        sums[first] += sums[second]
        totals[first] += totals[second]
        alone[first] = space.likelihood(sums[first], totals[first])
        alive[second] = False
        label[label == second] = first
        row = np.where(alive, _gains(space, sums, totals, alone, int(first)), -np.inf)
        row[first] = -np.inf
        gain[first], gain[:, first] = row, row
        gain[second], gain[:, second] = -np.inf, -np.inf
    return in_order(label)


def _gains(space: VoiceSpace, sums: np.ndarray, totals: np.ndarray, alone: np.ndarray, number: int) -> np.ndarray:
    """How much likelier one group is to be one voice with each other group than to be another."""
    joined = space.likelihood(sums + sums[number], totals + totals[number])
    return np.asarray(joined - alone - alone[number])


def in_order(label: np.ndarray) -> np.ndarray:
    """Names numbered from 0 in the order in which they appear."""
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(int(name), len(numbers)) for name in label], int)
