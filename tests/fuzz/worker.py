"""Feed one reader with damaged inputs in a process of its own: `python -m tests.fuzz.worker TARGET SEED FIRST COUNT FOLDER LOG`.

Every input is made from the seed and its number alone, so that each can be made again. A line of the log is written for each
input that was neither read nor refused; the number of the input in work stands in LOG.at, for the one who watches.
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
import time
import traceback
import warnings
import zlib
from pathlib import Path
from types import FrameType

import numpy as np

from affectlens.core.errors import AffectlensError
from tests.fuzz.mutations import damaged
from tests.fuzz.targets import Target, targets

LONGEST = 20.0  # seconds of one input
MOST = 1500  # megabytes of the whole process


class Hung(BaseException):
    """An input took longer than it may."""


def one_input(target: Target, originals: list[Path], seed: int, number: int, folder: Path) -> Path:
    """Make an input: a damaged copy of one of the originals, by seed and number."""
    rng = np.random.default_rng([seed, zlib.crc32(target.name.encode()), number])
    original = originals[int(rng.integers(len(originals)))]
    copy = folder / original.name
    if copy.is_dir():
        shutil.rmtree(copy)
    if original.is_dir():
        shutil.copytree(original, copy)
        files = sorted(p for p in copy.rglob("*") if p.is_file())
        file = files[int(rng.integers(len(files)))]
    elif target.name.startswith("corpus "):  # a table whose files lie beside it
        shutil.copytree(original.parent, folder / "beside", dirs_exist_ok=True)
        file = copy = folder / "beside" / original.name
    else:
        file = copy
        shutil.copyfile(original, copy)
    file.write_bytes(damaged(file.read_bytes(), rng))
    return copy


def attempt(target: Target, path: Path) -> dict[str, str] | None:
    """Read an input; what is wrong with how that ended, or nothing."""
    signal.signal(signal.SIGALRM, _hung)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
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
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _hung(_signal: int, _frame: FrameType | None) -> None:
    raise Hung


def _where(error: BaseException) -> str:
    """The last line of this package on the way to an exception."""
    own = [f for f in traceback.extract_tb(error.__traceback__) if "affectlens" in f.filename]
    return f"{'/'.join(Path(own[-1].filename).parts[-3:])}:{own[-1].lineno}" if own else "outside"


def main(name: str, seed: str, first: str, count: str, folder: str, log: str) -> None:
    """Go through the inputs of a target from ``first`` on."""
    target = targets()[name]
    root, at = Path(folder), Path(f"{log}.at")
    shutil.rmtree(root, ignore_errors=True)
    (root / "sound").mkdir(parents=True)
    (root / "input").mkdir()
    originals = target.make(root / "sound")
    for original in originals:
        target.read(original)  # an original that is not read would make the trial empty
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Path(log).open("a", encoding="utf-8") as out:
        for number in range(int(first), int(first) + int(count)):
            at.write_text(f"{number} {time.time()}", encoding="utf-8")
            wrong = attempt(target, one_input(target, originals, int(seed), number, root / "input"))
            now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if now > max(peak * 1.2, MOST * 1024):
                wrong = wrong or {"outcome": "memory", "error": f"{now // 1024} MB", "where": ""}
            peak = max(peak, now)
            if wrong:
                out.write(json.dumps({"target": name, "number": number} | wrong) + "\n")
                out.flush()
    at.write_text(f"done {time.time()}", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(*sys.argv[1:])
