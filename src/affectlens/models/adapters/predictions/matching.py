"""Which row of a table is of which item of a corpus: by the longest ending of their paths that only these two have."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from affectlens.core.labels import canonical, known_labels
from affectlens.core.untrusted.sheets import in_posix

_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,5}$|\.3gp$")
SHOWN = 3
NO_ROW = "the table has no row of it"

Ending = tuple[str, ...]  # the parts of a path from its last one on, without the file's suffix


@dataclass(frozen=True)
class Name:
    """A name of a file in a form that can be compared: parts from the last one on, and the suffix by itself."""

    whole: str
    parts: Ending
    suffix: str

    @classmethod
    def of(cls, name: str) -> Name:
        """Slashes of any system, letters of either case and of either way to write an accent are alike."""
        plain = unicodedata.normalize("NFC", in_posix(name)).casefold()
        parts = [part for part in plain.split("/") if part not in ("", ".")] or [plain]
        ending = _SUFFIX.search(parts[-1])
        suffix = ending[0] if ending and ending.start() > 0 else ""
        last = parts[-1][: len(parts[-1]) - len(suffix)]
        return cls(name, (last, *reversed(parts[:-1])), suffix)


@dataclass
class Match:
    """What was matched with what.

    Attributes
    ----------
    pairs : dict of str to str
        The name in the table of every key that has one.
    reasons : dict of str to str
        Why the other keys have none.
    spare : list of str
        Names in the table that no key has.
    apart : list of str
        Keys that were matched although folders further up differ.
    """

    pairs: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    spare: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)


class _Endings:
    """Names by every ending of their path."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = {name: Name.of(name) for name in names}
        self._by: dict[Ending, list[str]] = defaultdict(list)
        for name in self.names.values():
            for depth in range(1, len(name.parts) + 1):
                self._by[name.parts[:depth]].append(name.whole)

    def best(self, other: Name) -> tuple[list[str], int]:
        """Names that share the longest ending with another, those of the same suffix where there are, and its length."""
        for depth in range(len(other.parts), 0, -1):
            if known := self._by.get(other.parts[:depth]):
                same = [name for name in known if self.names[name].suffix == other.suffix]
                return same or known, depth
        return [], 0


def match(keys: Sequence[str], names: Sequence[str]) -> Match:
    r"""Match keys of a corpus with names of files in a table, one to one.

    Parameters
    ----------
    keys : sequence of str
        Keys of a corpus: paths below its folder, with or without a suffix.
    names : sequence of str
        Paths of any system, with or without folders and suffixes.

    Returns
    -------
    Match
        A pair shares a longer ending of their paths with each other than with anything else. Files of one name in several
        folders are told apart by the folders, or, where the table has none, not matched.

    Examples
    --------
    >>> match(["happy/1.jpg", "sad/1.jpg"], ["D:\\faces\\Sad\\1.jpg"]).pairs
    {'sad/1.jpg': 'D:\\faces\\Sad\\1.jpg'}
    >>> match(["happy/1.jpg", "sad/1.jpg"], ["1.jpg"]).reasons["sad/1.jpg"]
    'the table names 1.jpg, which could be of happy/1.jpg or sad/1.jpg'
    """
    out = Match()
    exact = set(names)
    out.pairs = {key: key for key in keys if key in exact}
    left_keys = [key for key in dict.fromkeys(keys) if key not in out.pairs]
    left_names = [name for name in dict.fromkeys(names) if name not in out.pairs]
    _by_endings(left_keys, left_names, out)
    taken = set(out.pairs.values())
    out.spare = [name for name in left_names if name not in taken]
    return out


def _by_endings(keys: list[str], names: list[str], out: Match) -> None:
    table, corpus = _Endings(names), _Endings(keys)
    back_of = {name: corpus.best(table.names[name]) for name in names}
    for key in keys:
        of_corpus = corpus.names[key]
        near, depth = table.best(of_corpus)
        near = [name for name in near if back_of[name][1] == depth]  # the others share more with another key
        if not near:
            out.reasons[key] = NO_ROW
        elif len(near) > 1:
            out.reasons[key] = f"several rows of the table could be of it: {_or(near)}"
        else:
            of_table, back = table.names[near[0]], back_of[near[0]][0]
            if key not in back:
                out.reasons[key] = NO_ROW
            elif len(back) > 1:
                out.reasons[key] = f"the table names {near[0]}, which could be of {_or(back)}"
            elif _of_other_classes(of_corpus, of_table, depth):
                out.reasons[key] = f"the table has {near[0]}, in a folder of another class"
            else:
                out.pairs[key] = near[0]
                if depth < min(len(of_corpus.parts), len(of_table.parts)):
                    out.apart.append(key)


def _of_other_classes(one: Name, other: Name, depth: int) -> bool:
    """Whether the folders at which two paths part name two classes."""
    if depth >= min(len(one.parts), len(other.parts)):
        return False
    first, second = canonical(one.parts[depth]), canonical(other.parts[depth])
    known = known_labels()
    return first != second and first in known and second in known


def _or(names: Sequence[str]) -> str:
    return " or ".join(names[:SHOWN]) + (f" (of {len(names)})" if len(names) > SHOWN else "")
