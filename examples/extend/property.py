"""A property of texts, for the audit of properties.

AFFECTLENS_PLUGINS=property.py affectlens audit properties --model words --corpus goemotions=FOLDER --only "question marks"
"""

from affectlens.features.properties.registry import register_property


@register_property("question marks", "words", kind="ordinal", unit="marks", says="how many question marks there are")
def question_marks(text: str) -> float:
    """How many there are."""
    return float(text.count("?"))
