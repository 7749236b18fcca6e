"""How often the voice stays silent over noise and music, and how long it takes on one core.

    python scripts/voice_unlike.py [SOUND ...]

Sounds are made here: noises of three colours, tones, chords, melodies with overtones, drum patterns, sweeps, clicks. Each is
heard as in the main job. Where no turn of speech is found nothing is judged; of turns that are found anyway (and of the whole
sound, had voice activity let it pass) the share is printed that the model abstains from. With files of speech named, the time
that hearing them takes is printed too, as a share of their length.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch

from affectlens.media.sound.audio import AudioBlock, audio_blocks
from affectlens.modalities.voice.hearing import hear
from affectlens.models.base import load_model
from affectlens.perception.words.turns import turns

RATE, SECONDS, EACH = 16000, 3.0, 20


def noise(rng: np.random.Generator, colour: float) -> np.ndarray:
    """White (0), pink (1) or brown (2) noise."""
    count = int(RATE * SECONDS)
    frequency = np.maximum(np.fft.rfftfreq(count), 1 / count)
    return np.fft.irfft(
        (rng.normal(size=len(frequency)) + 1j * rng.normal(size=len(frequency))) / frequency ** (colour / 2), count
    )


def notes(rng: np.random.Generator, voices: int, each: float, overtones: int) -> np.ndarray:
    """Notes of a scale, several at once, each with overtones and a decay."""
    scale = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    count = int(each * RATE)
    at = np.arange(count) / RATE
    parts = []
    for _ in range(int(SECONDS / each)):
        chord = np.zeros(count)
        for hertz in rng.choice(scale, voices):
            chord += sum(np.sin(2 * np.pi * hertz * k * at) / k for k in range(1, overtones + 1))
        parts.append(chord * np.exp(-at / (each * rng.uniform(0.3, 2))))
    return np.concatenate(parts)


def drums(rng: np.random.Generator) -> np.ndarray:
    """Bass drum and hi-hat in a pattern."""
    out = np.zeros(int(RATE * SECONDS))
    at = np.arange(RATE // 5) / RATE
    for beat in np.arange(0, len(out) - len(at), RATE // rng.integers(3, 8)):
        bass = np.sin(2 * np.pi * 60 * at * np.exp(-3 * at)) * np.exp(-18 * at)
        hat = rng.normal(size=len(at)) * np.exp(-60 * at)
        out[beat : beat + len(at)] += bass if rng.random() < 0.5 else 0.5 * hat
    return out


def sweep(rng: np.random.Generator) -> np.ndarray:
    """A tone that rises or falls."""
    at = np.arange(int(RATE * SECONDS)) / RATE
    low, high = rng.uniform(80, 500), rng.uniform(800, 4000)
    return np.sin(2 * np.pi * (low * at + (high - low) * at**2 / 2 / SECONDS))


SOUNDS = {
    "white noise": lambda rng: noise(rng, 0),
    "pink noise": lambda rng: noise(rng, 1),
    "brown noise": lambda rng: noise(rng, 2),
    "tone": lambda rng: np.sin(2 * np.pi * rng.uniform(100, 2000) * np.arange(int(RATE * SECONDS)) / RATE),
    "chords": lambda rng: notes(rng, 3, 1.0, 6),
    "melody": lambda rng: notes(rng, 1, 0.25, 8),
    "drums": drums,
    "band": lambda rng: notes(rng, 3, 0.5, 5) + 4 * drums(rng)[: int(SECONDS / 0.5) * RATE // 2],
    "sweep": sweep,
}


def main() -> None:
    """Print the shares."""
    torch.set_num_threads(1)
    model = load_model("voice")
    rng = np.random.default_rng(0)
    print("sound: turns found in 20, abstained from of those; abstained from of the whole sounds")
    for name, make in SOUNDS.items():
        found, silent, whole = 0, 0, 0
        for _ in range(EACH):
            sound = make(rng)
            sound = (0.2 * sound / np.abs(sound).max()).astype(np.float32)
            whole += hear(model, sound).typical < model.least_typical
            for turn in turns([AudioBlock(0.0, sound, RATE)]):
                found += 1
                silent += bool(turn.problem) or hear(model, turn.sound).typical < model.least_typical
        print(f"{name}: {found} turns, {silent} abstained; whole {whole}/{EACH}")
    for path in sys.argv[1:]:
        began, heard = time.process_time(), 0.0
        for turn in turns(audio_blocks(Path(path))):
            hear(model, turn.sound)
            heard = turn.end
        print(f"{path}: {(time.process_time() - began) / max(heard, 1e-9):.3f} of real time")


if __name__ == "__main__":
    main()
