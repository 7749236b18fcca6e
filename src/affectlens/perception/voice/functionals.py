"""Statistics of a contour over a stretch of speech, as eGeMAPS names them (Eyben et al. 2016, section 3.2)."""

from __future__ import annotations

import numpy as np

FRAMES_PER_SECOND = 100.0
_TURN = 0.1  # a turn of a contour counts where it is at least this share of the contour's range


def smooth(values: np.ndarray, *, keep_zeros: bool = False) -> np.ndarray:
    """Mean of three neighbours along the first axis.

    Parameters
    ----------
    values : array
        ``(n, ...)``.
    keep_zeros : bool
        Whether zeros (no value) stay zeros and take no part in the means of others.

    Returns
    -------
    array
        ``(n, ...)``.

    Examples
    --------
    >>> smooth(np.array([1.0, 0.0, 3.0]), keep_zeros=True).tolist()
    [1.0, 0.0, 3.0]
    """
    if len(values) == 0:
        return values
    weight = (values != 0).astype(float) if keep_zeros else np.ones(values.shape)
    total, count = values.copy(), weight.copy()
    total[1:] += values[:-1]
    total[:-1] += values[1:]
    count[1:] += weight[:-1]
    count[:-1] += weight[1:]
    out = total / np.maximum(count, 1)
    return np.where(values != 0, out, 0.0) if keep_zeros else out


def mean_and_variation(values: np.ndarray) -> tuple[float, float]:
    """Mean, and standard deviation over mean (with the mean's sign); 0, 0 for an empty contour."""
    if len(values) == 0:
        return 0.0, 0.0
    mean = float(values.mean())
    return mean, float(values.std()) / mean if mean else 0.0


def percentiles(values: np.ndarray) -> tuple[float, float, float, float]:
    """20th, 50th and 80th percentile (linear interpolation), and the range from the 20th to the 80th."""
    if len(values) == 0:
        return 0.0, 0.0, 0.0, 0.0
    low, middle, high = np.percentile(values, [20, 50, 80])
    return float(low), float(middle), float(high), float(high - low)


def turning_points(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of a contour's peaks and valleys that differ by at least a tenth of its range: indices, and True at peaks."""
    if len(values) < 3:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=bool)
    inner = np.flatnonzero(np.diff(np.sign(_direction(values))) != 0) + 1
    points = np.concatenate([[0], inner, [len(values) - 1]])
    threshold = _TURN * float(values.max() - values.min())
    turns = [int(points[0])]
    rising = 0
    for place in points[1:]:
        step = values[place] - values[turns[-1]]
        if rising and np.sign(step) == rising:
            turns[-1] = int(place)  # further the same way
        elif abs(step) >= threshold and step != 0:
            turns.append(int(place))
            rising = int(np.sign(step))
        elif not rising:
            continue
    places = np.array(turns)
    if len(places) < 2:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=bool)
    peak = np.empty(len(places), dtype=bool)
    peak[1:] = np.diff(values[places]) > 0
    peak[0] = not peak[1]
    return places, peak


def _direction(values: np.ndarray) -> np.ndarray:
    """Steps of a contour, with flat steps taking the direction before them."""
    step = np.diff(values)
    moving = step != 0
    last = np.maximum.accumulate(np.where(moving, np.arange(len(step)), 0))
    return np.asarray(step[last])


def slopes(values: np.ndarray) -> tuple[float, float, float, float]:
    """Mean and deviation of the rising slopes, then of the falling ones (positive), units per second."""
    places, _ = turning_points(values)
    if len(places) < 2:
        return 0.0, 0.0, 0.0, 0.0
    slope = np.diff(values[places]) / np.diff(places) * FRAMES_PER_SECOND
    up, down = slope[slope > 0], -slope[slope < 0]
    return (
        float(up.mean()) if len(up) else 0.0,
        float(up.std()) if len(up) else 0.0,
        float(down.mean()) if len(down) else 0.0,
        float(down.std()) if len(down) else 0.0,
    )


def peaks_per_second(values: np.ndarray) -> float:
    """Peaks of a contour in a second."""
    places, peak = turning_points(values)
    inner = (places > 0) & (places < len(values) - 1)
    return float((peak & inner).sum()) / (len(values) / FRAMES_PER_SECOND) if len(values) else 0.0


def stretches(voiced: np.ndarray) -> np.ndarray:
    """Lengths in seconds of the unbroken stretches where ``voiced`` is True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], voiced.astype(np.int8), [0]])))
    return np.asarray((edges[1::2] - edges[::2]) / FRAMES_PER_SECOND)
