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
    """The words that somebody said; the others are counted in ``left_out`` by what is wrong with them."""
    kept = []
    for word in words:
        if word.probability < LEAST:
            left_out["words of low probability"] += 1
        elif word.end - word.start > LONGEST:
            left_out[f"words longer than {LONGEST:.0f} s"] += 1
        else:
            kept.append(word)
    plain = [re.sub(r"\W", "", word.text).casefold() for word in kept]
    invented = _repeated(plain)
    left_out["words of phrases that repeat without end"] += len(invented)
    return [word for i, word in enumerate(kept) if i not in invented]


def _repeated(words: Sequence[str]) -> set[int]:
    """Positions of phrases that are said over and over."""
    out: set[int] = set()
    for size in range(1, _PHRASE + 1):
        most = CALLS if size == 1 else REPEATS
        run = 0  # words in a row that are the same as those one phrase earlier
        for i in range(size, len(words) + 1):
            if i < len(words) and words[i] == words[i - size]:
                run += 1
                continue
            if run >= size * most:
                out.update(range(i - run - size, i))
            run = 0
    return out


def told(left_out: Counter[str]) -> str:
    """Say in one sentence what was left out.

    Returns
    -------
    str
        Empty where nothing was.

    Examples
    --------
    >>> told(Counter({"words of low probability": 2, "words longer than 3 s": 1}))
    'the recogniser wrote what was probably not said; left out: words of low probability (2), words longer than 3 s (1)'
    """
    parts = ", ".join(f"{what} ({n})" for what, n in left_out.items() if n)
    return f"the recogniser wrote what was probably not said; left out: {parts}" if parts else ""
