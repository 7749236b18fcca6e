"""Word swaps that should not change what a text expresses: pronouns and kin, first names, spelling of a register."""

from __future__ import annotations

import re

from affectlens.explainers.interventions.registry import register_intervention

_GENDER = {"he": "she", "him": "her", "his": "her", "himself": "herself", "man": "woman", "men": "women", "boy": "girl",
           "boys": "girls", "guy": "gal", "husband": "wife", "father": "mother", "dad": "mom", "son": "daughter",
           "brother": "sister", "uncle": "aunt", "king": "queen", "sir": "madam", "male": "female"}  # fmt: skip
_BACK = {new: old for old, new in _GENDER.items() if new != "her"} | {"her": "his", "hers": "his"}
# Names frequent in different groups (Caliskan, Bryson & Narayanan 2017; Bertrand & Mullainathan 2004).
_NAMES = {"emily": "lakisha", "greg": "jamal", "anne": "ebony", "brad": "darnell", "jill": "latoya", "matthew": "tyrone",
          "john": "mohammed", "mary": "fatima", "david": "ahmed", "sarah": "aisha"}  # fmt: skip
_SPELLING = {"going to": "gonna", "want to": "wanna", "you all": "y'all", "because": "cuz", "about": "bout", "isn't": "ain't",
             "is not": "ain't", "the": "da", "that": "dat", "with": "wit", "brother": "bruh", "trying to": "tryna"}  # fmt: skip


def swapped(text: str, table: dict[str, str]) -> str:
    """Whole words of the table exchanged, capitals kept."""
    order = sorted(table, key=len, reverse=True)
    pattern = re.compile(r"\b(" + "|".join(re.escape(word) for word in order) + r")\b", re.IGNORECASE)

    def replacement(match: re.Match[str]) -> str:
        word, new = match.group(0), table[match.group(0).lower()]
        if word.isupper() and len(word) > 1:
            return new.upper()
        return new.capitalize() if word[0].isupper() else new

    return pattern.sub(replacement, text)


@register_intervention("him to her", "words", says="male words become female ones")
def him_to_her(text: str) -> str:
    """Male words become female ones."""
    return swapped(text, _GENDER)


@register_intervention("her to him", "words", says="female words become male ones")
def her_to_him(text: str) -> str:
    """Female words become male ones."""
    return swapped(text, _BACK)


@register_intervention("names", "words", says="first names of one group become those of another")
def other_names(text: str) -> str:
    """First names of one group become those of another."""
    return swapped(text, _NAMES | {new: old for old, new in _NAMES.items()})


@register_intervention(
    "spelling of a register", "words", says="standard spelling becomes that of African American English online"
)
def other_spelling(text: str) -> str:
    """Standard spelling becomes that of African American English online."""
    return swapped(text, _SPELLING)
