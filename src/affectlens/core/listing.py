"""Lists that are cut short say so: how many more there are, and where they all stand."""

from __future__ import annotations

from collections.abc import Iterable


def rest(shown: int, total: int, what: str, where: str) -> str:
    """A sentence about what a list leaves out; empty where it is whole.

    Parameters
    ----------
    shown, total : int
        How many the list has, and how many there are.
    what : str
        What they are, in the plural.
    where : str
        The file that has them all.

    Returns
    -------
    str
        For people.

    Examples
    --------
    >>> rest(200, 1342, "utterances", "table.csv")
    'The first 200 of 1,342 utterances are shown; all are in table.csv.'
    >>> rest(3, 3, "utterances", "table.csv")
    ''
    """
    return f"The first {shown:,} of {total:,} {what} are shown; all are in {where}." if shown < total else ""


def some(names: Iterable[object], most: int) -> str:
    """The first of some names, and how many more there are.

    Parameters
    ----------
    names : iterable
        What is listed.
    most : int
        How many are named at most.

    Returns
    -------
    str
        Divided by commas.

    Examples
    --------
    >>> some(["a", "b", "c", "d"], 2), some(["a", "b"], 2)
    ('a, b and 2 more', 'a, b')
    """
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
