"""The 88 functionals of eGeMAPS under their published names (Eyben et al. 2016, IEEE Trans. Affective Computing 7(2))."""

from __future__ import annotations

import numpy as np

from affectlens.core.errors import UsageError
from affectlens.perception.voice.descriptors import Descriptors
from affectlens.perception.voice.functionals import (
    mean_and_variation,
    peaks_per_second,
    percentiles,
    slopes,
    smooth,
    stretches,
)
from affectlens.perception.voice.spectra import RATE
from affectlens.perception.voice.stream import describe, refuse_other

SHORTEST = 0.2  # seconds of a signal that can be measured

_CURVE = (
    "amean", "stddevNorm", "percentile20.0", "percentile50.0", "percentile80.0", "pctlrange0-2",
    "meanRisingSlope", "stddevRisingSlope", "meanFallingSlope", "stddevFallingSlope",
)  # fmt: skip
_VOICE = (
    "jitterLocal", "shimmerLocaldB", "HNRdBACF", "logRelF0-H1-H2", "logRelF0-H1-A3",
    *(f"F{number}{what}" for number in (1, 2, 3) for what in ("frequency", "bandwidth", "amplitudeLogRelF0")),
)  # fmt: skip
_VOICED = (
    "alphaRatioV", "hammarbergIndexV", "slopeV0-500", "slopeV500-1500", "spectralFluxV", "mfcc1V", "mfcc2V", "mfcc3V", "mfcc4V",
)  # fmt: skip
_UNVOICED = ("alphaRatioUV", "hammarbergIndexUV", "slopeUV0-500", "slopeUV500-1500", "spectralFluxUV")
_ALWAYS = ("spectralFlux", "mfcc1", "mfcc2", "mfcc3", "mfcc4")
_TIMES = (
    "loudnessPeaksPerSec", "VoicedSegmentsPerSec", "MeanVoicedSegmentLengthSec", "StddevVoicedSegmentLengthSec",
    "MeanUnvoicedSegmentLength", "StddevUnvoicedSegmentLength", "equivalentSoundLevel_dBp",
)  # fmt: skip

NAMES: tuple[str, ...] = (
    *(f"F0semitoneFrom27.5Hz_sma3nz_{statistic}" for statistic in _CURVE),
    *(f"loudness_sma3_{statistic}" for statistic in _CURVE),
    *(f"{descriptor}_sma3_{statistic}" for descriptor in _ALWAYS for statistic in _CURVE[:2]),
    *(f"{descriptor}_sma3nz_{statistic}" for descriptor in (*_VOICE, *_VOICED) for statistic in _CURVE[:2]),
    *(f"{descriptor}_sma3nz_amean" for descriptor in _UNVOICED),
    *_TIMES,
)


def functionals(curves: Descriptors) -> np.ndarray:
    """The 88 values over the frames given, in the order of ``NAMES``.

    Parameters
    ----------
    curves : Descriptors
        Contours of one stretch of speech.

    Returns
    -------
    (88,) float64 array
        All finite, 0 where there is nothing to measure (no voiced frame, say).
    """
    voiced = curves.hertz > 0
    semitones = smooth(curves.semitones, keep_zeros=True)
    loud = smooth(curves.loudness)
    voiced_semitones = semitones[voiced]
    values: list[float] = []
    for curve in (voiced_semitones, loud):
        values += [*mean_and_variation(curve), *percentiles(curve), *slopes(curve)]
    for contour in (curves.flux, *curves.mfcc.T):
        values += mean_and_variation(smooth(contour))
    columns = [curves.jitter, curves.shimmer, curves.noise, curves.first_harmonics, curves.third_formant]
    for formant in range(3):
        columns += [curves.formant[:, formant], curves.bandwidth[:, formant], curves.level[:, formant]]
    for contour in columns:
        masked = smooth(contour, keep_zeros=True)
        values += mean_and_variation(masked[masked != 0])
    spectral = (curves.alpha, curves.hammarberg, curves.low_slope, curves.high_slope, curves.flux)
    for contour in (*spectral, *curves.mfcc.T):
        masked = smooth(np.where(voiced, contour, 0.0), keep_zeros=True)
        values += mean_and_variation(masked[voiced])
    for contour in spectral:
        masked = smooth(np.where(voiced, 0.0, contour), keep_zeros=True)
        values.append(mean_and_variation(masked[~voiced])[0])
    seconds = max(len(curves) / 100.0, 0.01)
    values += [peaks_per_second(loud), len(stretches(voiced)) / seconds]
    for lengths in (stretches(voiced), stretches(~voiced)):
        values += [float(lengths.mean()) if len(lengths) else 0.0, float(lengths.std()) if len(lengths) else 0.0]
    values.append(float(10 * np.log10(max(float(curves.power.mean()) if len(curves) else 0.0, 1e-10))))
    return np.asarray(np.nan_to_num(np.array(values), nan=0.0, posinf=0.0, neginf=0.0))


def egemaps(signal: np.ndarray, *, rate: int = RATE, compatible: bool = False) -> np.ndarray:
    """The 88 functionals of a signal.

    Parameters
    ----------
    signal : (samples,) float array
        One channel in [-1, 1].
    rate : int
        Of the signal, Hz; 16 kHz is what can be measured.
    compatible : bool
        Follow openSMILE where it differs from the published definitions; see ``assemble``.

    Returns
    -------
    (88,) float64 array
        In the order of ``NAMES``, all finite, 0 where there is nothing to measure (no voiced frame, say).

    Raises
    ------
    UsageError
        Whole numbers, several channels, samples that are not numbers or far beyond full scale, another rate, or less than
        ``SHORTEST`` seconds.

    Examples
    --------
    >>> egemaps(0.1 * np.sin(np.arange(100) / 10))
    Traceback (most recent call last):
    affectlens.core.errors.UsageError: 6 ms of sound were given; at least 200 ms are needed
    """
    refuse_other(signal)
    if rate != RATE:
        raise UsageError(f"a sound at {RATE} Hz was expected, {rate} Hz was given; resample it first")
    if len(signal) < SHORTEST * RATE:
        raise UsageError(
            f"{1000 * len(signal) / RATE:.0f} ms of sound were given; at least {1000 * SHORTEST:.0f} ms are needed"
        )
    return functionals(describe(signal, compatible=compatible))
