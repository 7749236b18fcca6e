"""`affectlens audit objects`: which things in pictures drive a model, over a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import Seed, corpus_names, verb
from affectlens.core.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from affectlens.audits.objects.pictures import Pictures
    from affectlens.audits.objects.run import Collected
    from affectlens.perception.scene.detections import Detections

_MODEL = "face, emonet, background, a transformers folder, module:name of a torch network, MODEL.onnx, MODEL.pt or a function."
_OBJECTS = "detector, regions (of a face), a COCO json, a folder of YOLO's txt, an Open Images csv, or module:function."


@verb()
def command(
    corpus: Annotated[
        str,
        typer.Option(help="A corpus, or a folder of pictures alone.", metavar="NAME=PATH|FOLDER", autocompletion=corpus_names),
    ],
    model: Annotated[str, typer.Option(help=_MODEL)] = "face",
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
    seed: Seed = 0,
) -> None:
    """Share of relevance against share of area for every emotion and object, with tests; agreement of methods; changes."""
    import numpy as np

    from affectlens.audits.objects.effects import measure_effects
    from affectlens.audits.objects.examples import examples
    from affectlens.audits.objects.page import ObjectAudit, findings, write_object_report
    from affectlens.audits.objects.pictures import Pictures
    from affectlens.audits.objects.run import collect, read_parts
    from affectlens.audits.objects.statistics import PRESETS, agreement, combine, kept
    from affectlens.corpora.base import name_and_path
    from affectlens.models.pictures import open_picture_model
    from affectlens.perception.scene.objects import SCORE

    if preset not in PRESETS:
        raise UsageError(f"--preset {preset}: {' or '.join(PRESETS)} was expected")
    if overlaps not in ("share", "smallest"):
        raise UsageError(f"--overlaps {overlaps}: share or smallest was expected")
    limits = PRESETS[preset]
    name, path = name_and_path(corpus) if "=" in corpus else ("", Path(corpus))
    wanted_objects = objects or ("regions" if model == "face" else "detector")
    common.fetch_assets(["yunet", "face-landmarker"] if wanted_objects == "regions" else ["efficientdet-lite0", "yunet"])
    opened = open_picture_model(model, weights, layer)
    default = "hirescam,grad-cam,lift-cam,eigencam" if opened.white is not None else "rise"
    wanted = tuple(m.strip() for m in (methods or default).split(",") if m.strip())
    pictures = Pictures(path, name, split, wanted_objects, labels, overlaps == "smallest", limits.score or SCORE)
    boxes = _true_boxes(pictures, truth)
    if target == "label":
        pictures.notes += pictures.strangers(opened.labels)
    if model == "background":
        pictures.notes += ("The background model never sees people: they are hidden, so no relevance can lie on them.",)
    rng = np.random.default_rng(seed)
    with common.bars() as told:
        collect(opened, pictures, wanted, out, rng, sample=sample, target=target, told=told)
        found = read_parts([out, *(join or [])])
        tables, groups, first = {}, {}, found.of(wanted[0])
        for n, m in enumerate(wanted):
            tables[m] = combine(*kept(found.of(m) if n else first, found.images, limits), rng)
            groups[m] = combine(found.of(m, "group"), found.images, rng)
            told("statistics", n + 1, len(wanted))
        shown = examples(opened, pictures, tables[wanted[0]], first, wanted[0])
        here = {pictures.key(i) for i in range(len(pictures))}
        keys = [k for k in found.images.image if k in here]
        drawn = [keys[i] for i in rng.permutation(len(keys))[:effects]]
        changed = measure_effects(opened, pictures, drawn, wanted, rng, target=target, told=told) if drawn else None
    audit = ObjectAudit(
        title=f"Objects that drive {_title(model, opened.name)}",
        about=_about(opened.name, opened.layer, found, wanted, preset),
        tables=tables, groups=groups, agreement=agreement(tables, rng), images=found.images, missed=found.missed,
        notes=pictures.notes, examples=shown, effects=changed, detected=wanted_objects != "regions",
        recall=_recall(pictures, boxes),
    )  # fmt: skip
    page = write_object_report(audit, out)
    for text in findings(audit):
        common.plain.print(f"- {text}")
    common.plain.print(str(page))
    if found.missed:
        common.plain.print(f"{len(found.missed)} pictures could not be read, see {out / 'missed.csv'}")


def _title(model: str, name: str) -> str:
    return f"the {model} model" if model in ("face", "emonet", "background") else name


def _about(name: str, layer: str, found: Collected, methods: tuple[str, ...], preset: str) -> str:
    where = f" at layer {layer}" if layer else ", a black box"
    text = f"{len(found.images)} pictures read, {len(found.missed)} not; maps of {name}{where} by {', '.join(methods)}"
    return text + (f"; thresholds: {preset}" if preset != "none" else "")


def _true_boxes(pictures: Pictures, truth: Path | None) -> Detections | None:
    """The table of true boxes, looked at before the long pass begins."""
    if truth is None:
        return None
    from affectlens.perception.scene.detections import read_detections

    table = read_detections(truth)
    if not any(pictures.key(i) in table for i in range(len(pictures))):
        raise UsageError(f"--truth {truth}: none of its pictures is in the data")
    return table


def _recall(pictures: Pictures, table: Detections | None) -> pd.DataFrame | None:
    """Recall of what was found in the pictures against true boxes."""
    if table is None:
        return None
    from affectlens.core.errors import AffectlensError
    from affectlens.perception.scene.detections import recall

    found, true = {}, {}
    for i in range(len(pictures)):
        if pictures.key(i) not in table:
            continue
        try:
            view = pictures[i]
        except AffectlensError:
            continue
        found[view.key], true[view.key] = view.things, table.of(view.key, view.picture.shape)
    return recall(found, true)
