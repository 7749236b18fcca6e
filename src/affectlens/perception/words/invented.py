"""What a recogniser writes that nobody said: text over noise, words as long as a pause, phrases that repeat without end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from affectlens.perception.words.transcript import Word

LEAST = 0.1  # probability under which a word is none
LONGEST = 3.0  # seconds of a word
REPEATS = 4  # times in a row that a phrase of several words is said at most before it counts as made up
CALLS = 8  # the same for one word: people do say "no, no, no"
_PHRASE = 8  # words of the longest phrase that is looked for


def reason_against(segment: Any) -> str:
    """Why a segment of Whisper's is no speech.

    Whisper writes fluent text over noise; such segments have a low probability or repeat themselves.

    Returns
    -------
    str
        Empty where it is speech.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> reason_against(SimpleNamespace(no_speech_prob=0.1, avg_logprob=-0.3, compression_ratio=4.0))
    'text that repeats itself'
    """
    if segment.compression_ratio > 2.6:
        return "text that repeats itself"
    if (segment.no_speech_prob > 0.6 and segment.avg_logprob < -0.7) or segment.avg_logprob < -1.2:
        return "text over what is probably no speech"
    return ""


def spoken(words: Sequence[Word], left_out: Counter[str]) -> list[Word]:
    """The words that somebody said.

    Parameters
    ----------
    words : sequence of Word
        What the recogniser wrote.
    left_out : Counter
        Takes the number of words that are left out, by what is wrong with them.

    Returns
    -------
    list of Word
        In order.
    """
    trusted = []
    for word in words:
        if word.probability < LEAST:
            left_out["words of low probability"] += 1
        elif word.end - word.start > LONGEST:
            left_out[f"words longer than {LONGEST:.0f} s"] += 1
        else:
            trusted.append(word)
    plain = [re.sub(r"\W", "", word.text).casefold() for word in trusted]
    invented = _repeated(plain)
    left_out["words of phrases that repeat without end"] += len(invented)
    return [word for number, word in enumerate(trusted) if number not in invented]


def _repeated(words: Sequence[str]) -> set[int]:
    """Positions of phrases that are said over and over."""
    out: set[int] = set()
    for size in range(1, _PHRASE + 1):
        most = CALLS if size == 1 else REPEATS
        run = 0  # words in a row that are the same as those one phrase earlier
        for end in range(size, len(words) + 1):
            if end < len(words) and words[end] == words[end - size]:
                run += 1
                continue
            if run >= size * most:
                out.update(range(end - run - size, end))
            run = 0
    return out


def summary_of(left_out: Counter[str]) -> str:
    """Say in one sentence what was left out.

    Returns
    -------
    str
        Empty where nothing was.

    Examples
    --------
    >>> summary_of(Counter({"words of low probability": 2, "words longer than 3 s": 1}))
    'the recogniser wrote what was probably not said; left out: words of low probability (2), words longer than 3 s (1)'
    """
    parts = ", ".join(f"{what} ({count})" for what, count in left_out.items() if count)
    return f"the recogniser wrote what was probably not said; left out: {parts}" if parts else ""
