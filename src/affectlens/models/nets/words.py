"""The words network: a frozen MiniLM encoder with low-rank adapters and a linear head, differentiable to its embeddings.

The encoder is the BERT layout (Devlin et al. 2019) of all-MiniLM-L6-v2 (Wang et al. 2020, arXiv 2002.10957); the adapters
are LoRA (Hu et al. 2021, arXiv 2106.09685) on every linear map. Only adapters and head are trained and shipped.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from affectlens.models.nets.config import NetConfig

MAX_TOKENS = 128


@dataclass(frozen=True)
class WordsNetConfig(NetConfig):
    """Shape of the encoder (fixed by the base weights) and of what is trained on top of it."""

    classes: int = 7
    rank: int = 32
    alpha: float = 32.0
    dropout: float = 0.1
    hidden: int = 384
    feed_forward: int = 1536
    heads: int = 12
    layers: int = 6
    vocabulary: int = 30522
    positions: int = 512


class LoraLinear(nn.Module):
    """``W x + b + (alpha / rank) B A x`` with ``W`` and ``b`` frozen; ``B`` starts at zero."""

    def __init__(self, inputs: int, outputs: int, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = nn.Linear(inputs, outputs).requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, inputs).div_(math.sqrt(inputs)))
        self.up = nn.Parameter(torch.zeros(outputs, rank))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        """The output for a batch."""
        base: Tensor = self.base(x)
        return base + F.linear(F.linear(x, self.down), self.up) * self.scale


class _Layer(nn.Module):
    def __init__(self, config: WordsNetConfig) -> None:
        super().__init__()

        def linear(inputs: int, outputs: int) -> LoraLinear:
            return LoraLinear(inputs, outputs, config.rank, config.alpha)

        self.heads = config.heads
        self.query, self.key, self.value = (linear(config.hidden, config.hidden) for _ in range(3))
        self.output = linear(config.hidden, config.hidden)
        self.norm1 = nn.LayerNorm(config.hidden, eps=1e-12).requires_grad_(False)
        self.wide, self.narrow = linear(config.hidden, config.feed_forward), linear(config.feed_forward, config.hidden)
        self.norm2 = nn.LayerNorm(config.hidden, eps=1e-12).requires_grad_(False)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """The output for a batch."""
        batch, tokens, width = x.shape

        def split(states: Tensor) -> Tensor:
            return states.view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)

        attended = F.scaled_dot_product_attention(
            split(self.query(x)), split(self.key(x)), split(self.value(x)), attn_mask=mask
        )
        x = self.norm1(x + self.output(attended.transpose(1, 2).reshape(batch, tokens, width)))
        normed: Tensor = self.norm2(x + self.narrow(F.gelu(self.wide(x))))
        return normed


class WordsNet(nn.Module):
    """Token ids ``(n, t)`` and mask ``(n, t)`` to class logits ``(n, classes)``; mean pooling over real tokens."""

    def __init__(self, config: WordsNetConfig | None = None) -> None:
        super().__init__()
        self.config = chosen = config or WordsNetConfig()
        self.words = nn.Embedding(chosen.vocabulary, chosen.hidden).requires_grad_(False)
        self.places = nn.Embedding(chosen.positions, chosen.hidden).requires_grad_(False)
        self.kinds = nn.Embedding(2, chosen.hidden).requires_grad_(False)
        self.norm = nn.LayerNorm(chosen.hidden, eps=1e-12).requires_grad_(False)
        self.layers = nn.ModuleList(_Layer(chosen) for _ in range(chosen.layers))
        self.dropout = nn.Dropout(chosen.dropout)
        self.head = nn.Linear(chosen.hidden, chosen.classes)

    def embed(self, ids: Tensor) -> Tensor:
        """Word embeddings ``(n, t, hidden)``, the space in which gradients of words are taken."""
        embedded: Tensor = self.words(ids)
        return embedded

    def pooled(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """Mean state ``(n, hidden)`` of the real tokens, from word embeddings ``(n, t, hidden)`` and a mask ``(n, t)``."""
        places = self.places.weight[: embedded.shape[1]]
        x = self.dropout(self.norm(embedded + places + self.kinds.weight[0]))
        attend = mask[:, None, None, :].bool()
        for layer in self.layers:
            x = layer(x, attend)
        weight = mask.unsqueeze(-1).to(x.dtype)
        pooled: Tensor = (x * weight).sum(1) / weight.sum(1).clamp_min(1)
        return pooled

    def forward_embedded(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """Logits from word embeddings ``(n, t, hidden)`` and a mask ``(n, t)`` of ones and zeros."""
        logits: Tensor = self.head(self.dropout(self.pooled(embedded, mask)))
        return logits

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits ``(n, classes)`` of token ids and mask ``(n, t)``."""
        return self.forward_embedded(self.embed(ids), mask)

    def load_base(self, path: str | Path) -> None:
        """Load the frozen encoder from a safetensors file with Hugging Face's BERT names."""
        given = load_file(str(path))
        names = {"words": "embeddings.word_embeddings", "places": "embeddings.position_embeddings"}
        names |= {"kinds": "embeddings.token_type_embeddings", "norm": "embeddings.LayerNorm"}
        for i in range(self.config.layers):
            published, own = f"encoder.layer.{i}.", f"layers.{i}."
            for name in ("query", "key", "value"):
                names[f"{own}{name}.base"] = f"{published}attention.self.{name}"
            names[f"{own}output.base"] = f"{published}attention.output.dense"
            names[f"{own}norm1"] = f"{published}attention.output.LayerNorm"
            names[f"{own}wide.base"] = f"{published}intermediate.dense"
            names[f"{own}narrow.base"] = f"{published}output.dense"
            names[f"{own}norm2"] = f"{published}output.LayerNorm"
        state = {
            f"{own}.{kind}": given[f"{published}.{kind}"]
            for own, published in names.items()
            for kind in ("weight", "bias")
            if f"{published}.{kind}" in given
        }
        unexpected = self.load_state_dict(state, strict=False)
        missing = [name for name in unexpected.missing_keys if not self.is_trained(name)]
        if missing or unexpected.unexpected_keys:
            raise ValueError(
                f"{path} is not the expected encoder: missing {missing[:3]}, extra {unexpected.unexpected_keys[:3]}"
            )

    @staticmethod
    def is_trained(name: str) -> bool:
        """Whether a parameter belongs to the adapters or the head, which are what we ship."""
        return name.endswith((".down", ".up")) or name.startswith("head.")

    def trained_state(self) -> dict[str, Tensor]:
        """Adapters and head, the only weights of this network that are ours."""
        return {name: tensor.detach().clone() for name, tensor in self.state_dict().items() if self.is_trained(name)}


