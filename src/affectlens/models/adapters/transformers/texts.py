"""Classifiers of texts with their own tokenizer; a text that is too long is cut, and says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from affectlens.core.disk.files import sha256_of
from affectlens.models.adapters.blackbox import BATCH, BlackBox
from affectlens.models.adapters.outputs import chosen_output
from affectlens.models.adapters.preprocess import Preprocessing
from affectlens.models.adapters.transformers.loading import classes_and_scores, companion, loaded
from affectlens.models.readers import Text, text_of
from affectlens.models.scores import Scores

_NO_LIMIT = 1_000_000  # what tokenizers without a limit say is far beyond


class TextTransformer(BlackBox):
    """A classifier of texts in a folder of transformers.

    Parameters
    ----------
    folder : Path
        The saved model with its tokenizer.
    reader : callable, optional
        See ``BlackBox``.
    scores : str or Scores
        What its numbers are, instead of what its configuration says.
    preprocess : Preprocessing, optional
        Instead of the folder's tokenizer: from a text to a mapping of the network's inputs.

    Attributes
    ----------
    longest : int or None
        Tokens, special ones included, that the network reads; what is beyond is cut at the end.

    Raises
    ------
    ModelError
        transformers is not installed, or there is no such classifier or no tokenizer in the folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        reader: Callable[[Any], Any] = text_of,
        scores: str | Scores = "",
        preprocess: Preprocessing | None = None,
    ) -> None:
        self.net = loaded(folder, "AutoModelForSequenceClassification", "text classification")
        labels, known = classes_and_scores(self.net.config, scores)
        meta = {"sha256": sha256_of(folder)}
        super().__init__(folder.name, "words", labels, meta, reader=reader, prepare=preprocess, scores=known)
        self._own = preprocess is None
        if self._own:
            self.tokenizer = companion(folder, "AutoTokenizer", "tokenizer")
            self.longest = _longest(self.tokenizer, self.net.config)

    def __fingerprint__(self) -> Any:
        return type(self), self.meta["sha256"], self._reader, self.preprocessing, self.labels, self.scores

    def prepare(self, datum: Any) -> Any:
        """The text, which knows whether it will be cut; or what a preprocessing of one's own makes of it."""
        return Text(datum, len(self._ids(datum)) > (self.longest or _NO_LIMIT)) if self._own else super().prepare(datum)

    def answers(self, inputs: Any) -> np.ndarray:
        """Scores ``(n, classes)``; texts of as many tokens go through the network together, so that none is filled up."""
        encoded = [self._encoded(given) for given in inputs]
        alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for place, one in enumerate(encoded):
            alike[tuple((name, values.shape) for name, values in one.items())].append(place)
        width = self.scores.width(self.labels)
        rows: np.ndarray = np.zeros((len(encoded), width), np.float32)
        with torch.inference_mode():
            for members in alike.values():
                for start in range(0, len(members), BATCH):
                    chosen = members[start : start + BATCH]
                    batch = {name: torch.stack([encoded[place][name] for place in chosen]) for name in encoded[chosen[0]]}
                    rows[chosen] = chosen_output(self.net(**batch), width, self.output, self.name).float().numpy()
        return rows

    def _encoded(self, given: Any) -> dict[str, torch.Tensor]:
        if isinstance(given, Mapping):
            return {name: torch.as_tensor(np.asarray(values)) for name, values in given.items()}
        limit = {"truncation": True, "max_length": self.longest} if self.longest else {}
        made = self.tokenizer(str(given), return_tensors="pt", **limit)
        return {str(name): values[0] for name, values in made.items()}

    def _ids(self, text: str) -> Any:
        return self.tokenizer(text, truncation=False, verbose=False)["input_ids"]


def _longest(tokenizer: Any, config: Any) -> int | None:
    """Tokens that a network reads: the fewer of what its tokenizer and its positions allow."""
    limits = [tokenizer.model_max_length] if tokenizer.model_max_length < _NO_LIMIT else []
    positions = getattr(config, "max_position_embeddings", None)
    if positions and positions > 0:
        # Networks of RoBERTa's kind count positions from behind the number of the padding token.
        after = (getattr(config, "pad_token_id", None) or 0) + 1 if "roberta" in _family(config) else 0
        limits.append(positions - after)
    return min(limits) if limits else None


def _family(config: Any) -> str:
    """The kind of network, so that all that count positions as RoBERTa does are known as such."""
    alike = ("roberta", "camembert", "longformer", "mpnet", "data2vec-text", "xlm-prophetnet", "luke", "ibert", "bertweet")
    kind = str(config.model_type)
    return "roberta" if any(name in kind for name in alike) else kind
