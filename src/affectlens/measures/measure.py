"""`affectlens.measure`: every frame of recordings as rows of numbers, streamed to disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.assets.store import fetch, locate
from affectlens.core.disk.files import make_folder, temporary_beside, write_json, write_whole
from affectlens.core.disk.places import relative
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import UsageError
from affectlens.core.failures import Failure, failure_of
from affectlens.core.progress import Progress, silent
from affectlens.core.settings import shows_fields, with_fields
from affectlens.core.tables import TableWriter, write_csv
from affectlens.measures.blinks import Blink, Blinks
from affectlens.measures.faces import FaceFollower
from affectlens.measures.rows import body_rows, closing, face_row, voice_rows
from affectlens.measures.settings import MeasureSettings
from affectlens.measures.units import UNITS
from affectlens.media.frames import Problems, frames, probe
from affectlens.media.inputs import find_inputs
from affectlens.media.sound.audio import Sound
from affectlens.perception.body.pose import PoseFinder
from affectlens.perception.face.detector import FaceDetector
from affectlens.perception.face.landmarks import FaceLandmarker
from affectlens.perception.people.finder import PeopleFinder
from affectlens.perception.voice.stream import DescriptorStream

ASSETS = {"face": ("yunet", "face-landmarker"), "body": ("pose-landmarker",)}
MANIFEST = "about.json"  # written last: a folder with it is whole
SLOW = 15.0  # frames a second under which the length of a blink cannot be told


@dataclass(frozen=True)
class Measured:
    """What was measured of one recording.

    Attributes
    ----------
    file : str
        The recording.
    folder : Path
        Where its tables lie.
    frames, rows : int
        Frames of the video, and rows of faces.
    notes : tuple of str
        What has to be known.
    """

    file: str
    folder: Path
    frames: int
    rows: int
    notes: tuple[str, ...] = ()

    def table(self, what: str = "face") -> pd.DataFrame:
        """One of the tables.

        Parameters
        ----------
        what : str
            face, voice, body or blinks.

        Returns
        -------
        DataFrame
            Read from disk.

        Raises
        ------
        UsageError
            It was not measured.
        """
        path = self.folder / f"{what}.parquet"
        if not path.exists():
            raise UsageError(f"{self.folder}: no table of {what}; it was not measured, or there is none in the recording")
        return pd.read_parquet(path)


@dataclass(frozen=True)
class Measurements:
    """What was measured of all recordings.

    Attributes
    ----------
    results : tuple of Measured
        In the order of the inputs.
    failed : tuple of Failure
        Inputs that came to nothing.
    notes : tuple of str
        What was left out of folders.
    """

    results: tuple[Measured, ...]
    failed: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def failures(self) -> dict[str, str]:
        """Why each input failed that did."""
        return {one.key: one.reason for one in self.failed}


class _Networks:
    """The networks, each loaded once, when it is wanted first."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._faces: tuple[FaceDetector, FaceLandmarker] | None = None
        self._poses: PoseFinder | None = None

    def faces(self) -> FaceFollower:
        """Who follows the faces of one recording."""
        if self._faces is None:
            self._faces = FaceDetector(locate("yunet")), FaceLandmarker(locate("face-landmarker"), self._threads)
        detector, landmarker = self._faces
        return FaceFollower(PeopleFinder(detector, landmarker), landmarker)

    def bodies(self) -> PoseFinder:
        """What finds bodies."""
        if self._poses is None:
            self._poses = PoseFinder(locate("pose-landmarker"), self._threads)
        return self._poses


@shows_fields(MeasureSettings)
def measure(
    inputs: str | Path | Iterable[str | Path],
    out: str | Path = "affectlens-measured",
    *,
    settings: MeasureSettings | None = None,
    progress: Progress | None = None,
    **fields: Any,
) -> Measurements:
    """Measure every frame of recordings, at their own rate.

    Parameters
    ----------
    inputs : path or iterable of paths
        Images, videos, audio files, folders, globs, or a table of paths.
    out : path
        A folder for each recording is made in it, with ``face.parquet`` (a row a frame and person), ``blinks.parquet``,
        ``voice.parquet`` (a row every 10 ms) and ``body.parquet``. Rows are on disk as they come.
    settings : MeasureSettings, optional
        What is measured; or its fields one by one.
    progress : callable, optional
        Takes the stage, how much of it is done, and how much there is.
    **fields
        Of ``MeasureSettings``.

    Returns
    -------
    Measurements
        An input that cannot be read is in ``failures``; the others are done.

    Raises
    ------
    UsageError
        A value that is not allowed, or no input.
    """
    chosen = with_fields(MeasureSettings, settings, fields)
    found = find_inputs([inputs] if isinstance(inputs, str | Path) else list(inputs))
    folder = make_folder(Path(out))
    fetch([asset for what in chosen.what for asset in ASSETS.get(what, ())], progress)
    tell = progress or silent
    networks = _Networks(chosen.threads)
    results: list[Measured] = []
    failed = list(found.failures)
    names: set[str] = set()
    for number, path in enumerate(found.files):
        tell("recordings", number, len(found.files))
        name = path.stem if path.stem not in names else f"{path.stem}-{number}"
        names.add(name)
        try:
            results.append(_one(path, folder / name, networks, chosen, tell))
        except Exception as error:
            failed.append(failure_of(str(path), error))
    tell("recordings", len(found.files), len(found.files))
    return Measurements(tuple(results), tuple(failed), tuple(found.notes))


