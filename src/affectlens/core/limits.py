"""How much of one input is read: bounds that no ordinary recording reaches, so that a hostile file costs an error and no more.

The limits are those of the process: a verb sets them with `limited`, readers ask `within` before they make room for what a
file promises.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from os import PathLike

from affectlens.core.errors import LimitError, UsageError
from affectlens.core.settings import Settings, nearest, setting

_UNITS = {
    "pixels": "pixels",
    "frames": "frames",
    "seconds": "seconds",
    "samples": "samples of sound",
    "bytes": "bytes when unpacked",
    "items": "items",
}


@dataclass(frozen=True)
class Limits(Settings):
    """The most that is read of one input.

    Examples
    --------
    >>> Limits(pixels=1_000_000).pixels
    1000000
    """

    pixels: int = setting(100_000_000, "Of a picture, or of a frame of a video.", least=1)
    frames: int = setting(5_000_000, "Frames of a recording, a motion or an animated picture.", least=1)
    seconds: float = setting(48 * 3600.0, "Length of a recording.", least=1)
    samples: int = setting(10_000_000_000, "Samples of sound, all channels together.", least=1)
    bytes: int = setting(1_000_000_000, "Of a table, a text or a file of arrays, unpacked.", least=1)
    items: int = setting(10_000_000, "Rows, entries or nodes of a file.", least=1)


_current = Limits()


def current() -> Limits:
    """The limits that hold now."""
    return _current


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Let other limits hold inside, in every thread."""
    global _current
    before, _current = _current, limits
    try:
        yield
    finally:
        _current = before


def within(name: str, amount: float, path: str | PathLike[str]) -> None:
    """See that an amount that a file promises is within its limit, before room is made for it.

    Parameters
    ----------
    name : str
        A field of `Limits`.
    amount : float
        What the file holds, or says that it holds.
    path : path
        The file, for the message.

    Raises
    ------
    LimitError
        It is more, or no number at all.

    Examples
    --------
    >>> within("pixels", 30_000 * 30_000, "huge.png")
    Traceback (most recent call last):
    affectlens.core.errors.LimitError: huge.png: 900,000,000 pixels, more than the 100,000,000 that are read of one input; if that is right, give --limit pixels=900000000
    """  # noqa: E501
    most = getattr(_current, name)
    if amount <= most:
        return
    if amount != amount or amount == float("inf"):
        raise LimitError(f"{path}: it promises {amount} {_UNITS[name]}; the file is damaged")
    raise LimitError(
        f"{path}: {amount:,.0f} {_UNITS[name]}, more than the {most:,.0f} that are read of one input; "
        f"if that is right, give --limit {name}={amount:.0f}"
    )


def limits_of(given: tuple[str, ...]) -> Limits:
    """Limits from words such as ``pixels=400000000``.

    Returns
    -------
    Limits
        Those not named keep their defaults.

    Raises
    ------
    UsageError
        An unknown name, or no number.

    Examples
    --------
    >>> limits_of(("seconds=60",)).seconds
    60.0
    """
    known = {entry.name: float if entry.name == "seconds" else int for entry in fields(Limits)}
    values: dict[str, float] = {}
    for word in given:
        name, sign, number = word.partition("=")
        if not sign or name not in known:
            names = ", ".join(f"{name}=NUMBER" for name in known)
            raise UsageError(f"--limit {word!r}: one of {names} was expected{nearest(name, known)}")
        try:
            values[name] = known[name](number.replace("_", "").replace(",", ""))
        except ValueError as error:
            raise UsageError(f"--limit {word!r}: a number was expected after {name}=") from error
    return Limits(**values)  # type: ignore[arg-type]
