"""Everything that the server knows between two requests: folders, library, runs that were read, jobs."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from affectlens.assets.store import locate
from affectlens.core.disk.files import make_folder, sha256_of, temporary_beside, write_json, write_whole
from affectlens.core.disk.names import safe_name
from affectlens.core.disk.places import cache_dir
from affectlens.core.environment.extras import missing
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.options import Options
from affectlens.core.settings import kinds_of, with_fields
from affectlens.media.inputs import MEDIA
from affectlens.modalities.base import assets_of
from affectlens.perception.face.covering import parse_cover
from affectlens.perception.words.corrected import corrected
from affectlens.workbench.notes.changes import State
from affectlens.workbench.notes.edits import Edits
from affectlens.workbench.reading.notices import Notice
from affectlens.workbench.reading.originals import Originals
from affectlens.workbench.reading.places import Folders, is_id
from affectlens.workbench.reading.plain import plain
from affectlens.workbench.reading.playable import copy_of, plays
from affectlens.workbench.reading.runs import Opened, Run
from affectlens.workbench.reading.stills import as_jpeg, frame_at
from affectlens.workbench.settings import ViewSettings
from affectlens.workbench.views.audits import AuditFolder, OpenedAudits
from affectlens.workbench.views.cards import WHAT_IF
from affectlens.workbench.views.examples import Examples
from affectlens.workbench.views.library import Library
from affectlens.workbench.work.jobs import Job, Queue, Worker

# Options that a page may set. The others name files, devices or code of this machine, which no page has a say in.
ALLOWED = (
    "modalities",
    "language",
    "voices",
    "translate",
    "seed",
    "rate",
    "window",
    "cam_method",
    "faithfulness",
    "orders",
    "place",
    "when",
    "fusion",
)
RECORDINGS = "recordings"  # below the first given folder: files that were dropped on the page
GIGA = 1_000_000_000
STATES = 64  # of runs, that are kept


class NotFoundError(AffectlensError):
    """There is nothing of that name."""


class Bench:
    """The server's state.

    Parameters
    ----------
    folders : list of Path
        In which runs lie.
    settings : ViewSettings
        Of the server.
    worker : Worker, optional
        What explains recordings.
    """

    def __init__(self, folders: list[Path], settings: ViewSettings | None = None, worker: Worker | None = None) -> None:
        self.settings = settings or ViewSettings()
        self.folders = Folders(folders)
        self.library = Library(self.folders)
        self.originals = Originals(self.folders.roots)
        self.examples = Examples(self.folders)
        self.opened, self.audits = Opened(), OpenedAudits()
        key = hashlib.sha256("\0".join(os.fspath(root) for root in self.folders.roots).encode("utf-8", "replace")).hexdigest()[
            :16
        ]
        self.scratch = cache_dir() / "view" / f"work-{key}"
        self.queue = Queue(self.scratch / "jobs.json", self._made, worker)
        self._pictures = threading.Semaphore(2)  # decoders at once
        self._states: dict[str, tuple[tuple[int, int], State, list[Notice]]] = {}  # by folder: of which file
        for job in self.queue.jobs():
            if job.folder and job.kind == "rerun" and not job.saved and Path(job.folder).is_dir():
                self.library.open_unlisted(Path(job.folder))

    def close(self) -> None:
        """End what is at work."""
        self.queue.close()

    # Runs

    def folder(self, name: str) -> Path:
        """The folder of a run by its id.

        Raises
        ------
        NotFoundError
            There is none.
        """  # noqa: DOC201
        folder = self.library.place_of(name) if is_id(name) else None
        if folder is None and is_id(name):
            self.library.refresh()  # it may have come just now
            folder = self.library.place_of(name)
        if folder is None:
            raise NotFoundError("there is no such run; it may have been moved or removed")
        return folder

    def run(self, name: str) -> Run:
        """The run of a recording by its id."""
        return self.opened(self.folder(name))

    def audit(self, name: str) -> AuditFolder:
        """An audit by its id."""
        return self.audits(self.folder(name), name)

    def edits(self, run: Run) -> Edits:
        """What people added to a run."""
        return Edits(run.folder, run.sha256, [int(person) for person in sorted(set(run.table.person))])

    def state(self, run: Run) -> tuple[State, list[Notice]]:
        """What that comes to; the same object as long as the file is the same, so that what was made of it can be kept."""
        edits = self.edits(run)
        try:
            about = edits.file.stat()
            stamp = (about.st_mtime_ns, about.st_size)
        except OSError:
            stamp = (0, 0)
        held = self._states.get(str(run.folder))
        if held is None or held[0] != stamp:
            held = (stamp, *edits.state_and_notices())
            self._states[str(run.folder)] = held
            while len(self._states) > STATES:
                self._states.pop(next(iter(self._states)))
        return held[1], list(held[2])

    def recording(self, run: Run) -> Path:
        """The recording of a run.

        Raises
        ------
        NotFoundError
            It was not found.
        """  # noqa: DOC201
        found, notices = self.originals.find(run)
        if found is None:
            raise NotFoundError(notices[0].message if notices else "the recording was not found")
        return found

    def media(self, name: str, run: Run) -> tuple[dict[str, Any], list[Notice]]:
        """What the page is told of the recording."""
        found, notices = self.originals.find(run)
        kind = str(run.facts.get("kind", ""))
        if kind == "motion":
            return {
                "there": found is not None,
                "playable": False,
                "address": None,
                "copy": "none",
                "start_time": 0.0,
                "kind": kind,
                "type": "",
            }, notices
        if found is None:
            return {
                "there": False,
                "playable": False,
                "address": None,
                "copy": "none",
                "start_time": 0.0,
                "kind": kind,
                "type": "",
            }, notices
        from affectlens.workbench.reading.playable import type_of

        fine = plays(found)
        copied = "none" if fine else self._copy_state(found)
        return {
            "there": True,
            "playable": fine or copied == "ready",
            "address": f"/api/runs/{name}/media",
            "copy": copied,
            "start_time": 0.0,
            "kind": kind,
            "type": type_of(found) if fine else ("audio/mp4" if kind == "audio" else "video/mp4"),
        }, notices

    def _copy_state(self, recording: Path) -> str:
        if copy_of(recording).exists():
            return "ready"
        jobs = [job for job in self.queue.jobs() if job.kind == "copy" and job.order.get("recording") == str(recording)]
        if not jobs:
            return "needed"
        return "making" if jobs[0].state in ("queued", "running") else "failed" if jobs[0].state == "failed" else "needed"

    def picture(self, run: Run, time: float, width: int) -> bytes:
        """A frame of the recording as JPEG, kept in the user's cache."""
        recording = self.recording(run)
        kept = cache_dir() / "view" / "frames" / f"{sha256_of(recording)[:32]}-{round(time * 1000)}-{width}.jpg"
        if kept.exists():
            return kept.read_bytes()
        with self._pictures:
            made = as_jpeg(frame_at(recording, time), width)
        _keep(kept, made)
        return made

    # Work

    def can_explain(self) -> str:
        """Why nothing can be explained here, or an empty text."""
        if lacking := missing("speech"):
            return f'the packages {", ".join(lacking)} are not installed; run: pip install "affectlens[all]"'
        for name in assets_of(Options()):
            try:
                locate(name)
            except AffectlensError:
                return f"the weights {name} are not here; run: affectlens assets pull {name}"
        return ""

    def options(self, given: Any) -> dict[str, Any]:
        """Options that a page gave, checked.

        Raises
        ------
        UsageError
            One that a page may not set, or a wrong value.
        """  # noqa: DOC201
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            raise UsageError("options: a table of options was expected")
        for name in given:
            if name not in ALLOWED:
                raise UsageError(f"option {name!r} cannot be set here; {', '.join(ALLOWED)} can")
        chosen = {str(name): tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        made = with_fields(Options, None, chosen)
        return {name: plain(getattr(made, name)) for name in chosen}

    def upload_target(self, name: str) -> Path:
        """Where a file that was dropped on the page goes: a new name in the first given folder.

        Raises
        ------
        UsageError
            It is no recording by its name.
        """  # noqa: DOC201
        cleaned = safe_name(Path(name.replace("\\", "/")).name)
        suffix = Path(cleaned).suffix.lower()
        if suffix not in MEDIA:
            raise UsageError(f"{cleaned or name!r}: a video, a sound, a picture or a motion was expected, by its suffix")
        folder = make_folder(self.folders.roots[0] / RECORDINGS)
        target, number = folder / cleaned, 2
        while target.exists():
            target = folder / f"{Path(cleaned).stem} ({number}){Path(cleaned).suffix}"
            number += 1
        return target

    def explain(self, recording: Path, options: dict[str, Any]) -> Job:
        """Queue a recording that was uploaded."""
        order = {"do": "explain", "recording": str(recording), "out": str(self.folders.roots[0]), "options": options}
        return self.queue.add(Job(self.queue.new_id(), "upload", recording.name, order, options=options))

    def rerun(self, body: Mapping[str, Any]) -> Job:
        """Queue a run of the same recording with something else.

        Parameters
        ----------
        body : mapping
            ``run``, and any of ``options``, ``without``, ``transcript``, ``cover``.

        Returns
        -------
        Job
            The job.

        Raises
        ------
        UsageError
            A value that cannot be.
        """
        name = str(body.get("run", ""))
        run = self.run(name)
        recording = self.recording(run)
        base = {key: value for key, value in run.options.items() if key in ALLOWED}
        left = [
            key for key, value in run.options.items() if key not in ALLOWED and value not in (None, "", [], False, "auto", 2)
        ]
        options = self.options(base) | self.options(body.get("options"))
        if without := body.get("without"):
            if not isinstance(without, list):
                raise UsageError("without: a list of modalities was expected")
            read = list(options.get("modalities", Options().modalities))
            if strange := [str(one) for one in without if one not in read]:
                raise UsageError(f"without {', '.join(strange)}: the run read {', '.join(read)}")
            kept = [modality for modality in read if modality not in without]
            if not kept:
                raise UsageError("without: nothing would be left to read")
            options["modalities"] = kept
        changes = {"options": plain(body.get("options") or {}), "without": plain(without or [])}
        covers = [_cover_text(part) for part in _list(body, "cover")]
        job = Job(self.queue.new_id(), "rerun", run.name, {}, options=dict(options), of_run=name)
        out = make_folder(self.scratch / "reruns" / f"{job.id}-{secrets.token_hex(4)}")
        full = dict(options)
        if covers:
            full["cover"], changes["cover"] = covers, covers
        if corrections := _list(body, "transcript"):
            full["transcript"] = str(write_json(out / "corrected.json", corrected(run.transcript, corrections)))
            changes["transcript"] = plain(corrections)
        with_fields(Options, None, {key: tuple(value) if isinstance(value, list) else value for key, value in full.items()})
        job.order = {"do": "explain", "recording": str(recording), "out": str(out), "options": full}
        job.changes = changes
        if left:
            job.notes = [
                f"the run was made with --{', --'.join(name.replace('_', '-') for name in left)}, which reruns do not take over"
            ]
        return self.queue.add(job)

    def copy(self, run: Run) -> Job:
        """Queue a copy of the recording that browsers play."""
        recording = self.recording(run)
        for job in self.queue.jobs():
            if job.kind == "copy" and job.order.get("recording") == str(recording) and job.state in ("queued", "running"):
                return job
        return self.queue.add(Job(self.queue.new_id(), "copy", recording.name, {"do": "copy", "recording": str(recording)}))

    def _made(self, folder: Path, job: Job) -> str:
        if job.kind == "rerun":
            return self.library.open_unlisted(folder)
        self.library.refresh()
        self.originals.forget()
        from affectlens.workbench.reading.places import id_of

        return id_of(folder.resolve())

    def save(self, name: str, title: str) -> str:
        """Keep a finished rerun beside the run that it came from; gives its new id.

        Raises
        ------
        UsageError
            There is no finished rerun of that id.
        """  # noqa: DOC201, DOC501
        job = self.queue.get(name)
        if job is None or job.kind != "rerun" or job.state != "done" or job.of_run is None:
            raise UsageError(f"job {name!r}: a finished rerun was expected")
        if job.saved and job.run is not None:
            return job.run
        source, beside = Path(job.folder), self.folder(job.of_run)
        target, number = beside.parent / f"{source.name}--what-if", 2
        while target.exists():
            target = beside.parent / f"{source.name}--what-if-{number}"
            number += 1
        partial = temporary_beside(target)
        try:
            shutil.copytree(source, partial)
            facts = {"of": beside.name, "of_run": job.of_run, "name": title[:200] or "what if", "changes": job.changes}
            write_json(partial / WHAT_IF, facts)
            partial.replace(target)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        if job.run:
            self.library.close_unlisted(job.run)
        shutil.rmtree(source.parent, ignore_errors=True)
        from affectlens.workbench.reading.places import id_of

        job.folder, job.run, job.saved = str(target), id_of(target.resolve()), True
        self.queue.touched()
        self.library.refresh()
        return job.run

    def remove_job(self, name: str) -> None:
        """Take an ended job off the list; a rerun that was not kept goes with it."""
        job = self.queue.remove(name)
        if job.kind == "rerun" and not job.saved:
            if job.run:
                self.library.close_unlisted(job.run)
            if job.order.get("out"):
                shutil.rmtree(job.order["out"], ignore_errors=True)


def described_options() -> list[dict[str, Any]]:
    """The options that a page may set, for its forms."""
    kinds, out = kinds_of(Options), []
    for entry in fields(Options):
        if entry.name not in ALLOWED:
            continue
        kind, several, _ = kinds[entry.name]
        choices = entry.metadata.get("choices")
        listed = [str(one) for one in (choices() if callable(choices) else choices or ())]
        out.append(
            {
                "name": entry.name,
                "kind": "list" if several else kind.__name__,
                "default": plain(entry.default),
                "least": entry.metadata.get("least"),
                "most": entry.metadata.get("most"),
                "choices": listed,
                "help": entry.metadata.get("help", ""),
            }
        )
    return out


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value) or len(value) > 10_000:
        raise UsageError(f"{name}: a list of tables was expected")
    return list(value)


def _cover_text(part: Mapping[str, Any]) -> str:
    """A covered part as the option's text."""
    times = ""
    if part.get("start") is not None or part.get("end") is not None:
        times = f"@{_plain_number(part.get('start') or 0.0)}-{_plain_number(part.get('end') or 1e6)}"
    if part.get("region"):
        person = "" if part.get("person") is None else f"#{part['person']}"
        text = f"{part['region']}{person}{times}"
    else:
        text = ":".join(_plain_number(part.get(name)) for name in ("left", "top", "width", "height")) + times
    parse_cover(text)
    return text


def _plain_number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"cover: {value!r}; a number was expected")
    return f"{value:.6f}".rstrip("0").rstrip(".") or "0"


def _keep(file: Path, content: bytes) -> None:
    try:
        write_whole(file, lambda partial: partial.write_bytes(content))
    except AffectlensError:
        return  # it is made again
