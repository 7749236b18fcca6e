"""XML of others: without entities and document types, so that nothing grows or is fetched; every element knows its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from xml.parsers import expat

from affectlens.core.barrier import reading
from affectlens.core.errors import AffectlensError, MediaError
from affectlens.core.limits import within
from affectlens.core.untrusted.weight import file_within

DEEPEST = 200  # elements inside each other


@dataclass
class Element:
    """An element of XML.

    Attributes
    ----------
    tag : str
        Its name, as it is written.
    attributes : dict of str to str
        By name.
    line : int
        Where it begins in the file, from 1.
    children : list of Element
        In their order.
    text : str
        All letters directly inside.
    """

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str) -> Iterator[Element]:
        """Elements of a name anywhere below, in their order."""
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.all(tag)

    def first(self, tag: str) -> Element | None:
        """The first element of a name anywhere below."""
        return next(self.all(tag), None)


def read_xml(path: str | PathLike[str], what: str, error: type[AffectlensError] = MediaError) -> Element:
    """The root of an XML file.

    Parameters
    ----------
    path : path
        The file.
    what : str
        What it is taken for, for messages.
    error : type
        What is raised where it cannot be read.

    Returns
    -------
    Element
        With all that is below it.

    Raises
    ------
    AffectlensError
        Of type ``error``: no XML, one with a document type or entities, or one nested deeper than 200 elements.
    LimitError
        More bytes or elements than are read of one file.
    """  # noqa: DOC502
    with reading(path, what, error):
        file_within(path)
        return parse_xml(Path(path).read_bytes(), path)


def parse_xml(content: bytes, path: str | PathLike[str] = "the text") -> Element:
    """The root of XML in memory; as `read_xml`, with the parser's own errors.

    Returns
    -------
    Element
        With all that is below it.

    Raises
    ------
    ValueError
        A document type, an entity, or elements nested too deep.

    Examples
    --------
    >>> parse_xml(b"<tiers><tier name='face'>joy</tier></tiers>").first("tier").text
    'joy'
    >>> parse_xml(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
    Traceback (most recent call last):
    ValueError: line 1: a document type, which may hide entities; plain XML was expected
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    top = Element("", {}, 0)
    open_elements = [top]
    texts: list[list[str]] = [[]]
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        within("items", count, path)
        if len(open_elements) > DEEPEST:
            raise ValueError(f"line {parser.CurrentLineNumber}: more than {DEEPEST} elements inside each other")
        made = Element(tag, attributes, parser.CurrentLineNumber)
        open_elements[-1].children.append(made)
        open_elements.append(made)
        texts.append([])

    def end(_: str) -> None:
        open_elements.pop().text = "".join(texts.pop())

    def refuse(*_: object) -> None:
        raise ValueError(f"line {parser.CurrentLineNumber}: a document type, which may hide entities; plain XML was expected")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda text: texts[-1].append(text)
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"line {error.lineno}: {expat.ErrorString(error.code)}") from error
    return top.children[0]
