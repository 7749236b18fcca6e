"""A table of pictures with labels, `mine.csv`, from a parquet table with the columns emotion and jpeg.

Use: python scripts/web_faces.py TABLE.parquet FOLDER; then
`affectlens train face --from-weights shipped --corpus csv=FOLDER/mine.csv --out fitted/`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd


def main() -> None:
    """Write the pictures and their table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, row in enumerate(pd.read_parquet(given.table).itertuples()):
        (given.folder / f"{number}.jpg").write_bytes(row.jpeg)
        rows.append({"file": f"{number}.jpg", "label": row.emotion})
    pd.DataFrame(rows).to_csv(given.folder / "mine.csv", index=False)


if __name__ == "__main__":
    main()
