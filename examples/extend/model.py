"""A model: words that speak for a class are counted.

AFFECTLENS_PLUGINS=model.py affectlens evaluate keywords --corpus goemotions=FOLDER
"""

import numpy as np

from affectlens.core.errors import ModelError
from affectlens.core.labels import EKMAN7
from affectlens.corpora.base import Item
from affectlens.models.base import BaseModel, data_of, register_model

KEYWORDS = {
    "anger": ("hate", "angry", "damn"),
    "disgust": ("gross", "disgusting"),
    "fear": ("afraid", "scared"),
    "happiness": ("glad", "happy", "great"),
    "sadness": ("sad", "sorry", "miss"),
    "surprise": ("wow", "really"),
}


@register_model("keywords")
class Keywords(BaseModel):
    """One more keyword of a class is one more in its logit; without any the class is neutral."""

    def __init__(self) -> None:
        super().__init__("keywords", "words", EKMAN7.labels, meta={"corpus": "none", "licence": "CC0-1.0"})

    def read(self, item: Item | str) -> str:
        """A text that is not empty."""
        text = data_of(item)
        if not isinstance(text, str) or not text.strip():
            raise ModelError(f"a text was expected, {text!r} was given")
        return text.lower()

    def predict(self, inputs: list[str]) -> np.ndarray:
        """Logits ``(n, 7)`` float32."""
        logits = np.zeros((len(inputs), len(self.labels)), np.float32)
        for row, text in zip(logits, inputs, strict=True):
            for label, words in KEYWORDS.items():
                row[self.labels.index(label)] = sum(text.count(word) for word in words)
            row[self.labels.index("neutral")] = 0.5
        return logits
