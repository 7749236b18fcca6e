"""BIDS ``events.tsv`` with its json: onset and duration in seconds, what happened, who and by whom.

The format is described at https://bids-specification.readthedocs.io/en/stable/modality-specific-files/task-events.html.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affectlens.core.disk.files import write_json
from affectlens.core.errors import MediaError
from affectlens.core.untrusted.documents import read_json
from affectlens.core.untrusted.sheets import read_text
from affectlens.exchange.annotations import NAN, Annotations, Segment
from affectlens.exchange.lines import count, segment_of_line, wrong_line
from affectlens.exchange.registry import register_format

MISSING = "n/a"
SUFFIX = "_events.tsv"
VOCABULARIES = "Vocabularies"  # which words which tier may hold, beside the levels of the whole column
VALUES = ("trial_type", "value", "event_type", "stim_type")  # columns that say what happened, the first that is there
COLUMNS = {"tier": "tier", "person": "person", "rater": "rater", "confidence": "confidence"}
ABOUT = {
    "onset": {"Description": "Start of the segment in seconds from the start of the recording.", "Units": "s"},
    "duration": {"Description": "Length of the segment; 0 for a point in time.", "Units": "s"},
    "trial_type": {"Description": "The label, such as the expressed emotion, or what was said."},
    "tier": {"Description": "What the label speaks of: face, voice, text, fused or another name."},
    "person": {"Description": "Whose it is, by number within the recording."},
    "rater": {"Description": "Who says so; affectlens for the model."},
    "confidence": {"Description": "Calibrated probability of the label, 0 to 1."},
}


def read(path: Path) -> Annotations:
    """Read events; a duration that is not given is one of a point in time."""
    text, notes = read_text(path)
    lines = text.split("\n")
    head = lines[0].split("\t")
    if not {"onset", "duration"} <= set(head):
        raise MediaError(f"{path}, line 1: {', '.join(head)[:60]}; the columns onset and duration were expected")
    what = next((name for name in VALUES if name in head), "")
    segments: list[Segment] = []
    unknown = 0
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = dict(zip(head, line.split("\t"), strict=False))
        if cells.get("onset", MISSING).strip() == MISSING:
            unknown += 1
            continue
        length = cells.get("duration", MISSING).strip()
        try:
            start = float(cells["onset"])
            end = start + (0.0 if length == MISSING else float(length))
            sure = _given(cells.get("confidence", ""))
            confidence = float(sure) if sure else NAN
        except ValueError:
            raise wrong_line(path, number, f"onset {cells['onset']!r}, duration {length!r}; seconds were expected") from None
        more = {name: _given(cells.get(column, "")) for name, column in COLUMNS.items() if name != "confidence"}
        value = _given(cells.get(what, ""))
        segments.append(segment_of_line(path, number, start, round(end, 9), value, confidence=confidence, **more))
    count(path, segments)
    if unknown:
        notes = (*notes, f"{path.name}: {unknown} events have no onset and are left out")
    return Annotations(tuple(segments), _vocabularies(path, what, "tier" in head), ("",), {}, notes)


def _vocabularies(path: Path, what: str, has_tiers: bool) -> dict[str, tuple[str, ...]]:
    """The words that the json beside a table lists: by tier, or where the table has no tiers the levels of its column."""
    file = path.with_suffix(".json")
    about = read_json(file) if file.exists() else {}
    column = about.get(what) if isinstance(about, dict) else None
    if not isinstance(column, dict):
        return {}
    by_tier, levels = column.get(VOCABULARIES), column.get("Levels")
    if isinstance(by_tier, dict):
        return {tier: tuple(map(str, words)) for tier, words in by_tier.items() if isinstance(words, list)}
    return {"": tuple(levels)} if isinstance(levels, dict) and not has_tiers else {}


def _given(cell: str) -> str:
    return "" if cell.strip() == MISSING else cell.strip()


def _plain(text: str) -> str:
    return "not available" if text == MISSING else text


def sidecar(annotations: Annotations, path: Path) -> None:
    """Write the json that belongs to an ``events.tsv``."""
    about: dict[str, dict[str, Any]] = {name: dict(entry) for name, entry in ABOUT.items()}
    levels = {word: f"a word of {tier}" for tier, words in annotations.vocabularies.items() for word in words}
    if levels:
        about["trial_type"]["Levels"] = levels
        about["trial_type"][VOCABULARIES] = {tier: list(words) for tier, words in annotations.vocabularies.items()}
    write_json(path.with_suffix(".json"), about)


@register_format(
    "bids", "BIDS events.tsv", read=read, suffix=SUFFIX, step=1e-6, plain=_plain, beside=sidecar,
    holds=("value", "tier", "person", "rater", "confidence", "point", "empty value", "vocabulary"),
)  # fmt: skip
def write(annotations: Annotations, path: Path) -> None:
    """Write the events; `sidecar` writes what their columns and levels are."""
    lines = ["\t".join(ABOUT)]
    for one in annotations.segments:
        sure = MISSING if one.confidence != one.confidence else repr(float(one.confidence))
        texts = [text or MISSING for text in (one.value, *one.track)]
        lines.append("\t".join([_number(one.start), _number(round(one.end - one.start, 6)), *texts, sure]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") or "0"
