"""`affectlens audit properties`: does a classifier's output depend on properties of what it sees?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common


def command(
    corpus: Annotated[str, typer.Option(help="NAME=PATH of the corpus that the classifier is asked about.")],
    model: Annotated[
        str, typer.Option(help="A shipped model, MODEL.onnx, MODEL.pt, a transformers folder, or module:function.")
    ] = "",
    predictions: Annotated[
        Path | None, typer.Option(help="A table of predictions made elsewhere (csv, json, parquet; Py-Feat, OpenFace, …).")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="A table with a column key and properties of your own, added to what is measured.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split; by default test, and all clips of four classes in speech.")] = "",
    only: Annotated[str, typer.Option(help="Comma-separated properties instead of all.")] = "",
    interventions: Annotated[str, typer.Option(help="Comma-separated, all or none.")] = "all",
    sample: Annotated[int, typer.Option(help="Items that interventions are made on.")] = 200,
    labels: Annotated[bool, typer.Option(help="Ask given the corpus's labels; else whether it depends at all.")] = True,
    join: Annotated[
        list[Path] | None, typer.Option(help="Folders of runs with the same settings to add (repeat the option).")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder; an interrupted run there goes on.")] = Path("audit-properties"),
    seed: common.Seed = 0,
) -> None:
    """Dependence on properties given the label, groups, gaps, interventions; page, tables, card section, evidence sheet."""
    from affectlens import audit
    from affectlens.audits.properties.audit import ASSETS
    from affectlens.audits.properties.corpus import AuditedCorpus
    from affectlens.audits.properties.settings import PropertySettings

    settings = PropertySettings(
        predictions=predictions, table=table, split=split, only=_names(only), interventions=_names(interventions),
        sample=sample, labels=labels, join=tuple(join or ()), seed=seed,
    )  # fmt: skip
    source = AuditedCorpus(corpus, split)
    if source.modality == "face":
        common.fetch_assets(ASSETS)
    with common.named_bars() as progress:
        result = audit.properties(model or None, source, out=out, progress=progress, settings=settings)
    for text in result.findings():
        common.plain.print(f"- {text}")
    common.plain.print(str(out / "audit.html"))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
