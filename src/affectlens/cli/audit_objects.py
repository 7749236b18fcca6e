"""`affectlens audit objects`: which things in pictures drive a model, over a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.core.errors import UsageError

_MODEL = "face, emonet, background, a transformers folder, module:name of a torch network, MODEL.onnx, MODEL.pt or a function."
_OBJECTS = "detector, regions (of a face), a COCO json, a folder of YOLO's txt, an Open Images csv, or module:function."


def command(
    data: Annotated[Path, typer.Option(help="A folder of pictures, or the path of --corpus.")],
    model: Annotated[str, typer.Option(help=_MODEL)] = "face",
    corpus: Annotated[str, typer.Option(help="A corpus name, see `affectlens corpus ls`; without it --data is a folder.")] = "",
    split: Annotated[str, typer.Option(help="Its split; by default test.")] = "",
    weights: Annotated[Path | None, typer.Option(help="Weights, for emonet and background.")] = None,
    layer: Annotated[str, typer.Option(help="The layer to draw; by default the last one with a grid.")] = "",
    objects: Annotated[str, typer.Option(help=_OBJECTS + " By default regions for face, else detector.")] = "",
    overlaps: Annotated[
        str, typer.Option(help="Pixels in boxes of several classes: share (each keeps them) or smallest.")
    ] = "share",
    labels: Annotated[Path | None, typer.Option(help="A csv with columns file and label, for a folder of pictures.")] = None,
    target: Annotated[
        str, typer.Option(help="Map of the label where there is one, or always of the model's answer.")
    ] = "label",
    methods: Annotated[str, typer.Option(help="Comma-separated maps, to compare; the first is told in full.")] = "",
    preset: Annotated[
        str, typer.Option(help="Thresholds: none, or emocam (detections from .3 on, importance from 1/3 on).")
    ] = "none",
    truth: Annotated[
        Path | None, typer.Option(help="True boxes (as --objects) that the detector's recall is measured on.")
    ] = None,
    effects: Annotated[int, typer.Option(help="Pictures that are changed (objects removed, put in, …); 0 for none.")] = 30,
    sample: Annotated[int, typer.Option(help="Pictures drawn at random; 0 for all.")] = 0,
    join: Annotated[
        list[Path] | None, typer.Option(help="Folders of runs with the same settings to add (repeat the option).")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder; an interrupted run there goes on.")] = Path("audit-objects"),
    seed: common.Seed = 0,
) -> None:
    """Share of relevance against share of area for every emotion and object, with tests; agreement of methods; changes."""
    from affectlens import audit
    from affectlens.audits.objects.audit import objects_of
    from affectlens.audits.objects.finders import ASSETS
    from affectlens.audits.objects.settings import ObjectSettings

    settings = ObjectSettings(
        split=split, weights=weights, layer=layer, objects=objects, overlaps=overlaps, labels=labels, target=target,
        methods=tuple(m.strip() for m in methods.split(",") if m.strip()), preset=preset, truth=truth, effects=effects,
        sample=sample, join=tuple(join or ()), seed=seed,
    )  # fmt: skip
    if corpus and not data.exists():
        raise UsageError(f"--data {data}: not there")
    common.fetch_assets(ASSETS.get(objects_of(model, settings), []))
    with common.named_bars() as progress:
        result = audit.objects(model, f"{corpus}={data}" if corpus else data, out=out, progress=progress, settings=settings)
    for text in result.findings():
        common.plain.print(f"- {text}")
    common.plain.print(str(out / "audit.html"))
    if len(result.missed):
        common.plain.print(f"{len(result.missed)} pictures could not be read, see {out / 'missed.csv'}")
