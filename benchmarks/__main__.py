"""`make bench`: run every benchmark, print one table, exit with 1 when a limit is broken.

Usage: python -m benchmarks [cam] [overhead] [realtime] [memory] [speech] [opensmile] [tcav]
    [planted_dialogues] [visual]
"""

from __future__ import annotations

import importlib
import os
import platform
import sys

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
    "planted_objects",
    "objects_pass",
    "properties_size",
)


def main() -> int:
    """Run the named benchmarks and print what they give: (what, value, limit, held)."""
    wanted = [n for n in sys.argv[1:] if n in NAMES] or list(NAMES)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    broken = 0
    for name in wanted:
        print(f"== {name}")
        for what, value, limit, held in importlib.import_module(f"benchmarks.{name}").run():
            verdict = "" if held is None else ("ok" if held else "BROKEN")
            print(f"  {what:<62} {value:<26} {limit:<22} {verdict}", flush=True)
            broken += held is False
    return 1 if broken else 0


sys.exit(main())
