"""Models as a user might bring them, named module:name."""

import numpy as np
import torch
from torch import nn


class Brightness(nn.Module):
    """Classes by how bright the upper and the lower half of a face are."""

    labels = ("Happy", "sad", "calm")
    scores = "softmax"
    size, grey = 64, True

    def __init__(self) -> None:
        super().__init__()
        self.grid = nn.Conv2d(1, 2, 8, stride=8, bias=False)
        with torch.no_grad():
            self.grid.weight[:] = 1 / 64
        self.pool = nn.AdaptiveAvgPool2d((2, 1))
        self.head = nn.Linear(4, 3)
        with torch.no_grad():
            self.head.weight[:] = torch.tensor([[0.0, 3, 0, 0], [0, -3, 0, 0], [0, 0, 0, 0]])
            self.head.bias[:] = torch.tensor([0.5, 0.0, 0.0])

    def forward(self, pictures):
        return self.head(self.pool(self.grid(pictures)).flatten(1))


def black_box(pictures):
    """The mean brightness of the lower half says which of two."""
    bright = np.array(
        [np.asarray(picture, float).reshape(len(picture), -1)[len(picture) // 2 :].mean() / 255 for picture in pictures]
    )
    return np.stack([bright, 1 - bright], axis=1)


black_box.labels = ("joy", "anger")
black_box.scores = "probabilities"


def thanks(texts):
    """Happiness where thanks are said."""
    said = np.array([0.9 if "thank" in text.lower() else 0.2 for text in texts])
    return np.stack([said, 1 - said], axis=1)


thanks.labels = ("happiness", "neutral")
thanks.scores = "probabilities"
thanks.modality = "words"


def loud(sounds):
    """Anger where the sound is loud."""
    level = np.array([np.sqrt(np.square(sound).mean()) for sound in sounds])
    chance = np.clip(level * 5, 0.01, 0.99)
    return np.stack([chance, 1 - chance], axis=1)


loud.labels = ("anger", "neutral")
loud.scores = "probabilities"
loud.modality = "voice"


def several(texts):
    """Labels that hold independently."""
    return np.full((len(texts), 2), 0.9)


several.labels = ("joy", "anger")
several.scores = "independent"
several.modality = "words"
