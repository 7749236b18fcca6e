"""The words model that comes with the package: MiniLM with our adapters, its calibration and its tokenizer."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from affectlens.assets.store import locate
from affectlens.core.errors import ModelError
from affectlens.models.base import register_model
from affectlens.models.nets.words import WordsNet, WordsNetConfig, WordsTokenizer, by_length, pad_rows
from affectlens.models.readers import Text, text_of
from affectlens.models.shipped.loaded import TrainedModel, without_values


@dataclass(frozen=True)
class Tokens:
    """One text as the network sees it.

    Token ids, and for each token the span of characters of the original text it covers (``None`` for the special tokens).
    """

    ids: list[int]
    spans: list[tuple[int, int] | None]
    truncated: bool


@register_model("words")
class WordsModel(TrainedModel):
    """English texts to logits ``(n, 7)``; differentiable down to the word embeddings."""

    kind = reads = "words"
    network, shape = WordsNet, WordsNetConfig
    languages = ("en",)
    assets = ("minilm",)

    def __init__(self, path: Path | None = None, device: str = "cpu") -> None:
        super().__init__(path)
        self.net.to(device)
        self.device = torch.device(device)
        self.tokenizer = WordsTokenizer(locate("minilm", "tokenizer.json"))

    def shapes(self, config: dict[str, Any]) -> dict[str, torch.Size]:
        """Shapes of what is trained; the rest is as large as MiniLM.

        Returns
        -------
        dict
            By name.

        Raises
        ------
        ValueError
            The configuration asks for another encoder.
        """
        wanted = WordsNetConfig(**config)
        fixed = replace(WordsNetConfig(), classes=wanted.classes, rank=wanted.rank, alpha=wanted.alpha, dropout=wanted.dropout)
        if wanted != fixed:
            raise ValueError(f"its configuration asks for an encoder other than MiniLM: {wanted}, expected {fixed}")
        with without_values():
            parameters = WordsNet(wanted).named_parameters()
        return {name: parameter.shape for name, parameter in parameters if parameter.requires_grad}

    def build(self, config: dict[str, Any]) -> WordsNet:
        """The network of that configuration on MiniLM's weights."""
        net = WordsNet(WordsNetConfig(**config))
        net.load_base(locate("minilm", "model.safetensors"))
        return net

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Give the network what was trained; the rest is MiniLM's."""
        self.net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)

    def read(self, item: Any) -> Text:
        """The text, which must not be empty and knows whether its end will be cut.

        Returns
        -------
        Text
            As it was given.

        Raises
        ------
        ModelError
            It is no text, empty, or in a script that the encoder does not read.
        """
        text = text_of(item)
        if reason := unreadable(text):
            raise ModelError(reason)
        return Text(text, self.tokens(text).truncated)

    def tokens(self, text: str) -> Tokens:
        """Token ids of a text and the characters each one covers."""
        encoding, origin, truncated = self.tokenizer.encode(text)
        spans: list[tuple[int, int] | None] = []
        for (start, end), special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True):
            spans.append(None if special or end <= start else (origin[start], origin[end - 1] + 1))
        return Tokens(encoding.ids, spans, truncated)

    def predict(self, inputs: Sequence[str], batch_size: int = 64) -> np.ndarray:
        """Logits ``(n, 7)`` float32; the answer to one text does not depend on the others."""
        return self.predict_ids([self.tokens(text).ids for text in inputs], batch_size)

    def embed(self, inputs: Sequence[str], batch_size: int = 64) -> np.ndarray:
        """Pooled states ``(n, 384)`` float32: what the network makes of a text before it names a class."""
        rows = [self.tokens(text).ids for text in inputs]
        net: WordsNet = self.net
        return by_length(lambda ids, mask: net.pooled(net.embed(ids), mask), rows, net.config.hidden, batch_size, self.device)

    def name_class(self, pooled: np.ndarray) -> np.ndarray:
        """Logits ``(n, 7)`` float32 of pooled states ``(n, 384)``."""
        with torch.inference_mode():
            states = torch.from_numpy(np.asarray(pooled, np.float32)).to(self.device)
            return np.asarray(self.net.head(states).cpu().numpy())

    def predict_ids(self, rows: list[list[int]], batch_size: int = 64) -> np.ndarray:
        """Logits ``(n, 7)`` of token id lists; texts of like length share a forward pass."""
        return by_length(self.net, rows, len(self.labels), batch_size, self.device)


def unreadable(text: str) -> str:
    """Why a text has nothing that the encoder reads; empty for one that has.

    Returns
    -------
    str
        The reason in plain words.

    Examples
    --------
    >>> unreadable("Мне очень жаль.")
    'written in Cyrillic; the words model reads Latin letters'
    >>> unreadable("... ?!")
    'no words in it, only signs'
    >>> unreadable("I am sorry 😢"), unreadable("❤️")
    ('', '')
    """
    letters = [char for char in text if char.isalpha()]
    scripts = Counter(unicodedata.name(char, "unknown").split()[0].capitalize() for char in letters)
    if scripts and 2 * scripts["Latin"] < len(letters):
        return f"written in {scripts.most_common(1)[0][0]}; the words model reads Latin letters"
    if not letters and not any(char.isdigit() or unicodedata.category(char) == "So" for char in text):
        return "no words in it, only signs"
    return ""


def text_logits(net: WordsNet, rows: list[list[int]]) -> Tensor:
    """Logits ``(n, 7)`` of token id lists, with gradients; for whoever reads the network's layers."""
    ids, mask = pad_rows(rows)
    device = net.words.weight.device
    logits: Tensor = net(ids.to(device), mask.to(device))
    return logits
