"""How much a text negates."""

from __future__ import annotations

import re

from affectlens.features.properties.registry import register_property

# Words that deny, after the list of Pang, Lee & Vaithyanathan (2002) and the contractions of English.
NEGATIONS = re.compile(r"\b(not|no|never|none|nobody|nothing|nowhere|neither|nor|without|cannot)\b|n['’]t\b", re.IGNORECASE)


@register_property("negation", "words", unit="count", kind="ordinal", says="how many words deny something",
                   weak="counts words, not what they deny; irony denies without any")  # fmt: skip
def negation(text: str) -> float:
    """Words that deny, four at most."""
    return float(min(4, len(NEGATIONS.findall(text))))
