"""The encoder as a torch module: every layer's states, for sound of any length up to 30 s."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from affectlens.core.errors import ModelError
from affectlens.models.whisper.file import variables

LONGEST = 30.0  # seconds that there are positions for
FRAMES = 50  # states a second


class Block(nn.Module):
    """Self-attention and a feed-forward net, each on the normalised input and added to it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """States ``(n, frames, width)``; ``mask`` ``(n, 1, 1, frames)`` is True where there is sound."""
        parts = self.project(self.attention_norm(x)).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.join(attended.transpose(1, 2).flatten(-2))
        fed: Tensor = self.narrow(functional.gelu(self.widen(self.feed_norm(x))))
        return x + fed


class WhisperEncoder(nn.Module):
    """Log Mel spectrograms to the states of all layers.

    Without padding to 30 s, which costs ten times the work for a turn of three seconds.

    Parameters
    ----------
    layers, width, heads, bands, positions : int
        Shape; that of Whisper base is the default.
    """

    def __init__(self, layers: int = 6, width: int = 512, heads: int = 8, bands: int = 80, positions: int = 1500) -> None:
        super().__init__()
        self.first = nn.Conv1d(bands, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.positions = nn.Parameter(torch.zeros(positions, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, spectrogram: Tensor, columns: Tensor | None = None, depth: int | None = None) -> list[Tensor]:
        """States after the convolutions and after each block.

        Parameters
        ----------
        spectrogram : (n, bands, t) tensor
            At most 3,000 columns.
        columns : (n,) tensor
            How many of ``t`` each signal has, where some are shorter than the longest: what lies beyond does not count.
        depth : int
            Blocks that are run; all of them unless given.

        Returns
        -------
        list of (n, (t + 1) // 2, width) tensor
            ``depth + 1`` of them. ``norm`` of the last one is Whisper's own output.

        Raises
        ------
        ModelError
            More than 30 s.
        """
        length = (spectrogram.shape[-1] + 1) // 2
        if length > len(self.positions):
            raise ModelError(f"{length / FRAMES:.1f} s of sound; at most {LONGEST:.0f} s were expected")
        inside = None if columns is None else _inside(columns, spectrogram.shape[-1])
        x = spectrogram if inside is None else spectrogram * inside
        x = functional.gelu(self.first(x))
        if inside is not None:
            x = x * inside  # the second convolution sees zeros past the end, as it does of a signal by itself
        x = functional.gelu(self.second(x)).transpose(1, 2) + self.positions[:length]
        mask = None if columns is None else (_inside((columns + 1) // 2, length) > 0)[:, None]
        states = [x]
        for block in self.blocks[:depth]:
            states.append(block(states[-1], mask))
        return states


def _inside(lengths: Tensor, most: int) -> Tensor:
    """``(n, 1, most)``: 1 within each length, 0 beyond."""
    return (torch.arange(most, device=lengths.device) < lengths[:, None]).float()[:, None]


_PARTS = {
    "self_attention/layer_norm": "attention_norm",
    "self_attention/linear_0": "project",
    "self_attention/linear_1": "join",
    "ffn/layer_norm": "feed_norm",
    "ffn/linear_0": "widen",
    "ffn/linear_1": "narrow",
}
_FIELDS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def from_ctranslate2(path: Path, depth: int | None = None) -> WhisperEncoder:
    """Build the encoder from ``model.bin`` of a CTranslate2 conversion.

    Parameters
    ----------
    path : Path
        The file.
    depth : int
        Blocks that are needed; the others are not read.

    Returns
    -------
    WhisperEncoder
        In evaluation mode, in single precision, without gradients for its weights.

    Raises
    ------
    ModelError
        A file that is no Whisper model.
    """
    found = variables(path, lambda name: name.startswith("encoder/"))
    tensors: dict[str, Tensor] = {}
    for name, values in found.items():
        place = _place(name.removeprefix("encoder/"))
        if place and np.issubdtype(values.dtype, np.floating):
            tensors[place] = torch.from_numpy(values.astype(np.float32))
    layers = 1 + max((int(name.split(".")[1]) for name in tensors if name.startswith("blocks.")), default=-1)
    if not layers or "first.weight" not in tensors or "positions" not in tensors:
        raise ModelError(f"{path.name} holds no Whisper encoder")
    width, bands = tensors["first.weight"].shape[:2]
    heads = int(found["encoder/num_heads"]) if "encoder/num_heads" in found else width // 64
    used = layers if depth is None else min(depth, layers)
    net = WhisperEncoder(used, width, heads, bands, len(tensors["positions"]))
    try:
        net.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("blocks.") or int(k.split(".")[1]) < used})
    except RuntimeError as error:
        raise ModelError(f"{path.name} holds no Whisper encoder of a known shape: {error}") from error
    return net.eval().requires_grad_(False)


def _place(name: str) -> str:
    """The module's name of a variable; empty for what is not needed."""
    part, _, field = name.rpartition("/")
    if name == "position_encodings/encodings":
        return "positions"
    ends = {"conv1": "first", "conv2": "second", "layer_norm": "norm"}
    if part in ends and field in _FIELDS:
        return f"{ends[part]}.{_FIELDS[field]}"
    layer, _, rest = part.partition("/")
    if layer.startswith("layer_") and rest in _PARTS and field in _FIELDS:
        return f"blocks.{layer.removeprefix('layer_')}.{_PARTS[rest]}.{_FIELDS[field]}"
    return ""
