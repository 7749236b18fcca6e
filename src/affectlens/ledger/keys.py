"""The key of a piece of work: two are the same where nothing differs that the result depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from affectlens.core.disk.files import digest_of


def key_of_work(content: str, options: Mapping[str, Any], made_by: Mapping[str, Any]) -> str:
    """A digest of everything that a result depends on.

    Parameters
    ----------
    content : str
        The sha256 of what is read.
    options : mapping
        The options that matter, as JSON types.
    made_by : mapping
        Versions, and the sha256 of every file of weights and every asset in use.

    Returns
    -------
    str
        sha256, 64 digits.

    Examples
    --------
    >>> key_of_work("ab", {"rate": 5.0}, {}) == key_of_work("ab", {"rate": 5.0}, {})
    True
    >>> key_of_work("ab", {"rate": 5.0}, {}) == key_of_work("ab", {"rate": 5.0}, {"method": 2})
    False
    """
    return digest_of(
        content, json.dumps(dict(options), sort_keys=True, default=str), json.dumps(made_by, sort_keys=True, default=str)
    )
