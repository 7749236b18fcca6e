"""Utterance features from our own perception, so that raw dialogues can be read by a contextual network.

- ``text``: the shipped words model's pooled state, 384 wide (English).
- ``audio``: the 88 eGeMAPS functionals of the utterance.
- ``video``: mean and deviation over frames of 52 blendshapes and of yaw, pitch and roll, 110 wide, of the person whose mouth
  moves most with the words (of the best visible one where no mouth moves clearly).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.assets.store import fetch, locate
from affectlens.core.barrier import reading
from affectlens.core.disk.cache import contents_of, kept_arrays
from affectlens.core.disk.files import key_of, sha256_of, write_whole
from affectlens.core.disk.finding import files_below
from affectlens.core.disk.names import encodable
from affectlens.core.disk.places import cache_dir, located
from affectlens.core.errors import MediaError, UsageError, unknown
from affectlens.core.failures import failure_of
from affectlens.core.notes import tell
from affectlens.core.progress import Progress, silent
from affectlens.core.tables import unquoted, write_csv
from affectlens.core.untrusted.sheets import in_posix, read_sheet, words
from affectlens.corpora.account import how_read
from affectlens.corpora.dialogues.base import DialogueSet
from affectlens.corpora.dialogues.folder import TABLE
from affectlens.corpora.speech.base import read_clip
from affectlens.media.frames import Problems, frames
from affectlens.media.sound.audio import Sound
from affectlens.models.base import load_model
from affectlens.models.weights import weights_path
from affectlens.perception.face.landmarks import BLENDSHAPES
from affectlens.perception.people.finder import PeopleFinder
from affectlens.perception.people.speaker import MouthMotion
from affectlens.perception.voice.egemaps import NAMES, egemaps

Measured = tuple[
    np.ndarray, np.ndarray, dict[str, list[str]], dict[str, str]
]  # features, missing, notes and faults by recording
VERSION = 4
MODALITIES = ("text", "audio", "video")
ASSETS: dict[str, tuple[str, ...]] = {"text": ("minilm",), "audio": (), "video": ("yunet", "face-landmarker")}
RATE = 5.0  # frames a second that are looked at
POSE = ("yaw", "pitch", "roll")
VIDEO_NAMES = tuple(f"{name} {statistic}" for statistic in ("mean", "deviation") for name in (*BLENDSHAPES, *POSE))
COLUMNS = ("file", "start", "end", "speaker", "text", "label", "sha256")  # of the table that `transcribe` writes
_SHORTEST = 0.3  # seconds of an utterance whose voice can be measured

_MEDIA = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".wav", ".flac", ".mp3", ".m4a", ".ogg"}


def measured(
    data: DialogueSet, modalities: tuple[str, ...], progress: Progress | None = None, cache: Path | None = None
) -> DialogueSet:
    """The same utterances with the wanted features: those that they come with, else measured and kept in a cache.

    Parameters
    ----------
    data : DialogueSet
        Utterances.
    modalities : tuple of str
        Features that are wanted.
    progress : Progress, optional
        Told of utterances.
    cache : Path, optional
        Keeps what is measured, by the content of what is read and the weights that read it.

    Returns
    -------
    DialogueSet
        An utterance that cannot be read (no speech, no face, a missing recording) has zeros and, in ``rows``,
        ``missing_<modality>``; recordings that cannot be read are in ``unread``, and ``notes`` say how the others were read.

    Raises
    ------
    UsageError
        A modality that can be neither found nor measured in this corpus.
    """  # noqa: DOC501
    out = data
    for modality in modalities:
        if modality in out.features:
            continue
        if modality not in MODALITIES:
            raise unknown("modality", modality, [*out.features, *MODALITIES])
        if modality == "text" and not data.rows.text.str.strip().any():
            raise UsageError(f"{data.name} has no transcripts, so text features cannot be measured")
        if modality != "text" and ("path" not in data.rows or not any(located(path).exists() for path in data.rows.path)):
            raise UsageError(
                f"{data.name} has no recordings here, so {modality} features cannot be measured; use its text, or give "
                "recordings as a dialogue-folder"
            )
        fetch(ASSETS[modality], progress)
        values, missing, lines, unread = _cached(out, modality, progress or silent, cache or cache_dir() / "features")
        rows = out.rows.assign(**{f"missing_{modality}": missing})
        notes = (*out.notes, *(f"{modality} of {data.name}: {line}" for line in lines))
        out = replace(out, rows=rows, features={**out.features, modality: values}, notes=notes, unread=out.unread | unread)
    return replace(out, features={modality: out.features[modality] for modality in modalities})


def _cached(
    data: DialogueSet, modality: str, progress: Progress, folder: Path
) -> tuple[np.ndarray, np.ndarray, list[str], dict[str, str]]:
    """Features ``(n, width)``, which are missing ``(n,)``, notes on how recordings were read, and why some could not be."""
    measure = {"text": _text, "audio": _audio, "video": _video}[modality]

    def make() -> dict[str, np.ndarray]:
        values, missing, notes, unread = measure(data, progress)
        return {"x": values, "missing": missing, "notes": np.array(json.dumps(notes)), "unread": np.array(json.dumps(unread))}

    key = key_of(VERSION, modality, list(data.rows.key), *_content(data, modality))
    arrays = kept_arrays(folder, f"utterances-{modality}", key, make)
    notes = json.loads(str(arrays["notes"]))
    tell(items=[(f"{modality} of {data.name}/{name}", texts) for name, texts in notes.items()])
    lines = how_read(notes)
    return arrays["x"], arrays["missing"], lines, json.loads(str(arrays["unread"]))


def _content(data: DialogueSet, modality: str) -> list[Any]:
    """Everything that the features of a modality depend on: what is read, and the weights that read it."""
    if modality == "text":
        return [list(data.rows.text), sha256_of(weights_path("words")), sha256_of(locate("minilm", "model.safetensors"))]
    times = data.rows[["start", "end"]].astype(float).to_numpy()
    parts = [times, [located(path).stem for path in data.rows.path], contents_of(list(data.rows.path))]
    return parts if modality == "audio" else [*parts, *(sha256_of(locate(name)) for name in ("yunet", "face-landmarker"))]


def _text(data: DialogueSet, progress: Progress) -> Measured:
    model = load_model("words")
    texts = [text if text.strip() else "." for text in data.rows.text]
    parts = []
    for start in range(0, len(texts), 512):
        parts.append(model.embed(texts[start : start + 512]))
        progress("text", min(start + 512, len(texts)), len(texts))
    missing = ~data.rows.text.str.strip().astype(bool).to_numpy()
    values = np.concatenate(parts)
    values[missing] = 0
    return values, missing, {}, {}


def _audio(data: DialogueSet, progress: Progress) -> Measured:
    values = np.zeros((len(data), len(NAMES)), dtype=np.float32)
    missing = np.zeros(len(data), dtype=bool)
    problems: dict[str, Problems] = defaultdict(Problems)
    unread: dict[str, str] = {}
    for i, row in enumerate(data.rows.itertuples()):
        # A clip of the utterance itself has no times of its own to cut at.
        whole = encodable(located(row.path).stem) == row.key
        start, end = (np.nan, np.nan) if whole else (float(row.start), float(row.end))
        try:
            signal = read_clip(located(row.path), start, end, problems[Path(row.path).name].add)
            missing[i] = len(signal) < _SHORTEST * 16000
            if not missing[i]:
                values[i] = egemaps(signal)
        except MediaError as error:
            missing[i] = True
            unread[str(row.path)] = failure_of(row.path, error).reason
        progress("audio", i + 1, len(data))
    return np.nan_to_num(values), missing, _notes_of(problems), unread


def _notes_of(problems: dict[str, Problems]) -> dict[str, list[str]]:
    return {name: own.notes for name, own in problems.items() if own.notes}


def _video(data: DialogueSet, progress: Progress) -> Measured:
    from affectlens.perception.face.detector import FaceDetector
    from affectlens.perception.face.landmarks import FaceLandmarker

    detector, marker = FaceDetector(locate("yunet")), FaceLandmarker(locate("face-landmarker"))
    values = np.zeros((len(data), len(VIDEO_NAMES)), dtype=np.float32)
    missing = np.ones(len(data), dtype=bool)
    unread: dict[str, str] = {}
    problems: dict[str, Problems] = defaultdict(Problems)
    for path, rows in data.rows.groupby("path"):
        try:
            name = Path(str(path)).name
            by_person, mouths = _watched(located(str(path)), PeopleFinder(detector, marker), problems[name])
        except Exception as error:  # these utterances are missing what is seen
            unread[str(path)] = failure_of(path, error).reason
            continue
        for i, row in rows.iterrows():
            face = _face_of(by_person, mouths, float(row.start), float(row.end))
            if face is not None:
                values[int(str(i))], missing[int(str(i))] = face, False
        progress("video", int(rows.index.max()) + 1, len(data))
    return values, missing, _notes_of(problems), unread


def _watched(
    path: Path, finder: PeopleFinder, problems: Problems
) -> tuple[dict[int, list[tuple[float, np.ndarray]]], MouthMotion]:
    """Per person: time, and blendshapes with pose ``(55,)``, of each sampled frame."""
    by_person: dict[int, list[tuple[float, np.ndarray]]] = {}
    mouths = MouthMotion()
    for frame in frames(path, RATE, problems):
        for person in finder(frame):
            mouths.add(person.id, frame.time, person.marks.mouth_opening)
            values = np.concatenate([person.marks.blendshapes, person.marks.head_pose()]).astype(np.float32)
            by_person.setdefault(person.id, []).append((frame.time, values))
    return by_person, mouths


def _face_of(by_person: dict[int, Any], mouths: MouthMotion, start: float, end: float) -> np.ndarray | None:
    margin = 0.5 / RATE
    low, high = start - margin, end + margin
    inside = {person: np.array([values for at, values in views if low <= at <= high]) for person, views in by_person.items()}
    inside = {person: values for person, values in inside.items() if len(values)}
    if not inside:
        return None
    speaker = mouths.speaker(start, end, RATE).person
    best = speaker if speaker in inside else max(inside, key=lambda person: len(inside[person]))
    values = inside[best]
    return np.concatenate([values.mean(axis=0), values.std(axis=0)])


def transcribe(folder: Path, progress: Progress = silent, language: str | None = None) -> tuple[Path, dict[str, str]]:
    """Write ``utterances.csv`` of a folder of recordings: words by Whisper, speakers by whose mouth moves.

    A recording is known by its path below the folder and by the sha256 of what it holds. One that the table has already is left
    as it is; one that was renamed keeps its rows under its new name; one that holds something else than before is transcribed
    again, unless its rows have labels. Rows without a sha256, such as those written by hand, are never replaced.

    Parameters
    ----------
    folder : Path
        Recordings lie in it or below it.
    progress : Progress
        Told of recordings.
    language : str, optional
        Code of the spoken language; detected for each recording where absent.

    Returns
    -------
    tuple of Path and dict
        The table, and by recording the reason why it could not be read, or why its old rows were kept.

    Raises
    ------
    UsageError
        No recording, no speech in any, or a table that has no column ``file``.
    """
    from affectlens.perception.face.detector import FaceDetector
    from affectlens.perception.face.landmarks import FaceLandmarker
    from affectlens.perception.words.transcript import WordRecogniser

    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    target = folder / TABLE
    recordings = {
        encodable(path.relative_to(folder).as_posix()): path
        for path in files_below(folder).files
        if path.suffix.lower() in _MEDIA
    }
    if not recordings:
        raise UsageError(f"{folder}: no recording here; expected files such as {', '.join(sorted(_MEDIA)[:6])}")
    contents = dict(zip(recordings, contents_of(recordings.values()), strict=True))
    done, failed = _taken_over(_utterances_in(target), contents)
    fetch(("whisper-base", "yunet", "face-landmarker"), progress)
    recogniser = WordRecogniser(locate("whisper-base").parent, language)
    detector, marker = FaceDetector(locate("yunet")), FaceLandmarker(locate("face-landmarker"))
    for i, (name, path) in enumerate(recordings.items()):
        progress("transcribing", i, len(recordings))
        if (done.file == name).any():
            continue
        try:
            rows = list(_recognised(path, recogniser, detector, marker))
        except Exception as error:
            failed[name] = failure_of(name, error).reason
            continue
        about = {"file": name, "label": "", "sha256": contents[name]}
        done = pd.concat([done, pd.DataFrame([row | about for row in rows], columns=list(COLUMNS))], ignore_index=True)
        write_whole(target, partial(write_csv, done))
    progress("transcribing", len(recordings), len(recordings))
    if not target.exists():
        raise UsageError(f"{folder}: no speech was recognised in {len(recordings)} recordings; {failed or ''}")
    return target, failed


def _utterances_in(target: Path) -> pd.DataFrame:
    """The table of an earlier run, perhaps with labels and rows by hand; without rows where there is none."""
    if not target.exists():
        return pd.DataFrame(columns=list(COLUMNS))
    with reading(target, "a table of utterances", UsageError):
        table = read_sheet(target).frame.map(unquoted)
    if "file" not in table:
        raise UsageError(f"{target}: columns {', '.join(map(str, table.columns[:8]))}; a column file was expected")
    return table.assign(**{column: words(table[column]) if column in table else "" for column in ("file", "label", "sha256")})


def _taken_over(table: pd.DataFrame, contents: dict[str, str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows of a table that hold for the recordings as they are now.

    Parameters
    ----------
    table : DataFrame
        With the columns file, label and sha256.
    contents : dict of str to str
        The sha256 of every recording that is there, by its path.

    Returns
    -------
    table : DataFrame
        Without the rows of recordings that hold something else now, and with renamed ones under their new names.
    problems : dict of str to str
        By recording why old rows were kept though it holds something else now.
    """
    table = table.assign(file=[name if name in contents else in_posix(name) for name in table.file])
    problems = {}
    for name, content in contents.items():
        own = table.file == name
        changed = own & (table.sha256 != "") & (table.sha256 != content)
        if changed.any() and (table.label[own].str.strip() != "").any():
            problems[name] = (
                f"it holds something else than when it was transcribed, and its rows in {TABLE} have labels; they were left as "
                "they are. Remove these rows to have it transcribed again"
            )
        elif changed.any():
            table = table[~changed]
        elif not own.any():
            renamed = (table.sha256 == content) & ~table.file.isin(list(contents))
            table = table.assign(file=table.file.where(~renamed, name))
    return table.reset_index(drop=True), problems


def _recognised(path: Path, recogniser: Any, detector: Any, marker: Any) -> Iterator[dict[str, Any]]:
    spoken = [
        replace(utterance, channel=voice.channel)
        for voice in Sound(path, Problems()).voices
        for _, utterances in recogniser(voice)
        for utterance in utterances
    ]
    spoken.sort(key=lambda utterance: utterance.start)
    mouths = _watched(path, PeopleFinder(detector, marker), Problems())[1] if spoken else MouthMotion()
    for utterance in spoken:
        start, end = utterance.words[0].start, utterance.words[-1].end
        person, channel = mouths.speaker(start, end, RATE).person, utterance.channel
        speaker = f"person {person}" if person >= 0 else f"channel {channel}" if channel is not None else ""
        text = " ".join(word.text for word in utterance.words)
        yield {"start": round(start, 2), "end": round(end, 2), "speaker": speaker, "text": text}
