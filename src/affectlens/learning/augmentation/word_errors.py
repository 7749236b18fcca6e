"""Texts as a word recogniser might have written them: words left out, mistaken for others that sound alike, no punctuation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np

_VOWELS = "aeiouy"
# What is written differently and sounds alike, longest first; a coarse key after Philips (1990, "Hanging on the Metaphone").
_SOUNDS = (
    ("ght", "t"), ("tch", "k"), ("sch", "k"), ("ph", "f"), ("gh", ""), ("kn", "n"), ("wr", "r"), ("wh", "w"), ("ck", "k"),
    ("qu", "kw"), ("sh", "x"), ("ch", "x"), ("th", "t"), ("ce", "s"), ("ci", "s"), ("c", "k"), ("q", "k"), ("x", "ks"),
    ("z", "s"), ("v", "f"), ("d", "t"), ("b", "p"), ("g", "k"), ("j", "x"), ("m", "n"),
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SYMBOLS = re.compile(r"[^\w\s'\-]|_")


def sound_of(word: str) -> str:
    """A key that words which sound alike share, far more coarsely than ears.

    Returns
    -------
    str
        Consonants by kind, vowels by their places.

    Examples
    --------
    >>> sound_of("right") == sound_of("write"), sound_of("right") == sound_of("left")
    (True, False)
    """
    key = word.lower().replace("'", "").strip()
    key = key[:-1] if len(key) > 3 and key.endswith("e") else key
    for written, spoken in _SOUNDS:
        key = key.replace(written, spoken)
    key = re.sub(f"[{_VOWELS}]+", "a", key)
    return re.sub(r"(.)\1+", r"\1", key)


class WordErrors:
    """Errors of recognition, learnt from the words of a corpus.

    Parameters
    ----------
    texts : iterable of str
        Where words that sound alike are looked for.
    left_out : float
        Share of the words that are left out.
    mistaken : float
        Share of the words that become others which sound alike, where there are any.
    least : int
        How often a word must occur to stand in for another.

    Notes
    -----
    Whisper makes about one error in ten words of conversation; here drops and confusions are each less than that. Case,
    punctuation and symbols, among them emoji, are lost as well: half of the texts keep their punctuation, since recognisers
    guess it.
    """

    def __init__(self, texts: Iterable[str], *, left_out: float = 0.05, mistaken: float = 0.06, least: int = 3) -> None:
        self.left_out, self.mistaken = left_out, mistaken
        counts = Counter(word.lower() for text in texts for word in _WORD.findall(text))
        self._alike: dict[str, list[str]] = {}
        for word, count in sorted(counts.items()):
            if count >= least:
                self._alike.setdefault(sound_of(word), []).append(word)

    def __call__(self, text: str, rng: np.random.Generator) -> str:
        """One text as it might have been recognised; one of which no word would be left stays as it is.

        Parameters
        ----------
        text : str
            What was said.
        rng : numpy.random.Generator
            Draws the errors.

        Returns
        -------
        str
            What was understood.
        """
        plain = text if rng.random() < 0.5 else _SYMBOLS.sub(" ", text).lower()
        words = [word for word in plain.split() if re.search(r"\w", word)]
        kept = [self._heard(word, rng) for word in words if rng.random() >= self.left_out]
        return " ".join(kept) or text

    def _heard(self, word: str, rng: np.random.Generator) -> str:
        spoken = _WORD.search(word)
        if spoken is None or rng.random() >= self.mistaken:
            return word
        others = [other for other in self._alike.get(sound_of(spoken[0]), ()) if other != spoken[0].lower()]
        return word.replace(spoken[0], others[int(rng.integers(len(others)))]) if others else word
