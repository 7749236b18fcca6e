"""Names are data: printed in one line, written and read without loss, and made into file names that never meet."""

import itertools

import pytest

from affectlens.core.disk.names import LONGEST, decoded, encodable, one_line, safe_name

SIGNS = ["a", ".", " ", "/", "\\", "~", "%2E", "%", "é", "\n", "\udce9", "udce9"]


@pytest.mark.parametrize("function", [safe_name, encodable])
def test_two_names_never_become_one(function):
    names = ["".join(signs) for n in range(4) for signs in itertools.product(SIGNS, repeat=n)]
    assert len({function(name) for name in names}) == len(set(names))
    long = ["a" * (LONGEST + n) for n in range(3)] + ["a" * LONGEST + "b"]
    assert len({function(name) for name in long}) == len(long)


def test_a_file_name_is_one_part_of_a_path():
    for label in ("doubt/confusion", "..", ".", "", " ", ".hidden", "a\0b", "C:\\x", "x" * 999, "caf\udce9"):
        name = safe_name(label)
        assert name and "/" not in name and name.isascii() and not name.startswith(".") and len(name) <= LONGEST
    assert safe_name("face-3.5 Hz_low") == "face-3.5 Hz_low"


def test_what_cannot_be_encoded_comes_back():
    for signs in itertools.product(["\\", "\udce9", "udce9", "u", "\ud83d"], repeat=4):
        text = "".join(signs)
        encodable(text).encode("utf-8")
        assert decoded(encodable(text)) == text
    assert encodable(r"C:\users\ü") == r"C:\users\ü"


def test_a_name_cannot_end_a_line_or_move_the_cursor():
    forged = "a.png\n0 inputs failed\r\x1b[2K\u2028\u202e\x85\udce9"
    assert one_line(forged) == r"a.png\n0 inputs failed\r\x1b[2K\u2028\u202e\x85\udce9"
    assert one_line("fine ü [red]") == "fine ü [red]"
