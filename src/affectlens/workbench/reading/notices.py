"""What a reader of a run should know of it before its numbers: short, with a code that the page can act on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

INFO, WARNING, ERROR = "info", "warning", "error"


@dataclass(frozen=True)
class Notice:
    """One thing that is not as it should be.

    Attributes
    ----------
    level : str
        ``info``, ``warning``, or ``error`` where nothing can be shown.
    code : str
        For programs, such as ``half-written``.
    message : str
        For people: what there is, what was expected, what to do.
    """

    level: str
    code: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        """JSON types."""
        return asdict(self)


def status_of(notices: list[Notice]) -> str:
    """``error``, ``warning`` or ``ok``: the worst of some notices; what is only worth knowing counts as ok.

    Returns
    -------
    str
        One of the three.

    Examples
    --------
    >>> status_of([Notice(INFO, "moved-recording", "…")]), status_of([Notice(ERROR, "half-written", "…")])
    ('ok', 'error')
    """
    levels = {notice.level for notice in notices}
    return next((level for level in (ERROR, WARNING) if level in levels), "ok")
