"""`affectlens audit objects`: which things in the picture a model's answers come from, over a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common


def command(
    data: Annotated[Path, typer.Option(help="The corpus of faces, or the folder of pictures.")],
    model: Annotated[str, typer.Option(help="face (objects: regions of the face) or emonet (objects: detected).")] = "face",
    corpus: Annotated[str, typer.Option(help="For face: a corpus name, see `affectlens corpus ls`.")] = "fer2013",
    split: Annotated[str, typer.Option(help="For face: its split.")] = "test",
    weights: Annotated[Path | None, typer.Option(help="For emonet: the published weights.")] = None,
    methods: Annotated[str, typer.Option(help="Comma-separated maps, to compare.")] = "hirescam,grad-cam++",
    sample: Annotated[int, typer.Option(help="Pictures drawn at random; 0 for all.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder; an interrupted run there goes on.")] = Path("audit-objects"),
    seed: common.Seed = 0,
) -> None:
    """Share of relevance against share of area for every emotion and object, with tests; agreement of methods."""
    import numpy as np

    from affectlens.explain.objects.joint import agreement, combine
    from affectlens.explain.objects.run import Pictures, collect
    from affectlens.report.objects import findings, write_object_report

    common.fetch_assets(["yunet", "face-landmarker"] if model == "face" else ["efficientdet-lite0"])
    wanted = tuple(m.strip() for m in methods.split(",") if m.strip())
    rng = np.random.default_rng(seed)
    pictures = Pictures(model, data, weights, corpus, split)
    with common.named_bars() as told:
        rows, images, missed = collect(pictures, wanted, out, rng, sample, told)
    tables = {m: combine(r, images, rng) for m, r in rows.items()}
    about = f"{len(images)} pictures read, {len(missed)} not; maps of {', '.join(wanted)}"
    page = write_object_report(tables, agreement(tables, rng), out, f"Objects that drive {model}", about, missed)
    for text in findings(tables[wanted[0]]):
        common.plain.print(f"- {text}")
    common.plain.print(str(page))
