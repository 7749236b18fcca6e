"""A transcript that somebody corrected: new words, at the times of the old ones where they are the same."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from affectlens.core.errors import UsageError

LONGEST = 5000  # letters of one utterance


def corrected(state: Mapping[str, Any], corrections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A transcript with utterances said otherwise, added, or taken out.

    Parameters
    ----------
    state : mapping
        As ``transcript.json`` of a run holds it: ``utterances``, each with a language and ``words`` (text, start, end,
        probability).
    corrections : sequence of mapping
        ``start`` and ``end`` in seconds and ``text``. The utterances that share most of that time are said otherwise; an empty
        text takes them out; where there are none, one is added in the language of the others.

    Returns
    -------
    dict
        Another transcript. Words that stay keep their times; new ones share the time between their neighbours by their lengths.

    Raises
    ------
    UsageError
        A correction without times, or too long.

    Examples
    --------
    >>> word = lambda text, start, end: {"text": text, "start": start, "end": end, "probability": 0.9}
    >>> said = [word("I", 0.0, 0.2), word("hate", 0.2, 0.6), word("it", 0.6, 0.8)]
    >>> heard = {"utterances": [{"words": said, "language": "en"}]}
    >>> new = corrected(heard, [{"start": 0.0, "end": 0.8, "text": "I hated it"}])
    >>> [(w["text"], w["start"], w["end"]) for w in new["utterances"][0]["words"]]
    [('I', 0.0, 0.2), ('hated', 0.2, 0.6), ('it', 0.6, 0.8)]
    """
    out = copy.deepcopy(dict(state))
    utterances: list[dict[str, Any]] = list(out.get("utterances") or [])
    for correction in corrections:
        start, end, text = _checked(correction)
        words = text.split()
        there = [utterance for utterance in utterances if _mostly(utterance, start, end)]
        old = [word for utterance in there for word in utterance["words"]]
        for utterance in there:
            utterances.remove(utterance)
        if not words:
            continue
        like = there[0] if there else (utterances[0] if utterances else {"language": "en", "language_probability": 1.0})
        made = {name: value for name, value in like.items() if name != "words"}
        made.setdefault("language_probability", 1.0)
        if not there:
            made["channel"] = None
        utterances.append({**made, "words": _aligned(old, words, start, end)})
    out["utterances"] = sorted(utterances, key=lambda utterance: float(utterance["words"][0]["start"]))
    voiced = [[utterance["words"][0]["start"], utterance["words"][-1]["end"]] for utterance in out["utterances"]]
    out["voiced"] = list(out.get("voiced") or []) or voiced
    out.setdefault("heard", max((float(span[1]) for span in voiced), default=0.0))
    out.setdefault("left out", {})
    return out


def _checked(correction: Mapping[str, Any]) -> tuple[float, float, str]:
    start, end, text = correction.get("start"), correction.get("end"), correction.get("text", "")
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (start, end))
    if not numbers or not 0 <= float(start) < float(end) < 1e7 or not isinstance(text, str):  # type: ignore[arg-type]
        raise UsageError(f"a correction {dict(correction)!r}; start and end in seconds and a text were expected")
    if len(text) > LONGEST:
        raise UsageError(f"{len(text):,} letters in one utterance; at most {LONGEST:,} were expected")
    return float(start), float(end), text  # type: ignore[arg-type]


def _mostly(utterance: Mapping[str, Any], start: float, end: float) -> bool:
    """Whether an utterance lies in a span with at least half of its length, or the span in it."""
    first, last = float(utterance["words"][0]["start"]), float(utterance["words"][-1]["end"])
    shared = min(last, end) - max(first, start)
    return shared > 0 and shared >= 0.5 * min(last - first, end - start)


def _aligned(old: Sequence[Mapping[str, Any]], new: Sequence[str], start: float, end: float) -> list[dict[str, Any]]:
    texts = [str(word["text"]) for word in old]
    out: list[dict[str, Any]] = []
    first, last = (float(old[0]["start"]), float(old[-1]["end"])) if old else (start, end)
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, texts, list(new), autojunk=False).get_opcodes():
        if tag == "equal":
            out += [dict(word) for word in old[old_from:old_to]]
            continue
        if tag == "delete":
            continue
        begin = float(old[old_from]["start"]) if old_from < old_to else (float(out[-1]["end"]) if out else first)
        until = float(old[old_to - 1]["end"]) if old_from < old_to else (
            float(old[old_from]["start"]) if old_from < len(old) else last
        )  # fmt: skip
        out += _shared(new[new_from:new_to], begin, max(until, begin))
    return out


def _shared(words: Sequence[str], start: float, end: float) -> list[dict[str, Any]]:
    """Words that share a stretch of time by their lengths."""
    total, at, out = sum(map(len, words)) or 1, start, []
    for word in words:
        until = at + (end - start) * len(word) / total
        out.append({"text": word, "start": round(at, 3), "end": round(until, 3), "probability": 1.0})
        at = until
    return out
