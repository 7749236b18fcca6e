"""One bad input never ends a batch: whatever it raises becomes a row that says what failed and why, and a log keeps the rest.

Loops over inputs, items and pictures catch every `Exception` and keep what `failure_of` makes of it; only what stops the whole
program (Ctrl-C, a wrong option) passes.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from affectlens.core.barrier import reason_of
from affectlens.core.disk.files import write_whole
from affectlens.core.disk.names import encodable, one_line
from affectlens.core.errors import AffectlensError, AssetError, CorpusError, MediaError, ModelError, OutputError
from affectlens.core.tables import write_csv

LOG, TABLE = "failures.log", "failures.csv"
UNREAD = "unread.csv"  # of a training run or an ablation: items of its corpora that came to nothing
COLUMNS = ["key", "what", "reason"]
MISSED = ["key", "reason"]  # of items of a corpus, whatever looks at it
log = logging.getLogger(__name__)
# Tracebacks are always made, whoever listens: a log beside the results, or --verbose.
log.setLevel(logging.DEBUG)

_WHAT: tuple[tuple[type[Exception], str], ...] = (
    (MediaError, "reading"),
    (OSError, "reading"),
    (CorpusError, "reading"),
    (OutputError, "writing"),
    (ModelError, "model"),
    (AssetError, "assets"),
    (AffectlensError, "options"),
)


@dataclass(frozen=True)
class Failure:
    """Why one input came to nothing.

    Attributes
    ----------
    key : str
        The input: a path, or the key of an item.
    what : str
        What failed: reading, model, assets, writing, options, or unexpected.
    reason : str
        Why, in one line.
    """

    key: str
    what: str
    reason: str


def failure_of(key: object, error: Exception) -> Failure:
    """What is kept of an exception that one input raised; its traceback goes to the log.

    Parameters
    ----------
    key : object
        The input.
    error : Exception
        What it raised.

    Returns
    -------
    Failure
        One row.

    Examples
    --------
    >>> failure_of("a.bvh", MediaError("a.bvh: no such file"))
    Failure(key='a.bvh', what='reading', reason='a.bvh: no such file')
    >>> failure_of("a.bvh", ZeroDivisionError("division by zero")).reason
    'ZeroDivisionError: division by zero'
    """
    what = next((word for kind, word in _WHAT if isinstance(error, kind)), "unexpected")
    trace = encodable("".join(traceback.format_exception(error)).rstrip())  # a log may be a file that takes UTF-8 alone
    log.debug("%s: %s failed\n%s", one_line(key), what, trace)
    return Failure(str(key), what, one_line(_reason(key, error)))


def _reason(key: object, error: Exception) -> str:
    if isinstance(error, AffectlensError):
        return str(error)
    if isinstance(error, MemoryError):
        return "the memory does not suffice"
    if isinstance(error, OSError):
        return f"cannot read {error.filename or key}: {reason_of(error)}"
    name, reason = type(error).__name__, reason_of(error)
    return name if reason == name else f"{name}: {reason}"


def failures_frame(failures: Iterable[Failure]) -> pd.DataFrame:
    """Failures as a table, one row each."""
    rows = [{"key": encodable(failure.key), "what": failure.what, "reason": one_line(failure.reason)} for failure in failures]
    return pd.DataFrame(rows, columns=COLUMNS)


def missed_frame(missed: Mapping[str, str] | Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Items of a corpus that came to nothing, one row each: columns key and reason, both texts."""
    pairs = missed.items() if isinstance(missed, Mapping) else missed
    return pd.DataFrame([[str(key), one_line(reason)] for key, reason in pairs], columns=MISSED, dtype=str)


def write_failures(failures: Iterable[Failure], file: Path) -> None:
    """Write the table of failures, or take an older one away where there are none."""
    _write_table(failures_frame(failures), file)


def write_missed(missed: Mapping[str, str], file: Path) -> None:
    """Write the table of items that came to nothing, or take an older one away where there are none."""
    _write_table(missed_frame(missed), file)


def _write_table(frame: pd.DataFrame, file: Path) -> None:
    if len(frame):
        write_whole(file, lambda partial: write_csv(frame, partial))
    else:
        file.unlink(missing_ok=True)


@contextmanager
def tracebacks_in(file: Path, keep: bool = False) -> Iterator[None]:
    """Keep the tracebacks of what fails inside in a file, which is made with the first of them.

    An older file goes, unless ``keep`` says that other processes may be writing to it.
    """
    if not keep:
        file.unlink(missing_ok=True)
    handler = log_tracebacks(file)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()


class _Traces(logging.FileHandler):
    """A log whose folder may go away: what failed is told by its failure, so a traceback that cannot be kept ends nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one traceback."""
        with suppress(OSError):
            super().emit(record)


def log_tracebacks(file: Path) -> logging.Handler:
    """Add the tracebacks of what fails from now on to a file; gives what does so."""
    handler = _Traces(file, encoding="utf-8", errors="backslashreplace", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    return handler
