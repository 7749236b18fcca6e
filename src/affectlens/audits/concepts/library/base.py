"""What a concept is, the registry of those that come with the package, and how users add their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.disk.finding import is_hidden
from affectlens.core.errors import UsageError, unknown
from affectlens.core.registry import Registry
from affectlens.core.untrusted.documents import read_text
from affectlens.core.untrusted.query import answer

# Columns that tell an expressed emotion; a predicate never sees them.
LABELS = ("label", "labels", "valence", "arousal", "dominance", "sentiment", "emotion")
GROUPS = ("voice", "words", "face", "dialogue", "user")
Predicate = Callable[[pd.DataFrame], np.ndarray]


@dataclass(frozen=True)
class Concept:
    """A predicate over the utterances of a corpus.

    ``needs`` are columns that must be there; ``predicate`` takes the utterances in order of dialogue and turn and gives
    ``(n,)`` float: 1 with the concept, 0 without, NaN where it cannot be told.
    """

    name: str
    group: str
    meaning: str
    needs: tuple[str, ...]
    predicate: Predicate


CONCEPTS: Registry[Concept] = Registry("concept", "affectlens.audits.concepts.library")


def concept(name: str, group: str, meaning: str, *needs: str) -> Callable[[Predicate], Predicate]:
    """Decorator: make a predicate available under a name.

    A file in this folder, or a module that another package names in the entry-point group ``affectlens.plugins``, needs
    nothing more to be found.

    Parameters
    ----------
    name : str
        As users write it.
    group : str
        One of ``GROUPS``.
    meaning : str
        Its definition in one sentence.
    *needs : str
        Columns that must be there.

    Returns
    -------
    callable
        Takes the predicate and gives it back.

    Raises
    ------
    UsageError
        An unknown group.
    """  # noqa: DOC501
    if group not in GROUPS:
        raise unknown("group of concepts", group, list(GROUPS))

    def add(predicate: Predicate) -> Predicate:
        CONCEPTS.add(name, Concept(name, group, meaning, needs, predicate))
        return predicate

    return add


def concepts() -> dict[str, Concept]:
    """All known concepts by name, by group and in order of definition."""
    return {entry.name: entry for entry in sorted(CONCEPTS.in_order(), key=lambda entry: GROUPS.index(entry.group))}


def find(names: list[str]) -> list[Concept]:
    """Concepts by name or by group (``words`` stands for all of its group).

    Returns
    -------
    list[Concept]
        Each once, in the order in which they were named.

    Raises
    ------
    UsageError
        An unknown name, with the nearest ones.
    """  # noqa: DOC501
    by_name = concepts()
    out: dict[str, Concept] = {}
    for name in names:
        meant = {key: entry for key, entry in by_name.items() if name in (key, entry.group)}
        if not meant:
            raise unknown("concept", name, [*by_name, *GROUPS])
        out |= meant
    return list(out.values())


def values(entry: Concept, rows: pd.DataFrame) -> np.ndarray:
    """The concept on each utterance ``(n,)``: 1, 0 or NaN.

    Returns
    -------
    ndarray
        1, 0 or NaN.

    Raises
    ------
    UsageError
        A column that it needs is not there, or it gave something else than one value a row.
    """
    lacking = [
        column
        for column in entry.needs
        if column not in rows or rows[column].isna().all() or (rows[column].astype(str) == "").all()
    ]
    if lacking:
        raise UsageError(f"concept {entry.name!r} needs {', '.join(lacking)}, which this corpus does not have")
    unlabelled = rows.drop(columns=[column for column in LABELS if column in rows])
    out = np.asarray(entry.predicate(unlabelled), dtype=np.float64)
    if out.shape != (len(rows),):
        raise UsageError(f"concept {entry.name!r} gave {out.shape} values for {len(rows)} utterances; expected one each")
    return out


def supported(rows: pd.DataFrame, selected: list[Concept] | None = None) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Values of every concept that a corpus can support, and for the others the reason why not."""
    targets, reasons = {}, {}
    for entry in selected if selected is not None else concepts().values():
        try:
            targets[entry.name] = values(entry, rows)
        except UsageError as error:
            reasons[entry.name] = str(error)
    return targets, reasons


