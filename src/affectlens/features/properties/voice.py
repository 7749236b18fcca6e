"""Properties of a spoken clip from its 88 acoustic functionals and its samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.features.properties.registry import register_property


@dataclass(frozen=True)
class VoiceView:
    """A clip: named acoustic ``features`` in real units, mono ``samples`` at 16 kHz, and what the corpus says of it."""

    features: dict[str, float]
    samples: np.ndarray
    facts: dict[str, str]


def frame_levels(samples: np.ndarray, rate: int = 16000) -> np.ndarray:
    """Level of frames of 20 ms in dB."""
    size = rate // 50
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    return np.asarray(10 * np.log10((frames.astype(np.float64) ** 2).mean(axis=1) + 1e-10))


@register_property("pitch", "voice", unit="semitones from 27.5 Hz", says="mean pitch")
def _pitch(view: VoiceView) -> float | None:
    return view.features.get("F0semitoneFrom27.5Hz_sma3nz_amean")


@register_property("pitch range", "voice", unit="semitones", says="between the 20th and 80th percentile")
def _range(view: VoiceView) -> float | None:
    return view.features.get("F0semitoneFrom27.5Hz_sma3nz_pctlrange0-2")


@register_property("duration", "voice", unit="s", says="how long the clip is")
def _duration(view: VoiceView) -> float:
    return len(view.samples) / 16000


@register_property("level", "voice", unit="dB", says="median level of the louder half")
def _level(view: VoiceView) -> float | None:
    levels = frame_levels(view.samples)
    return float(np.median(levels[levels >= np.median(levels)])) if len(levels) else None


@register_property("signal to noise", "voice", unit="dB", says="loud frames over quiet ones",
                   weak="clips without a pause have no quiet frames: then it is too low")  # fmt: skip
def _snr(view: VoiceView) -> float | None:
    levels = frame_levels(view.samples)
    return float(np.percentile(levels, 95) - np.percentile(levels, 5)) if len(levels) > 10 else None


@register_property("reverberation", "voice", unit="s", says="how slowly the level falls after speech (60 dB)",
                   weak="a rough decay from running speech, not a measured room")  # fmt: skip
def _reverberation(view: VoiceView) -> float | None:
    levels = frame_levels(view.samples)
    falls = []
    for i in range(2, len(levels) - 6):
        if levels[i] >= levels[max(0, i - 10) : i + 10].max() - 3:
            part = levels[i : i + 6]
            slope = np.polyfit(np.arange(6) * 0.02, part, 1)[0]
            if slope < -20:
                falls.append(-60 / slope)
    return float(np.percentile(falls, 75)) if len(falls) >= 3 else None


def _from_corpus(name: str, kind: str) -> None:
    @register_property(f"{name} (told)", "voice", kind=kind, says=f"{name} as the corpus tells it")
    def _fact(view: VoiceView) -> float | str | None:
        value = view.facts.get(name)
        if not value:
            return None
        return float(value) if kind == "continuous" else value


for _name, _kind in (("gender", "categorical"), ("language", "categorical"), ("age", "continuous")):
    _from_corpus(_name, _kind)
