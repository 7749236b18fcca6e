"""One way from whatever a library raises to an error that names the file, what was expected and why it failed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any, TypeVar

from affectlens.core.errors import AffectlensError, LimitError, MediaError

F = TypeVar("F", bound=Callable[..., Any])
LONGEST = 300  # letters of a library's message that are repeated


@contextmanager
def reading(path: str | PathLike[str], what: str, error: type[AffectlensError] = MediaError) -> Iterator[None]:
    """Turn every exception inside into one error that names the file; this package's own errors pass as they are.

    Parameters
    ----------
    path : path
        What is read.
    what : str
        What it was taken for, for example ``a motion in BVH``.
    error : type
        The error that is raised.

    Raises
    ------
    AffectlensError
        Of type ``error``; the library's exception is its cause.
    LimitError
        The memory did not suffice.

    Examples
    --------
    >>> with reading("clip.bvh", "a BVH motion"):
    ...     int("x")
    Traceback (most recent call last):
    affectlens.core.errors.MediaError: clip.bvh cannot be read as a BVH motion: invalid literal for int() with base 10: 'x'
    """
    try:
        yield
    except AffectlensError:
        raise
    except FileNotFoundError as cause:
        raise error(f"{path}: no such file" if _same(cause, path) else _message(path, what, cause)) from cause
    except MemoryError as cause:
        raise LimitError(f"{path}: the memory does not suffice to read it as {what}") from cause
    except Exception as cause:
        raise error(_message(path, what, cause)) from cause


def reads(what: str, error: type[AffectlensError] = MediaError) -> Callable[[F], F]:
    """Make `reading` hold for a function, or a generator, whose first argument is the file.

    Parameters
    ----------
    what : str
        What the file is taken for.
    error : type
        The error that is raised.

    Returns
    -------
    callable
        A decorator.
    """

    def decorate(function: F) -> F:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def stream(path: Any, *args: Any, **kwargs: Any) -> Any:
                with reading(path, what, error):
                    yield from function(path, *args, **kwargs)

            return stream  # type: ignore[return-value]

        @functools.wraps(function)
        def call(path: Any, *args: Any, **kwargs: Any) -> Any:
            with reading(path, what, error):
                return function(path, *args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


def reason_of(cause: BaseException) -> str:
    """Why something failed, in one line: a library's message without its line breaks, or the name of what it raised."""
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    text = " ".join(str(cause).split())
    if isinstance(cause, KeyError):
        text = f"{text} is missing"
    return text[:LONGEST] or type(cause).__name__


def _message(path: Any, what: str, cause: BaseException) -> str:
    return f"{path} cannot be read as {what}: {reason_of(cause)}"


def _same(cause: FileNotFoundError, path: Any) -> bool:
    return cause.filename is None or str(cause.filename) == str(path)
