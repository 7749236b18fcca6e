"""Speech corpora whose labels lie in tables: IEMOCAP, a csv of your own."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from affectlens.core.disk.finding import is_hidden
from affectlens.core.disk.places import written
from affectlens.core.errors import CorpusError
from affectlens.core.untrusted.documents import read_text
from affectlens.core.untrusted.sheets import in_posix, read_sheet, words
from affectlens.corpora.account import count_found, drop, remark
from affectlens.corpora.speech.base import Rows, register_speech
from affectlens.corpora.speech.segments import key_of_segment, seconds

_TURN = re.compile(r"^\[(?P<start>[\d.]+) - (?P<end>[\d.]+)\]\t(?P<name>\S+)\t(?P<label>\w+)\t\[(?P<vad>[^\]]+)\]")
_IEMOCAP = {
    "ang": "anger", "hap": "happiness", "exc": "excitement", "sad": "sadness", "neu": "neutral", "fru": "frustration",
    "fea": "fear", "sur": "surprise", "dis": "disgust", "oth": "other", "xxx": "undecided",
}  # fmt: skip


@register_speech(
    "iemocap", "IEMOCAP (clips)", "en", "on request, research only; cite Busso et al. 2008", "https://sail.usc.edu/iemocap",
    "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt and Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
)  # fmt: skip
def iemocap(root: Path) -> Rows:
    """Turns of the five sessions with category, valence, arousal (activation) and dominance; a missing wav keeps its row."""
    rows: Rows = []
    for table in sorted(root.glob("Session*/dialog/EmoEvaluation/Ses*.txt")):
        if is_hidden(table, root):
            continue
        session = table.parts[-4]
        for line in read_text(table, CorpusError, "replace").splitlines():
            if not re.match(r"\[\d", line):
                continue
            count_found(1, "turns")
            match = _TURN.match(line)
            if not match:
                drop(f"{table.name}: {line[:60]}", "a line that is not of the layout")
                continue
            name = match["name"]
            valence, activation, dominance = (float(value) for value in match["vad"].split(","))
            rows.append(
                {
                    "key": name,
                    "path": written(root / session / "sentences" / "wav" / name.rsplit("_", 1)[0] / f"{name}.wav"),
                    "label": _IEMOCAP.get(match["label"], match["label"]),
                    "speaker": f"{name[:5]}{name.rsplit('_', 1)[1][0]}",
                    "gender": "female" if name.rsplit("_", 1)[1][0] == "F" else "male",
                    "session": session,
                    "improvised": "impro" in name,
                    "valence": valence,
                    "arousal": activation,
                    "dominance": dominance,
                }
            )
    return rows


@register_speech(
    "speech-csv", "A csv table of speech clips", "", "your own", "your own",
    "columns file and label; optionally speaker, gender, language, start, end (seconds), split; files relative to the table",
)  # fmt: skip
def speech_csv(path: Path) -> Rows:
    """A csv, tsv or parquet table of clips."""
    if path.is_dir():
        raise CorpusError(f"{path}: expected a csv, tsv or parquet table, not a folder")
    sheet = read_sheet(path)
    frame = sheet.frame
    if not {"file", "label"} <= set(frame.columns):
        raise CorpusError(f"{path}: columns {list(frame.columns)[:8]}; expected at least file and label")
    for text in sheet.notes:
        remark(text)
    count_found(len(frame), "rows")
    label = words(frame.label).str.strip()
    empty = int((label == "").sum())
    if empty:
        raise CorpusError(f"{path}: {empty} rows have no label; give each one or remove them")
    files = words(frame["file"]).map(in_posix)
    out = pd.DataFrame(
        {"path": [written(path.parent / file) for file in files], "label": label.to_numpy(), "key": files.to_numpy()}
    )
    for column in ("speaker", "gender", "age", "language", "split"):
        if column in frame:
            out[column] = words(frame[column]).str.strip().to_numpy()
    if "start" in frame and "end" in frame:
        out["start"], out["end"] = seconds(frame["start"]), seconds(frame["end"])
        out["key"] = [key_of_segment(key, since, until) for key, since, until in zip(out.key, out.start, out.end, strict=True)]
    return [{str(column): value for column, value in row.items()} for row in out.to_dict("records")]
