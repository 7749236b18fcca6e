"""Who the items of a corpus are of, where its reader does not tell: a column of its table, or a pattern of its names."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError


def people_of(table: pd.DataFrame, people: str) -> tuple[np.ndarray, str]:
    """People of the rows of a corpus's table.

    Parameters
    ----------
    table : pandas.DataFrame
        With the column ``key``.
    people : str
        A column of the table, or a regular expression that is searched for in each key; its first group, or else the whole
        match, names the person.

    Returns
    -------
    people : numpy.ndarray
        ``(n,)``, as text. What no person is known of is somebody by itself.
    note : str
        How many rows that is; empty for none.

    Raises
    ------
    UsageError
        Neither a column nor a pattern, or one that no row fits.

    Examples
    --------
    >>> table = pd.DataFrame({"key": ["happy/anna_1.png", "sad/anna_2.png", "sad/x.png"]})
    >>> people, note = people_of(table, r"([a-z]+)_[0-9]")
    >>> people.tolist(), note
    (['anna', 'anna', 'sad/x.png'], '1 of 3 items name nobody by --people; each counts as a person')
    """
    keys = [str(key) for key in table.key]
    if people in table:
        found = ["" if pd.isna(value) else str(value).strip() for value in table[people]]
    else:
        try:
            pattern = re.compile(people)
        except re.error as error:
            columns = ", ".join(map(str, table.columns))
            raise UsageError(f"--people {people}: neither one of the columns {columns} nor a pattern ({error})") from error
        matches = [pattern.search(key) for key in keys]
        found = ["" if match is None else match[1 if pattern.groups else 0] or "" for match in matches]
    if not any(found):
        raise UsageError(
            f"--people {people}: it is none of the columns {', '.join(map(str, table.columns))}, and as a pattern it fits no "
            f"name such as {keys[0] if keys else ''}; for example '([a-z]+)_[0-9]+' for anna_12.png"
        )
    nobody = found.count("")
    note = f"{nobody} of {len(found)} items name nobody by --people; each counts as a person" if nobody else ""
    return np.array([name or key for name, key in zip(found, keys, strict=True)], dtype=object), note
