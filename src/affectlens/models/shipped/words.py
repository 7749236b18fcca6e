"""The words model that comes with the package: MiniLM with our adapters, its calibration and its tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from affectlens.assets.store import locate
from affectlens.models.base import register_model
from affectlens.models.nets.words import WordsNet, WordsNetConfig, WordsTokenizer, pad_rows
from affectlens.models.weights import read_weights, weights_path


@dataclass(frozen=True)
class Tokens:
    """One text as the network sees it: ids, and for each token the span of characters of the original text it covers
    (``None`` for the special tokens)."""

    ids: list[int]
    spans: list[tuple[int, int] | None]
    truncated: bool


class WordsModel:
    """English texts to logits ``(n, 7)``; differentiable down to the word embeddings."""

    name = "words"
    modality = "words"
    languages = ("en",)

    def __init__(self, path: Path | None = None, device: str = "cpu") -> None:
        tensors, self.meta, self.calibration = read_weights(path or weights_path("words"))
        self.net = WordsNet(WordsNetConfig(**self.meta["config"]))
        self.net.load_base(locate("minilm", "model.safetensors"))
        self.net.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=False)
        self.net.to(device).eval()
        self.device = torch.device(device)
        self.labels: tuple[str, ...] = tuple(self.meta["labels"])
        self.tokenizer = WordsTokenizer(locate("minilm", "tokenizer.json"))

    def tokens(self, text: str) -> Tokens:
        """Token ids of a text and the characters each one covers."""
        encoding, origin, truncated = self.tokenizer.encode(text)
        spans: list[tuple[int, int] | None] = []
        for (start, end), special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True):
            spans.append(None if special or end <= start else (origin[start], origin[end - 1] + 1))
        return Tokens(encoding.ids, spans, truncated)

    def predict(self, batch: list[str], batch_size: int = 64) -> np.ndarray:
        """Logits ``(n, 7)`` float32; the answer to one text does not depend on the others."""
        rows = [self.tokens(text).ids for text in batch]
        return self.predict_ids(rows, batch_size)

    def embed(self, batch: list[str], batch_size: int = 64) -> np.ndarray:
        """Pooled states ``(n, 384)`` float32: what the network makes of a text before it names a class."""
        rows = [self.tokens(text).ids for text in batch]
        width = self.net.config.hidden
        return self._run(rows, batch_size, width, lambda ids, mask: self.net.pooled(self.net.embed(ids), mask))

    def name_class(self, pooled: np.ndarray) -> np.ndarray:
        """Logits ``(n, 7)`` float32 of pooled states ``(n, 384)``."""
        with torch.inference_mode():
            x = torch.from_numpy(np.asarray(pooled, np.float32)).to(self.device)
            return np.asarray(self.net.head(x).cpu().numpy())

    def predict_ids(self, rows: list[list[int]], batch_size: int = 64) -> np.ndarray:
        """Logits ``(n, 7)`` of token id lists; texts of like length share a forward pass."""
        return self._run(rows, batch_size, len(self.labels), self.net)

    def _run(self, rows: list[list[int]], batch_size: int, width: int, function: Callable[..., Tensor]) -> np.ndarray:
        out = np.zeros((len(rows), width), dtype=np.float32)
        order = np.argsort([len(r) for r in rows], kind="stable")
        with torch.inference_mode():
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                ids, mask = pad_rows([rows[i] for i in chosen])
                out[chosen] = function(ids.to(self.device), mask.to(self.device)).cpu().numpy()
        return out


def text_logits(net: WordsNet, rows: list[list[int]]) -> Tensor:
    """Logits ``(n, 7)`` of token id lists, with gradients; for whoever reads the network's layers."""
    ids, mask = pad_rows(rows)
    device = net.words.weight.device
    logits: Tensor = net(ids.to(device), mask.to(device))
    return logits


@register_model("words")
def load(path: Path | None = None, device: str = "cpu") -> WordsModel:
    """The shipped words model."""
    return WordsModel(path, device)
