"""One recording of a call as a job: its key, the names of what it gives, and the way of a report to its name."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from affectlens.core.disk.files import sha256_of, sync, write_text
from affectlens.core.disk.names import fitting
from affectlens.core.disk.places import written
from affectlens.core.errors import AffectlensError, MediaError, OutputError
from affectlens.core.options import Options
from affectlens.core.untrusted.documents import json_of
from affectlens.ledger import Claim, Ledger, key_of_work
from affectlens.ledger.status import FOLDER

log = logging.getLogger(__name__)

MANIFEST = "provenance.json"  # written last: a folder with it is whole
JOB = "job.json"  # in the folder while it is being filled: what decides whether two jobs are the same
LONGEST = 150  # bytes of the recording's name in that of its folder; the system takes 255, and what is hidden is longer
WITHOUT_EFFECT = ("threads",)  # options that no number depends on
PATHS = (
    "store",
    "background",
    "places",
    "pairs",
    "transcript",
)  # name files: what they hold is in ``Engine.made_by``


def name_of(path: Path) -> str:
    """The name of a recording as far as it matters: with that of its folder, which may tell the place.

    Returns
    -------
    str
        As `places.written` has it.

    Examples
    --------
    >>> name_of(Path("/data/2024/office/talk.mp4"))
    'office/talk.mp4'
    """
    return written("/".join(part for part in (path.parent.name, path.name) if part))


def folder_name(path: Path, content: str | None = None) -> str:
    """The report folder of an input: its name, with twelve digits of what it holds, its name and that of its folder.

    Where the folder of recordings lies has no part in it, so a corpus that was moved or copied has the same names.

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
    >>> folder_name(Path("/talks/talk.mp4"), "ab") == folder_name(Path("/copy/of/talks/talk.mp4"), "ab")
    True
    >>> folder_name(Path("/talks/talk.mp4"), "ab") == folder_name(Path("/office/talk.mp4"), "ab")
    False
    """
    content = content_of(path) if content is None else content
    name = name_of(path) if content else written(path)  # what cannot be read is told apart by its path alone
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass") + b"\0" + content.encode()).hexdigest()[:12]
    stem = os.fsencode(path.stem or "input").decode("utf-8", "replace").replace("\ufffd", "_")
    return f"{stem.encode()[:LONGEST].decode('utf-8', 'ignore')}-{digest}"


def content_of(path: Path) -> str:
    """The sha256 of a recording; empty where it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return ""


def beside(file: Path, what: str) -> Path:
    """A path beside a table for what belongs to it, such as ``t.csv.failures.log``."""
    return file.with_name(fitting(file.name, 255 - len(os.fsencode(what))) + what)


def ledger_root(out: Path) -> Path:
    """Where the ledger of a folder of reports lies."""
    return out / FOLDER


def parts_of(file: Path) -> Path:
    """Where the parts of a table lie, and their ledger."""
    return beside(file.with_name(f".{file.name}"), ".parts")


