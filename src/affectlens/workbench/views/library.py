"""All runs and audits below the given folders, as cards that are searched, sorted and paged.

The cards are kept in the user's cache between starts; a run is read again only where its files changed. Looking for changes
goes on beside the requests, which answer with what is known.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from affectlens.core.disk.files import write_text
from affectlens.core.disk.places import cache_dir
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.untrusted.documents import json_of
from affectlens.workbench.reading.notices import INFO, Notice
from affectlens.workbench.reading.places import Folders, id_of
from affectlens.workbench.views.cards import card_of, stamp_of

AGAIN = 3.0  # seconds from one look for changes to the next
PATIENCE = 2.0  # seconds that the first request waits for the first look
LAYOUT = 1  # of the kept cards
SORTS = {
    "made": lambda card: card["made"],
    "name": lambda card: card["name"].casefold(),
    "duration": lambda card: card["duration"] or 0.0,
    "people": lambda card: len(card["people"]),
    "conflicts": lambda card: card["conflicts"],
    "label": lambda card: next(iter(card["labels"]), ""),
}
MOST = 200  # cards of a page


class Library:
    """The cards of everything below some folders.

    Parameters
    ----------
    folders : Folders
        The given folders.
    """

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.revision = 0
        self._entries: dict[str, dict[str, Any]] = {}  # folder: {"stamp", "card", "words", "place"}
        self._places: dict[str, Path] = {}  # id: folder
        self._extra: dict[str, Path] = {}  # runs that are open and not listed
        self._lock, self._looking = threading.Lock(), threading.Lock()
        self._looked = 0.0
        self._begun = threading.Event()
        self._progress = (0, 0)
        self._restore()

    def place_of(self, name: str) -> Path | None:
        """The folder of a run by its id; None where there is none, or where it lies below no given folder any more."""
        with self._lock:
            folder = self._places.get(name) or self._extra.get(name)
            listed = name in self._places
        if folder is None or not folder.is_dir():
            return None
        return folder if not listed or self.folders.root_of(folder) is not None else None

    def open_unlisted(self, folder: Path) -> str:
        """Let a run that lies elsewhere, such as a rerun that is not kept yet, be opened; gives its id."""
        name = id_of(folder.resolve())
        with self._lock:
            self._extra[name] = folder.resolve()
        return name

    def close_unlisted(self, name: str) -> None:
        """Forget such a run."""
        with self._lock:
            self._extra.pop(name, None)

    def refresh(self) -> int:
        """Look for changes now; gives the new revision."""
        with self._looking:
            self._look()
        return self.revision

    def query(self, wanted: Mapping[str, str]) -> dict[str, Any]:
        """One page of the cards that fit.

        Parameters
        ----------
        wanted : mapping
            ``q, kind, label, person, conflict, since, until, status, folder, sort, order, page, size``; all may be absent.

        Returns
        -------
        dict
            JSON types, see docs/workbench.md.

        Raises
        ------
        UsageError
            A value that cannot be.
        """
        self._fresh()
        with self._lock:
            entries = list(self._entries.values())
            done, total = self._progress
        page, size = _whole(wanted, "page", 1, 1, 1_000_000), _whole(wanted, "size", 50, 1, MOST)
        sort, order = wanted.get("sort") or "made", wanted.get("order") or "desc"
        if sort not in SORTS or order not in ("asc", "desc"):
            raise UsageError(f"sort {sort!r}, order {order!r}; one of {', '.join(SORTS)}, and asc or desc, were expected")
        found = [entry["card"] for entry in entries if _fits(entry, wanted)]
        found.sort(key=lambda card: card["path"])
        found.sort(key=SORTS[sort], reverse=order == "desc")
        notices = []
        if done < total:
            notices.append(Notice(INFO, "reading", f"{done} of {total} runs were read so far; the list grows").to_dict())
        return {
            "total": len(found),
            "page": page,
            "size": size,
            "revision": self.revision,
            "facets": _facets(found),
            "notices": notices,
            "items": found[(page - 1) * size : page * size],
        }

    def card(self, name: str) -> dict[str, Any] | None:
        """The card of a run by its id."""
        with self._lock:
            folder = self._places.get(name)
            entry = self._entries.get(str(folder)) if folder else None
        return dict(entry["card"]) if entry else None

    def _fresh(self) -> None:
        """Look for changes beside the request; only the first request waits, and not for long."""
        if time.monotonic() - self._looked > AGAIN and not self._looking.locked():
            threading.Thread(target=self._look_once, name="library", daemon=True).start()
        if not self._begun.is_set():
            self._begun.wait(PATIENCE)

    def _look_once(self) -> None:
        if self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()

    def _look(self) -> None:
        there = {str(folder): (number, folder) for number, folder in self.folders.runs()}
        with self._lock:
            known = {name: entry["stamp"] for name, entry in self._entries.items()}
            gone = [name for name in self._entries if name not in there]
            for name in gone:
                del self._entries[name]
            self._places = {id_of(folder): folder for _, folder in there.values()}
        stamps = {name: stamp_of(folder) for name, (_, folder) in there.items()}
        changed = [name for name in there if known.get(name) != stamps[name]]
        self._progress = (len(there) - len(changed), len(there))
        if not changed:
            self._begun.set()
        with ThreadPoolExecutor(2) as pool:
            for name, card in zip(changed, pool.map(lambda name: self._card(*there[name]), changed), strict=True):
                with self._lock:
                    self._entries[name] = {"stamp": stamps[name], "card": card, "words": _words(card)}
                    self._progress = (self._progress[0] + 1, self._progress[1])
        if changed or gone:
            self.revision += 1
            self._keep()
        self._progress = (len(there), len(there))
        self._looked = time.monotonic()
        self._begun.set()

    def _card(self, number: int, folder: Path) -> dict[str, Any]:
        return card_of(folder, self.folders.roots[number], number)

    @property
    def _file(self) -> Path:
        key = hashlib.sha256("\0".join(os.fspath(root) for root in self.folders.roots).encode("utf-8", "replace")).hexdigest()[
            :16
        ]
        return cache_dir() / "view" / f"library-{key}.json"

    def _keep(self) -> None:
        with self._lock:
            held = {name: [entry["stamp"], entry["card"]] for name, entry in self._entries.items()}
        try:
            write_text(self._file, json.dumps({"layout": LAYOUT, "version": package_version(), "cards": held}))
        except AffectlensError:
            return  # the next start reads the runs again

    def _restore(self) -> None:
        try:
            held = json_of(self._file)
            if held["layout"] != LAYOUT or held["version"] != package_version():
                return
            for name, (stamp, card) in held["cards"].items():
                self._entries[name] = {"stamp": tuple(stamp), "card": card, "words": _words(card)}
                self._places[card["id"]] = Path(name)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, AffectlensError):
            self._entries.clear()
            self._places.clear()


def _words(card: Mapping[str, Any]) -> str:
    """Everything of a card that is searched."""
    people = " ".join(person["name"] for person in card["people"])
    return " ".join([card["name"], card["path"], card["main"], card["kind"], *card["labels"], people]).casefold()


def _fits(entry: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    card = entry["card"]
    if any(word not in entry["words"] for word in (wanted.get("q") or "").casefold().split()):
        return False
    if (kind := wanted.get("kind")) and not (card["kind"] == kind or (kind == "audit" and card["kind"] != "recording")):
        return False
    if (label := wanted.get("label")) and label not in card["labels"]:
        return False
    if (person := wanted.get("person")) and not _has_person(card, person):
        return False
    if wanted.get("conflict") in ("0", "1") and bool(card["conflicts"]) != (wanted["conflict"] == "1"):
        return False
    if any(wanted.get(name) and card[name] != wanted[name] for name in ("status", "folder")):
        return False
    since, until = wanted.get("since") or "", wanted.get("until") or ""
    return not (since and card["made"] < since) and not (until and card["made"][: len(until)] > until)


def _has_person(card: Mapping[str, Any], person: str) -> bool:
    seen = [entry for entry in card["people"] if entry["id"] >= 0]
    if person in ("any", "none"):
        return bool(seen) == (person == "any")
    return any(entry["name"] == person for entry in card["people"])


def _facets(cards: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How many cards there are of each kind, label, named person and status, the commonest first."""
    return {
        "kinds": dict(Counter(card["kind"] for card in cards).most_common()),
        "labels": dict(Counter(label for card in cards for label in card["labels"]).most_common(60)),
        "people": dict(
            Counter(person["name"] for card in cards for person in card["people"] if person["name"]).most_common(200)
        ),
        "statuses": dict(Counter(card["status"] for card in cards).most_common()),
    }


def _whole(wanted: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    given = wanted.get(name)
    if given in (None, ""):
        return default
    if not str(given).isdigit() or not least <= int(str(given)) <= most:
        raise UsageError(f"{name} {given!r}; a number from {least} to {most} was expected")
    return int(str(given))
