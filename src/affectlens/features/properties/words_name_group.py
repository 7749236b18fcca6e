"""From which group's first names a text has one."""

from __future__ import annotations

import re

from affectlens.features.properties.registry import register_property

# First names frequent in different groups: Caliskan, Bryson & Narayanan 2017; Bertrand & Mullainathan 2004.
GROUPS = {
    "European American": "emily greg anne brad jill matthew john mary david sarah",
    "African American": "lakisha jamal ebony darnell latoya tyrone",
    "Arabic": "mohammed fatima ahmed aisha",
}
_GROUP_OF = {name: group for group, names in GROUPS.items() for name in names.split()}
_WORD = re.compile(r"[A-Z][a-z]+")


@register_property("group of names", "words", kind="categorical", says="the group in which its first names are frequent",
                   weak="a few names; a name tells nobody's origin, only which group it is frequent in")  # fmt: skip
def group_of_names(text: str) -> str | None:
    """The group of the first names in a text; None where it has none of the list, or of several groups."""
    found = {_GROUP_OF[word.lower()] for word in _WORD.findall(text) if word.lower() in _GROUP_OF}
    return found.pop() if len(found) == 1 else None
