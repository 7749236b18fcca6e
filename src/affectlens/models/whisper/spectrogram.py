"""Whisper's input: a log Mel spectrogram of 80 bands every 10 ms (Radford et al. 2023)."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

RATE = 16000
HOP = 160
BANDS = 80
_FFT = 400
_LINEAR, _STEP = 1000.0, 200.0 / 3  # Hz up to which the Mel scale is linear, Hz of a Mel there (Slaney 1998)
_LOG_STEP = float(np.log(6.4) / 27)


@cache
def mel_filters(bands: int = BANDS) -> np.ndarray:
    """Triangular filters ``(bands, 201)`` of equal area on Slaney's Mel scale, 0 to 8 kHz."""
    nyquist = _LINEAR / _STEP + np.log(RATE / 2 / _LINEAR) / _LOG_STEP
    mels = np.linspace(0, nyquist, bands + 2)
    linear = mels * _STEP
    hertz = np.where(linear < _LINEAR, linear, _LINEAR * np.exp(_LOG_STEP * (mels - _LINEAR / _STEP)))
    bins = np.fft.rfftfreq(_FFT, 1 / RATE)
    rising = (bins - hertz[:-2, None]) / np.diff(hertz)[:-1, None]
    falling = (hertz[2:, None] - bins) / np.diff(hertz)[1:, None]
    area = 2 / (hertz[2:] - hertz[:-2])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * area[:, None], np.float32)


def log_mel(samples: np.ndarray) -> torch.Tensor:
    """Log Mel spectrogram of one signal.

    Parameters
    ----------
    samples : (n,) float array
        At 16 kHz, full scale 1.

    Returns
    -------
    torch.Tensor
        ``(80, n // 160)`` float32; the loudest 80 dB of the signal, scaled as Whisper was trained.

    Examples
    --------
    >>> log_mel(np.zeros(16000)).shape
    torch.Size([80, 100])
    """
    signal = torch.as_tensor(np.ascontiguousarray(samples), dtype=torch.float32)
    window = torch.hann_window(_FFT)
    spectrum = torch.stft(signal, _FFT, HOP, window=window, center=True, pad_mode="reflect", return_complex=True)
    power = spectrum[:, : len(signal) // HOP].abs() ** 2
    level = torch.log10(torch.clamp(torch.from_numpy(mel_filters()) @ power, min=1e-10))
    level = torch.maximum(level, level.max() - 8.0)
    return (level + 4.0) / 4.0
