"""Properties of a text: length, readability, shouting, and words that mark a dialect or register."""

from __future__ import annotations

import re

from affectlens.features.properties.registry import register_property

_WORD = re.compile(r"[A-Za-z']+")
# Spellings and words that mark varieties of English online; short lists of our own, from textbooks of sociolinguistics. They
# mark registers that many people share.
_LISTS = {
    "African American": "finna gonna ain't aint tryna gon bruh bout boutta lemme imma i'ma yall dis dat dem wit da cuz nah",
    "Southern": "y'all yall fixin reckon yonder ma'am howdy",
    "British": "mate bloody arse whilst colour favourite rubbish bollocks cheers innit mum queue lorry",
}
MARKERS = {name: frozenset(words.split()) for name, words in _LISTS.items()}

_HE = frozenset(["he", "him", "his", "man", "men", "guy", "boy", "husband", "father", "dad", "brother", "son"])
_SHE = frozenset(["she", "her", "hers", "woman", "women", "girl", "wife", "mother", "mom", "mum", "sister"])


def syllables(word: str) -> int:
    """A count by groups of vowels, without a silent e."""
    plain = re.sub(r"[^a-z]", "", word.lower())
    plain = plain[:-1] if plain.endswith("e") and not plain.endswith("le") and len(plain) > 2 else plain
    return max(1, len(re.findall(r"[aeiouy]+", plain)))


@register_property("length", "words", unit="words", says="how long the text is")
def _length(text: str) -> float:
    return float(len(_WORD.findall(text)))


@register_property("word length", "words", unit="letters", says="mean length of words")
def _word_length(text: str) -> float | None:
    words = _WORD.findall(text)
    return sum(map(len, words)) / len(words) if words else None


@register_property("reading ease", "words", unit="Flesch 1948", says="how easy it reads: high is easy",
                   weak="made for passages; one sentence tells little")  # fmt: skip
def _ease(text: str) -> float | None:
    words = _WORD.findall(text)
    if not words:
        return None
    sentences = max(1, len(re.findall(r"[.!?]+", text)))
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * sum(map(syllables, words)) / len(words)


@register_property("capitals", "words", unit="share of letters", says="how much is written in capitals")
def _capitals(text: str) -> float | None:
    letters = [letter for letter in text if letter.isalpha()]
    return sum(letter.isupper() for letter in letters) / len(letters) if letters else None


@register_property("exclamation marks", "words", unit="count", kind="ordinal", says="how many there are")
def _exclamations(text: str) -> float:
    return float(min(text.count("!"), 5))


@register_property("swearing", "words", kind="binary", says="holds a swear word")
def _swearing(text: str) -> float:
    return float(bool(re.search(r"\b(fuck\w*|shit\w*|damn\w*|hell|ass|bitch\w*|crap)\b", text.lower())))


@register_property("gendered words", "words", unit="he minus she words", kind="ordinal", says="speaks of him rather than her")
def _gendered(text: str) -> float:
    words = [word.lower() for word in _WORD.findall(text)]
    he, she = sum(word in _HE for word in words), sum(word in _SHE for word in words)
    return float(max(-3, min(3, he - she)))


def _marked(name: str) -> None:
    markers = MARKERS[name]

    @register_property(f"{name} English", "words", kind="binary", says="holds a word that marks the register",
                       weak="a short list of words, which others use too; a text without them tells nothing")  # fmt: skip
    def _marker(text: str) -> float:
        return float(any(word.lower() in markers for word in _WORD.findall(text)))


for _register in MARKERS:
    _marked(_register)
