"""`affectlens study init`: a study file of the recordings in a folder, to be completed by hand."""

from __future__ import annotations

import re
from pathlib import Path

from affectlens.core.disk.files import write_text
from affectlens.core.errors import OutputError, UsageError
from affectlens.media.inputs import find_inputs

HEAD = """# A study: complete it, then `affectlens study check` and `affectlens study run`. Paths begin at this file's folder.
title: A study
modality: fused   # whose answers count: fused, face, voice, words

participants:"""
TAIL = """
stimuli: []   # - {name: film, duration: 30, markers: [{name: scene, time: 4}]}
raters: []    # - {name: Ann, files: [ann/P01.eaf]}
exclusions: []   # - {participant: P03, reason: fell asleep}

analysis:
  measures: [happiness, anger, sadness]
  event: ""          # a marker; empty: the start of the stimulus
  window: [-1, 5]    # seconds from the event
  bin: 0.5
  baseline: none     # person, none, or a part of the window such as [-1, 0]
"""
_PARTS = re.compile(r"[_\s]+")


def init(folder: str | Path, out: str | Path = "study.yaml") -> Path:
    """Write a study file of the recordings in a folder.

    The participant is the folder of a recording, or where all lie in one folder what stands before the first ``_`` of its
    name; the
    rest of the name is taken for the condition. Both are guesses, to be corrected in the file.

    Parameters
    ----------
    folder : path
        Recordings.
    out : path
        The file; it must not be there yet.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError
        No recording in the folder.
    OutputError
        The file is there already, or cannot be written.
    """
    folder, out = Path(folder), Path(out)
    if out.exists():
        raise OutputError(f"{out} is there already; give another --out")
    found = sorted(Path(path) for path in find_inputs([folder]).files)
    if not found:
        raise UsageError(f"{folder}: no recording in it")
    people: dict[str, list[tuple[Path, str]]] = {}
    several = len({path.parent for path in found}) > 1
    for path in found:
        first, *rest = _PARTS.split(path.stem)
        who, what = (path.parent.name, path.stem) if several else (first, "_".join(rest))
        people.setdefault(who, []).append((path, what))
    lines = [HEAD]
    for who, recordings in people.items():
        lines += [f"  - id: {_quoted(who)}", '    group: ""', "    recordings:"]
        for path, condition in recordings:
            lines.append(f"      - {{file: {_quoted(_from(path, out))}, condition: {_quoted(condition)}}}")
    lines.append(TAIL)
    return write_text(out, "\n".join(lines))


def _from(path: Path, out: Path) -> str:
    """The path as the study file names it."""
    here = out.absolute().parent
    whole = path.absolute()
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else whole.as_posix()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
