"""Word swaps that should not change what a text expresses: pronouns and kin, first names, spelling of a register."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from affectlens.core.errors import unknown

_GENDER = {"he": "she", "him": "her", "his": "her", "himself": "herself", "man": "woman", "men": "women", "boy": "girl",
           "boys": "girls", "guy": "gal", "husband": "wife", "father": "mother", "dad": "mom", "son": "daughter",
           "brother": "sister", "uncle": "aunt", "king": "queen", "sir": "madam", "male": "female"}  # fmt: skip
_BACK = {v: k for k, v in _GENDER.items() if v != "her"} | {"her": "his", "hers": "his"}
# Names frequent in different groups (Caliskan, Bryson & Narayanan 2017; Bertrand & Mullainathan 2004).
_NAMES = {"emily": "lakisha", "greg": "jamal", "anne": "ebony", "brad": "darnell", "jill": "latoya", "matthew": "tyrone",
          "john": "mohammed", "mary": "fatima", "david": "ahmed", "sarah": "aisha"}  # fmt: skip
_SPELLING = {"going to": "gonna", "want to": "wanna", "you all": "y'all", "because": "cuz", "about": "bout", "isn't": "ain't",
             "is not": "ain't", "the": "da", "that": "dat", "with": "wit", "brother": "bruh", "trying to": "tryna"}  # fmt: skip


@dataclass(frozen=True)
class TextIntervention:
    """``change(text)`` gives the swapped text, the same one where nothing can be swapped."""

    name: str
    says: str
    change: Callable[[str], str]


def swapped(text: str, table: dict[str, str]) -> str:
    """Whole words of the table exchanged, capitals kept."""
    order = sorted(table, key=len, reverse=True)
    pattern = re.compile(r"\b(" + "|".join(re.escape(w) for w in order) + r")\b", re.IGNORECASE)

    def one(m: re.Match[str]) -> str:
        new = table[m.group(0).lower()]
        return (
            new.upper()
            if m.group(0).isupper() and len(m.group(0)) > 1
            else new.capitalize()
            if m.group(0)[0].isupper()
            else new
        )

    return pattern.sub(one, text)


TEXTS = {
    i.name: i
    for i in (
        TextIntervention("him to her", "male words become female ones", lambda t: swapped(t, _GENDER)),
        TextIntervention("her to him", "female words become male ones", lambda t: swapped(t, _BACK)),
        TextIntervention("names", "first names of one group become those of another",
                         lambda t: swapped(t, _NAMES | {v: k for k, v in _NAMES.items()})),
        TextIntervention("spelling of a register", "standard spelling becomes that of African American English online",
                         lambda t: swapped(t, _SPELLING)),
    )
}  # fmt: skip


def text_intervention(name: str) -> TextIntervention:
    """The intervention of that name."""
    if name not in TEXTS:
        raise unknown("intervention", name, list(TEXTS))
    return TEXTS[name]