@dataclass(frozen=True)
class Job:
    """One recording and what is made of it.

    Attributes
    ----------
    path : Path
        The recording.
    out : Path
        Where results go.
    options : Options
        Of the run.
    made_by : mapping
        What else results depend on: versions, and the sha256 of every file of weights (``Engine.made_by``).
    """

    path: Path
    out: Path
    options: Options
    made_by: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def content(self) -> str:
        """The sha256 of the recording; empty where it cannot be read, which is said when work begins."""
        return content_of(self.path)

    @cached_property
    def name(self) -> str:
        """The name of what is made; with ``anonymous`` one that does not tell the recording's."""
        name = folder_name(self.path, self.content)
        return f"recording-{name.rpartition('-')[2]}" if self.options.anonymous else name

    @property
    def called(self) -> str:
        """What rows call the recording where its own name is not to be told; else empty."""
        return self.name if self.options.anonymous else ""

    @property
    def target(self) -> Path:
        """The finished folder."""
        return self.out / self.name

    @property
    def replaced(self) -> Path:
        """An earlier report of the same recording while the new one takes its place."""
        return self.out / f".{self.name}.replaced"

    @cached_property
    def key(self) -> str:
        """A digest of all that the result depends on: content, name, options that matter, versions and weights."""
        options = {name: value for name, value in self.options.to_dict().items() if name not in WITHOUT_EFFECT}
        options |= {name: bool(value) for name, value in options.items() if name in PATHS}
        return key_of_work(self.content, {"name": name_of(self.path), **options}, self.made_by)

    def facts(self) -> dict[str, Any]:
        """What is written down of the job beside its result."""
        given = {"key": self.key, "sha256": self.content, "options": self.options.to_dict(), **self.made_by}
        if self.options.anonymous:
            del given["sha256"]
            given["options"] |= {name: Path(str(given["options"][name])).name for name in PATHS}
        return dict(json.loads(json.dumps(given, default=str)))

    def is_done(self) -> bool:
        """Whether a whole report of the same job is there."""
        return _noted(self.target / MANIFEST, "job").get("key") == self.key

    def made_before_by(self) -> str:
        """The version of the package that made the report that is there, where it is another one; else empty."""
        version = str(_noted(self.target / MANIFEST, "job").get("affectlens", ""))
        return "" if version == str(self.made_by.get("affectlens", "")) else version

    def begin(self, claim: Claim, ledger: Ledger, resume: bool) -> Path:
        """The folder to fill, empty, or with ``resume`` with what an interrupted run of the same job heard.

        Every claim has a folder of its own, so that a process whose work was taken over disturbs nobody.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        MediaError
            The recording is not there.
        """
        if not self.path.exists():
            raise MediaError(f"{self.path}: no such file")
        self.recover()
        earlier = [folder for folder in sorted(ledger.scratch.glob("*")) if folder.name.rpartition(".")[0] == self.name]
        scratch = ledger.scratch / f"{self.name}.{claim.number}"
        heard: dict[str, bytes] = {}
        for folder in earlier:
            if resume and _noted(folder / JOB).get("key") == self.key:
                heard |= {file.name: file.read_bytes() for file in folder.glob("heard-*.json")}
        for folder in earlier:
            shutil.rmtree(folder, ignore_errors=True)
        scratch.mkdir(parents=True, exist_ok=True)
        write_text(scratch / JOB, json.dumps({"key": self.key, "file": written(self.path)}))
        for name, content in heard.items():
            (scratch / name).write_bytes(content)
        return scratch

    def recover(self) -> None:
        """Put an earlier report back where a process was killed between taking it away and giving its name to the new one."""
        if not self.replaced.exists():
            return
        if self.target.exists():
            shutil.rmtree(self.replaced, ignore_errors=True)
        else:
            self.replaced.replace(self.target)

    def finish(self, scratch: Path, claim: Claim) -> Path:
        """Give the filled folder its name, once all of it is on the disk; gives the finished folder."""
        for leftover in (*scratch.glob("heard-*.json"), scratch / JOB):
            leftover.unlink(missing_ok=True)
        for path in (*scratch.rglob("*"), scratch):
            sync(path)
        if not claim.is_ours:
            raise OutputError(
                f"{self.path}: another process took it over, since this one stood still for long; its result counts"
            )
        if self.target.exists():
            self.target.replace(self.replaced)
        done = scratch.replace(self.target)
        sync(self.out)
        shutil.rmtree(self.replaced, ignore_errors=True)
        return done


def abandon(scratch: Path) -> None:
    """Remove what a failed recording left, but for what was heard, which the next run can use."""
    if not list(scratch.glob("heard-*.json")):
        shutil.rmtree(scratch, ignore_errors=True)


def earlier_layout(out: Path) -> list[str]:
    """Names of reports in a folder that were written before there was a ledger; they stay, and are not used."""
    if ledger_root(out).exists() or not out.is_dir():
        return []
    manifests = sorted(out.glob(f"*/{MANIFEST}"))
    return [file.parent.name for file in manifests if _is_report(file) and "key" not in _noted(file, "job")]


def _is_report(manifest: Path) -> bool:
    return "file" in _noted(manifest)


def _noted(file: Path, part: str = "") -> dict[str, Any]:
    """What a file of JSON holds, or a part of it; nothing where it is not there or torn."""
    try:
        facts = json_of(file)
        facts = facts[part] if part else facts
    except (OSError, ValueError, KeyError, TypeError, AffectlensError):
        return {}
    return dict(facts) if isinstance(facts, dict) else {}
