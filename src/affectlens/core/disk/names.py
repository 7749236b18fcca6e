"""Names of files, classes and people are data: how they are printed, written to tables, and made into names of files."""

from __future__ import annotations

import hashlib
import os
import re
from urllib.parse import quote

LONGEST = 120  # letters of a file name that is made of a label
_ENCODED = re.compile(r"(\\*)([\ud800-\udfff])|(\\+)(ud[89a-f][0-9a-f]{2})")
_DECODED = re.compile(r"(\\+)(ud[89a-f][0-9a-f]{2})")
# What moves the cursor, ends a line, or turns the direction of writing.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PLAIN = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def one_line(text: object) -> str:
    r"""A text as one line of output: what would end the line, move the cursor or cannot be encoded is written out.

    Parameters
    ----------
    text : object
        A name, or a message that holds one.

    Returns
    -------
    str
        Without control characters; square brackets stay what they are.

    Examples
    --------
    >>> print(one_line("a.png: read\nb.png: failed"))
    a.png: read\nb.png: failed
    """
    return _CONTROL.sub(lambda match: _PLAIN.get(match[0]) or _escape(match[0]), str(text))


def safe_name(label: object) -> str:
    """A name of a file made of any label; two labels never share one.

    Parameters
    ----------
    label : object
        A class, a property, a key.

    Returns
    -------
    str
        Letters, digits, ``_``, ``-``, inner dots and inner spaces as they are, everything else as in an address.

    Examples
    --------
    >>> safe_name("doubt/confusion"), safe_name("happy face"), safe_name("..")
    ('doubt%2Fconfusion', 'happy face', '%2E%2E')
    """
    text = quote(str(label), safe=" ", errors="surrogatepass").replace("~", "%7E")
    inner = text.strip(" .")
    begin = text.index(inner) if inner else len(text)
    text = _outer(text[:begin]) + inner + _outer(text[begin + len(inner) :])
    if len(text) <= LONGEST and text:
        return text
    digest = hashlib.sha256(str(label).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[: LONGEST - 17]}~{digest}"  # no other name holds this sign


def fitting(name: str, most: int = 255) -> str:
    """A name of a file that is no longer than a file system takes; one that is cut ends in digits of its own.

    Parameters
    ----------
    name : str
        A name, not a path.
    most : int
        Bytes that there is room for.

    Returns
    -------
    str
        The name itself where it fits.

    Examples
    --------
    >>> fitting("talk.mp4"), len(fitting(300 * "x", 40))
    ('talk.mp4', 40)
    """
    raw = os.fsencode(name)
    if len(raw) <= most:
        return name
    return f"{raw[: most - 9].decode(errors='ignore')}~{hashlib.sha256(raw).hexdigest()[:8]}"


def encodable(text: str) -> str:
    r"""A text that UTF-8 can hold: the bytes of a file name that are no UTF-8 are written as ``\udce9``.

    Parameters
    ----------
    text : str
        Any text, such as a path.

    Returns
    -------
    str
        The same text where it has no such bytes; `decoded` gives it back in every case.

    Examples
    --------
    >>> print(encodable("caf\udce9.png"))
    caf\udce9.png
    """
    return _ENCODED.sub(_encoded, text)


def _encoded(match: re.Match[str]) -> str:
    """A byte as its escape; backslashes before an escape, or before what looks like one, are doubled."""
    backslashes, byte, backslashes_before_text, text = match.groups()
    return backslashes * 2 + _escape(byte) if byte else backslashes_before_text * 2 + text


def decoded(text: str) -> str:
    """The inverse of `encodable`."""
    return _DECODED.sub(_decoded, text)


def _decoded(match: re.Match[str]) -> str:
    """Backslashes by half, and behind an odd one the byte that the escape stands for."""
    backslashes, escape = match.groups()
    is_byte = len(backslashes) % 2 == 1
    return "\\" * (len(backslashes) // 2) + (chr(int(escape[1:], 16)) if is_byte else escape)


def _outer(signs: str) -> str:
    return signs.replace(".", "%2E").replace(" ", "%20")


def _escape(sign: str) -> str:
    return f"\\x{ord(sign):02x}" if ord(sign) < 0x100 else f"\\u{ord(sign):04x}"
