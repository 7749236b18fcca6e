"""Which language is spoken where: decided stretch by stretch between pauses, so that people may change it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

SURE = 0.7  # probability from which a language is certain
LEAST = 1.0  # seconds of speech from which it can be
LIKELY = 0.5  # probability from which a stretch is heard in its own language too where its neighbours speak another
CLEAR = 0.9  # probability at a glance from which a closer look gives the same language

Span = tuple[int, int]


@dataclass(frozen=True)
class Stretch:
    """Samples ``first`` to before ``last`` of a chunk, in one language.

    Attributes
    ----------
    first, last : int
        Samples.
    languages : tuple of str
        The language as an ISO 639-1 code; several where sound alone cannot tell which.
    probabilities : tuple of float
        Of the languages, on average over the stretch.
    """

    first: int
    last: int
    languages: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def probability(self) -> float:
        """Of the most probable language."""
        return self.probabilities[0]

    def probability_of(self, language: str) -> float:
        """Of one of the languages."""
        return self.probabilities[self.languages.index(language)]


def stretches(
    spans: Sequence[Span],
    detect: Callable[[Span], Mapping[str, float]],
    rate: int,
    before: str | None = None,
    glance: Callable[[Span], Mapping[str, float]] | None = None,
) -> list[Stretch]:
    """Divide speech at its pauses where the language changes.

    A span that is long enough and clear has its own language. Others have that of their neighbours where these agree; where
    they do not, or the span is more likely in another, several languages are left open.

    Parameters
    ----------
    spans : sequence of (int, int)
        Speech between pauses, in samples, in order.
    detect : callable
        Gives the probability of each language in a span.
    rate : int
        Samples a second.
    before : str, optional
        The language last certain before these spans.
    glance : callable, optional
        The same as ``detect`` for a tenth of the work, and less sure of short spans. Where there are several spans it is
        asked first; its answer counts where it is clear, and for a short span where it is the one language of all clear ones.

    Returns
    -------
    list of Stretch
        In order; neighbours differ in language.

    Examples
    --------
    >>> heard = {(0, 20): {"en": 0.9}, (22, 30): {"de": 0.6, "en": 0.4}, (31, 60): {"de": 0.95}}
    >>> [(s.first, s.last, s.languages) for s in stretches(list(heard), heard.get, rate=10)]
    [(0, 20, ('en',)), (22, 30, ('de', 'en')), (31, 60, ('de',))]
    """
    detected = _detected(spans, detect, rate, before, glance)
    sure = [_sure(span, probabilities, rate) for span, probabilities in zip(spans, detected, strict=True)]
    if not any(sure) and spans:
        sure = [_main(spans, detected, before)] * len(spans)
    out: list[Stretch] = []
    for number, (span, probabilities) in enumerate(zip(spans, detected, strict=True)):
        own = sure[number]
        languages = (own,) if own else _open(probabilities, sure[:number], sure[number + 1 :], before)
        likely = tuple(probabilities.get(language, 0.0) for language in languages)
        if out and out[-1].languages == languages and len(languages) == 1:
            last = out.pop()
            lengths = last.last - last.first, span[1] - span[0]
            mean = (last.probability * lengths[0] + likely[0] * lengths[1]) / sum(lengths)
            out.append(Stretch(last.first, span[1], languages, (mean,)))
        else:
            out.append(Stretch(*span, languages, likely))
    return out


def _detected(
    spans: Sequence[Span],
    detect: Callable[[Span], Mapping[str, float]],
    rate: int,
    before: str | None,
    glance: Callable[[Span], Mapping[str, float]] | None,
) -> list[dict[str, float]]:
    """The probability of each language in each span, found with as few closer looks as will do."""
    if glance is None or len(spans) == 1:
        return [dict(detect(span)) for span in spans]
    seen = [dict(glance(span)) for span in spans]
    tops = [max(probabilities, key=probabilities.__getitem__) for probabilities in seen]
    long = [last - first >= LEAST * rate for first, last in spans]
    clear = [fits and seen[number][top] >= CLEAR for number, (fits, top) in enumerate(zip(long, tops, strict=True))]
    spoken = {top for top, is_clear in zip(tops, clear, strict=True) if is_clear} | ({before} if before else set())
    enough = [clear[number] or (not long[number] and spoken == {top}) for number, top in enumerate(tops)]
    return [seen[number] if enough[number] else dict(detect(span)) for number, span in enumerate(spans)]


def _sure(span: Span, probabilities: Mapping[str, float], rate: int) -> str | None:
    top = max(probabilities, key=probabilities.__getitem__)
    return top if probabilities[top] >= SURE and span[1] - span[0] >= LEAST * rate else None


def _main(spans: Sequence[Span], detected: Sequence[Mapping[str, float]], before: str | None) -> str:
    """One language for spans of which none is certain."""
    total: dict[str, float] = defaultdict(float)
    for span, probabilities in zip(spans, detected, strict=True):
        for language, probability in probabilities.items():
            total[language] += probability * (span[1] - span[0])
    top = max(total, key=total.__getitem__)
    likely = total[top] >= LIKELY * sum(last - first for first, last in spans)
    return top if before is None or likely else before


def _open(
    probabilities: Mapping[str, float], earlier: Sequence[str | None], later: Sequence[str | None], before: str | None
) -> tuple[str, ...]:
    """Languages that an uncertain span may be in, the most probable first."""
    around = [
        next((language for language in reversed(earlier) if language), before),
        next((language for language in later if language), None),
    ]
    languages = {language for language in around if language}
    top = max(probabilities, key=probabilities.__getitem__)
    if len(languages) > 1 or probabilities[top] >= LIKELY:
        languages.add(top)
    return tuple(sorted(languages, key=lambda language: -probabilities.get(language, 0.0)))
