"""How polite a text is, by its markers."""

from __future__ import annotations

import re

from affectlens.features.properties.registry import register_property

# Markers of politeness in requests (Danescu-Niculescu-Mizil et al. 2013): please, thanks, apologies, indirect questions.
MARKERS = re.compile(
    r"\b(please|thank(s| you)|sorry|apologi[sz]e|excuse me|pardon|would you|could you|may i|if you (don't|do not) mind|"
    r"i appreciate|grateful|by the way)\b",
    re.IGNORECASE,
)


@register_property("politeness", "words", unit="count", kind="ordinal", says="how many markers of politeness there are",
                   weak="a short list of English markers; 'please' at the head of a sentence can be a command")  # fmt: skip
def politeness(text: str) -> float:
    """Markers, three at most."""
    return float(min(3, len(MARKERS.findall(text))))
