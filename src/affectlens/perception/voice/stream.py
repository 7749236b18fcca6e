"""Descriptors of a signal that arrives in blocks: the memory does not grow, the result does not depend on the blocks."""

from __future__ import annotations

import numpy as np

from affectlens.core.errors import UsageError
from affectlens.perception.voice.descriptors import Descriptors, assemble
from affectlens.perception.voice.pitch import QUIET, PitchPath, candidates, gate
from affectlens.perception.voice.spectra import LONG, RATE, STEP, Spectra, frame_count, spectra

LOUDEST = 4.0  # times full scale; no sound that is scaled to full scale comes near

_MOST = 30 * RATE  # samples worked on at once


class DescriptorStream:
    """Feed samples with ``push``, end with ``finish``; each gives the descriptors of the frames that are settled by then.

    Frames are settled some seconds after they were heard, when the search for the pitch has looked far enough ahead.

    Parameters
    ----------
    compatible : bool
        See ``assemble``.
    quiet : float
        RMS under which a frame has no pitch.
    """

    def __init__(self, *, compatible: bool = False, quiet: float = QUIET) -> None:
        self._compatible, self._quiet = compatible, quiet
        self._path = PitchPath()
        self._signal = np.zeros(0, dtype=np.float32)  # from the first frame that is not settled
        self._open: list[Spectra] = []
        self._before: np.ndarray | None = None

    def push(self, samples: np.ndarray) -> Descriptors:
        """Hear more of the signal.

        Parameters
        ----------
        samples : (k,) float32 array
            In [-1, 1] at 16 kHz, any number of them.

        Returns
        -------
        Descriptors
            Of the frames that are settled now.

        Raises
        ------
        UsageError
            It is no such signal; see ``refuse_other``.
        """
        refuse_other(samples)
        parts = [Descriptors.empty()]
        for start in range(0, len(samples), _MOST):
            parts.append(self._hear(samples[start : start + _MOST]))
        return Descriptors.join(parts)

    def finish(self) -> Descriptors:
        """The frames that were still open."""
        return self._describe(self._path.finish())

    def _hear(self, samples: np.ndarray) -> Descriptors:
        self._signal = np.concatenate([self._signal, samples.astype(np.float32)])
        known = sum(len(part.rms) for part in self._open)
        if frame_count(len(self._signal) - known * STEP, LONG) == 0:
            return Descriptors.empty()
        new = spectra(self._signal[known * STEP :], centred=not self._compatible)
        self._open.append(new)
        return self._describe(self._path.push(candidates(new.long)))

    def _describe(self, hertz: np.ndarray) -> Descriptors:
        # One settled stretch at a time, however many came at once: periods are counted within a stretch.
        return Descriptors.join([Descriptors.empty(), *(self._settled(piece) for piece in _pieces(hertz))])

    def _settled(self, hertz: np.ndarray) -> Descriptors:
        count = len(hertz)
        waiting = Spectra.join(self._open)
        settled = waiting.part(0, count)
        self._open = [waiting.part(count, len(waiting.rms))]
        pitch = np.where(settled.rms > self._quiet, hertz, 0.0)
        # Exactly the samples of these frames, so that what is measured does not depend on how much more has been heard.
        samples = self._signal[: (count - 1) * STEP + LONG]
        described = assemble(samples, settled, pitch, compatible=self._compatible, before=self._before)
        self._before = np.abs(settled.short[-1])
        self._signal = self._signal[count * STEP :]
        return described


def _pieces(hertz: np.ndarray) -> list[np.ndarray]:
    return [hertz[i : i + PitchPath.EVERY] for i in range(0, len(hertz), PitchPath.EVERY)]


def refuse_other(signal: np.ndarray) -> None:
    """See that something is a signal of one channel, as floats of full scale 1.

    Raises
    ------
    UsageError
        Whole numbers, several channels, samples that are not numbers or lie far beyond full scale.

    Examples
    --------
    >>> refuse_other(np.zeros(16000, np.int16))
    Traceback (most recent call last):
    affectlens.core.errors.UsageError: a sound of floats in [-1, 1] was expected, int16 was given; divide by full scale (32768) first
    """  # noqa: E501
    if not isinstance(signal, np.ndarray):
        raise UsageError(f"a sound as an array of floats in [-1, 1] was expected, {type(signal).__name__} was given")
    if not np.issubdtype(signal.dtype, np.floating):
        scale = (
            f"; divide by full scale ({-np.iinfo(signal.dtype).min}) first"
            if np.issubdtype(signal.dtype, np.signedinteger)
            else ""
        )
        raise UsageError(f"a sound of floats in [-1, 1] was expected, {signal.dtype} was given{scale}")
    if signal.ndim != 1:
        raise UsageError(
            f"a sound of one channel (samples,) was expected, an array {signal.shape} was given; choose or mix channels first"
        )
    if not np.isfinite(signal).all():
        raise UsageError("the signal holds samples that are not numbers; replace them with zeros first")
    peak = float(np.abs(signal).max(initial=0.0))
    if peak > LOUDEST:
        raise UsageError(f"a sound of floats in [-1, 1] was expected, samples reach {peak:.4g}; divide by full scale first")


def describe(signal: np.ndarray, *, compatible: bool = False) -> Descriptors:
    """All descriptors of a whole signal.

    Parameters
    ----------
    signal : (samples,) float array
        In [-1, 1] at 16 kHz.
    compatible : bool
        See ``assemble``; then the level under which nothing has a pitch is openSMILE's, however quiet the signal is.

    Returns
    -------
    Descriptors
        Every 10 ms; none where the signal is shorter than a frame of 60 ms.

    Raises
    ------
    UsageError
        It is no such signal; see ``refuse_other``.
    """
    refuse_other(signal)
    stream = DescriptorStream(compatible=compatible, quiet=QUIET if compatible else gate(signal))
    return Descriptors.join([stream.push(signal), stream.finish()])
