"""One recording of a call as a job: its names on disk, what makes two jobs the same, claiming, resuming, finishing."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from affectlens.core.disk.files import sha256_of, sync, write_text
from affectlens.core.disk.locks import alone_in
from affectlens.core.errors import AffectlensError, MediaError, OutputError
from affectlens.core.options import Options
from affectlens.core.untrusted.documents import json_of

log = logging.getLogger(__name__)

MANIFEST = "provenance.json"  # written last: a folder with it is whole
JOB = "job.json"  # in the folder while it is being filled: what decides whether two jobs are the same
LONGEST = 150  # bytes of the recording's name in that of its folder; the system takes 255, and what is hidden is longer


def folder_name(path: Path, content: str | None = None) -> str:
    """The report folder of an input: its name, with twelve digits of its whole path and of what it holds.

    Parameters
    ----------
    path : Path
        The recording.
    content : str, optional
        Its sha256, or nothing where it cannot be read; read from the file where it is not given.

    Returns
    -------
    str
        At most 163 bytes, all of them UTF-8 whatever the recording's name is made of.

    Examples
    --------
    >>> folder_name(Path("/talks/talk.mp4"), "ab")[:5]
    'talk-'
    >>> folder_name(Path("/talks/talk.mp4"), "ab") == folder_name(Path("/other/talk.mp4"), "ab")
    False
    """
    content = content_of(path) if content is None else content
    digest = hashlib.sha256(os.fsencode(path.absolute()) + b"\0" + content.encode()).hexdigest()[:12]
    stem = os.fsencode(path.stem or "input").decode("utf-8", "replace").replace("\ufffd", "_")
    return f"{stem.encode()[:LONGEST].decode('utf-8', 'ignore')}-{digest}"


def content_of(path: Path) -> str:
    """The sha256 of a recording; empty where it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return ""


@dataclass(frozen=True)
class Job:
    """One recording and the folder below ``out`` that its report will be.

    Attributes
    ----------
    path : Path
        The recording.
    out : Path
        Where reports go.
    options : Options
        Of the run.
    made_by : mapping
        What else the report depends on: versions, and the sha256 of every file of weights (``Engine.made_by``).
    """

    path: Path
    out: Path
    options: Options
    made_by: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def content(self) -> str:
        """The sha256 of the recording; empty where it cannot be read, which is said when it is claimed."""
        return content_of(self.path)

    @cached_property
    def name(self) -> str:
        """The name of the finished folder."""
        return folder_name(self.path, self.content)

    @property
    def target(self) -> Path:
        """The finished folder."""
        return self.out / self.name

    @property
    def scratch(self) -> Path:
        """The folder while it is being filled."""
        return _scratch_of(self.out, self.name)

    @property
    def replaced(self) -> Path:
        """An earlier report of the same recording while the new one takes its place."""
        return self.out / f".{self.name}.replaced"

    def alone(self) -> AbstractContextManager[None]:
        """Hold the job against other processes."""
        return self._alone(self.name)

    def _alone(self, name: str) -> AbstractContextManager[None]:
        return alone_in(self.out / f".{name}.lock", f"{self.path} in {self.out}")

    def key(self) -> dict[str, Any]:
        """What decides whether two jobs are the same: what the recording holds, every option, versions and weights."""
        given = {"sha256": self.content, "options": self.options.to_dict(), **self.made_by}
        return dict(json.loads(json.dumps(given, default=str)))

    def is_done(self) -> bool:
        """Whether a whole report of the same job is there."""
        try:
            return bool(json_of(self.target / MANIFEST)["job"] == self.key())
        except Exception:  # whatever a library says of bytes that are not what it wrote
            return False

    def claim(self, resume: bool) -> Path:
        """The scratch folder, empty, or with ``resume`` with what an interrupted run of the same job left."""
        if not self.path.exists():
            raise MediaError(f"{self.path}: no such file")
        self.recover()
        key = json.dumps(self.key())
        note = self.scratch / JOB
        if not (resume and note.exists() and note.read_text(encoding="utf-8") == key):
            shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True, exist_ok=True)
        write_text(note, key)
        return self.scratch

    def clean(self) -> None:
        """Remove what broken-off runs left of this recording as it was before its content changed.

        A folder that another process is at work in is left to it; where the recording cannot be read nothing is removed.
        """
        for scratch in self.out.glob(".*.partial") if self.content else ():
            content = _content_noted(scratch)
            if content in ("", self.content):
                continue
            name = folder_name(self.path, content)
            if scratch != _scratch_of(self.out, name):
                continue  # of another recording
            with suppress(OutputError), self._alone(name):
                shutil.rmtree(scratch, ignore_errors=True)
                log.info("%s: a broken-off run over %s as it was before; removed", scratch, self.path)

    def recover(self) -> None:
        """Put an earlier report back where a process was killed between taking it away and giving its name to the new one."""
        if not self.replaced.exists():
            return
        if self.target.exists():
            shutil.rmtree(self.replaced, ignore_errors=True)
        else:
            self.replaced.replace(self.target)

    def finish(self) -> Path:
        """Give the filled folder its name, once all of it is on the disk."""
        for leftover in (*self.scratch.glob("heard-*.json"), self.scratch / JOB):
            leftover.unlink(missing_ok=True)
        for path in (*self.scratch.rglob("*"), self.scratch):
            sync(path)
        if self.target.exists():
            self.target.replace(self.replaced)
        done = self.scratch.replace(self.target)
        sync(self.out)
        shutil.rmtree(self.replaced, ignore_errors=True)
        return done

    def abandon(self) -> None:
        """Remove what a failed recording left, but for what was heard, which the next run can use."""
        if not list(self.scratch.glob("heard-*.json")):
            shutil.rmtree(self.scratch, ignore_errors=True)


def _scratch_of(out: Path, name: str) -> Path:
    return out / f".{name}.partial"


def _content_noted(scratch: Path) -> str:
    """The sha256 of the recording that a folder was being filled for; empty where it is not known."""
    try:
        return str(json_of(scratch / JOB)["sha256"])
    except (OSError, ValueError, KeyError, TypeError, AffectlensError):
        return ""
