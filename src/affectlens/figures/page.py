"""A self-contained page for an audit: sections of text, figures and tables."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from affectlens.figures import charts as figures
from affectlens.figures.html import environment


@dataclass(frozen=True)
class Figure:
    """A chart, its file name without suffix, and what it shows."""

    chart: Any
    name: str
    caption: str


@dataclass(frozen=True)
class Picture:
    """A picture ``(h, w, 3)`` uint8 RGB, its file name without suffix, and what it shows."""

    image: np.ndarray
    name: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of the page; ``folded`` is the line behind which the table is hidden until asked for."""

    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    table: pd.DataFrame | None = None
    folded: str = ""
    pictures: tuple[Picture, ...] = ()


def write_page(folder: Path, title: str, about: str, sections: list[Section]) -> Path:
    """Write ``audit.html``, each figure as svg and png and each picture as jpg below ``folder/figures``; gives the page's
    path."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    shown = []
    for s in sections:
        drawn = []
        for f in s.figures:
            figures.save(f.chart, folder / "figures" / f.name)
            drawn.append({"svg": figures.svg(f.chart), "caption": f.caption})
        for p in s.pictures:
            file = folder / "figures" / f"{p.name}.jpg"
            Image.fromarray(p.image).save(file, quality=88)
            held = base64.b64encode(file.read_bytes()).decode()
            drawn.append({"uri": f"data:image/jpeg;base64,{held}", "caption": p.caption})
        table = None
        if s.table is not None:
            table = {"columns": list(s.table.columns), "rows": [[_text(v) for v in r] for r in s.table.to_numpy(dtype=object)]}
        shown.append({"title": s.title, "text": s.text, "figures": drawn, "table": table, "folded": s.folded})
    page = environment().get_template("audit.html").render(title=title, about=about, sections=shown)
    path = folder / "audit.html"
    path.write_text(page, encoding="utf-8")
    return path


def _text(value: Any) -> str:
    if isinstance(value, float):  # numpy's too
        if not np.isfinite(value):
            return ""
        return f"{value:.3f}" if 0.001 <= abs(value) < 1000 or value == 0 else f"{value:.2g}"
    return str(value)