def words_held(text: str, names: tuple[str, ...]) -> dict[str, bool]:
    """Which of these word concepts a single text holds."""
    rows = pd.DataFrame({"key": ["0"], "dialogue": ["0"], "turn": [0], "speaker": [""], "text": [text]})
    by_name = concepts()
    return {name: bool(values(by_name[name], rows)[0] > 0.5) for name in names}


def from_query(name: str, query: str) -> Concept:
    """A concept from a query over the columns (see ``core.query``), for example ``"words > 20 and speaker == 'Joey'"``."""
    return Concept(name, "user", f"query: {query}", (), lambda rows: evaluate_query(query, rows))


def evaluate_query(query: str, rows: pd.DataFrame) -> np.ndarray:
    """The value ``(n,)`` of a query over the columns; nothing in it can be run (see ``core.query``).

    Returns
    -------
    ndarray
        1, 0 or NaN.

    Raises
    ------
    UsageError
        A query that cannot be evaluated, with the columns that there are, or one that gives no numbers.
    """
    value = answer(query, rows)
    try:
        return np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise UsageError(f"query {query!r}: a comparison was expected, this gives texts ({error})") from error


def from_keys(name: str, keys: set[str], source: str) -> Concept:
    """A concept from the keys of its examples."""

    def predicate(rows: pd.DataFrame) -> np.ndarray:
        named = rows.key.isin(keys).to_numpy(dtype=np.float64)
        if not named.any():
            raise UsageError(f"{source}: none of {len(keys)} names is the key of an utterance, such as {rows.key.iloc[0]!r}")
        return np.asarray(named)

    return Concept(name, "user", f"examples named in {source}", (), predicate)


def from_folder(folder: Path) -> Concept:
    """A concept from its examples.

    Parameters
    ----------
    folder : Path
        A folder (its name is the concept's) whose files carry the utterances' keys as names, or a text file of keys.

    Returns
    -------
    Concept
        Named as the folder.

    Raises
    ------
    UsageError
        Neither is there.
    """
    if folder.is_file():
        lines = read_text(folder, UsageError).split()
        return from_keys(folder.stem, set(lines), str(folder))
    if not folder.is_dir():
        raise UsageError(f"{folder}: neither a folder of examples nor a file of their keys")
    files = (path for path in folder.iterdir() if path.is_file() and not is_hidden(path, folder))
    return from_keys(folder.name, {path.stem for path in files}, str(folder))


def against_speaker(values: pd.Series, rows: pd.DataFrame, fewest: int = 4) -> np.ndarray:
    """How far each value lies from its speaker's median, in robust standard deviations.

    Parameters
    ----------
    values : Series (n,)
        A measured column.
    rows : DataFrame
        With ``speaker``.
    fewest : int
        Utterances; a speaker with fewer (or none named) is compared with everybody.

    Returns
    -------
    array (n,)
    """
    numbers = values.to_numpy(dtype=np.float64)
    out = _robust(numbers)
    for speaker, turns in rows.groupby("speaker").indices.items():
        if str(speaker) and len(turns) >= fewest:
            out[turns] = _robust(numbers[turns])
    return out


def _robust(numbers: np.ndarray) -> np.ndarray:
    middle = np.nanmedian(numbers) if np.isfinite(numbers).any() else np.nan
    spread = 1.4826 * np.nanmedian(np.abs(numbers - middle)) if np.isfinite(numbers).any() else np.nan
    return (numbers - middle) / (spread if spread > 0 else np.nanstd(numbers) + 1e-9)


def beyond_own_median(name: str, group: str, meaning: str, column: str, sign: int = 1) -> None:
    """Make a concept of a column that lies a deviation above the speaker's own median, or below it where ``sign`` is -1."""

    def predicate(rows: pd.DataFrame) -> np.ndarray:
        return above(sign * against_speaker(rows[column], rows), 1.0)

    concept(name, group, meaning, column)(predicate)


def above(values: np.ndarray, threshold: float) -> np.ndarray:
    """1 where a value exceeds the threshold, 0 where it does not, NaN where it is not known."""
    return np.where(np.isfinite(values), (values > threshold).astype(np.float64), np.nan)
