"""Peak memory over hostile files: decompression bombs and false promises, through every reader that takes them.

Pictures and recordings are made at the limits and beyond them, each is read in a process of its own; the files of
``tests/core/untrusted`` are read by all readers of tables, arrays, models and results in one. Files in the folder that
HOSTILE names are read as well. MEDIA names some pictures and recordings alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.core.untrusted import hostile_media
from tests.fuzz.targets import Target, watch_and_listen
from tests.fuzz.worker import MOST_MEMORY, attempt, memory

from affectlens.media.frames import probe
from affectlens.media.pictures.images import SUFFIXES, read_image

SECONDS = 300.0  # of the processor for one file


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Peaks and what went wrong."""
    names = [n for n in os.environ.get("MEDIA", "").split(",") if n]
    peaks: dict[str, int] = {}
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="affectlens-hostile-") as folder:
        for path in _files(Path(folder), names):
            facts = alone(lambda path=path: _read(path))
            peaks[path.name] = int(facts["memory"])
            if facts["wrong"]:
                wrong.append(f"{path.name}: {facts['wrong']}")
            print(f"{path.name}, {path.stat().st_size:,} bytes: {facts}", file=sys.stderr, flush=True)
        if not names:
            for line in _sweep(Path(folder) / "sweep"):
                peaks[f"{line['reader']}, {line['file']}"] = line["memory"]
                wrong += [f"{line['reader']}, {line['file']}: {line['said']}"] if line["said"].startswith("wrong") else []
    most = max(peaks, key=lambda name: peaks[name])
    yield "readings of hostile files", f"{len(peaks):,}", "", None
    yield "not read and not refused", str(len(wrong)), "0", not wrong
    yield f"peak memory of all ({most})"[:62], f"{peaks[most]} MB", f"at most {MOST_MEMORY} MB", peaks[most] <= MOST_MEMORY
    for text in wrong[:20]:
        yield f"  {text}"[:200], "", "", None


def _files(folder: Path, names: list[str]) -> Iterator[Path]:
    """Files, each made when its turn comes and removed after it."""
    for name, make in {**hostile_media.pictures(), **hostile_media.recordings()}.items():
        if not names or name in names:
            path = folder / name
            made = alone(lambda path=path, make=make: make(path))
            if made:
                raise RuntimeError(f"{name} could not be made: {made}")
            yield path
            path.unlink()
    given = os.environ.get("HOSTILE")
    yield from sorted(p for p in Path(given).iterdir() if p.is_file()) if given and not names else []


def _read(path: Path) -> dict[str, object]:
    picture = path.suffix in SUFFIXES
    readers: list[Callable[[Path], object]] = [read_image, probe, watch_and_listen] if picture else [watch_and_listen]
    wrong = [attempt(Target("hostile", lambda _: [], reader), path, SECONDS) for reader in readers]
    return {"memory": memory(), "wrong": [w for w in wrong if w]}


def alone(work: Callable[[], dict[str, object] | None]) -> dict[str, object]:
    """What something gives, done in a process of its own; where that dies, its exit code is what is wrong."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        code = 70
        try:
            os.write(writing, json.dumps(work() or {}).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    _, status, used = os.wait4(process, 0)
    code = os.waitstatus_to_exitcode(status)
    return json.loads(text) if code == 0 else {"memory": used.ru_maxrss // 1024, "wrong": f"exit code {code}"}


def _sweep(folder: Path) -> list[dict[str, object]]:
    """Every reading of the tests' hostile files."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.core.untrusted.sweep", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line for line in map(json.loads, done.stdout.splitlines()) if "reader" in line]
