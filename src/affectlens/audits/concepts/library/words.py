"""Concepts of what is said. Word lists are our own; affect norms are the user's (Warriner et al. 2013 and tables like it)."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.audits.concepts.library.base import above, concept
from affectlens.audits.concepts.library.lexicon import (
    FIRST_PERSON,
    HEDGES,
    INTENSIFIERS,
    NEGATION,
    POSITIVE,
    PROFANITY,
    SECOND_PERSON,
)
from affectlens.core.errors import UsageError
from affectlens.core.untrusted.frames import read_csv

_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?")


@cache
def tokens(text: str) -> tuple[str, ...]:
    """Lower-case words of a text; curly apostrophes are straightened."""
    return tuple(_TOKEN.findall(text.lower().replace("’", "'")))


def _any(rows: pd.DataFrame, words: frozenset[str]) -> np.ndarray:
    """Whether an utterance has one of the words; NaN for an empty one."""
    return np.array([float(any(token in words for token in tokens(text))) if tokens(text) else np.nan for text in rows.text])


def _lexicon_concept(name: str, meaning: str, words: frozenset[str]) -> None:
    concept(name, "words", meaning, "text")(lambda rows: _any(rows, words))


_lexicon_concept("negation", "holds a negating word such as not, never or a contraction of it", NEGATION)
_lexicon_concept("first person", "the speaker speaks of themselves in the singular: I, me, my", FIRST_PERSON)
_lexicon_concept("second person", "addresses the other: you, your", SECOND_PERSON)


@concept("question", "words", "holds a question mark, or begins with a question word", "text")
def _question(rows: pd.DataFrame) -> np.ndarray:
    starts = {"who", "what", "when", "where", "why", "how", "which", "whose"}
    asks = [float("?" in text or bool(set(tokens(text)[:1]) & starts)) for text in rows.text]
    empty = [not tokens(text) and "?" not in text for text in rows.text]
    return np.where(empty, np.nan, asks)


@concept("exclamation", "words", "holds an exclamation mark", "text")
def _exclamation(rows: pd.DataFrame) -> np.ndarray:
    return np.array([float("!" in text) if text.strip() else np.nan for text in rows.text])


_lexicon_concept("profanity", "holds a swear word", PROFANITY)


@concept("positive words", "words", "holds a plainly positive word and no negating one", "text")
def _positive(rows: pd.DataFrame) -> np.ndarray:
    plain, negated = _any(rows, POSITIVE), _any(rows, NEGATION)
    return np.where(np.isfinite(plain), plain * (1 - np.nan_to_num(negated)), np.nan)


_lexicon_concept("hedging", "holds a word that takes certainty away: maybe, guess, kinda", HEDGES)
_lexicon_concept("intensifier", "holds a strengthening word: very, really, so", INTENSIFIERS)


@concept("few words", "words", "three words or fewer", "text")
def _few_words(rows: pd.DataFrame) -> np.ndarray:
    return np.array([float(len(tokens(text)) <= 3) if text.strip() else np.nan for text in rows.text])


def _norm(rows: pd.DataFrame, name: str, high: bool) -> np.ndarray:
    """Upper (or lower) quarter of the mean norm of an utterance's words, over the corpus."""
    numbers = rows[f"norm_{name}"].to_numpy(dtype=np.float64)
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return np.full(len(numbers), np.nan)
    if high:
        return above(numbers, float(np.quantile(finite, 0.75)))
    return above(-numbers, -float(np.quantile(finite, 0.25)))


def _norm_concept(name: str, meaning: str, norm: str, *, high: bool) -> None:
    concept(name, "words", meaning, f"norm_{norm}")(lambda rows: _norm(rows, norm, high))


_norm_concept("pleasant words", "mean valence norm of its words in the corpus's upper quarter", "valence", high=True)
_norm_concept("unpleasant words", "mean valence norm of its words in the corpus's lower quarter", "valence", high=False)
_norm_concept("arousing words", "mean arousal norm of its words in the corpus's upper quarter", "arousal", high=True)
_norm_concept("dominant words", "mean dominance norm of its words in the corpus's upper quarter", "dominance", high=True)
_norm_concept("submissive words", "mean dominance norm of its words in the corpus's lower quarter", "dominance", high=False)


def with_norms(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows with ``norm_valence``, ``norm_arousal`` and ``norm_dominance``: means over an utterance's words.

    ``path``: a csv as Warriner et al. (2013) publish it, with a head (Word, V.Mean.Sum, A.Mean.Sum, D.Mean.Sum) or without
    (word, then mean, deviation and count of each). Function words are not in such tables and do not count.

    Returns
    -------
    DataFrame
        Missing where no word of an utterance has a norm.

    Raises
    ------
    UsageError
        A file that is no such table.
    """
    try:
        table = read_csv(path, header=None, dtype=str)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a readable csv of affect norms ({error})") from error
    head = [str(cell) for cell in table.iloc[0]]
    if "Word" in head and "V.Mean.Sum" in head:
        at = [head.index(column) for column in ("Word", "V.Mean.Sum", "A.Mean.Sum", "D.Mean.Sum")]
        table = table.iloc[1:]
    elif table.shape[1] >= 10:
        at = [0, 1, 4, 7]
    else:
        raise UsageError(f"{path}: {table.shape[1]} columns; expected Warriner et al.'s table of valence, arousal, dominance")
    values = table.iloc[:, at[1:]].apply(pd.to_numeric, errors="coerce").to_numpy()
    norms = {
        str(word).lower(): norm for word, norm in zip(table.iloc[:, at[0]], values, strict=True) if np.isfinite(norm).all()
    }
    means = []
    for text in rows.text:
        words = [norms[token] for token in tokens(text) if token in norms]
        means.append(np.mean(words, axis=0) if words else np.full(3, np.nan))
    columns = np.array(means)
    return rows.assign(norm_valence=columns[:, 0], norm_arousal=columns[:, 1], norm_dominance=columns[:, 2])
