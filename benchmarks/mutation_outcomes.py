"""What became of mutants: kept line by line while they are tried, and told with intervals and survivors."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from affectlens.stats.resample import wilson
from benchmarks.mutants import Mutant


@dataclass
class Outcome:
    """What became of one mutant."""

    file: str
    line: int
    within: str
    change: str
    killed: bool
    how: str  # "test", "time limit", "error", "no test" or "survived"
    seconds: float
    text: str = ""  # digest of the file's text


def read_outcomes(out: Path) -> dict[tuple[str, str, int, str, str], Outcome]:
    """What earlier runs wrote, the latest of each mutant."""
    log = out / "outcomes.jsonl"
    if not log.exists():
        return {}
    known = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            o = Outcome(**json.loads(line))
        except ValueError:
            continue  # a line that was cut off when the run was stopped
        known[o.file, o.text, o.line, o.within, o.change] = o
    return known


def describe(outcomes: list[Outcome]) -> str:
    """Killed of all, with Wilson's 95 % interval."""
    e = wilson(sum(o.killed for o in outcomes), len(outcomes))
    return f"{sum(o.killed for o in outcomes)} of {len(outcomes)} killed, {e.value:.1%} [{e.low:.1%}, {e.high:.1%}]"


def write(out: Path, rooms: dict[str, list[Outcome]], skipped: list[tuple[str, Mutant, str]], options: Any) -> None:
    """The result for people (``mutation.md``) and for programs (``mutation.json``)."""
    every = [o for outcomes in rooms.values() for o in outcomes]
    lines = [
        f"# Mutation score: {describe(every)}",
        "",
        f"Sample of {options.sample or 'all'} a file, seed {options.seed}.",
        "",
    ]
    for room, outcomes in rooms.items():
        lines.append(f"## {room}: {describe(outcomes)}")
        lines.append("")
        for file in sorted({o.file for o in outcomes}):
            lines.append(f"- {file}: {describe([o for o in outcomes if o.file == file])}")
        lines.append("")
    lines += ["## Survivors", ""]
    lines += [f"- {o.file}:{o.line} in {o.within or 'module'}: `{o.change}` ({o.how})" for o in every if not o.killed]
    lines += ["", "## Left out", ""]
    lines += [f"- {file}:{m.line} in {m.within or 'module'}: `{m.change}`: {why}" for file, m, why in skipped]
    (out / "mutation.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    summary = {
        "killed": sum(o.killed for o in every),
        "of": len(every),
        "sample": options.sample,
        "seed": options.seed,
        "rooms": {room: {"killed": sum(o.killed for o in each), "of": len(each)} for room, each in rooms.items()},
        "survivors": [asdict(o) for o in every if not o.killed],
    }
    (out / "mutation.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False), encoding="utf-8")
