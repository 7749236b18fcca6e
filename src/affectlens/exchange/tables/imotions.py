"""iMotions' sensor data: lines that begin with ``#`` about the respondent, then a row a time stamp with the stimulus."""

from __future__ import annotations

from collections.abc import Sequence

from affectlens.exchange.tables.base import register_tool


def respondent(before: Sequence[str]) -> dict[str, str]:
    """Who it is, of the lines before the head."""
    for line in before:
        name, _, value = line.lstrip("#").replace("\t", ",").partition(",")
        if name.strip().strip('"').lower() in ("respondent name", "respondent", "name") and value.strip():
            return {"person": value.split(",")[0].strip().strip('"')}
    return {}


@register_tool(
    "imotions", "iMotions", frame=("Row",), person=("Respondent Name", "Respondent", "Name"), time={"Timestamp": 1000.0},
    about=respondent, note="iMotions: time stamps from the start of the respondent's session; values of AFFDEX from 0 to 100",
)  # fmt: skip
def imotions(columns: Sequence[str]) -> bool:
    """Time stamps with the source of each event, or with the stimulus."""
    return "Timestamp" in columns and bool({"EventSource", "SlideEvent", "SourceStimuliName", "StimulusName"} & set(columns))
