"""A small model of the voice, so that what it hears can be planted: an encoder that learned nothing under a head of our choice."""

import numpy as np
import torch

from affectlens.core.labels import IEMOCAP4
from affectlens.learning.export import export
from affectlens.learning.typicality import fit_typicality
from affectlens.models.base import Calibration
from affectlens.models.nets.voice import VoiceNet, VoiceNetConfig
from affectlens.models.shipped.voice import VoiceModel
from affectlens.models.whisper.encoder import WhisperEncoder
from affectlens.models.whisper.states import DEPTH, pooled, states_of

WIDTH = 64


def encoder():
    with torch.random.fork_rng():
        torch.manual_seed(2)
        net = WhisperEncoder(layers=DEPTH, width=WIDTH, heads=2)
    return net.eval().requires_grad_(False)


def sounds(rng, count):
    """Quiet noise with a tone in it somewhere, two seconds each."""
    out = rng.normal(0, 0.01, size=(count, 32000))
    at = np.arange(4000) / 16000
    for sound, begin in zip(out, rng.integers(0, 28000, count), strict=True):
        sound[begin : begin + 4000] += 0.1 * np.sin(2 * np.pi * 440 * at)
    return out


def model_of_tones(folder, rng):
    """A model whose first class grows with what a tone leaves in the states, and the others do not change."""
    net = encoder()
    with_tone = np.concatenate([pooled(states_of(net, sound)) for sound in sounds(rng, 12)])
    plain = np.concatenate([pooled(states_of(net, sound)) for sound in rng.normal(0, 0.01, size=(12, 32000))])
    config = VoiceNetConfig(features=with_tone.shape[1], limit=20.0)
    head = VoiceNet(config)
    everything = np.concatenate([with_tone, plain])
    head.running_mean.copy_(torch.from_numpy(everything.mean(axis=0)))
    head.running_deviation.copy_(torch.from_numpy(everything.std(axis=0) + 1e-3))
    between = torch.from_numpy((with_tone.mean(axis=0) - plain.mean(axis=0)) / (everything.std(axis=0) + 1e-3))
    with torch.no_grad():
        head.head.weight.zero_()
        head.head.bias.zero_()
        head.head.weight[0] = 4 * between / between.norm() ** 2
    deep = head.deep(torch.from_numpy(everything)).numpy()
    typical = fit_typicality(deep, np.arange(len(deep)) // 2, components=4).to_tensors()
    meta = {"labels": list(IEMOCAP4.labels), "config": config.to_dict(), "corpus": "made here", "licence": "none", "home": "",
            "recipe": {}, "shrink": 5.0, "join": [1.0, 0.3], "least_typical": 0.05}  # fmt: skip
    path = folder / "voice.safetensors"
    tensors = head.state_dict() | {name: torch.from_numpy(values) for name, values in typical.items()}
    export(path, tensors, meta, Calibration(temperature=1.0, conformal=0.8))
    model = VoiceModel(path)
    model.__dict__["encoder"] = net
    return model
