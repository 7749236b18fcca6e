"""Tables are read as they were written."""

import os

import numpy as np
import pandas as pd
import pytest

from affectlens.core.disk.names import decoded, encodable
from affectlens.core.untrusted.sheets import in_posix, numbers, read_sheet, read_text, words


def write(tmp_path, raw: bytes, name="t.csv"):
    (tmp_path / name).write_bytes(raw)
    return tmp_path / name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_gives_the_same_table(tmp_path, encoding, end):
    path = write(tmp_path, end.join(["file,who", "ü.png,Jürgen", ""]).encode(encoding))
    sheet = read_sheet(path)
    assert sheet.frame.to_dict("list") == {"file": ["ü.png"], "who": ["Jürgen"]}
    assert bool(sheet.notes) == (encoding == "cp1252")


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_every_separator_gives_the_same_table(tmp_path, sign):
    rows = [["a", "b c"], ["1.5", "NA"], ["", "None"]]
    sheet = read_sheet(write(tmp_path, "\n".join(sign.join(r) for r in rows).encode()))
    assert sheet.frame.to_dict("list") == {"a": ["1.5", ""], "b c": ["NA", "None"]}


def test_lines_before_the_head_are_kept(tmp_path):
    sheet = read_sheet(write(tmp_path, b"log\nwhen: now\n\nImage\tHappy\nx\t1\n"), lambda line: line.startswith("Image"))
    assert sheet.before == ("log", "when: now", "") and sheet.frame.Happy.tolist() == ["1"]


def test_rows_that_end_in_a_separator_and_rows_that_are_too_long(tmp_path):
    assert read_sheet(write(tmp_path, b"a,b\n1,2,\n3,4,\n")).frame.to_dict("list") == {"a": ["1", "3"], "b": ["2", "4"]}
    with pytest.raises(ValueError, match="1 cells more than the head"):
        read_sheet(write(tmp_path, b"a,b\n1,2,3\n4,5,6\n"))
    assert read_sheet(write(tmp_path, b"a,b\n1\n2,3\n")).frame.b.tolist() == ["", "3"]


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    for raw in (b"", b"\xef\xbb\xbf", b"\n\n"):
        with pytest.raises(ValueError, match="empty"):
            read_sheet(write(tmp_path, raw))
    assert read_text(write(tmp_path, b"\xef\xbb\xbfa\r\nb"))[0] == "a\nb"


def test_numbers_of_both_decimal_signs():
    column = pd.Series(["0,25", "1.234,5", "-3,5e-2", "7", "x", "", None])
    np.testing.assert_allclose(numbers(column), [0.25, 1234.5, -0.035, 7, np.nan, np.nan, np.nan])
    assert words(pd.Series(["nan", float("nan"), 3])).tolist() == ["nan", "", "3"]


def test_names_of_files_keep_the_escapes_of_bytes_that_are_no_utf_8():
    name = os.fsdecode(b"day/caf\xe9.wav")
    assert decoded(in_posix(encodable(name))) == name
    assert in_posix(r"faces\undone\udo.jpg") == "faces/undone/udo.jpg"
