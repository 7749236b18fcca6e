"""A vector for each moment of a voice: the encoder of Wan et al. (2018) with the weights of Resemblyzer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from affectlens.core.barrier import reason_of
from affectlens.core.errors import ModelError
from affectlens.models.whisper.spectrogram import HOP, mel_filters
from affectlens.models.whisper.spectrogram import RATE as RATE

BANDS = 40
WIDTH = 256
WINDOW = 160  # columns of 10 ms that the encoder was trained on
STEP = 40  # columns from one window to the next
LOUDNESS = -30.0  # dB of full scale to which quieter sound is raised
_FFT = 400
_LEAST = 1e-10
_BATCH = 64


class VoiceEncoder(nn.Module):
    """Three recurrent layers over a Mel spectrogram; the last state, rectified and of length one, is the voice.

    Source: Wan et al., "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, WIDTH, 3, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """``(n, columns, 40)`` to vectors ``(n, 256)`` of length one."""
        _, (state, _) = self.lstm(spectrogram)
        rectified = torch.relu(self.linear(state[-1]))
        vectors: Tensor = rectified / rectified.norm(dim=1, keepdim=True).clamp_min(_LEAST)
        return vectors


def load_encoder(path: Path) -> VoiceEncoder:
    """The encoder from Resemblyzer's file; nothing in the file is run.

    Returns
    -------
    VoiceEncoder
        Ready for use.

    Raises
    ------
    ModelError
        A file of something else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        encoder = VoiceEncoder()
        encoder.load_state_dict({name: state[name] for name in encoder.state_dict()})
    except Exception as error:  # whatever torch says of other bytes
        raise ModelError(f"{path}: not the weights of the voice encoder ({reason_of(error)})") from error
    return encoder.eval()


def mel_spectrogram(samples: np.ndarray) -> Tensor:
    """Power in 40 Mel bands every 10 ms.

    Parameters
    ----------
    samples : (n,) float array
        At 16 kHz, full scale 1. Sound under -30 dB of full scale is raised to that level first.

    Returns
    -------
    torch.Tensor
        ``(n // 160 + 1, 40)``.

    Examples
    --------
    >>> mel_spectrogram(np.zeros(16000)).shape
    torch.Size([101, 40])
    """
    signal = torch.as_tensor(np.ascontiguousarray(samples), dtype=torch.float32)
    level = 10 * float(torch.log10(signal.square().mean() + _LEAST))
    signal = signal * 10 ** (max(0.0, LOUDNESS - level) / 20)
    window = torch.hann_window(_FFT)
    spectrum = torch.stft(signal, _FFT, HOP, window=window, center=True, return_complex=True)
    power: Tensor = (torch.from_numpy(mel_filters(BANDS)) @ spectrum.abs().square()).T
    return power


def voice_windows(encoder: VoiceEncoder, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of overlapping windows of 1.6 s, one every .4 s.

    Parameters
    ----------
    encoder : VoiceEncoder
        Loaded.
    samples : (n,) float array
        A stretch of speech at 16 kHz; one shorter than 1.6 s is a single window.

    Returns
    -------
    times : (windows,) array
        Middle of each window, seconds from the first sample.
    vectors : (windows, 256) float32 array
        Of length one.
    """
    if len(samples) < _FFT:
        samples = np.pad(samples, (0, _FFT - len(samples)))
    spectrogram = mel_spectrogram(samples)
    columns = len(spectrogram)
    width = min(WINDOW, columns)
    starts = list(range(0, columns - width + 1, STEP))
    if starts[-1] + width < columns - STEP // 2:  # the end is heard too
        starts.append(columns - width)
    with torch.inference_mode():
        batches = [
            encoder(torch.stack([spectrogram[start : start + width] for start in starts[first : first + _BATCH]]))
            for first in range(0, len(starts), _BATCH)
        ]
    return (np.array(starts) + width / 2) * HOP / RATE, torch.cat(batches).numpy()
