"""Whether a file may bring code that runs: no, unless whoever started the program has said so for this call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from affectlens.core.errors import UsageError

_allowed = False


def code_allowed() -> bool:
    """Whether files may bring code now."""
    return _allowed


@contextmanager
def allowing(allowed: bool) -> Iterator[None]:
    """Let files bring code, or not, inside; what is allowed already stays so.

    Examples
    --------
    >>> with allowing(True):
    ...     code_allowed()
    True
    >>> code_allowed()
    False
    """
    global _allowed
    before, _allowed = _allowed, _allowed or allowed
    try:
        yield
    finally:
        _allowed = before


def need_code(what: str) -> None:
    """See that code of a file may run.

    Parameters
    ----------
    what : str
        What will run, for the message.

    Raises
    ------
    UsageError
        It may not.

    Examples
    --------
    >>> need_code("net.pt runs loops")
    Traceback (most recent call last):
    affectlens.core.errors.UsageError: net.pt runs loops; if you trust whoever made it, give --allow-code (in Python allow_code=True)
    """  # noqa: E501
    if not _allowed:
        raise UsageError(f"{what}; if you trust whoever made it, give --allow-code (in Python allow_code=True)")
