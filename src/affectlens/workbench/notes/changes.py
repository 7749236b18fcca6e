"""What entries of `edits.json` may say, and the state that they come to."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from affectlens.core.errors import UsageError

LONGEST = {"name": 80, "text": 4000, "reason": 400, "author": 80, "label": 80}
LINES = "\n\r\t"  # that longer texts may hold
TAKEN_AWAY = ("marker", "note", "label", "exclude", "split", "merge")


@dataclass
class State:
    """What the entries come to.

    Attributes
    ----------
    revision : int
        How many entries there are.
    names : dict
        Person to name.
    merged : dict
        Person to the person whom they were found to be.
    steps : list of dict
        Merges and splits in the order in which they were made.
    splits, excluded, markers, notes, labels : list of dict
        Each with the id of its entry.
    history : list of dict
        All entries but those that undo, redo and take away, with whether they count.
    """

    revision: int = 0
    names: dict[int, str] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    splits: list[dict[str, Any]] = field(default_factory=list)
    excluded: list[dict[str, Any]] = field(default_factory=list)
    markers: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)
    undo: dict[str, str | None] = field(default_factory=dict)
    redo: dict[str, str | None] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def raters(self) -> list[str]:
        """Who gave labels."""
        return sorted({str(entry["rater"]) for entry in self.labels})

    def person(self, number: int) -> int:
        """Whom a person was found to be."""
        seen = set()
        while number in self.merged and number not in seen:
            seen.add(number)
            number = self.merged[number]
        return number

    def to_dict(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "revision": self.revision,
            "names": {str(person): name for person, name in self.names.items()},
            "merged": {str(person): self.person(person) for person in self.merged},
            "splits": self.splits,
            "excluded": self.excluded,
            "markers": self.markers,
            "notes": self.notes,
            "labels": self.labels,
            "raters": self.raters,
            "undo": self.undo,
            "redo": self.redo,
            "history": self.history,
        }


def text_of(values: Mapping[str, Any], name: str, needed: bool = True) -> str:
    """A text among values, of no more letters than are kept; what is none is a ``UsageError`` that names it."""
    value = values.get(name, "")
    if value is None:
        value = ""
    if not isinstance(value, str) or (needed and not value.strip()):
        raise UsageError(f"{name}: a text was expected")
    if len(value) > LONGEST[name]:
        raise UsageError(f"{name}: {len(value)} letters; at most {LONGEST[name]} were expected")
    lines = LINES if name in ("text", "reason") else ""
    odd = next((letter for letter in value if letter not in lines and unicodedata.category(letter) in ("Cc", "Cs")), "")
    if odd:  # half of a pair of surrogates cannot be written, and nothing that holds it could be read again
        raise UsageError(f"{name}: a sign that is no text (U+{ord(odd):04X}); leave it out")
    return value.strip()


def _time(values: Mapping[str, Any], name: str, needed: bool = True) -> float | None:
    value = values.get(name)
    if value is None and not needed:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e7:
        raise UsageError(f"{name} {value!r}: seconds of at least 0 were expected")
    return float(value)


def _whose(values: Mapping[str, Any], name: str = "person", needed: bool = True) -> int | None:
    value = values.get(name)
    if value is None and not needed:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value < 1_000_000:
        raise UsageError(f"{name} {value!r}: the number of a person was expected")
    return value


def _span(values: Mapping[str, Any], open_end: bool = False) -> dict[str, Any]:
    start, end = _time(values, "start"), _time(values, "end", not open_end)
    if start is not None and end is not None and end < start:
        raise UsageError(f"end {end:g} s lies before start {start:g} s")
    return {"start": start, "end": end}


def _merge(values: Mapping[str, Any]) -> dict[str, Any]:
    people, into = values.get("people"), _whose(values, "into")
    if not isinstance(people, list) or not people or len(people) > 1000:
        raise UsageError("people: a list of numbers of people was expected")
    numbers = [_whose({"person": person}) for person in people]
    if into in numbers or into == -1 or -1 in numbers:
        raise UsageError("merge: other people than the one they are merged into were expected, and nobody out of view")
    return {"people": numbers, "into": into}


def _marker(values: Mapping[str, Any]) -> dict[str, Any]:
    at, end = _time(values, "time"), _time(values, "end", needed=False)
    if at is not None and end is not None and end < at:
        raise UsageError(f"end {end:g} s lies before time {at:g} s")
    return {"time": at, "end": end, "text": text_of(values, "text", needed=False)}


def _split(values: Mapping[str, Any]) -> dict[str, Any]:
    at, end = _time(values, "at"), _time(values, "end", needed=False)
    if at is not None and end is not None and end <= at:
        raise UsageError(f"end {end:g} s does not lie after {at:g} s")
    person = _whose(values)
    if person == -1:
        raise UsageError("split: a person in view was expected")
    return {"person": person, "at": at, "end": end, "into": _whose(values, "into", needed=False)}


# Each action's values, checked; what else is given is left out.
ACTIONS = {
    "rename": lambda values: {"person": _whose(values), "name": text_of(values, "name", needed=False)},
    "merge": _merge,
    "split": _split,
    "exclude": lambda values: (
        _span(values) | {"person": _whose(values, needed=False), "reason": text_of(values, "reason", needed=False)}
    ),
    "marker": _marker,
    "note": lambda values: (
        _span(values, open_end=True) | {"person": _whose(values, needed=False), "text": text_of(values, "text")}
    ),
    "label": lambda values: _span(values) | {"person": _whose(values), "label": text_of(values, "label", needed=False) or None},
    "remove": lambda values: {"entry": str(values.get("entry", ""))},
}


def checked(action: Any, values: Any) -> dict[str, Any]:
    """The values of an entry as they are kept.

    Raises
    ------
    UsageError
        An unknown action, or a value that cannot be.
    """  # noqa: DOC201
    if action not in ACTIONS:
        raise UsageError(f"action {action!r}; one of {', '.join(ACTIONS)} was expected")
    if not isinstance(values, Mapping):
        raise UsageError("values: a table of values was expected")
    check: Callable[[Mapping[str, Any]], dict[str, Any]] = ACTIONS[action]
    return dict(check(values))


def state_of(entries: Sequence[Mapping[str, Any]], people: Sequence[int] = ()) -> State:
    """What entries come to.

    Parameters
    ----------
    entries : sequence of mapping
        As the file holds them.
    people : sequence of int
        Those of the run, so that a split gives a number that nobody has.

    Returns
    -------
    State
        Entries that were undone or taken away have no effect.
    """
    state = State(revision=len(entries))
    undone: set[str] = set()
    stacks: dict[str, list[str]] = {}
    back: dict[str, list[str]] = {}
    for entry in entries:
        author, name, action = str(entry["author"]), str(entry["id"]), entry["action"]
        if action in ("undo", "redo"):
            target = str(entry["values"].get("entry", ""))
            (undone.add if action == "undo" else undone.discard)(target)
            one, other = (stacks, back) if action == "undo" else (back, stacks)
            if target in one.get(author, []):
                one[author].remove(target)
                other.setdefault(author, []).append(target)
        else:
            stacks.setdefault(author, []).append(name)
            back[author] = []
    counting = [entry for entry in entries if entry["action"] not in ("undo", "redo") and entry["id"] not in undone]
    taken = {str(entry["values"].get("entry", "")) for entry in counting if entry["action"] == "remove"}
    used = {*people, *_numbers(entries)}
    for entry in counting:
        if entry["id"] not in taken:
            _apply(state, entry, used)
    _keep_latest(state)
    state.undo = {author: (names[-1] if names else None) for author, names in stacks.items()}
    state.redo = {author: (names[-1] if names else None) for author, names in back.items()}
    state.history = [
        {**entry, "undone": entry["id"] in undone or entry["id"] in taken}
        for entry in entries
        if entry["action"] not in ("undo", "redo")
    ]
    return state


def _numbers(entries: Sequence[Mapping[str, Any]]) -> list[int]:
    return [int(entry["values"]["into"]) for entry in entries if entry["values"].get("into") is not None]


def _apply(state: State, entry: Mapping[str, Any], used: set[int]) -> None:
    values, about = dict(entry["values"]), {"author": entry["author"], "at": entry["at"]}
    kept = {"entry": entry["id"], **values}
    match entry["action"]:
        case "rename" if values["name"]:
            state.names[values["person"]] = values["name"]
        case "rename":
            state.names.pop(values["person"], None)
        case "merge":
            for person in values["people"]:
                if state.person(values["into"]) != person:
                    state.merged[person] = values["into"]
            state.steps.append(kept)
        case "split":
            state.splits.append(kept)
            state.steps.append(kept)
            used.add(values["into"])
        case "exclude":
            state.excluded.append(kept)
        case "marker":
            state.markers.append(kept | about)
        case "note":
            state.notes.append(kept | about)
        case "label":
            state.labels.append(kept | {"rater": entry["author"], "at": entry["at"]})


def _keep_latest(state: State) -> None:
    """Of a rater's labels of the same segment the latest."""
    latest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for label in state.labels:
        key = (label["rater"], label["person"], round(label["start"], 3), round(label["end"], 3))
        latest.pop(key, None)
        latest[key] = label
    state.labels = list(latest.values())
