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
    return np.array([float(any(t in words for t in tokens(text))) if tokens(text) else np.nan for text in rows.text])


@concept("negation", "words", "holds a negating word such as not, never or a contraction of it", "text")
def _negation(rows: pd.DataFrame) -> np.ndarray:
    return _any(rows, NEGATION)


@concept("first person", "words", "the speaker speaks of themselves in the singular: I, me, my", "text")
def _first_person(rows: pd.DataFrame) -> np.ndarray:
    return _any(rows, FIRST_PERSON)


@concept("second person", "words", "addresses the other: you, your", "text")
def _second_person(rows: pd.DataFrame) -> np.ndarray:
    return _any(rows, SECOND_PERSON)


@concept("question", "words", "holds a question mark, or begins with a question word", "text")
def _question(rows: pd.DataFrame) -> np.ndarray:
    starts = {"who", "what", "when", "where", "why", "how", "which", "whose"}
    return np.array(
        [float("?" in t or bool(set(tokens(t)[:1]) & starts)) if tokens(t) or "?" in t else np.nan for t in rows.text]
    )


@concept("exclamation", "words", "holds an exclamation mark", "text")
def _exclamation(rows: pd.DataFrame) -> np.ndarray:
    return np.array([float("!" in t) if t.strip() else np.nan for t in rows.text])


@concept("profanity", "words", "holds a swear word", "text")
def _profanity(rows: pd.DataFrame) -> np.ndarray:
    return _any(rows, PROFANITY)


@concept("positive words", "words", "holds a plainly positive word and no negating one", "text")
def _positive(rows: pd.DataFrame) -> np.ndarray:
    plain, negated = _any(rows, POSITIVE), _any(rows, NEGATION)
    return np.where(np.isfinite(plain), plain * (1 - np.nan_to_num(negated)), np.nan)


@concept("hedging", "words", "holds a word that takes certainty away: maybe, guess, kinda", "text")
def _hedging(rows: pd.DataFrame) -> np.ndarray:
    return _any(rows, HEDGES)


@concept("intensifier", "words", "holds a strengthening word: very, really, so", "text")
def _intensifier(rows: pd.DataFrame) -> np.ndarray:
    return _any(rows, INTENSIFIERS)


@concept("few words", "words", "three words or fewer", "text")
def _few_words(rows: pd.DataFrame) -> np.ndarray:
    return np.array([float(len(tokens(t)) <= 3) if t.strip() else np.nan for t in rows.text])


def _norm(rows: pd.DataFrame, name: str, high: bool) -> np.ndarray:
    """Upper (or lower) quarter of the mean norm of an utterance's words, over the corpus."""
    v = rows[f"norm_{name}"].to_numpy(dtype=np.float64)
    known = v[np.isfinite(v)]
    if not len(known):
        return np.full(len(v), np.nan)
    return above(v, float(np.quantile(known, 0.75))) if high else above(-v, -float(np.quantile(known, 0.25)))


@concept("pleasant words", "words", "mean valence norm of its words in the corpus's upper quarter", "norm_valence")
def _pleasant(rows: pd.DataFrame) -> np.ndarray:
    return _norm(rows, "valence", True)


@concept("unpleasant words", "words", "mean valence norm of its words in the corpus's lower quarter", "norm_valence")
def _unpleasant(rows: pd.DataFrame) -> np.ndarray:
    return _norm(rows, "valence", False)


@concept("arousing words", "words", "mean arousal norm of its words in the corpus's upper quarter", "norm_arousal")
def _arousing(rows: pd.DataFrame) -> np.ndarray:
    return _norm(rows, "arousal", True)


@concept("dominant words", "words", "mean dominance norm of its words in the corpus's upper quarter", "norm_dominance")
def _dominant(rows: pd.DataFrame) -> np.ndarray:
    return _norm(rows, "dominance", True)


@concept("submissive words", "words", "mean dominance norm of its words in the corpus's lower quarter", "norm_dominance")
def _submissive(rows: pd.DataFrame) -> np.ndarray:
    return _norm(rows, "dominance", False)


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
    head = [str(v) for v in table.iloc[0]]
    if "Word" in head and "V.Mean.Sum" in head:
        at = [head.index(c) for c in ("Word", "V.Mean.Sum", "A.Mean.Sum", "D.Mean.Sum")]
        table = table.iloc[1:]
    elif table.shape[1] >= 10:
        at = [0, 1, 4, 7]
    else:
        raise UsageError(f"{path}: {table.shape[1]} columns; expected Warriner et al.'s table of valence, arousal, dominance")
    values = table.iloc[:, at[1:]].apply(pd.to_numeric, errors="coerce").to_numpy()
    norms = {str(w).lower(): m for w, m in zip(table.iloc[:, at[0]], values, strict=True) if np.isfinite(m).all()}
    means = []
    for text in rows.text:
        words = [norms[t] for t in tokens(text) if t in norms]
        means.append(np.mean(words, axis=0) if words else np.full(3, np.nan))
    v = np.array(means)
    return rows.assign(norm_valence=v[:, 0], norm_arousal=v[:, 1], norm_dominance=v[:, 2])
