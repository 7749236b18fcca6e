"""Draw the rooms of the package, lowest first, with the imports between them: ``python scripts/draw_rooms.py docs/rooms.svg``.

Layers are read from the import contract in pyproject.toml, imports from the source, so that the picture cannot lag behind.
"""

from __future__ import annotations

import ast
import sys
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
    "audits": "properties, compare, concepts, objects, latent, features",
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
    place: dict[str, tuple[float, float]] = {}
    boxes = []
    for i, row in enumerate(rows):
        for j, room in enumerate(row):
            x, y = LEFT + j * (WIDE + GAP), 20 + i * (HIGH + GAP)
            place[room] = (x, y)
            boxes.append(
                f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="5" fill="#eef3f8" stroke="#5b7c99"/>'
                f'<text x="{x + 10}" y="{y + 22}" font-weight="600">{room}</text>'
                f'<text x="{x + 120}" y="{y + 22}" fill="#334">{escape(ABOUT.get(room, ""))}</text>'
                f'<text x="{x + WIDE - 8}" y="{y + 22}" text-anchor="end" fill="#778">{lines_of(room):,} lines</text>'
            )
    arrows = []
    for (a, b), count in sorted(found.items(), key=lambda item: item[1]):
        if a not in place or b not in place:
            continue
        (xa, ya), (xb, yb) = place[a], place[b]
        reach = 24 + 0.42 * abs(yb - ya)
        right = max(xa, xb) + WIDE
        arrows.append(
            f'<path d="M{xa + WIDE} {ya + HIGH / 2} C{right + reach} {ya + HIGH / 2} {right + reach} {yb + HIGH / 2} '
            f'{xb + WIDE} {yb + HIGH / 2}" fill="none" stroke="#b4551d" stroke-opacity="{min(0.75, 0.12 + count / 18):.2f}" '
            f'stroke-width="{min(3.5, 0.6 + count / 6):.1f}"/>'
        )
    high = 40 + len(rows) * (HIGH + GAP)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 940 {high}" width="940" height="{high}" '
        'font-family="system-ui, sans-serif" font-size="14"><rect width="100%" height="100%" fill="white"/>'
    )
    out.write_text(head + "".join(arrows) + "".join(boxes) + "</svg>\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "rooms.svg")
