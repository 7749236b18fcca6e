"""Damaged files for every reader (AFFECTLENS_FUZZ inputs, 100,000 by default): uncaught errors, hung and crashed, peak memory.

Each reader works in a process of its own. One that takes a minute of the processor for an input, or says nothing for ten
minutes, is ended and counts as hung, one that dies counts as crashed, and the next input is tried in a new one. What came of a
reader stands in runs/fuzz/READER.jsonl: a run that was broken off goes on there, and a reader that was tried by the same code
with the same seed is not tried again. AFFECTLENS_FUZZ_ONLY names readers, divided by commas; AFFECTLENS_FUZZ_SEED other inputs
than those of seed 0; AFFECTLENS_FUZZ_PROCESSES how many work at a time (2). ``python -m tests.fuzz.worker READER SEED NUMBER``
reads one input.
"""

from __future__ import annotations

import faulthandler
import hashlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.targets import Target, targets
from tests.fuzz.worker import MOST_MEMORY, ROOM, work

INPUTS = int(os.environ.get("AFFECTLENS_FUZZ", "100000"))
SEED = int(os.environ.get("AFFECTLENS_FUZZ_SEED", "0"))
PROCESSES = int(os.environ.get("AFFECTLENS_FUZZ_PROCESSES", "2"))
OUT = Path("runs/fuzz")
SILENT = 600.0  # seconds without a new input, after which a process counts as hung even if it takes no time of the processor
OUTCOMES = ("uncaught", "hung", "crashed", "memory", "left")
FAULT = 70  # exit code of a process whose trial itself went wrong
ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Trial:
    """What came of a reader's inputs.

    Attributes
    ----------
    reader : str
        Its name.
    wrong : list of dict
        What was neither read nor refused: number, outcome, error, where.
    memory : int
        Megabytes that its processes took at most, and ``at``, the number of the input that took them there (-1: a sound one).
    seconds : float
        Of the processor.
    """

    reader: str
    wrong: list[dict[str, Any]] = field(default_factory=list)
    memory: int = 0
    at: int = -1
    seconds: float = 0.0


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Try all readers and give a line for each kind of failure."""
    only = [n for n in os.environ.get("AFFECTLENS_FUZZ_ONLY", "").split(",") if n]
    every = targets()
    names = only or list(every)
    each = -(-INPUTS // len(names))
    OUT.mkdir(parents=True, exist_ok=True)
    trials = list(all_tried([every[name] for name in names], each, SEED, OUT))
    wrong = [{"reader": t.reader, **w} for t in trials for w in t.wrong]
    (OUT / "wrong.jsonl").write_text("".join(json.dumps(w) + "\n" for w in wrong), encoding="utf-8")
    counts = Counter(w["outcome"] for w in wrong)
    yield "inputs, readers", f"{each * len(names):,}, {len(names)}", "", None
    for outcome in OUTCOMES:
        yield outcome, str(counts[outcome]), "0", counts[outcome] == 0
    most = max(trials, key=lambda t: t.memory)
    where = f"{most.reader}, input {most.at}" if most.at >= 0 else f"{most.reader}, a sound input"
    yield f"peak memory of all inputs ({where})", f"{most.memory} MB", f"at most {MOST_MEMORY} MB", most.memory <= MOST_MEMORY
    seconds = sum(t.seconds for t in trials)
    yield "seconds of the processor for 100 inputs", f"{seconds / each / len(names) * 100:.2f}", "", None
    kinds = Counter((w["reader"], w["error"].partition(":")[0], w["where"]) for w in wrong)
    for (reader, error, where), number in kinds.most_common(40):
        yield f"  {reader}: {error or 'hung or crashed'}", str(number), where, None


def all_tried(readers: list[Target], count: int, seed: int, out: Path) -> Iterator[Trial]:
    """Try readers, several at a time, and say on the error stream when one has ended."""
    code = code_version()
    waiting, working = list(readers), list[Iterator[Trial | None]]()
    ended = 0
    while waiting or working:
        while waiting and len(working) < PROCESSES:
            working.append(tried(waiting.pop(0), count, seed, out, code))
        for one in list(working):
            trial = next(one)
            if trial is not None:
                working.remove(one)
                ended += 1
                came = f"{len(trial.wrong)} wrong of {count}, {trial.memory} MB, {trial.seconds:.1f} s of the processor"
                print(f"{ended} of {len(readers)}, {trial.reader}: {came}", file=sys.stderr, flush=True)
                yield trial
        if working:
            time.sleep(0.1)


def tried(target: Target, count: int, seed: int, out: Path, code: str, silent: float = SILENT) -> Iterator[Trial | None]:
    """Try one reader's inputs: None while that goes on, and what came of it at the end."""
    name = f"{target.name.replace(' ', '-')}"
    log, progress, crash = (out / f"{name}{suffix}" for suffix in (".jsonl", ".at", ".crash"))
    head = json.dumps({"reader": target.name, "seed": seed, "code": code})
    written = log.read_text(encoding="utf-8") if log.exists() else ""
    if written.partition("\n")[0] != head:
        progress.write_text("0", encoding="utf-8")
        written = head + "\n"
    log.write_text(written[: written.rindex("\n") + 1], encoding="utf-8")  # without a line that was broken off
    while done(log) < count:
        # What was in work when a run was broken off is tried again; what ended its process is not.
        first = max(int(progress.read_text(encoding="utf-8")), done(log))
        process = _start(target, seed, first, count, log, progress, crash)
        changed, before = time.monotonic(), b""
        hung, code_of_exit = False, None
        while code_of_exit is None:
            yield None
            ended, status = os.waitpid(process, os.WNOHANG)
            code_of_exit = os.waitstatus_to_exitcode(status) if ended else None
            now = progress.read_bytes()
            changed, before = (time.monotonic(), now) if now != before else (changed, before)
            if code_of_exit is None and time.monotonic() - changed > silent:
                os.kill(process, signal.SIGKILL)
                hung = True
        if code_of_exit == FAULT:
            raise RuntimeError(f"{target.name}: its sound inputs are not read\n{crash.read_text(encoding='utf-8')[-3000:]}")
        if code_of_exit != 0:
            number = int(progress.read_text(encoding="utf-8"))
            hung = hung or code_of_exit == -signal.SIGXCPU
            if code_of_exit in (-signal.SIGINT, -signal.SIGTERM):
                raise KeyboardInterrupt
            facts = {"number": number, "outcome": "hung" if hung else "crashed", "error": f"exit code {code_of_exit}"}
            with log.open("a", encoding="utf-8") as text:
                text.write(json.dumps({**facts, "where": _place(crash)}) + "\n")
            progress.write_text(str(number + 1), encoding="utf-8")
            if number + 1 >= count:
                with log.open("a", encoding="utf-8") as text:
                    text.write(json.dumps({"done": count, "seconds": 0.0}) + "\n")
    yield summary(target.name, log, count)


