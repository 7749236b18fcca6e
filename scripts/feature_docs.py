"""Write docs/features.md: every acoustic feature with its meaning, unit, equation and range.

    python scripts/feature_docs.py NAME=PATH [NAME=PATH ...]

The usual range (1st to 99th percentile) is measured on the corpora given.
"""

import sys
from pathlib import Path

import numpy as np

from affectlens.corpora.base import corpora_of
from affectlens.features.speech import speech_table
from affectlens.perception.voice.catalogue import GROUPS, catalogue

HEAD = """# The 88 acoustic features

The extended Geneva Minimalistic Acoustic Parameter Set (Eyben et al. 2016), in our own implementation
(`affectlens.perception.voice`). Names are the published ones: descriptor, smoothing (`sma3` mean of three frames, `nz` over
voiced frames only), functional. Frames are 10 ms apart; `V` means voiced frames, `UV` unvoiced ones. A feature with nothing to
measure (no voiced frame) is 0.

`egemaps(x)` follows the published definitions; `egemaps(x, compatible=True)` follows the program of openSMILE 3 where it
differs, for models made with it. The usual range is the 1st to 99th percentile over {n} clips of {corpora}.
"""


def main() -> None:
    corpora = corpora_of(sys.argv[1:])
    table = speech_table(corpora)
    low, high = np.percentile(table.features, [1, 99], axis=0)
    lines = [HEAD.format(n=len(table.features), corpora=", ".join(corpora))]
    for group in GROUPS:
        lines += [
            f"## {group}",
            "",
            "| feature | meaning | unit | definition | possible | usual |",
            "|---|---|---|---|---|---|",
        ]
        for i, f in enumerate(catalogue()):
            if f.group == group:
                possible = f"{_bound(f.low)} to {_bound(f.high)}"
                text = f.equation.replace("|", "\\|")
                lines.append(f"| `{f.name}` | {f.meaning} | {f.unit} | {text} | {possible} | {low[i]:.3g} to {high[i]:.3g} |")
        lines.append("")
    Path("docs/features.md").write_text("\n".join(lines), encoding="utf-8")


def _bound(value: float) -> str:
    return f"{value:g}" if np.isfinite(value) else "any" if value > 0 else "any negative"


if __name__ == "__main__":
    main()
