"""The 25 low-level descriptors of eGeMAPS, every 10 ms (Eyben et al. 2016, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from affectlens.perception.voice import spectrum
from affectlens.perception.voice.formants import compatible_predictor, formants, predictor
from affectlens.perception.voice.harmonics import NONE, formant_levels, harmonic_levels, periodicity
from affectlens.perception.voice.periods import jitter_and_shimmer
from affectlens.perception.voice.periods_compatible import compatible_jitter_and_shimmer
from affectlens.perception.voice.spectra import LONG, STEP, Spectra


@dataclass(frozen=True)
class Descriptors:
    """Contours of a stretch of speech every 10 ms, unsmoothed.

    They are 0 where a frame is unvoiced and the descriptor is of voiced frames only (levels of formants: -201 dB).

    Attributes
    ----------
    hertz, semitones : (n,) array
        Pitch in Hz, and in semitones above 27.5 Hz.
    jitter, shimmer : (n,) array
        Share of the period; dB.
    noise : (n,) array
        Harmonics-to-noise ratio, dB.
    first_harmonics, third_formant : (n,) array
        H1-H2 and H1-A3, dB.
    formant, bandwidth : (n, 3) array
        Hz.
    level : (n, 3) array
        Of the formants, dB over the fundamental.
    alpha, hammarberg : (n,) array
        dB.
    low_slope, high_slope : (n,) array
        dB per Hz.
    flux : (n,) array
        Change of the spectrum.
    mfcc : (n, 4) array
        Cepstral coefficients.
    loudness : (n,) array
        Without unit.
    power : (n,) array
        Mean square of the signal.
    """

    hertz: np.ndarray
    semitones: np.ndarray
    jitter: np.ndarray
    shimmer: np.ndarray
    noise: np.ndarray
    first_harmonics: np.ndarray
    third_formant: np.ndarray
    formant: np.ndarray
    bandwidth: np.ndarray
    level: np.ndarray
    alpha: np.ndarray
    hammarberg: np.ndarray
    low_slope: np.ndarray
    high_slope: np.ndarray
    flux: np.ndarray
    mfcc: np.ndarray
    loudness: np.ndarray
    power: np.ndarray

    def __len__(self) -> int:
        return len(self.hertz)

    def part(self, first: int, last: int) -> Descriptors:
        """The frames from ``first`` to before ``last``."""
        return Descriptors(*(getattr(self, entry.name)[first:last] for entry in fields(self)))

    @staticmethod
    def empty() -> Descriptors:
        """Contours of no frame."""
        wide = {"formant": 3, "bandwidth": 3, "level": 3, "mfcc": 4}
        return Descriptors(*(np.zeros((0, wide[entry.name]) if entry.name in wide else 0) for entry in fields(Descriptors)))

    @staticmethod
    def join(parts: list[Descriptors]) -> Descriptors:
        """Contours one after another."""
        return Descriptors(*(np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(Descriptors)))


def assemble(
    signal: np.ndarray, measured: Spectra, hertz: np.ndarray, *, compatible: bool = False, before: np.ndarray | None = None
) -> Descriptors:
    """Descriptors of a signal whose spectra and pitch are known.

    Parameters
    ----------
    signal : (samples,) float32 array
        The signal at 16 kHz.
    measured : Spectra
        Of it.
    hertz : (n,) array
        Pitch, 0 where unvoiced.
    compatible : bool
        Follow openSMILE's eGeMAPSv02 wherever its program differs from the published definitions (formants, slopes, which
        harmonics are compared, where a frame lies), so that older models can be fed.
    before : (257,) array
        Magnitude spectrum of the 20 ms frame before the first.

    Returns
    -------
    Descriptors
        Of ``n`` frames.
    """
    count = len(hertz)
    magnitude = np.abs(measured.short)
    power = magnitude**2
    voiced = hertz > 0
    f0 = hertz[voiced]
    noise, refined = periodicity(measured.long[voiced], f0, windowed=compatible)
    if not compatible:
        f0 = refined
        hertz = hertz.copy()
        hertz[voiced] = f0
    if compatible:
        resonances = formants(compatible_predictor(measured.short[voiced]), widest=np.inf)
    else:
        resonances = formants(predictor(measured.short[voiced]))
    levels = harmonic_levels(measured.long[voiced], f0, between_bins=not compatible)
    near = formant_levels(levels, f0, resonances.frequency)
    # openSMILE counts the fundamental as harmonic 0, so that its H1 and H2 are the second and third harmonic.
    first, second = (1, 2) if compatible else (0, 1)
    above = np.where(near[:, 2] > NONE, levels[:, first] - levels[:, 0] - near[:, 2], 0.0)
    middle = (LONG - STEP) // 2
    if compatible:
        jitter, shimmer = compatible_jitter_and_shimmer(signal, hertz)
    else:
        jitter, shimmer = jitter_and_shimmer(signal, hertz, at=middle, reach=2 * STEP)

    def spread(values: np.ndarray, empty: float = 0.0) -> np.ndarray:
        out = np.full((count, *values.shape[1:]), empty)
        out[voiced] = values
        return out

    return Descriptors(
        hertz=hertz,
        semitones=spread(np.maximum(12 * np.log2(np.maximum(f0, 1e-9) / 27.5), 1e-6)),
        jitter=jitter,
        shimmer=shimmer,
        noise=spread(noise),
        first_harmonics=spread(levels[:, first] - levels[:, second]),
        third_formant=spread(above),
        formant=spread(resonances.frequency),
        bandwidth=spread(resonances.bandwidth),
        level=spread(near, NONE),
        alpha=spectrum.alpha_ratio(power),
        hammarberg=spectrum.hammarberg_index(power),
        low_slope=spectrum.slope(power, 0, 500, one_short=compatible),
        high_slope=spectrum.slope(power, 500, 1500, one_short=compatible),
        flux=spectrum.flux(magnitude, before),
        mfcc=spectrum.cepstrum(power),
        loudness=spectrum.loudness(power),
        power=measured.power,
    )
