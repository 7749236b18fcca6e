"""Damaged files for every reader (AFFECTLENS_FUZZ inputs, 100,000 by default): uncaught errors, hung and crashed processes.

Each reader works in a process of its own, which is watched: one that says nothing for a minute is ended and counts as hung, one
that dies counts as crashed, and the next input is tried in a new one. AFFECTLENS_FUZZ_ONLY names readers, divided by commas;
AFFECTLENS_FUZZ_SEED other inputs than those of seed 0. What went wrong is listed in runs/fuzz/wrong.jsonl.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.targets import targets

INPUTS = int(os.environ.get("AFFECTLENS_FUZZ", "100000"))
SEED = os.environ.get("AFFECTLENS_FUZZ_SEED", "0")
OUT = Path("runs/fuzz")
SILENT = 60.0  # seconds after which a process counts as hung
PROCESSES = 2


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Try all readers and give a line for each kind of failure."""
    only = [n for n in os.environ.get("AFFECTLENS_FUZZ_ONLY", "").split(",") if n]
    names = only or list(targets())
    each = -(-INPUTS // len(names))
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.jsonl*"):
        old.unlink()
    with ThreadPoolExecutor(PROCESSES) as pool:
        done = list(pool.map(lambda name: tried(name, each), names))
    wrong = [entry for entries in done for entry in entries]
    (OUT / "wrong.jsonl").write_text("".join(json.dumps(w) + "\n" for w in wrong), encoding="utf-8")
    counts = Counter(w["outcome"] for w in wrong)
    yield "inputs, readers", f"{each * len(names):,}, {len(names)}", "", None
    for outcome in ("uncaught", "hung", "crashed", "memory"):
        yield outcome, str(counts[outcome]), "0", counts[outcome] == 0
    kinds = Counter((w["target"], w["error"].partition(":")[0], w["where"]) for w in wrong)
    for (target, error, where), number in kinds.most_common(40):
        yield f"  {target}: {error or 'hung or crashed'}", str(number), where, None


def tried(name: str, count: int) -> list[dict[str, str]]:
    """What went wrong with one reader's inputs."""
    plain = name.replace(" ", "-")
    log, folder = OUT / f"{plain}.jsonl", OUT / plain
    first, ended = 0, []
    while first < count:
        at = Path(f"{log}.at")
        at.write_text(f"{first} {time.time()}", encoding="utf-8")
        command = [sys.executable, "-m", "tests.fuzz.worker", name, SEED, str(first), str(count - first), str(folder), str(log)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            outcome = _watched(process, at)
            errors = process.stderr.read() if process.stderr else ""
        word = at.read_text(encoding="utf-8").split()[0]
        if word == "done":
            break
        ended.append({"target": name, "number": word, "outcome": outcome, "error": errors.strip()[-300:], "where": ""})
        first = int(word) + 1
    logged = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    return [*logged, *ended]


def _watched(process: subprocess.Popen[str], at: Path) -> str:
    """Wait for a process; ``crashed``, or ``hung`` when it had to be ended."""
    while process.poll() is None:
        time.sleep(0.2)
        if time.time() - at.stat().st_mtime > SILENT:
            process.kill()
            return "hung"
    return "crashed"
