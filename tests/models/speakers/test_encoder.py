"""The encoder of voices: its spectrogram against librosa's definition, windows, and files that are something else."""

import numpy as np
import pytest
import torch

from affectlens.core.errors import ModelError
from affectlens.models.speakers.encoder import BANDS, STEP, WINDOW, VoiceEncoder, load_encoder, mel_spectrogram, voice_windows


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return VoiceEncoder().eval()


def test_a_tone_is_loudest_in_its_own_band():
    time = np.arange(16000) / 16000
    power = mel_spectrogram(0.5 * np.sin(2 * np.pi * 1000 * time))[20]
    # Slaney's scale: 1 kHz is the 15th of 45.2 Mels up to 8 kHz, over 41 steps of 40 bands.
    nyquist = 15 + np.log(8) / (np.log(6.4) / 27)
    assert abs(int(power.argmax()) + 1 - 15 * 41 / nyquist) <= 1


def test_quiet_sound_is_raised_and_loud_sound_left():
    sound = np.random.default_rng(0).normal(size=16000)
    quiet = mel_spectrogram(sound * 1e-3)
    torch.testing.assert_close(
        quiet, mel_spectrogram(sound * 10 ** (-30 / 20) / np.sqrt(np.square(sound).mean())), rtol=1e-3, atol=0
    )
    torch.testing.assert_close(mel_spectrogram(sound * 0.5) * 4, mel_spectrogram(sound), rtol=1e-4, atol=1e-8)


def test_windows_are_the_encoder_on_each_and_hear_the_end(encoder):
    sound = np.random.default_rng(1).normal(size=3 * 16000).astype(np.float32) * 0.1
    times, vectors = voice_windows(encoder, sound)
    spectrogram = mel_spectrogram(sound)
    with torch.inference_mode():
        second = encoder(spectrogram[None, STEP : STEP + WINDOW])[0].numpy()
    np.testing.assert_allclose(vectors[1], second, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert times[0] == pytest.approx(0.8) and times[-1] >= 3 - 0.8 - 0.2


@pytest.mark.parametrize("samples", [1, 200, 4000, 25600])
def test_short_sound_is_one_window(encoder, samples):
    times, vectors = voice_windows(encoder, np.ones(samples, np.float32) * 0.1)
    assert len(times) == 1 and vectors.shape == (1, 256) and np.isfinite(vectors).all()


def test_the_file_of_the_encoder_is_read_and_others_refused(tmp_path, encoder):
    path = tmp_path / "pretrained.pt"
    torch.save({"step": 3, "model_state": {**encoder.state_dict(), "similarity_weight": torch.ones(1)}}, path)
    sound = torch.rand(2, 50, BANDS)
    torch.testing.assert_close(load_encoder(path)(sound), encoder(sound))
    path.write_bytes(b"PK nothing")
    with pytest.raises(ModelError, match="not the weights of the voice encoder"):
        load_encoder(path)
