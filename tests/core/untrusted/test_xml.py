"""XML of others: lines of elements, nothing that grows, and limits."""

import pytest

from affectlens.core.errors import LimitError, MediaError
from affectlens.core.limits import Limits, limited
from affectlens.core.untrusted.xml import parse_xml, read_xml


def test_elements_know_their_lines_and_texts():
    root = parse_xml(b"<a>\n <b c='1'>x&amp;<d/>y</b>\n</a>")
    found = root.first("b")
    assert (root.tag, found.line, found.attributes, found.text) == ("a", 2, {"c": "1"}, "x&y")
    assert root.first("d").line == 2 and root.first("e") is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<!DOCTYPE a SYSTEM 'http://x/y.dtd'><a/>", "line 1: a document type"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "line 1: a document type"),
        (b"<a>&b;</a>", "line 1: undefined entity"),
        (b"<a>\n<b>\n</a>", "line 3: mismatched tag"),
        (b"<a>" * 300 + b"</a>" * 300, "more than 200 elements inside each other"),
        (b"", "no element found"),
    ],
)
def test_what_could_grow_and_what_is_broken_is_refused(content, told, tmp_path):
    (tmp_path / "x.xml").write_bytes(content)
    with pytest.raises(MediaError) as error:
        read_xml(tmp_path / "x.xml", "a file of tiers")
    assert told in str(error.value) and "x.xml cannot be read as a file of tiers" in str(error.value)


def test_more_than_is_read_of_one_file_is_refused(tmp_path):
    (tmp_path / "x.xml").write_bytes(b"<a>" + b"<b/>" * 50 + b"</a>")
    with limited(Limits(items=10)), pytest.raises(LimitError, match="11 items"):
        read_xml(tmp_path / "x.xml", "a file of tiers")
    with limited(Limits(bytes=10)), pytest.raises(LimitError, match="bytes"):
        read_xml(tmp_path / "x.xml", "a file of tiers")
