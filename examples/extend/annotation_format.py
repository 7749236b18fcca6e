"""A format of annotations: the label tracks of Audacity, one line a segment with start, end and label.

affectlens export reports --to audacity --plugin annotation_format.py
"""

from pathlib import Path

from affectlens.core.untrusted.sheets import read_text
from affectlens.exchange.annotations import Annotations, Segment
from affectlens.exchange.lines import segment_of_line, wrong_line
from affectlens.exchange.registry import register_format


def read(path: Path) -> Annotations:
    """Read labels; a line that is none is an error that names it."""
    text, notes = read_text(path)
    segments: list[Segment] = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split("\t")
        try:
            start, end = float(cells[0]), float(cells[1])
        except (ValueError, IndexError):
            raise wrong_line(path, number, f"{line[:40]!r}; start, end and label were expected") from None
        segments.append(segment_of_line(path, number, start, end, "\t".join(cells[2:])))
    return Annotations(tuple(segments), notes=notes)


@register_format(
    "audacity", "Audacity labels", read=read, suffix=".labels.txt", step=1e-6, holds=("value", "point", "empty value")
)
def write(annotations: Annotations, path: Path) -> None:
    """Write a line a segment; whose it is and who says so are lost, which is counted before this is called."""
    lines = [f"{one.start:.6f}\t{one.end:.6f}\t{one.value}\n" for one in annotations.segments]
    path.write_text("".join(lines), encoding="utf-8")
