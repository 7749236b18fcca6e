"""Feed one reader with damaged inputs, and write down what was neither read nor refused, and how much memory that took.

Every input is made from the seed and its number alone, so that each can be made again:
``python -m tests.fuzz.worker "corpus meld" 0 1234`` reads input 1234 of seed 0 and shows how that ends.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import numpy as np

from affectlens.core.errors import AffectlensError
from tests.fuzz.mutations import damaged
from tests.fuzz.targets import Target, targets

CPU_SECONDS = 20.0  # of one input; seconds on the clock would count those in which other processes had the processor
CPU_SECONDS_IN_LIBRARIES = 60  # the same for code that no exception reaches, after which the system ends the process
MOST_MEMORY = 1500  # megabytes of the whole process
ROOM = 8 << 30  # bytes that a process may ask for, lest one input take the whole machine


class Hung(BaseException):
    """An input took longer than it may."""


class Inputs:
    """Damaged copies of a reader's sound inputs, one at a time, each made in the place of the one before.

    Parameters
    ----------
    target : Target
        The reader.
    seed : int
        Of all inputs.
    folder : Path
        An empty folder.
    """

    def __init__(self, target: Target, seed: int, folder: Path) -> None:
        self.target, self.seed, self.work = target, seed, folder / "input"
        (folder / "sound").mkdir()
        self.work.mkdir()
        self.sound = target.make(folder / "sound")
        self._choices: list[list[Path]] = []
        for original in self.sound:
            if original.is_dir():
                shutil.copytree(original, self.work / original.name)
                self._choices.append(sorted(p for p in original.rglob("*") if p.is_file()))
            elif target.name.startswith("corpus "):  # a table whose files lie beside it
                shutil.copytree(original.parent, self.work, dirs_exist_ok=True)
                self._choices.append([original])
            else:
                shutil.copy2(original, self.work / original.name)
                self._choices.append([original])
        self._listing = self._files()
        self._damaged: tuple[Path, Path] | None = None  # a sound file and its damaged copy

    def one(self, number: int) -> Path:
        """Make an input by its number; its path."""
        self._restore()
        rng = np.random.default_rng([self.seed, zlib.crc32(self.target.name.encode()), number])
        which = int(rng.integers(len(self.sound)))
        files = self._choices[which]
        file = files[int(rng.integers(len(files)))]
        root = self.sound[which].parent
        copy = self.work / file.relative_to(root)
        copy.write_bytes(damaged(file.read_bytes(), rng))
        os.utime(copy, ns=(number, number))  # a time of its own, for those who ask whether a file has changed since
        self._damaged = (file, copy)
        return self.work / self.sound[which].name

    def left(self) -> list[str]:
        """What readers wrote beside their inputs."""
        self._restore()
        return sorted(str(p.relative_to(self.work)) for p in self._files() ^ self._listing)

    def _files(self) -> set[Path]:
        return set(self.work.rglob("*"))

    def _restore(self) -> None:
        if self._damaged is None:
            return
        file, copy = self._damaged
        for path in self.work.iterdir():  # the log of a database, which its next opening would read
            if path not in self._listing:
                path.unlink()
        shutil.copy2(file, copy)
        self._damaged = None


def attempt(target: Target, path: Path, seconds: float = CPU_SECONDS) -> dict[str, str] | None:
    """Read an input; what is wrong with how that ended, or nothing."""
    signal.signal(signal.SIGPROF, _hung)
    signal.setitimer(signal.ITIMER_PROF, seconds, 5.0)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            target.read(path)
    except AffectlensError:
        pass
    except Hung as error:
        return {"outcome": "hung", "error": "", "where": _where(error)}
    except BaseException as error:
        return {"outcome": "uncaught", "error": f"{type(error).__name__}: {error}"[:300], "where": _where(error)}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return None


def _hung(_signal: int, _frame: FrameType | None) -> None:
    raise Hung


def _where(error: BaseException) -> str:
    """The last line of this package on the way to an exception."""
    own = [f for f in traceback.extract_tb(error.__traceback__) if "affectlens" in f.filename]
    return f"{'/'.join(Path(own[-1].filename).parts[-3:])}:{own[-1].lineno}" if own else "outside"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that goes again."""
    with tempfile.TemporaryDirectory(prefix="affectlens-fuzz-") as folder:
        yield Path(folder)


def work(target: Target, seed: int, first: int, count: int, log: Path, progress: Path) -> None:
    """Go through the inputs ``first`` to ``count`` - 1 of a reader.

    The log gets a line of JSON for each input that went wrong, for each that took more memory than all before it, and one at
    the end. The number of the input in work stands in ``progress``.
    """
    with scratch() as folder, log.open("a", encoding="utf-8") as out, progress.open("r+b", buffering=0) as at:

        def write(**facts: object) -> None:
            out.write(json.dumps(facts) + "\n")
            out.flush()

        parent = os.getppid()
        inputs = Inputs(target, seed, folder)
        for original in inputs.sound:
            target.read(original)  # an original that is not read would make the trial empty
        peak = memory()
        write(number=first, memory=peak, sound=True)
        for number in range(first, count):
            if os.getppid() != parent:  # nobody waits for this any more
                return
            os.pwrite(at.fileno(), f"{number:12}".encode(), 0)
            _limit_processor_time()
            wrong = attempt(target, inputs.one(number))
            now = memory()
            if now > peak:
                write(number=number, memory=now)
                if now > MOST_MEMORY:
                    wrong = wrong or {"outcome": "memory", "error": f"{now} MB", "where": ""}
            peak = max(peak, now)
            if wrong:
                write(number=number, **wrong)
        for name in inputs.left():
            write(number=count - 1, outcome="left", error=name, where="")
        write(done=count, seconds=round(time.process_time(), 2))


def memory() -> int:
    """Megabytes that this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _limit_processor_time() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + CPU_SECONDS_IN_LIBRARIES, hard))


def main(name: str, seed: str, number: str) -> None:
    """Show how one input ends."""
    target = targets()[name]
    with scratch() as folder:
        path = Inputs(target, int(seed), folder).one(int(number))
        print(path)
        target.read(path)
    print("read")


if __name__ == "__main__":
    main(*sys.argv[1:])