def _start(target: Target, seed: int, first: int, count: int, log: Path, progress: Path, crash: Path) -> int:
    """Start a process for a reader; what is imported here need not be imported there."""
    process = os.fork()
    if process:
        return process
    code = FAULT
    try:
        with crash.open("w") as text, Path(os.devnull).open("w") as nothing:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # no reader is to catch it
            os.dup2(nothing.fileno(), 1)
            os.dup2(text.fileno(), 2)
            faulthandler.enable(text)
            faulthandler.register(signal.SIGXCPU, text, chain=True)
            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (_virtual() + ROOM, hard))
            work(target, seed, first, count, log, progress)
        code = 0
    except BaseException:
        with crash.open("a") as text:
            traceback.print_exc(file=text)
    finally:
        os._exit(code)


def _virtual() -> int:
    """Bytes of this process's address space."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not Linux
        return 0


def _place(crash: Path) -> str:
    """The line of this package that was nearest to a crash."""
    lines = crash.read_text(encoding="utf-8", errors="replace").splitlines()
    own = [line.strip() for line in lines if "affectlens" in line and "line" in line]
    return (own or lines or [""])[0][-120:]


def done(log: Path) -> int:
    """How many inputs were tried to the end."""
    return max((line["done"] for line in _lines(log) if "done" in line), default=0)


def summary(reader: str, log: Path, count: int) -> Trial:
    """What a log says of the first ``count`` inputs."""
    trial = Trial(reader)
    for line in _lines(log):
        trial.seconds += line.get("seconds", 0.0)
        if line.get("number", count) >= count:
            continue
        if "outcome" in line:
            trial.wrong.append(line)
        elif line["memory"] > trial.memory:
            trial.memory, trial.at = line["memory"], -1 if line.get("sound") else line["number"]
    return trial


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()[1:]]


def code_version() -> str:
    """A digest of the readers and of what damages their inputs."""
    digest = hashlib.sha256()
    for folder in ("src/affectlens", "tests/fuzz", "tests/corpora"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if not file.name.startswith("test_"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
