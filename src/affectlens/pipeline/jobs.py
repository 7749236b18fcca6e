"""One recording of a call as a job: its names on disk, what makes two jobs the same, claiming, resuming, finishing."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affectlens.core.errors import MediaError
from affectlens.core.options import Options
from affectlens.core.untrusted.documents import json_of

MANIFEST = "provenance.json"  # written last: a folder with it is whole


def folder_name(path: Path) -> str:
    """The report folder of an input: its name, with a few hex digits of its whole path so that two never share one."""
    digest = hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{path.stem or 'input'}-{digest}"


@dataclass(frozen=True)
class Job:
    """One recording and the folder below ``out`` that its report will be."""

    path: Path
    out: Path
    options: Options

    @property
    def target(self) -> Path:
        """The finished folder."""
        return self.out / folder_name(self.path)

    @property
    def scratch(self) -> Path:
        """The folder while it is being filled."""
        return self.out / f".{folder_name(self.path)}.partial"

    def key(self) -> dict[str, Any]:
        """What decides whether two jobs are the same: the file as it lies there, and every option."""
        stat = self.path.stat()
        given = {"size": stat.st_size, "modified": stat.st_mtime_ns, "options": self.options.to_dict()}
        return dict(json.loads(json.dumps(given)))

    def is_done(self) -> bool:
        """Whether a whole report of the same job is there."""
        try:
            return bool(json_of(self.target / MANIFEST)["job"] == self.key())
        except (OSError, ValueError, KeyError):
            return False

    def claim(self, resume: bool) -> Path:
        """The scratch folder, empty, or with ``resume`` with what an interrupted run of the same job left."""
        if not self.path.exists():
            raise MediaError(f"{self.path}: no such file")
        key = json.dumps(self.key())
        note = self.scratch / "job.json"
        if not (resume and note.exists() and note.read_text(encoding="utf-8") == key):
            shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True, exist_ok=True)
        note.write_text(key, encoding="utf-8")
        return self.scratch

    def finish(self) -> Path:
        """Give the filled folder its name."""
        for leftover in (*self.scratch.glob("heard-*.json"), self.scratch / "job.json"):
            leftover.unlink(missing_ok=True)
        shutil.rmtree(self.target, ignore_errors=True)
        return self.scratch.replace(self.target)

    def abandon(self) -> None:
        """Remove what a failed recording left, but for what was heard, which the next run can use."""
        if not list(self.scratch.glob("heard-*.json")):
            shutil.rmtree(self.scratch, ignore_errors=True)
