"""Short dips in the sound, at which one voice may give way to another."""

from __future__ import annotations

import numpy as np

FRAME = 160  # samples, 10 ms
DIP = 12  # frames of quiet that are a dip
LEAST = 50  # frames of a part; a shorter one belongs to its neighbour
_UNDER_SPEECH = 1e-3  # power of quiet over that of speech
_OVER_FLOOR = 4.0  # power of quiet over that of the background, where that is louder


def quiet_frames(samples: np.ndarray) -> np.ndarray:
    """Which frames of 10 ms of a stretch of sound are quiet.

    Parameters
    ----------
    samples : (n,) float array
        At 16 kHz.

    Returns
    -------
    numpy.ndarray
        ``(n // 160,)`` booleans.
    """
    count = len(samples) // FRAME
    power = np.square(samples[: count * FRAME].reshape(count, FRAME).astype(float)).mean(axis=1)
    if not count:
        return np.zeros(0, bool)
    floor, speech = np.quantile(power, [0.05, 0.9])
    limit = np.clip(_OVER_FLOOR * floor, _UNDER_SPEECH * speech, 20 * _UNDER_SPEECH * speech)
    return np.asarray(power < limit)


def parts_between(quiet: np.ndarray) -> list[tuple[int, int]]:
    """Frames from and to of the parts between dips; together they are everything.

    Parameters
    ----------
    quiet : (n,) boolean array
        Of `quiet_frames`.

    Returns
    -------
    list of tuple of int
        In order; one part where there is no dip.

    Examples
    --------
    >>> parts_between(np.repeat([False, True, False], [60, 12, 60]))
    [(0, 66), (66, 132)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(int), [0]])))
    starts, ends = edges[::2], edges[1::2]
    cuts = [(int(a) + int(b)) // 2 for a, b in zip(starts, ends, strict=True) if b - a >= DIP and a > 0 and b < len(quiet)]
    bounds = [0]
    for cut in cuts:
        if cut - bounds[-1] >= LEAST and len(quiet) - cut >= LEAST:
            bounds.append(cut)
    return list(zip(bounds, [*bounds[1:], len(quiet)], strict=True))
