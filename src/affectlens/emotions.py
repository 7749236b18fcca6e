"""Label schemes and the maps between them. A label names an *expressed* emotion, never a feeling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.errors import UsageError, unknown


@dataclass(frozen=True)
class LabelScheme:
    """A named, ordered set of classes."""

    name: str
    labels: tuple[str, ...]
    source: str

    def index(self, label: str) -> int:
        """Position of a label; an unknown one is an error that lists the scheme."""
        try:
            return self.labels.index(label)
        except ValueError:
            raise UsageError(f"{label!r} is not in scheme {self.name}: {', '.join(self.labels)}") from None


EKMAN7 = LabelScheme(
    "ekman7",
    ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    "Ekman 1992, six basic expressions, and neutral",
)
SENTIMENT3 = LabelScheme("sentiment3", ("negative", "neutral", "positive"), "polarity")
IEMOCAP4 = LabelScheme("iemocap4", ("anger", "happiness", "sadness", "neutral"), "Busso et al. 2008, excited = happiness")
IEMOCAP6 = LabelScheme(
    "iemocap6", ("anger", "excitement", "frustration", "happiness", "neutral", "sadness"), "Busso et al. 2008"
)
GROUPWALK4 = LabelScheme("groupwalk4", ("anger", "happiness", "neutral", "sadness"), "Bhattacharya et al. 2020")
SCHEMES = {s.name: s for s in (EKMAN7, SENTIMENT3, IEMOCAP4, IEMOCAP6, GROUPWALK4)}

# What corpora call the seven classes.
_SYNONYMS = {
    "angry": "anger",
    "disgusted": "disgust",
    "disgusting": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "scared": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "joyful": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "calm": "neutral",
}
POLARITY = {
    "anger": "negative",
    "disgust": "negative",
    "fear": "negative",
    "sadness": "negative",
    "frustration": "negative",
    "happiness": "positive",
    "excitement": "positive",
    "neutral": "neutral",
}


def scheme(name: str) -> LabelScheme:
    """The scheme of that name."""
    if name not in SCHEMES:
        raise unknown("label scheme", name, list(SCHEMES))
    return SCHEMES[name]


def canonical(label: str) -> str:
    """A corpus's word for a class in this package's spelling: ``happy`` and ``Joy`` become ``happiness``."""
    plain = label.strip().lower()
    return _SYNONYMS.get(plain, plain)


def align(probabilities: np.ndarray, given: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """Reorder the last axis from one label order to another; both must name the same classes."""
    if set(given) != set(wanted):
        raise UsageError(f"labels {given} do not name the classes {wanted}")
    return np.asarray(probabilities)[..., [given.index(label) for label in wanted]]
