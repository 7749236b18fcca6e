"""Readable headings of tables on pages; in results columns are identifiers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

HEADINGS = {
    "p_value": "p",
    "p_holm": "p (Holm)",
    "p_bh": "p (BH)",
    "p_max_t": "p (max-T)",
    "ari": "ARI",
    "ami": "AMI",
}


def readable(frame: pd.DataFrame, headings: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The table with headings for people: by ``headings``, by those that all pages share, else with spaces for underscores."""
    known = {**HEADINGS, **(headings or {})}
    return frame.rename(columns={c: known.get(str(c), str(c).replace("_", " ")) for c in frame.columns})
