"""What a text says denied: the answer should follow."""

from __future__ import annotations

import re

from affectlens.explainers.interventions.registry import register_intervention

_VERB = re.compile(
    r"\b(am|is|are|was|were|will|would|can|could|should|must|do|does|did|has|have|had)\b(?! not\b)", re.IGNORECASE
)
_DENIED = re.compile(
    r"\b(cannot|(?:am|is|are|was|were|will|would|could|should|must|do|does|did|has|have|had) not)\b", re.IGNORECASE
)


@register_intervention("negation", "words", says="what is said is denied, and what is denied is said")
def negation(text: str) -> str:
    """The first auxiliary verb denied, or its denial taken away; a text without one is left as it is."""
    denied = _DENIED.search(text)
    if denied:
        word = denied.group(0)
        kept = word[:3] if word.lower() == "cannot" else word.rsplit(" ", 1)[0]
        return text[: denied.start()] + kept + text[denied.end() :]
    verb = _VERB.search(text)
    return text if verb is None else f"{text[: verb.end()]} not{text[verb.end() :]}"
