"""A format of tables: Markdown, for a README.

AFFECTLENS_PLUGINS=exporter.py affectlens recognize clip.mp4 --format markdown
"""

from pathlib import Path

import pandas as pd

from affectlens.report.exporters import register_exporter


@register_exporter("markdown", suffix=".md", text=True, help="a table for a README")
def markdown(table: pd.DataFrame, path: Path) -> None:
    """One line a row; bars inside of texts are escaped."""
    cells = [[str(value).replace("|", "\\|") for value in row] for row in table.itertuples(index=False)]
    lines = [list(table.columns), ["---"] * len(table.columns), *cells]
    path.write_text("".join(f"| {' | '.join(line)} |\n" for line in lines), encoding="utf-8")
