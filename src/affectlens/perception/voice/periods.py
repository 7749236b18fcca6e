"""Jitter and shimmer from single periods, found one after another by waveform matching (Titze & Liang 1993)."""

from __future__ import annotations

import numpy as np

from affectlens.perception.voice.spectra import RATE, STEP

SEARCH = 0.1  # a period may differ from the pitch by a tenth
SIMILAR = 0.5


def periods(signal: np.ndarray, hertz: np.ndarray, offset: int) -> np.ndarray:
    """Periods of the voiced stretches of a signal.

    Parameters
    ----------
    signal : (samples,) array
        The signal at 16 kHz.
    hertz : (n,) array
        Pitch of frames every 10 ms, 0 where unvoiced.
    offset : int
        Frame i stands for the 10 ms from sample ``i * 160 + offset``.

    Returns
    -------
    (k, 5) array
        Start and length in samples, peak-to-peak amplitude, correlation with the next period, and number of the stretch.
    """
    voiced = np.concatenate([[0], (hertz > 0).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(voiced))
    signal = signal.astype(np.float64)
    energy = np.concatenate([[0.0], np.cumsum(signal**2)])
    total = np.concatenate([[0.0], np.cumsum(signal)])
    rows: list[tuple[float, float, float, float, int]] = []
    for number, (first, last) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        start, end = first * STEP + offset, last * STEP + offset
        mark = float(max(start, 0))
        width = round(RATE / hertz[first])
        head = signal[int(mark) : int(mark) + width]
        if len(head) == width:  # begin half a period before the first peak, so that periods hold one pulse each
            mark += (int(np.argmax(np.abs(head))) - width / 2) % width
        while mark < end:
            frame = min(max(int(mark - offset) // STEP, first), last - 1)
            period = RATE / hertz[frame]
            width, low, high = round(period), int((1 - SEARCH) * period), int((1 + SEARCH) * period) + 1
            nearest = round(mark)
            if nearest + high + width > len(signal):
                break
            one = signal[nearest : nearest + width] - (total[nearest + width] - total[nearest]) / width
            match = np.correlate(signal[nearest + low : nearest + high + width], one, "valid")
            later = slice(nearest + low + width, nearest + high + width + 1), slice(nearest + low, nearest + high + 1)
            norm = energy[later[0]] - energy[later[1]] - (total[later[0]] - total[later[1]]) ** 2 / width
            match = match / np.sqrt(np.maximum(norm * float(one @ one), 1e-20))
            best = int(match.argmax())
            length = float(low + best)
            if 0 < best < len(match) - 1:
                bend = match[best - 1] - 2 * match[best] + match[best + 1]
                length += 0.5 * float(match[best - 1] - match[best + 1]) / float(bend) if bend < 0 else 0.0
            one = signal[nearest : nearest + round(length)]
            rows.append((mark, length, float(one.max() - one.min()), float(match[best]), number))
            mark += length
    return np.array(rows).reshape(-1, 5)


def jitter_and_shimmer(signal: np.ndarray, hertz: np.ndarray, *, at: int, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Local jitter and shimmer: mean change of neighbouring periods' length over their mean, and of their amplitude.

    Only periods that correlate by more than a half with the next one count.

    Parameters
    ----------
    signal : (samples,) array
        The signal at 16 kHz.
    hertz : (n,) array
        Pitch of frames every 10 ms, 0 where unvoiced.
    at, reach : int
        Frame i takes the pairs whose second period begins within ``reach`` samples of ``i * 160 + at``.

    Returns
    -------
    jitter, shimmer : (n,) array
        Share of the period and dB; 0 where a frame has none.
    """
    count = len(hertz)
    table = periods(signal, hertz, at)
    if len(table) < 2:
        return np.zeros(count), np.zeros(count)
    start, length, amplitude, match, stretch = table.T
    pair = (stretch[1:] == stretch[:-1]) & (match[1:] > SIMILAR) & (match[:-1] > SIMILAR)
    when = start[1:][pair]
    change = np.abs(np.diff(length))[pair]
    mean = ((length[1:] + length[:-1]) / 2)[pair]
    step = np.abs(np.diff(20 * np.log10(np.maximum(amplitude, 1e-6))))[pair]
    centre = np.arange(count) * STEP + at
    low, high = np.searchsorted(when, centre - reach), np.searchsorted(when, centre + reach)

    def sums(values: np.ndarray) -> np.ndarray:
        total = np.concatenate([[0.0], np.cumsum(values)])
        return np.where(hertz > 0, total[high] - total[low], 0.0)

    return sums(change) / np.maximum(sums(mean), 1e-9), sums(step) / np.maximum(high - low, 1)
