"""Draw the rooms of the package, lowest first, with the imports between them: ``python scripts/draw_rooms.py docs/rooms.svg``.

Layers are read from the import contract in pyproject.toml, imports from the source, so that the picture cannot lag behind.
"""

from __future__ import annotations

import argparse
import ast
import tomllib
from collections import Counter
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "affectlens"
WIDE, HIGH, GAP, LEFT = 560, 34, 10, 20
ABOUT = {
    "cli": "verbs: parse, call, print",
    "pipeline": "one recording: inputs, key, engine, writer",
    "report": "narrative, page, overlay of a recording",
    "training": "recipes: corpora to weights, card, scores",
    "fusion": "segments of a person, early fusion, pool",
    "modalities": "face, words, voice, gait, posture, …",
    "context": "place, what is usual, store",
    "sheets": "facts beside duties, questions, a line to sign",
    "audits": "properties, concepts, objects, compare, …",
    "explainers": "maps, words, Shapley, faithfulness, interventions",
    "figures": "charts, page templates",
    "evaluation": "scores with intervals, protocols",
    "features": "measured once, shared: properties, banks",
    "learning": "the training loop, seeds, checkpoints",
    "models": "one contract: shipped nets, adapters",
    "perception": "face, people, body, voice, words, scene",
    "corpora": "official layouts to items",
    "media": "video, sound, pictures as streams",
    "assets": "third-party weights, verified",
    "stats": "tests, intervals, corrections",
    "core": "errors, labels, schema, settings, registry",
    "checks": "contract suites for plug-ins",
    "workbench": "runs and audits in a browser",
    "study": "people",
    "measures": "every frame as a row",
    "exchange": "annotations in and out",
    "dispatch": "who does it",
    "ledger": "what is done",
    "audit": "verbs",
    "train": "verbs",
}


def layers() -> list[list[str]]:
    """Rooms by layer, highest first; rooms of one layer do not see each other."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    return [[name.strip().split(".")[-1] for name in line.replace(":", "|").split("|")] for line in contract["layers"]]


def imports() -> Counter[tuple[str, str]]:
    """How many modules of one room import something of another."""
    counts: Counter[tuple[str, str]] = Counter()
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).parts
        room = parts[0].removesuffix(".py")
        seen = set()
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            seen |= {n.split(".")[1] for n in names if n.startswith("affectlens.")}
        counts.update((room, other) for other in seen if other != room)
    return counts


def lines_of(room: str) -> int:
    """Lines of Python in a room."""
    return sum(len(p.read_text().splitlines()) for p in (PACKAGE / room).rglob("*.py"))


def main(out: Path) -> None:
    """Write the picture."""
    rows, found = layers(), imports()
    place: dict[str, float] = {}
    boxes = []
    for i, row in enumerate(rows):
        wide = (WIDE - GAP * (len(row) - 1)) / len(row)  # rooms of one layer share a line
        for j, room in enumerate(row):
            x, y = LEFT + j * (wide + GAP), 20 + i * (HIGH + GAP)
            place[room] = y
            about = ABOUT.get(room, "")
            count = lines_of(room)
            boxes.append(
                f'<rect x="{x:g}" y="{y}" width="{wide:g}" height="{HIGH}" rx="5" fill="#eef3f8" stroke="#5b7c99"/>'
                f'<text x="{x + 10:g}" y="{y + 22}" font-weight="600">{room}</text>'
                f'<text x="{x + (120 if len(row) == 1 else 84):g}" y="{y + 22}" fill="#334">{escape(about)}</text>'
            )
            if count and len(row) == 1:
                boxes.append(f'<text x="{x + wide - 8:g}" y="{y + 22}" text-anchor="end" fill="#778">{count:,} lines</text>')
    arrows = []
    for (a, b), count in sorted(found.items(), key=lambda item: item[1]):
        if a not in place or b not in place:
            continue
        ya, yb = place[a] + HIGH / 2, place[b] + HIGH / 2
        right = LEFT + WIDE
        far = right + 24 + 0.32 * abs(yb - ya)
        arrows.append(
            f'<path d="M{right} {ya} C{far:g} {ya} {far:g} {yb} {right} {yb}" fill="none" stroke="#b4551d" '
            f'stroke-opacity="{min(0.75, 0.12 + count / 18):.2f}" stroke-width="{min(3.5, 0.6 + count / 6):.1f}"/>'
        )
    high = 40 + len(rows) * (HIGH + GAP)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 940 {high}" width="940" height="{high}" '
        'font-family="system-ui, sans-serif" font-size="14"><rect width="100%" height="100%" fill="white"/>'
    )
    out.write_text(head + "".join(arrows) + "".join(boxes) + "</svg>\n", encoding="utf-8")


def asked() -> Path:
    """Where the picture goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "docs" / "rooms.svg")
    path: Path = parser.parse_args().out
    return path


if __name__ == "__main__":
    main(asked())
