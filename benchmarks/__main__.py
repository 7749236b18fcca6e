"""`make bench`: run benchmarks, print one table, exit with 1 when a limit is broken.

Usage: python -m benchmarks [NAME …] [--list]
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import platform
import sys
from pathlib import Path

from affectlens.core.errors import UsageError, unknown

os.environ.setdefault("OMP_NUM_THREADS", "2")

NAMES = (
    "cam",
    "overhead",
    "realtime",
    "memory",
    "speech",
    "opensmile",
    "tcav",
    "planted_dialogues",
    "visual",
    "places",
    "fusion_mosi",
    "independence",
    "planted_properties",
    "planted_family",
    "planted_objects",
    "objects_pass",
    "properties_size",
    "face_peer",
    "fuzz",
    "hostile",
    "cases",
    "kills",
    "diarisation",
    "scale",
    "faults",
    "workbench",
    "workbench_page",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the named benchmarks, all where none is named, and print what they give: (what, value, limit, held)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run benchmarks; all when none is named.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    given = parser.parse_args(arguments)
    if given.list:
        print(listed())
        return 0
    try:
        wanted = checked(given.names)
    except UsageError as error:
        print(f"error: {error}\n\n{listed()}", file=sys.stderr)
        return 2
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    broken = 0
    for name in wanted:
        print(f"== {name}")
        for what, value, limit, held in importlib.import_module(f"benchmarks.{name}").run():
            verdict = "" if held is None else ("ok" if held else "BROKEN")
            print(f"  {what:<62} {value:<26} {limit:<22} {verdict}", flush=True)
            broken += held is False
    return 1 if broken else 0


def checked(names: list[str]) -> list[str]:
    """The benchmarks to run; a name that there is not is an error with the nearest ones."""
    for name in names:
        if name not in NAMES:
            raise unknown("benchmark", name, list(NAMES))
    return names or list(NAMES)


def listed() -> str:
    """A line for each benchmark: its name and what it measures."""
    texts = {name: ast.get_docstring(ast.parse(Path(__file__).with_name(f"{name}.py").read_text("utf-8"))) for name in NAMES}
    return "\n".join(f"{name:<20} {' '.join((text or '').partition(chr(10) * 2)[0].split())}" for name, text in texts.items())


if __name__ == "__main__":
    sys.exit(main())
