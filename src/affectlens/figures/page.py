"""A self-contained page for an audit: sections of text, figures and tables."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from affectlens.core.disk.files import write_text, write_whole
from affectlens.core.disk.names import safe_name
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
class Cell:
    """What a cell of a table says, the name of the row on the page that it leads to, and whether it stands out."""

    text: str
    to: str = ""
    strong: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes
    ----------
    title : str
        Its heading.
    text : tuple of str
        Paragraphs.
    figures, pictures : tuple
        Charts and pictures.
    table : DataFrame, optional
        A table; cells may be of ``Cell``.
    folded : str
        The line behind which the table is hidden until asked for.
    rows : tuple of str
        A name for each row of the table, that cells elsewhere lead to.
    whole : bool
        Whether the table is shown in its full height, however long it is.
    quiet : bool
        Whether the paragraphs are hidden until asked for: methods, which few read first.
    """

    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    table: pd.DataFrame | None = None
    folded: str = ""
    pictures: tuple[Picture, ...] = ()
    rows: tuple[str, ...] = ()
    whole: bool = False
    quiet: bool = False


HEADINGS = {
    "p_value": "p", "p_holm": "p (Holm)", "p_bh": "p (BH)", "p_exchanged": "p exchanged", "p_exchanged_bh": "p exchanged (BH)",
    "p_others": "p others", "p_others_bh": "p others (BH)", "p_presence": "p presence", "p_presence_bh": "p presence (BH)",
    "mean_recall": "UAR", "yule_q": "Yule's Q", "dice": "Dice", "jaccard": "Jaccard", "spearman": "Spearman",
    "macro_f1": "macro F1", "calibration_error": "ECE", "brier": "Brier score",
}  # fmt: skip
"""How a page calls a column whose name alone does not read well; of any other the underscores become spaces."""


def one_line(text: str) -> str:
    """Text of several lines as one."""
    return " ".join(text.split())


def heading(column: str) -> str:
    """A column's name as a page shows it.

    Returns
    -------
    str
        For people.

    Examples
    --------
    >>> heading("p_holm"), heading("mean_recall_low"), heading("over_others")
    ('p (Holm)', 'UAR, low', 'over others')
    """
    if column in HEADINGS:
        return HEADINGS[column]
    for end in ("_low", "_high"):
        if column.endswith(end):
            return f"{heading(column.removesuffix(end))}, {end[1:]}"
    return column.replace("_", " ")


def write_page(
    folder: Path,
    title: str,
    about: str,
    sections: list[Section],
    *,
    name: str = "audit",
    kind: str = "affectlens audit",
    glance: Mapping[str, str] | None = None,
) -> Path:
    """Write a page and its figures.

    Parameters
    ----------
    folder : Path
        Where the page goes; each figure goes as svg and png, each picture as jpg, below ``folder/figures``.
    title, about : str
        Heading and the line below it.
    sections : list of Section
        What the page holds, in order.
    name, kind : str
        The page's file name without its suffix, and what stands above its title.
    glance : mapping of str to str, optional
        What a reader wants first, by heading, above all sections.

    Returns
    -------
    Path
        The page.
    """
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    shown = []
    for section in sections:
        shown_figures = []
        for figure in section.figures:
            drawn = figures.save(figure.chart, folder / "figures" / safe_name(figure.name))
            shown_figures.append({"svg": drawn, "caption": figure.caption})
        for picture in section.pictures:
            file = folder / "figures" / f"{safe_name(picture.name)}.jpg"
            write_whole(file, partial(Image.fromarray(picture.image).save, quality=88))
            shown_figures.append(
                {"uri": f"data:image/jpeg;base64,{base64.b64encode(file.read_bytes()).decode()}", "caption": picture.caption}
            )
        table = None
        if section.table is not None:
            rows = [[_cell(value) for value in row] for row in section.table.to_numpy(dtype=object)]
            names = [safe_name(name) for name in section.rows] or [""] * len(rows)
            columns = [heading(str(column)) for column in section.table.columns]
            table = {"columns": columns, "rows": list(zip(names, rows, strict=True))}
        shown.append(
            {
                "title": section.title,
                "text": section.text,
                "figures": shown_figures,
                "table": table,
                "folded": section.folded,
                "whole": section.whole,
                "quiet": section.quiet,
            }
        )
    page = (
        environment()
        .get_template("audit.html")
        .render(title=title, about=about, sections=shown, kind=kind, glance=dict(glance or {}))
    )
    return write_text(folder / f"{name}.html", page)


def _cell(value: Any) -> Cell:
    if isinstance(value, Cell):
        return Cell(value.text, safe_name(value.to) if value.to else "", value.strong)
    return Cell(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, float):  # numpy's too
        if not np.isfinite(value):
            return ""
        return f"{value:.3f}" if 0.001 <= abs(value) < 1000 or value == 0 else f"{value:.2g}"
    return str(value)
