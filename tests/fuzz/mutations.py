"""Ways to damage a file: of any bytes, and of texts by what stands in them."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

import numpy as np

NUMBERS = (
    "nan", "inf", "-inf", "-1", "0", "1e308", "-1e308", "1e-320", "99999999999999999999", "2147483648", "4294967295",
    "0x7f", "1,5", "1.5.2", "", "٣", "true", "None", "12:30", "[]", "{}",
)  # fmt: skip
WORDS = (
    "", "\0", "nan", "NA", "None", "=1+1", "[red]", "../../x", "C:\\x\\y.png", "\ufeff", "\u202e", "😀", "a" * 5000, "'", '"',
    ";", "\t", "-", "%s", "{0}", "null", "True", "happy;sad",
)  # fmt: skip
INTEGERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000)
ENCODINGS = ("latin-1", "utf-16", "utf-8-sig", "cp1252")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[A-Za-z_]\w*")

Change = Callable[[bytes, np.random.Generator], bytes]


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three changes of a file's bytes, of its words and numbers too where it is text."""
    is_text = b"\0" not in content[:4096] and _decodes(content)
    for _ in range(int(rng.integers(1, 4))):
        pool = (*TEXT_CHANGES, *CHANGES) if is_text else CHANGES
        content = pool[int(rng.integers(len(pool)))](content, rng)
    return content


def _decodes(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _slice(content: bytes, rng: np.random.Generator) -> tuple[int, int]:
    begin = int(rng.integers(0, len(content) + 1))
    return begin, min(len(content), begin + int(rng.geometric(0.02)))


def flip_bits(content: bytes, rng: np.random.Generator) -> bytes:
    """Turn one to eight bits."""
    out = bytearray(content)
    for _ in range(int(rng.integers(1, 9)) if out else 0):
        out[int(rng.integers(len(out)))] ^= 1 << int(rng.integers(8))
    return bytes(out)


def overwrite(content: bytes, rng: np.random.Generator) -> bytes:
    """Random bytes over a slice."""
    begin, end = _slice(content, rng)
    return content[:begin] + rng.bytes(end - begin) + content[end:]


def truncate(content: bytes, rng: np.random.Generator) -> bytes:
    """The first part alone."""
    return content[: int(rng.integers(0, len(content) + 1))]


def delete(content: bytes, rng: np.random.Generator) -> bytes:
    """Without a slice."""
    begin, end = _slice(content, rng)
    return content[:begin] + content[end:]


def duplicate(content: bytes, rng: np.random.Generator) -> bytes:
    """A slice several times."""
    begin, end = _slice(content, rng)
    return content[:end] + content[begin:end] * int(rng.integers(1, 20)) + content[end:]


def insert(content: bytes, rng: np.random.Generator) -> bytes:
    """Random bytes in between."""
    begin, _ = _slice(content, rng)
    return content[:begin] + rng.bytes(int(rng.integers(1, 64))) + content[begin:]


def fill(content: bytes, rng: np.random.Generator) -> bytes:
    """A slice of zeros or ones."""
    begin, end = _slice(content, rng)
    return content[:begin] + bytes([255 * int(rng.integers(2))]) * (end - begin) + content[end:]


def integer(content: bytes, rng: np.random.Generator) -> bytes:
    """A number that sizes and counts are sensitive to, of two, four or eight bytes in either order."""
    value, code = INTEGERS[int(rng.integers(len(INTEGERS)))], "HIQ"[int(rng.integers(3))]
    mask = (1 << (8 * struct.calcsize("<" + code))) - 1
    number = struct.pack("<>"[int(rng.integers(2))] + code, value & mask)
    begin, _ = _slice(content, rng)
    return content[:begin] + number + content[begin + len(number) :]


def swap(content: bytes, rng: np.random.Generator) -> bytes:
    """The end first."""
    begin, _ = _slice(content, rng)
    return content[begin:] + content[:begin]


def change_number(content: bytes, rng: np.random.Generator) -> bytes:
    """Another number, or no number, in the place of one."""
    return _replace(content, _NUMBER, NUMBERS, rng)


def change_word(content: bytes, rng: np.random.Generator) -> bytes:
    """Another word in the place of one."""
    return _replace(content, _WORD, WORDS, rng)


def _replace(content: bytes, pattern: re.Pattern[str], by: tuple[str, ...], rng: np.random.Generator) -> bytes:
    text = content.decode("utf-8", "surrogateescape")
    places = list(pattern.finditer(text))
    if not places:
        return content
    place = places[int(rng.integers(len(places)))]
    text = text[: place.start()] + by[int(rng.integers(len(by)))] + text[place.end() :]
    return text.encode("utf-8", "surrogateescape")


def lines(content: bytes, rng: np.random.Generator) -> bytes:
    """A line deleted, doubled, moved, or all but the first deleted."""
    every = content.splitlines(keepends=True)
    if not every:
        return content
    at, kind = int(rng.integers(len(every))), int(rng.integers(4))
    if kind == 0:
        del every[at]
    elif kind == 1:
        every[at:at] = [every[at]] * int(rng.integers(1, 5))
    elif kind == 2:
        every.append(every.pop(at))
    else:
        every = every[:1]
    return b"".join(every)


def separators(content: bytes, rng: np.random.Generator) -> bytes:
    """Another separator, quote or end of line everywhere."""
    pairs = (
        (b",", b";"),
        (b",", b"\t"),
        (b".", b","),
        (b"\t", b" "),
        (b"\n", b"\r\n"),
        (b"\n", b"\r"),
        (b'"', b"'"),
        (b" ", b""),
    )
    old, new = pairs[int(rng.integers(len(pairs)))]
    return content.replace(old, new)


def encoding(content: bytes, rng: np.random.Generator) -> bytes:
    """Written in another encoding, with a letter that tells."""
    text = content.decode("utf-8", "replace") + "é"
    return text.encode(ENCODINGS[int(rng.integers(len(ENCODINGS)))], "replace")


def nest(content: bytes, rng: np.random.Generator) -> bytes:
    """Brackets, many deep, in between."""
    begin, _ = _slice(content, rng)
    return content[:begin] + (b"[" if rng.integers(2) else b"(") * int(rng.integers(1, 20_000)) + content[begin:]


CHANGES: tuple[Change, ...] = (flip_bits, overwrite, truncate, delete, duplicate, insert, fill, integer, swap)
TEXT_CHANGES: tuple[Change, ...] = (change_number, change_word, change_number, change_word, lines, separators, encoding, nest)