def spell_symbols(text: str) -> tuple[str, list[int]]:
    """Replace emoji by their Unicode names, which the vocabulary can read, and curly quotes by straight ones.

    Returns
    -------
    tuple
        The text, and for each of its characters the index of the original character that it came from.
    """
    out: list[str] = []
    origin: list[int] = []
    for i, char in enumerate(text):
        piece = {"’": "'", "‘": "'", "“": '"', "”": '"', "\ufe0f": "", "\u200d": " "}.get(char, char)
        if piece == char and unicodedata.category(char) == "So":
            name = unicodedata.name(char, "")
            piece = f" {name.lower()} " if name else char
        out.append(piece)
        origin.extend([i] * len(piece))
    return "".join(out), origin


class WordsTokenizer:
    """Text to token ids of the base encoder, without truncating silently: ``truncated`` tells."""

    def __init__(self, path: str | Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def encode(self, text: str) -> tuple[Encoding, list[int], bool]:
        """The encoding, each spelt character's origin in ``text``, and whether more than ``MAX_TOKENS`` were cut."""
        spelt, origin = spell_symbols(text)
        encoding = self._tokenizer.encode(spelt)
        truncated = len(encoding.ids) > MAX_TOKENS
        if truncated:
            encoding.truncate(MAX_TOKENS)
        return encoding, origin, truncated

    def batch(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Ids and mask ``(n, t)`` padded with zeros to the longest text."""
        rows = [self.encode(text)[0].ids for text in texts]
        return pad_rows(rows)


def by_length(
    function: Callable[[Tensor, Tensor], Tensor],
    rows: list[list[int]],
    width: int,
    batch: int = 64,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """What a function of ids and mask gives of lists of token ids; texts of like length share a call.

    Parameters
    ----------
    function : callable
        Takes ids and mask ``(b, t)`` and gives ``(b, width)``.
    rows : list of list of int
        Token ids of each text.
    width : int
        Numbers that it gives of a text.
    batch : int
        Texts a call.
    device : str or torch.device
        Where the function runs.

    Returns
    -------
    numpy.ndarray
        ``(n, width)`` float32, in the order given.
    """
    out = np.zeros((len(rows), width), dtype=np.float32)
    order = np.argsort([len(row) for row in rows], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            ids, mask = pad_rows([rows[i] for i in chosen])
            out[chosen] = function(ids.to(device), mask.to(device)).cpu().numpy()
    return out


def pad_rows(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Pad lists of ids with zeros: ids ``(n, t)`` int64 and mask ``(n, t)`` int64."""
    width = max((len(row) for row in rows), default=1)
    ids = np.zeros((len(rows), width), dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)
