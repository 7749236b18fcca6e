"""The 88 functionals of eGeMAPS under their published names (Eyben et al. 2016, IEEE Trans. Affective Computing 7(2))."""

from __future__ import annotations

import numpy as np

from affectlens.perception.voice.descriptors import Descriptors
from affectlens.perception.voice.functionals import (
    mean_and_variation,
    peaks_per_second,
    percentiles,
    slopes,
    smooth,
    stretches,
)
from affectlens.perception.voice.stream import describe

_CURVE = (
    "amean", "stddevNorm", "percentile20.0", "percentile50.0", "percentile80.0", "pctlrange0-2",
    "meanRisingSlope", "stddevRisingSlope", "meanFallingSlope", "stddevFallingSlope",
)  # fmt: skip
_VOICE = (
    "jitterLocal", "shimmerLocaldB", "HNRdBACF", "logRelF0-H1-H2", "logRelF0-H1-A3",
    *(f"F{k}{what}" for k in (1, 2, 3) for what in ("frequency", "bandwidth", "amplitudeLogRelF0")),
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
    *(f"F0semitoneFrom27.5Hz_sma3nz_{f}" for f in _CURVE),
    *(f"loudness_sma3_{f}" for f in _CURVE),
    *(f"{d}_sma3_{f}" for d in _ALWAYS for f in _CURVE[:2]),
    *(f"{d}_sma3nz_{f}" for d in (*_VOICE, *_VOICED) for f in _CURVE[:2]),
    *(f"{d}_sma3nz_amean" for d in _UNVOICED),
    *_TIMES,
)


def functionals(d: Descriptors) -> np.ndarray:
    """The 88 values over the frames given, in the order of ``NAMES``.

    Parameters
    ----------
    d : Descriptors
        Contours of one stretch of speech.

    Returns
    -------
    (88,) float64 array
        All finite, 0 where there is nothing to measure (no voiced frame, say).
    """
    voiced = d.hertz > 0
    semitones = smooth(d.semitones, keep_zeros=True)
    loud = smooth(d.loudness)
    heard = semitones[voiced]
    values: list[float] = []
    for curve in (heard, loud):
        values += [*mean_and_variation(curve), *percentiles(curve), *slopes(curve)]
    for contour in (d.flux, *d.mfcc.T):
        values += mean_and_variation(smooth(contour))
    columns = [d.jitter, d.shimmer, d.noise, d.first_harmonics, d.third_formant]
    for k in range(3):
        columns += [d.formant[:, k], d.bandwidth[:, k], d.level[:, k]]
    for contour in columns:
        masked = smooth(contour, keep_zeros=True)
        values += mean_and_variation(masked[masked != 0])
    spectral = (d.alpha, d.hammarberg, d.low_slope, d.high_slope, d.flux)
    for contour in (*spectral, *d.mfcc.T):
        masked = smooth(np.where(voiced, contour, 0.0), keep_zeros=True)
        values += mean_and_variation(masked[voiced])
    for contour in spectral:
        masked = smooth(np.where(voiced, 0.0, contour), keep_zeros=True)
        values.append(mean_and_variation(masked[~voiced])[0])
    seconds = max(len(d) / 100.0, 0.01)
    values += [peaks_per_second(loud), len(stretches(voiced)) / seconds]
    for lengths in (stretches(voiced), stretches(~voiced)):
        values += [float(lengths.mean()) if len(lengths) else 0.0, float(lengths.std()) if len(lengths) else 0.0]
    values.append(float(10 * np.log10(max(float(d.power.mean()) if len(d) else 0.0, 1e-10))))
    return np.asarray(np.nan_to_num(np.array(values), nan=0.0, posinf=0.0, neginf=0.0))


def egemaps(x: np.ndarray, *, compatible: bool = False) -> np.ndarray:
    """The 88 functionals ``(88,)`` of a float32 signal in [-1, 1] at 16 kHz; see ``assemble`` for ``compatible``."""
    return functionals(describe(x, compatible=compatible))
