"""The one place where FFmpeg is given a name: a path stays a path, whatever it looks like."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO, Literal, overload

import av
from av.container import InputContainer, OutputContainer

# PyAV 18 and older stop at names of tracks that are no UTF-8 unless told otherwise; later ones do not ask.
_ASKS_HOW_TO_DECODE = int(av.__version__.split(".")[0]) < 19


def as_file(path: str | Path) -> str:
    """A path as an address of FFmpeg's that can only be a file.

    FFmpeg takes ``12:30 talk.mp4``, ``concat:a|b``, ``data:`` or ``http:…`` for protocols; an absolute path behind ``file:`` is
    none of them.

    Parameters
    ----------
    path : path
        A file.

    Returns
    -------
    str
        What ``av.open`` takes.

    Examples
    --------
    >>> as_file("/talks/12:30 talk.mp4")
    'file:/talks/12:30 talk.mp4'
    """
    return f"file:{os.path.abspath(path)}"  # noqa: PTH100 (Path.absolute keeps "..", which a link may lead elsewhere)


@overload
def open_file(path: str | Path, mode: Literal["r"] = "r", **options: Any) -> InputContainer: ...
@overload
def open_file(path: str | Path, mode: Literal["w"], **options: Any) -> OutputContainer: ...
def open_file(path: str | Path, mode: Any = "r", **options: Any) -> Any:
    """Open a recording for reading or writing, as ``av.open`` does, and never anything but a file.

    Parameters
    ----------
    path : path
        The file.
    mode : str
        ``r`` or ``w``.
    **options
        As ``av.open`` takes them.

    Returns
    -------
    InputContainer or OutputContainer
        To be closed, or used in a ``with``.
    """
    if mode == "r":  # a playlist inside names other files, never addresses
        options["options"] = {"protocol_whitelist": "file", **options.get("options", {})}
        if _ASKS_HOW_TO_DECODE:
            options["metadata_errors"] = "replace"
    return av.open(as_file(path), mode, **options)


@overload
def open_memory(held: BinaryIO, mode: Literal["r"] = "r", **options: Any) -> InputContainer: ...
@overload
def open_memory(held: BinaryIO, mode: Literal["w"], **options: Any) -> OutputContainer: ...
def open_memory(held: BinaryIO, mode: Any = "r", **options: Any) -> Any:
    """Open bytes in memory for reading or writing, as ``av.open`` does; nothing on disk is touched.

    Parameters
    ----------
    held : binary file
        Such as ``io.BytesIO``.
    mode : str
        ``r`` or ``w``.
    **options
        As ``av.open`` takes them.

    Returns
    -------
    InputContainer or OutputContainer
        To be closed, or used in a ``with``.
    """
    return av.open(held, mode, **options)
