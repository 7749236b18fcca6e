"""`affectlens usual`: what was recognised where and when, from a store that `explain --store` filled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common


def command(
    store: Annotated[Path, typer.Option(help="The store that `explain --store` filled.")],
    out: Annotated[Path | None, typer.Option(help="Folder for averages.csv and a chart.")] = None,
    seed: common.Seed = 0,
) -> None:
    """Average expressed emotion by place, part of the day, hour and weekday, smoothed, with counts and intervals."""
    import numpy as np

    from affectlens.context.store import Store
    from affectlens.context.usual import averages
    from affectlens.core.labels import EKMAN7
    from affectlens.figures import charts as figures
    from affectlens.figures.usual import averages_chart

    units = Store(common.existing(store, "store")).units()
    frame = averages(units, EKMAN7.labels, np.random.default_rng(seed))
    for r in frame.to_dict("records"):
        shares = sorted(((r[c], c) for c in EKMAN7.labels), reverse=True)
        context = f"{r['by']} {r['value']}".strip().replace("_", " ")
        said = ", ".join(f"{c} {v:.0%}" for v, c in shares[:4])
        common.plain.print(f"{context}: {r['people']} people in {r['recordings']} recordings: {said}")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        frame.to_csv(out / "averages.csv", index=False)
        if len(frame) > 1:
            figures.save(averages_chart(frame, EKMAN7.labels), out / "averages")
        common.plain.print(str(out / "averages.csv"))
