"""Are the tests able to fail? Small wrong changes are made to the code, one at a time, and the tests that cover it are run.

Usage: python -m benchmarks.mutation [ROOM or FILE ...] [--sample 60] [--seed 0] [--jobs 1] [--out build/mutation] [--fresh]

Rooms, the tests that cover them and the mutants that are left out with the reason stand in ``mutation.toml``. The tests of a
room are collected once and run once under coverage; then a process is forked for every mutant, in which the code of the one
function is exchanged and the tests that run its line are repeated until one fails. What importing runs (constants, defaults)
is imported anew. Outcomes are kept in the folder; of an unchanged file those mutants that were not killed are tried again.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import random
import resource
import select
import signal
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import coverage
import pytest
from _pytest.runner import runtestprotocol

from benchmarks.mutants import Mutant, mutants
from benchmarks.mutated_code import FAILED, PASSED, code_of, functions_of, run_anew
from benchmarks.mutation_outcomes import Outcome, describe, read_outcomes, write

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = Path(__file__).with_suffix(".toml")
PATIENCE = 20  # times its limit of processor time that a mutant may wait for a busy machine


@dataclass
class Plan:
    """Of one room: its files, how long a test may take, and what each line's tests are."""

    room: str
    files: list[str]
    tests: list[str]
    settings: dict[str, Any]
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    imported: dict[str, list[int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def tests_of(self, file: str, line: int, at_import: bool) -> list[str]:
        """Tests that run a line (or, for what importing runs, any line of the file), the fast ones first, within the budget."""
        by_line = self.lines.get(file, {})
        names = set(by_line.get(line, ()))
        if at_import:
            names = self._tests_beside(file)
        cheapest = sorted((n for n in names if n in self.seconds), key=self.seconds.__getitem__)
        chosen, spent = [], 0.0
        for name in cheapest:
            spent += self.seconds[name]
            if chosen and spent > self.settings["budget"]:
                break
            chosen.append(name)
        # Tests of one file stay together, so that what they share is made once.
        first: dict[str, int] = {}
        for i, name in enumerate(chosen):
            first.setdefault(name.split("::")[0], i)
        return sorted(chosen, key=lambda name: first[name.split("::")[0]])

    def _tests_beside(self, file: str) -> set[str]:
        """Tests of the files in the same folder, for what runs when a file is imported."""
        beside = [f for f in self.lines if Path(f).parent == Path(file).parent]
        return {t for f in beside for tests in self.lines[f].values() for t in tests}


class Driver:
    """A pytest plug-in that takes the place of the run of the tests."""

    def __init__(self, plan: Plan, options: argparse.Namespace, left_out: list[dict[str, str]]) -> None:
        self.plan, self.options, self.left_out = plan, options, left_out
        self.cover = coverage.Coverage(data_file=None, include=[str(ROOT / f) for f in plan.files], config_file=False)
        self.cover.start()
        self.outcomes: list[Outcome] = []
        self.skipped: list[tuple[str, Mutant, str]] = []
        self.context: coverage.Coverage | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self.context is not None:
            self.context.switch_context(f"{item.nodeid}|setup")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        if self.context is not None:
            self.context.switch_context(item.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.cover.stop()
        measured = self.cover.get_data()
        self.plan.imported = {f: sorted(measured.lines(str(ROOT / f)) or []) for f in self.plan.files}
        self.items = {i.nodeid: i for i in session.items}
        self._measure()
        for file in self.plan.files:
            if not self.options.only or any(o in file for o in self.options.only):
                self._file(file)
        return True

    def _measure(self) -> None:
        """Which tests run which line, and how long each takes; kept by file of tests until it or the room changes."""
        kept = self.options.out / f"coverage-{self.plan.room}.json"
        known = json.loads(kept.read_text()) if kept.exists() and not self.options.fresh else {}
        by_file: dict[str, list[pytest.Item]] = defaultdict(list)
        for name, item in self.items.items():
            by_file[name.split("::")[0]].append(item)
        shared = [path for path in test_files(self.plan.tests) if not path.name.startswith("test_")]
        keys = {name: digest(*(ROOT / f for f in self.plan.files), *shared, ROOT / name) for name in by_file}
        stale = [name for name, key in keys.items() if known.get(name, {}).get("key") != key]
        if stale:
            print(f"{self.plan.room}: {sum(len(by_file[n]) for n in stale)} tests are run once under coverage", flush=True)
        children = [self._start_covered([i for n in stale[k :: self.options.jobs] for i in by_file[n]])
                    for k in range(min(self.options.jobs, len(stale)))]  # fmt: skip
        for child, source in children:
            with os.fdopen(source) as pipe:
                known |= json.loads(pipe.read())
            os.waitpid(child, 0)
        measured = {name: known[name] | {"key": key} for name, key in keys.items()}
        kept.write_text(json.dumps(measured))
        self.plan.lines = {f: defaultdict(list) for f in self.plan.files}
        for of_file in measured.values():
            for name in of_file["failed"]:
                print(f"  fails without any change, and is left out: {name}", flush=True)
            self.plan.seconds |= of_file["seconds"]
            for file, lines in of_file["lines"].items():
                for line, tests in lines.items():
                    self.plan.lines[file][int(line)] += tests

    def _start_covered(self, items: list[pytest.Item]) -> tuple[int, int]:
        """A process that runs tests under coverage, and where it writes what it found."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            silence()
            with os.fdopen(write, "w") as out:
                json.dump(self._run_covered(items), out)
            os._exit(0)
        os.close(write)
        return child, read

    def _run_covered(self, items: list[pytest.Item]) -> dict[str, Any]:
        """By file of tests: the tests of each line, the seconds of each test, and those that fail."""
        files = [str(ROOT / f) for f in self.plan.files]
        self.context = coverage.Coverage(data_file=None, include=files, config_file=False, messages=False)
        self.context.start()
        of_file: dict[str, dict[str, Any]] = {}
        siblings = defaultdict(list)
        for item, following in zip(items, [*items[1:], None], strict=True):
            name = item.nodeid.split("::")[0]
            siblings[name].append(item.nodeid)
            found = of_file.setdefault(name, {"lines": {}, "seconds": {}, "failed": []})
            begun = processor_time()
            reports = runtestprotocol(item, nextitem=following, log=False)
            taken = processor_time() - begun
            if any(r.failed for r in reports):
                found["failed"].append(item.nodeid)
            elif taken <= self.plan.settings["longest_test"] and not any(r.skipped for r in reports):
                found["seconds"][item.nodeid] = taken
        self.context.stop()
        data = self.context.get_data()
        for file, path in zip(self.plan.files, files, strict=True):
            for line, contexts in data.contexts_by_lineno(path).items():
                for context in filter(None, contexts):
                    test, _, phase = context.partition("|")
                    name = test.split("::")[0]
                    lines = of_file[name]["lines"].setdefault(file, {})
                    # What a fixture runs may serve every test of its file.
                    lines[line] = sorted({*lines.get(line, ()), *(siblings[name] if phase else [test])})
        return of_file

    def _file(self, file: str) -> None:
        path = ROOT / file
        source = path.read_text(encoding="utf-8")
        every = list(mutants(source, str(path)))
        wanted = []
        for m in every:
            why = next((x["why"] for x in self.left_out if matches(x, file, m, source)), "")
            if why:
                self.skipped.append((file, m, why))
            else:
                wanted.append(m)
        order = random.Random(f"{self.options.seed}/{file}").sample(range(len(wanted)), len(wanted))
        chosen = [wanted[i] for i in sorted(order[: self.options.sample])] if self.options.sample else wanted
        text = digest(path)
        known = read_outcomes(self.options.out) if not self.options.fresh else {}
        gc.unfreeze()
        functions = functions_of(path)
        gc.collect()
        gc.freeze()  # a forked process need not copy what it only looks at
        waiting: list[tuple[int, Mutant, float, float]] = []
        done: list[Outcome] = []

        def note(m: Mutant, killed: bool, how: str, seconds: float) -> None:
            outcome = Outcome(file, m.line, m.within, m.change, killed, how, round(seconds, 2), text)
            done.append(outcome)
            with (self.options.out / "outcomes.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")

        for m in chosen:
            before = known.get((file, text, m.line, m.within, m.change))
            if before is not None and before.killed:
                done.append(before)
                continue
            at_import = not m.function or self._runs_at_import(file, m, functions)
            tests = self.plan.tests_of(file, m.line, at_import)
            if not tests:
                note(m, False, "no test", 0.0)
                continue
            while len(waiting) >= self.options.jobs:
                self._collect(waiting, note)
            limit = 10 + 5 * sum(self.plan.seconds[t] for t in tests) + (20 if at_import else 0)
            now = time.monotonic()
            child = self._start(m, tests, at_import, functions, path, int(limit))
            waiting.append((child, m, now, now + PATIENCE * limit))
        while waiting:
            self._collect(waiting, note)
        self.outcomes += done
        killed = sum(o.killed for o in done)
        print(f"  {file:<60} {killed:>4} of {len(done):>4} killed, {len(every):>4} in all", flush=True)

    def _runs_at_import(self, file: str, m: Mutant, functions: dict[tuple[str, int], list[FunctionType]]) -> bool:
        code = code_of(m.code, m.function)
        return code is None or (m.function, code.co_firstlineno) not in functions or m.line in self.plan.imported.get(file, ())

    def _start(
        self,
        m: Mutant,
        tests: list[str],
        at_import: bool,
        functions: dict[tuple[str, int], list[FunctionType]],
        path: Path,
        limit: int,
    ) -> int:
        child = os.fork()
        if child:
            return child
        silence()
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        try:
            if at_import:
                os._exit(run_anew(m.code, path, tests))
            code = code_of(m.code, m.function)
            assert code is not None
            for function in functions[m.function, code.co_firstlineno]:
                function.__code__ = code
            items = [self.items[t] for t in tests]
            for item, following in zip(items, [*items[1:], None], strict=True):
                if any(r.failed for r in runtestprotocol(item, nextitem=following, log=False)):
                    os._exit(FAILED)
            os._exit(PASSED)
        except BaseException:
            os._exit(2)

    def _collect(self, waiting: list[tuple[int, Mutant, float, float]], note: Any) -> None:
        """Take what has ended, or end what is over its time."""
        for entry in list(waiting):
            child, m, begun, deadline = entry
            gone, status = os.waitpid(child, os.WNOHANG)
            if gone:
                waiting.remove(entry)
                code = os.waitstatus_to_exitcode(status)
                how = {PASSED: "survived", FAILED: "test", -signal.SIGXCPU: "time limit"}.get(code, "error")
                note(m, code != PASSED, how, time.monotonic() - begun)
                return
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                waiting.remove(entry)
                note(m, True, "time limit", time.monotonic() - begun)
                return
        select.select([], [], [], 0.01)


def matches(left_out: dict[str, str], file: str, m: Mutant, source: str) -> bool:
    """Whether an entry of the configuration speaks of this mutant: its file, and if given its function, its change, and words
    of its line."""
    return (
        file.endswith(left_out["file"])
        and left_out.get("within", m.within) == m.within
        and left_out.get("change", m.change) == m.change
        and left_out.get("line", "") in source.splitlines()[m.line - 1]
    )


def processor_time() -> float:
    """Seconds of this process and of those it waited for: the same however busy the machine is."""
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def silence() -> None:
    """Nothing of a forked process reaches the terminal."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def digest(*paths: Path) -> str:
    """Of the texts of files."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(path.read_bytes() + b"\0")
    return whole.hexdigest()[:16]


def test_files(tests: list[str]) -> list[Path]:
    """Every file of the named tests, and what they share."""
    out = {ROOT / "tests" / "conftest.py"}
    for name in tests:
        path = ROOT / name
        out.update(path.rglob("*.py") if path.is_dir() else [path])
    return sorted(out)


def plans(configuration: dict[str, Any], only: list[str]) -> Iterator[Plan]:
    """Rooms that are named, or that have a file which is."""
    settings = configuration["settings"]
    for room, entry in configuration["rooms"].items():
        files = {p.relative_to(ROOT).as_posix() for g in entry["files"] for p in ROOT.glob(g) if p.stat().st_size}
        files = sorted(f for f in files if Path(f).name not in entry.get("without", ()))
        tests = [t for t in entry["tests"] if (ROOT / t).exists()]
        wanted = not only or room in only or any(o in f for o in only for f in files)
        if files and tests and wanted:
            yield Plan(room, files, tests, settings)  # of all files, so that what was covered serves every choice of them


def main() -> int:
    """Run the named rooms or files (all of them without a name); 1 where fewer are killed than the configuration wants."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("only", nargs="*", metavar="ROOM or FILE")
    parser.add_argument("--sample", type=int, default=60, help="mutants a file; 0 takes all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "mutation")
    parser.add_argument("--fresh", action="store_true", help="use nothing of earlier runs")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))  # what was forked ends too
    os.setpgid(0, 0)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    configuration = tomllib.loads(CONFIGURATION.read_text(encoding="utf-8"))
    chosen = list(plans(configuration, options.only))
    if not chosen:
        rooms = ", ".join(configuration["rooms"])
        print(f"{' '.join(options.only)}: no such room or file; rooms are {rooms}", file=sys.stderr)
        return 2
    named = options.only
    rooms, skipped = {}, []
    for plan in chosen:
        # Each room has a process of its own: pytest collects into a clean one.
        read, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            options.only = [] if plan.room in named else named
            driver = Driver(plan, options, configuration.get("left_out", []))
            pytest.main(["-qq", "-s", "--no-header", "-p", "no:cacheprovider", *plan.tests], plugins=[driver])
            with os.fdopen(write_end, "w") as out:
                json.dump({"outcomes": [asdict(o) for o in driver.outcomes],
                           "skipped": [(f, m.line, m.within, m.change, why) for f, m, why in driver.skipped]}, out)  # fmt: skip
            os._exit(0)
        os.close(write_end)
        with os.fdopen(read) as source:
            text = source.read()
        os.waitpid(child, 0)
        result = json.loads(text) if text else {"outcomes": [], "skipped": []}
        rooms[plan.room] = [Outcome(**o) for o in result["outcomes"]]
        skipped += [(f, Mutant(line, w, "", c, compile("", f, "exec")), why) for f, line, w, c, why in result["skipped"]]
        print(f"{plan.room}: {describe(rooms[plan.room])}", flush=True)
    write(options.out, rooms, skipped, options)
    every = [o for outcomes in rooms.values() for o in outcomes]
    print(f"\n{describe(every)}; survivors are listed in {options.out / 'mutation.md'}")
    return int(sum(o.killed for o in every) < configuration["settings"]["least"] * len(every))


if __name__ == "__main__":
    sys.exit(main())
