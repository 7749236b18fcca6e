"""Zip archives: what they promise is added up before anything is unpacked."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affectlens.core.limits import within

_DIRECTORY = 16_000_000  # bytes of a table of contents; each of its entries takes ten times as much in memory
_MOST_PACKED = 1032  # deflate packs no tighter
_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"


@contextmanager
def archive(path: Path, *, packed: bool = True) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive whose content, all together, is within the limit.

    Parameters
    ----------
    path : Path
        The archive.
    packed : bool
        Whether entries may be compressed. Where they may not, the size of the file is the limit, whatever ``--limit`` says.

    Yields
    ------
    zipfile.ZipFile
        To read entries from.

    Raises
    ------
    LimitError
        It promises more than ``limits.Limits.bytes``.
    ValueError
        An entry that is encrypted, packed in an uncommon way, or of a size that cannot be.
    """
    if _directory(path) > _DIRECTORY:
        raise ValueError("its table of contents is larger than that of any file of arrays")
    with zipfile.ZipFile(path) as opened:
        entries = opened.infolist()
        for entry in entries:
            _check(entry, packed)
        total = sum(entry.file_size for entry in entries)
        if packed:
            within("bytes", total, path)
        elif total > path.stat().st_size:
            raise ValueError("its entries promise more than the file holds")
        yield opened


def _check(entry: zipfile.ZipInfo, packed: bool) -> None:
    stored = entry.compress_type == zipfile.ZIP_STORED
    if entry.flag_bits & 1 or not (stored or (packed and entry.compress_type == zipfile.ZIP_DEFLATED)):
        raise ValueError(f"its entry {entry.filename[:60]!r} is encrypted or packed in a way that is not read")
    most = entry.compress_size if stored else entry.compress_size * _MOST_PACKED + 64
    if entry.file_size > most:
        raise ValueError(f"its entry {entry.filename[:60]!r} promises more than it can hold")


def _directory(path: Path) -> int:
    """Bytes of the table of contents, as the end of the file gives them."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 66_000))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise ValueError("no zip archive, or one that is cut short")
    size = int(struct.unpack_from("<I", tail, at + 12)[0])
    at64 = tail.rfind(_END64, 0, at)
    if at64 >= 0 and at64 + 56 <= at:
        size = max(size if size != 0xFFFFFFFF else 0, int(struct.unpack_from("<Q", tail, at64 + 40)[0]))
    return size
