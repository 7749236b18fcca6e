"""What each of the 88 features is: meaning, unit, equation, range, group; and how to say it in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from affectlens.perception.voice.egemaps import NAMES

GROUPS = ("F0", "energy", "spectral", "voice quality", "timing")


@dataclass(frozen=True)
class Feature:
    """One of the 88 features.

    Attributes
    ----------
    name, group, meaning, unit, equation : str
        Published name, group from ``GROUPS``, and what it is.
    low, high : float
        The values it can take by definition.
    plain : tuple of str
        What a higher and a lower value mean to a listener; empty where no plain word does it justice.
    """

    name: str
    group: str
    meaning: str
    unit: str
    equation: str
    low: float
    high: float
    plain: tuple[str, str] = ("", "")

    @property
    def title(self) -> str:
        """A short readable name."""
        name, _, where = self.meaning.partition("; ")
        return f"{name} ({where.removesuffix(' frames')})" if where.endswith("frames") else self.meaning


_INF = float("inf")
# descriptor: group, meaning, unit, equation, low, high
_DESCRIPTORS: dict[str, tuple[str, str, str, str, float, float]] = {
    "F0semitoneFrom27.5Hz": ("F0", "pitch", "semitones over 27.5 Hz", "12 log2(F0 / 27.5 Hz), voiced frames", 0, 63.2),
    "loudness": (
        "energy",
        "loudness",
        "auditory units",
        "sum over 26 mel bands of (equal-loudness weight x power)^0.33",
        0,
        _INF,
    ),
    "spectralFlux": ("spectral", "spectral flux", "1", "root mean square over bins below 5 kHz of |X_t| - |X_t-1|", 0, _INF),
    "jitterLocal": ("voice quality", "jitter", "share of the period", "mean |T_i - T_i-1| / mean T", 0, 1),
    "shimmerLocaldB": ("voice quality", "shimmer", "dB", "mean |20 log10(A_i / A_i-1)|", 0, _INF),
    "HNRdBACF": (
        "voice quality",
        "harmonics-to-noise ratio",
        "dB",
        "10 log10(r / (1 - r)), r autocorrelation at the period",
        -100,
        100,
    ),
    "logRelF0-H1-H2": ("voice quality", "first over second harmonic (H1-H2)", "dB", "20 log10(H1 / H2)", -_INF, _INF),
    "logRelF0-H1-A3": ("voice quality", "first harmonic over third formant (H1-A3)", "dB", "20 log10(H1 / A3)", -_INF, _INF),
    "alphaRatio": ("spectral", "alpha ratio", "dB", "10 log10(E[1, 5 kHz] / E[50, 1000 Hz])", -_INF, _INF),
    "hammarbergIndex": ("spectral", "Hammarberg index", "dB", "10 log10(max P[0, 2 kHz] / max P[2, 5 kHz])", -_INF, _INF),
    "slope0-500": (
        "spectral",
        "spectral slope below 500 Hz",
        "dB/Hz",
        "least-squares slope of 10 log10 P over 0-500 Hz",
        -_INF,
        _INF,
    ),
    "slope500-1500": (
        "spectral",
        "spectral slope 500-1500 Hz",
        "dB/Hz",
        "least-squares slope of 10 log10 P over 500-1500 Hz",
        -_INF,
        _INF,
    ),
}
for _k in range(1, 5):
    _DESCRIPTORS[f"mfcc{_k}"] = (
        "spectral",
        f"mel cepstral coefficient {_k}",
        "1",
        f"cosine transform of 26 log mel powers, order {_k}, liftered",
        -_INF,
        _INF,
    )
for _k in range(1, 4):
    _DESCRIPTORS[f"F{_k}frequency"] = (
        "spectral",
        f"formant {_k}",
        "Hz",
        "angle of a pole of the linear predictor x rate / 2 pi",
        0,
        8000,
    )
    _DESCRIPTORS[f"F{_k}bandwidth"] = ("spectral", f"bandwidth of formant {_k}", "Hz", "-ln|pole| x rate / pi", 0, _INF)
    _DESCRIPTORS[f"F{_k}amplitudeLogRelF0"] = (
        "spectral",
        f"level of formant {_k} over the fundamental",
        "dB",
        "20 log10(highest harmonic at the formant / H1)",
        -201,
        _INF,
    )

# functional: words, equation, unit (empty: the descriptor's)
_FUNCTIONALS: dict[str, tuple[str, str, str]] = {
    "amean": ("mean", "mean over frames", ""),
    "stddevNorm": ("variation", "standard deviation / mean", "share of the mean"),
    "percentile20.0": ("20th percentile", "20th percentile", ""),
    "percentile50.0": ("median", "50th percentile", ""),
    "percentile80.0": ("80th percentile", "80th percentile", ""),
    "pctlrange0-2": ("range", "80th less 20th percentile", ""),
    "meanRisingSlope": ("mean rise", "mean slope of rising stretches", "per second"),
    "stddevRisingSlope": ("variation of rises", "standard deviation of the slopes of rising stretches", "per second"),
    "meanFallingSlope": ("mean fall", "mean slope of falling stretches", "per second"),
    "stddevFallingSlope": ("variation of falls", "standard deviation of the slopes of falling stretches", "per second"),
}
_TIMES = {
    "loudnessPeaksPerSec": (
        "timing",
        "loudness peaks a second (about the rate of syllables)",
        "1/s",
        "peaks of loudness / duration",
        0,
        50,
    ),
    "VoicedSegmentsPerSec": ("timing", "voiced stretches a second", "1/s", "voiced stretches / duration", 0, 50),
    "MeanVoicedSegmentLengthSec": ("timing", "mean length of voiced stretches", "s", "mean length", 0, _INF),
    "StddevVoicedSegmentLengthSec": (
        "timing",
        "variation of the length of voiced stretches",
        "s",
        "standard deviation",
        0,
        _INF,
    ),
    "MeanUnvoicedSegmentLength": ("timing", "mean length of unvoiced stretches and pauses", "s", "mean length", 0, _INF),
    "StddevUnvoicedSegmentLength": (
        "timing",
        "variation of the length of unvoiced stretches and pauses",
        "s",
        "standard deviation",
        0,
        _INF,
    ),
    "equivalentSoundLevel_dBp": ("energy", "sound level", "dB of full scale", "10 log10(mean square)", -_INF, 0),
}
_PLAIN = {
    "F0semitoneFrom27.5Hz_sma3nz_amean": ("higher pitch", "lower pitch"),
    "F0semitoneFrom27.5Hz_sma3nz_pctlrange0-2": ("livelier pitch", "flatter pitch"),
    "equivalentSoundLevel_dBp": ("louder", "softer"),
    "loudness_sma3_stddevNorm": ("loudness varying more", "steadier loudness"),
    "loudnessPeaksPerSec": ("faster", "slower"),
    "MeanUnvoicedSegmentLength": ("longer pauses", "shorter pauses"),
    "MeanVoicedSegmentLengthSec": ("longer voiced stretches", "shorter voiced stretches"),
    "HNRdBACF_sma3nz_amean": ("clearer voice", "noisier voice"),
    "jitterLocal_sma3nz_amean": ("rougher voice", "smoother voice"),
    "logRelF0-H1-H2_sma3nz_amean": ("breathier voice", "more pressed voice"),
    "slopeV500-1500_sma3nz_amean": ("brighter voice", "darker voice"),
    "F1frequency_sma3nz_amean": ("mouth more open", "mouth less open"),
}


def _feature(name: str) -> Feature:
    plain = _PLAIN.get(name, ("", ""))
    if name in _TIMES:
        return Feature(name, *_TIMES[name], plain)
    contour, _, functional = name.rpartition("_")
    descriptor, _, smoothing = contour.rpartition("_")
    where = "voiced frames" if smoothing == "sma3nz" else "all frames"
    if descriptor not in _DESCRIPTORS:  # alphaRatioV, slopeUV0-500 and the like
        where = "unvoiced frames" if "UV" in descriptor else "voiced frames"
        descriptor = descriptor.replace("UV", "", 1) if "UV" in descriptor else descriptor.replace("V", "", 1)
    group, meaning, unit, equation, low, high = _DESCRIPTORS[descriptor]
    words, formula, other = _FUNCTIONALS[functional]
    if functional != "amean" and not functional.startswith("percentile"):
        low, high = (-_INF if functional == "stddevNorm" and low < 0 else 0.0), _INF
    if functional in ("meanFallingSlope",):
        low, high = 0.0, _INF
    return Feature(
        name,
        group,
        f"{meaning}, {words}; {where}",
        f"{unit} {other}" if other == "per second" else other or unit,
        f"{formula} of: {equation} (smoothed over 3 frames)",
        low,
        high,
        plain,
    )


@cache
def catalogue() -> tuple[Feature, ...]:
    """All 88 features in the order of ``NAMES``."""
    return tuple(_feature(name) for name in NAMES)


def group_of() -> list[str]:
    """The group of each feature, in the order of ``NAMES``."""
    return [entry.group for entry in catalogue()]
