"""The law that the sheet sets facts beside, as this package's table tells it, and the questions that people answer."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Question:
    """Something that only people can say.

    Attributes
    ----------
    id : str
        By which it is answered, such as ``context.work``.
    part, text : str
        Where it stands on the sheet, and what is asked.
    law : str
        The provision behind it; empty where there is none.
    """

    id: str
    part: str
    text: str
    law: str = ""


@dataclass(frozen=True)
class Duty:
    """A duty and the facts of the sheet that may serve it.

    Attributes
    ----------
    id, article, addressee, asks : str
        Its name here, the provision, whom it binds, and what it asks for, in short.
    facts : tuple of str
        Kinds of facts.
    open : str
        What the facts do not say.
    """

    id: str
    article: str
    addressee: str
    asks: str
    facts: tuple[str, ...]
    open: str


@dataclass(frozen=True)
class Law:
    """The table as a whole.

    Attributes
    ----------
    as_of : str
        The day as of which it is told.
    sources, unverified : tuple of str, str
        Where it is from, and what was not checked.
    dates : tuple of dict
        ``date``, ``what`` and ``source`` of each date of application.
    questions, duties : tuple
        What people answer, and what the facts may serve.
    """

    as_of: str
    sources: tuple[str, ...]
    unverified: str
    dates: tuple[dict[str, str], ...]
    questions: tuple[Question, ...]
    duties: tuple[Duty, ...]


@cache
def law() -> Law:
    """The table.

    Returns
    -------
    Law
        As it is shipped.

    Examples
    --------
    >>> [question.id for question in law().questions if question.law == "Article 5(1)(f)"]
    ['context.work', 'context.school', 'context.exception']
    """
    text = (resources.files("affectlens.sheets") / "law.toml").read_text(encoding="utf-8")
    read: dict[str, Any] = tomllib.loads(text)
    return Law(
        read["as_of"],
        tuple(read["sources"]),
        read["unverified"],
        tuple(read["dates"]),
        tuple(Question(**entry) for entry in read["questions"]),
        tuple(Duty(**entry | {"facts": tuple(entry["facts"])}) for entry in read["duties"]),
    )
