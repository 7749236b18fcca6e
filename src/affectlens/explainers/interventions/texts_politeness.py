"""Politeness added to a text: what it expresses should hardly follow."""

from __future__ import annotations

import re

from affectlens.explainers.interventions.registry import register_intervention

_END = re.compile(r"\s*([.!?…]*)\s*$")


@register_intervention("politeness", "words", says="a please is added, or taken away where there is one")
def politeness(text: str) -> str:
    """``, please`` before the last full stop; where a text has it, it is taken away."""
    if re.search(r",?\s*\bplease\b,?", text, re.IGNORECASE):
        return re.sub(r"\s+", " ", re.sub(r",?\s*\bplease\b,?", "", text, flags=re.IGNORECASE)).strip()
    if not text.strip():
        return text
    end = _END.search(text)
    body, marks = (text, "") if end is None else (text[: end.start()], end.group(1))
    return f"{body}, please{marks}"