def _one(path: Path, target: Path, networks: _Networks, settings: MeasureSettings, tell: Progress) -> Measured:
    """Measure one recording into a hidden folder, which takes its name when it is whole."""
    info = probe(path)
    scratch = temporary_beside(target)
    scratch.mkdir(parents=True)
    problems = Problems()
    name = relative(path)
    try:
        seen, rows = 0, 0
        notes: list[str] = []
        if info.video_tracks and {"face", "body"} & set(settings.what):
            seen, rows, notes = _watch(path, name, scratch, networks, settings, problems, info.duration, tell)
        if "voice" in settings.what and info.audio_tracks:
            notes += _hear(path, name, scratch, problems, info.duration, tell)
        elif "voice" in settings.what:
            notes.append("no sound: nothing of the voice")
        if not info.video_tracks and "face" in settings.what:
            notes.append("no picture: nothing of the face")
        notes += problems.notes
        write_json(scratch / MANIFEST, _about(name, seen, rows, notes, settings))
        if target.exists():
            shutil.rmtree(target)
        scratch.replace(target)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return Measured(name, target, seen, rows, tuple(notes))


def _about(name: str, seen: int, rows: int, notes: list[str], settings: MeasureSettings) -> dict[str, Any]:
    units = {
        unit.name: {"facs": unit.facs, "from": list(unit.shapes) or ["mouth_opening"], "works": unit.works} for unit in UNITS
    }
    return {
        "file": name, "affectlens": package_version(), "frames": seen, "faces": rows, "settings": settings.to_dict(),
        "action_units": units, "notes": notes,
    }  # fmt: skip


def _watch(
    path: Path, name: str, scratch: Path, networks: _Networks, settings: MeasureSettings, problems: Problems, duration: float,
    tell: Progress,
) -> tuple[int, int, list[str]]:  # fmt: skip
    """Faces and bodies of every frame; gives the number of frames and of rows of faces, and notes."""
    follower = networks.faces() if "face" in settings.what else None
    bodies = networks.bodies() if "body" in settings.what else None
    faces_out, bodies_out = TableWriter(scratch / "face.parquet"), TableWriter(scratch / "body.parquet")
    blinks = Blinks()
    waiting: list[dict[str, Any]] = []
    seen = rows = without = with_bodies = 0
    first = last = 0.0
    for number, frame in enumerate(frames(path, None, problems)):
        seen, last = number + 1, frame.time
        first = frame.time if number == 0 else first
        if follower is not None:
            people = follower(frame)
            without += not people
            for person in people:
                shut = blinks.add(person.id, frame.time, closing(person))
                waiting.append(face_row(name, number, frame.time, person, shut, settings.landmarks))
            rows += len(people)
            waiting = _written(faces_out, waiting)
        if bodies is not None:
            found = body_rows(name, number, frame.time, bodies(frame.image))
            if found:
                bodies_out.append(pd.DataFrame(found))
            with_bodies += bool(found)
        if number % 25 == 0:
            tell(f"{path.name}: frames", frame.time, duration)
    notes = []
    if follower is not None:
        _written(faces_out, waiting, last=True)
        if rows:
            faces_out.close()
        rate = (seen - 1) / (last - first) if last > first else 0.0
        _write_blinks(blinks.finish(), name, scratch)
        counts = follower.counts
        told = f"faces were searched for in {counts.searched} and followed in {counts.followed}"
        notes.append(f"{seen} frames, {without} without a face; {told}")
        if 0 < rate < SLOW:
            notes.append(f"{rate:.3g} frames a second: a blink may fall between two frames, and its length cannot be told")
    if bodies is not None:
        if with_bodies:
            bodies_out.close()
        notes.append("bodies are counted in each frame, the surest first; nothing says who is who from frame to frame")
    return seen, rows, notes


def _written(writer: TableWriter, waiting: list[dict[str, Any]], last: bool = False) -> list[dict[str, Any]]:
    """Rows that still wait; some hundred go to the disk together."""
    if waiting and (last or len(waiting) >= 256):
        writer.append(pd.DataFrame(waiting))
        return []
    return waiting


def _write_blinks(found: list[Blink], name: str, scratch: Path) -> None:
    rows = [
        {
            "input": name, "person": one.person, "onset": one.onset, "end": one.end, "duration": one.duration, "peak": one.peak,
            "kind": one.kind, "complete": one.complete,
        }
        for one in sorted(found, key=lambda blink: blink.onset)
    ]  # fmt: skip
    columns = ["input", "person", "onset", "end", "duration", "peak", "kind", "complete"]
    table = pd.DataFrame(rows, columns=columns)
    write_whole(scratch / "blinks.parquet", table.to_parquet)
    write_whole(scratch / "blinks.csv", lambda partial: write_csv(table, partial))


def _hear(path: Path, name: str, scratch: Path, problems: Problems, duration: float, tell: Progress) -> list[str]:
    """The voice every 10 ms."""
    writer, stream = TableWriter(scratch / "voice.parquet"), DescriptorStream()
    done = 0

    def write(made: Any) -> int:
        if len(made):
            writer.append(voice_rows(name, done, made))
        return done + len(made)

    for block in Sound(path, problems):
        done = write(stream.push(block.samples))
        tell(f"{path.name}: sound", block.start, duration)
    done = write(stream.finish())
    if done:
        writer.close()
    return [f"{done} rows of the voice"]
