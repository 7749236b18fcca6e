"""Label schemes and the maps between them. A label names an *expressed* emotion, never a feeling."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from affectlens.core.errors import UsageError, unknown


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


def class_index(target: str | int, labels: Sequence[str]) -> int:
    """Position of a class that is given by its name or by its position.

    Parameters
    ----------
    target : str or int
        One of ``labels``, or a position in them, from the end where it is negative.
    labels : sequence of str
        All classes.

    Returns
    -------
    int
        From 0 to the number of classes less one.

    Raises
    ------
    UsageError
        No such class, with the nearest names, or no such position.

    Examples
    --------
    >>> class_index("joy", ("anger", "joy")), class_index(-1, ("anger", "joy"))
    (1, 1)
    """  # noqa: DOC501
    if isinstance(target, str):
        if target not in labels:
            raise unknown("class", target, list(labels))
        return list(labels).index(target)
    if isinstance(target, bool) or not isinstance(target, numbers.Integral):
        raise UsageError(f"class {target!r}; a name ({', '.join(labels)}) or a position was expected")
    if not -len(labels) <= target < len(labels):
        raise UsageError(f"class {target}: there are {len(labels)}, {', '.join(labels)}; 0 to {len(labels) - 1} was expected")
    return int(target) % len(labels)


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
EMOTIC26 = LabelScheme(
    "emotic26",
    ("affection", "anger", "annoyance", "anticipation", "aversion", "confidence", "disapproval", "disconnection",
     "disquietment",
     "doubt/confusion", "embarrassment", "engagement", "esteem", "excitement", "fatigue", "fear", "happiness", "pain", "peace",
     "pleasure", "sadness", "sensitivity", "suffering", "surprise", "sympathy", "yearning"),
    "Kosti et al. 2019; BoLD has the same",
)  # fmt: skip
SCHEMES = {scheme.name: scheme for scheme in (EKMAN7, SENTIMENT3, IEMOCAP4, IEMOCAP6, GROUPWALK4, EMOTIC26)}

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

# Emotions that corpora label and no scheme here has.
OTHER_LABELS = ("boredom", "calmness", "contempt", "positive", "negative")

# What the classes of other schemes are among the seven; those of the same name are the same, several divide a class's share
# evenly, none means that nothing among the seven is meant. Happiness takes excitement as in the four classes of IEMOCAP
# (Busso et al. 2008); EMOTIC's categories follow their published definitions (Kosti et al. 2019), as far as these describe
# one of the seven.
COUNTERPARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "sentiment3": {"negative": ("anger", "disgust", "fear", "sadness"), "positive": ("happiness",)},
    "iemocap6": {"excitement": ("happiness",), "frustration": ()},
    "emotic26": {
        "annoyance": ("anger",), "aversion": ("disgust",), "disquietment": ("fear",), "excitement": ("happiness",),
        "pleasure": ("happiness",), "suffering": ("sadness",), "peace": ("neutral",), "affection": (), "anticipation": (),
        "confidence": (), "disapproval": (), "disconnection": (), "doubt/confusion": (), "embarrassment": (), "engagement": (),
        "esteem": (), "fatigue": (), "pain": (), "sensitivity": (), "sympathy": (), "yearning": (),
    },
}  # fmt: skip

# Mean pleasure and arousal, -1 to 1, that people gave the words (Russell & Mehrabian 1977).
AFFECT = {
    "anger": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happiness": (0.81, 0.51),
    "sadness": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
    "neutral": (0.0, 0.0),
}


def valence_arousal(probabilities: np.ndarray, labels: tuple[str, ...]) -> tuple[float, float]:
    """Mean of the classes' published valence and arousal under a distribution: derived, not measured.

    Parameters
    ----------
    probabilities : array
        ``(classes,)``, of sum 1.
    labels : tuple of str
        The classes, each with published values in ``AFFECT``.

    Returns
    -------
    tuple of float
        Valence and arousal, each from -1 to 1.

    Raises
    ------
    UsageError
        A class has no published values in ``AFFECT``.
    """
    strange = [label for label in labels if label not in AFFECT]
    if strange:
        raise UsageError(f"no published valence and arousal of {', '.join(strange)}; known: {', '.join(AFFECT)}")
    at = np.array([AFFECT[label] for label in labels])
    valence, arousal = np.asarray(probabilities) @ at
    return float(valence), float(arousal)


def scheme(name: str) -> LabelScheme:
    """The scheme of that name."""
    if name not in SCHEMES:
        raise unknown("label scheme", name, list(SCHEMES))
    return SCHEMES[name]


def canonical(label: str) -> str:
    """A corpus's word for a class in this package's spelling: ``happy`` and ``Joy`` become ``happiness``."""
    plain = label.strip().lower()
    return _SYNONYMS.get(plain, plain)


def known_labels() -> tuple[str, ...]:
    """Every label that a scheme has or that corpora are known to use, once each."""
    return tuple(dict.fromkeys([*(label for scheme in SCHEMES.values() for label in scheme.labels), *OTHER_LABELS]))


def meant(label: str) -> str:
    """The known label that a misspelt or shortened word may mean.

    Returns
    -------
    str
        The label in this package's spelling, or an empty text.

    Examples
    --------
    >>> meant("Angray"), meant("hap"), meant("bliss")
    ('anger', 'happiness', '')
    """
    plain, words = canonical(label), (*known_labels(), *_SYNONYMS)
    if plain in words:
        return canonical(plain)
    if plain.startswith(("un", "not ", "non")):
        return ""  # what is not happy is not meant to be happy
    begins = [word for word in words if len(plain) >= 3 and word.startswith(plain)]
    near = begins or difflib.get_close_matches(plain, words, n=1, cutoff=0.6)
    return canonical(near[0]) if near else ""


def widen(probabilities: np.ndarray, given: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """A distribution over some of the wanted classes as one over all of them, without evidence about the others.

    Parameters
    ----------
    probabilities : (given,) array
        Of the classes that are given.
    given, wanted : tuple of str
        Labels of both; all that are given are wanted.

    Returns
    -------
    (wanted,) array
        Classes that were not given keep their even share ``1 / len(wanted)``; those given divide theirs as before.

    Examples
    --------
    >>> widen(np.array([0.75, 0.25]), ("a", "b"), ("a", "b", "c", "d")).tolist()
    [0.375, 0.125, 0.25, 0.25]
    """
    shares = np.full(len(wanted), 1 / len(wanted))
    for label, value in zip(given, probabilities, strict=True):
        shares[wanted.index(label)] = value * len(given) / len(wanted)
    return shares


@dataclass(frozen=True)
class Translation:
    """A distribution of one scheme in the classes of another.

    Parameters
    ----------
    probabilities : ndarray (classes,) or None
        Over the wanted classes, sum 1; None where nothing that was given has a counterpart.
    reached : tuple of str
        Wanted classes that some given class stands for; the others keep their even share.
    lost : dict of str to float
        Given classes without a counterpart that had some probability, with it.
    divided : dict of str to tuple of str
        Given classes with some probability that stand for several wanted ones, which share it evenly: a convention, no finding.
    """

    probabilities: np.ndarray | None
    reached: tuple[str, ...]
    lost: dict[str, float]
    divided: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def lost_share(self) -> float:
        """Probability in [0, 1] of all classes that have no counterpart."""
        return float(min(1.0, sum(self.lost.values())))


def counterparts(given: LabelScheme, wanted: LabelScheme) -> dict[str, tuple[str, ...]]:
    """What each class of one scheme is in another.

    Parameters
    ----------
    given, wanted : LabelScheme
        The schemes.

    Returns
    -------
    dict of str to tuple of str
        By class of ``given`` the classes of ``wanted``; an empty tuple where nothing of it is meant there.

    Examples
    --------
    >>> counterparts(SENTIMENT3, SENTIMENT3)["neutral"]
    ('neutral',)
    """
    named = COUNTERPARTS.get(given.name, {}) if wanted == EKMAN7 else {}
    return {name: named.get(name, (name,) if name in wanted.labels else ()) for name in given.labels}


def translate(probabilities: np.ndarray, given: LabelScheme, wanted: LabelScheme = EKMAN7) -> Translation:
    """A distribution over one scheme in the classes of another.

    What has no counterpart is taken out and given as ``lost``; the rest is scaled to be a distribution again. As in `widen`, a
    wanted class that no given one stands for keeps its even share.

    Parameters
    ----------
    probabilities : array
        ``(classes of given,)``, of sum 1.
    given, wanted : LabelScheme
        The schemes.

    Returns
    -------
    Translation
        The distribution, the classes that were reached, and what was lost.

    Examples
    --------
    >>> translated = translate(np.array([0.1, 0.2, 0.4, 0.1, 0.1, 0.1]), IEMOCAP6)
    >>> translated.lost, float(translated.probabilities[EKMAN7.index("happiness")].round(3))
    ({'frustration': 0.4}, 0.286)
    """
    where = counterparts(given, wanted)
    lost = {
        name: float(probability)
        for name, probability in zip(given.labels, probabilities, strict=True)
        if not where[name] and probability > 0
    }
    reached = tuple(name for name in wanted.labels if any(name in targets for targets in where.values()))
    moved = np.zeros(len(reached))
    for label, probability in zip(given.labels, probabilities, strict=True):
        for target in where[label]:
            moved[reached.index(target)] += probability / len(where[label])
    if lost and moved.sum() < 1e-6:
        return Translation(None, reached, lost)
    divided = {
        name: where[name]
        for name, probability in zip(given.labels, probabilities, strict=True)
        if len(where[name]) > 1 and probability > 0
    }
    return Translation(widen(moved / moved.sum() if lost else moved, reached, wanted.labels), reached, lost, divided)


def translate_set(labels: tuple[str, ...], given: LabelScheme, wanted: LabelScheme = EKMAN7) -> tuple[str, ...]:
    """The wanted classes that a set of given ones leaves open: their counterparts, and what no given class stands for.

    A set of which nothing has a counterpart rules nothing out.

    Parameters
    ----------
    labels : tuple of str
        Classes of ``given``.
    given, wanted : LabelScheme
        The schemes.

    Returns
    -------
    tuple of str
        In the order of the wanted scheme.
    """
    where = counterparts(given, wanted)
    inside = {target for label in labels for target in where[label]}
    reached = {target for targets in where.values() for target in targets}
    return tuple(name for name in wanted.labels if not inside or name in inside or name not in reached)


def align(probabilities: np.ndarray, given: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """Reorder the last axis from one order of labels to another.

    Parameters
    ----------
    probabilities : array
        ``(..., classes)``.
    given, wanted : tuple of str
        The same classes in the order that they have and in the order that they are to have.

    Returns
    -------
    array
        ``(..., classes)``.

    Raises
    ------
    UsageError
        The two do not name the same classes.

    Examples
    --------
    >>> align(np.array([0.2, 0.8]), ("joy", "anger"), ("anger", "joy")).tolist()
    [0.8, 0.2]
    """
    if set(given) != set(wanted):
        raise UsageError(f"labels {given} do not name the classes {wanted}")
    return np.asarray(probabilities)[..., [given.index(label) for label in wanted]]
