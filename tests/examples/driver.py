"""Runs in a process of its own, with plug-ins: command lines and public functions; the last line is JSON of what they gave.

``driver.py FOLDER FILM [PLUGIN]`` uses everything that the examples add; with ``names`` as the film it lists what is known.
"""

import contextlib
import io
import json
import sys
import warnings
from pathlib import Path

PLUGIN = ("--plugin", sys.argv[3]) if len(sys.argv) > 3 else ()


def command(*arguments: str) -> dict[str, object]:
    """Exit code and standard output of a command line."""
    from affectlens.cli.main import main

    out, code = io.StringIO(), 0
    with contextlib.redirect_stdout(out):
        try:
            main([*arguments, *PLUGIN])
        except SystemExit as stop:
            code = stop.code
    return {"code": code or 0, "out": out.getvalue()}


def run(folder: Path, film: str) -> dict[str, object]:
    """Everything that the examples add, used."""
    from affectlens.cli import common

    out: dict[str, object] = {}
    common.plain.file = None
    corpus = f"lines={folder / 'lines'}"
    out["corpora"] = command("corpus", "ls")
    out["check"] = command("corpus", "check", corpus)
    out["models"] = command("models", "ls")
    out["evaluate"] = command("evaluate", "keywords", "--corpus", corpus, "--draws", "20")
    out["concepts"] = command("audit", "concepts", "--list")
    out["audit"] = command("audit", "confidence", "--model", "keywords", "--corpus", corpus, "--out", str(folder / "audit"))
    out["audit help"] = command("audit", "confidence", "--help")
    out["train"] = command("train", "counts", "--corpus", corpus, "--out", str(folder / "counts"), "--smoothing", "0.5")
    out["train help"] = command("train", "counts", "--help")
    out["train in Python"] = trained(corpus, folder / "again")
    out["read"] = command("corpus", "read", corpus, "--format", "markdown")
    out["property"] = command(
        "audit", "properties", "--model", "keywords", "--corpus", corpus, "--only", "question marks,length",
        "--interventions", "none", "--out", str(folder / "properties"),
    )  # fmt: skip
    if film:
        options = ("--modalities", "face,light", "--cam-method", "positive-cam", "--out", str(folder / "reports"))
        out["explain"] = command("explain", film, *options)
        out["recognize"] = command("recognize", film, "--modalities", "light", "--format", "markdown")
    out["suites"] = suites(corpus)
    return out


def known(folder: Path) -> dict[str, object]:
    """What every registry knows after one command line, which loads the plug-ins."""
    out: dict[str, object] = {"check": command("corpus", "check", f"lines={folder / 'lines'}")}
    from affectlens.audits.concepts.library.base import CONCEPTS
    from affectlens.audits.registry import AUDITS
    from affectlens.corpora.base import CORPORA
    from affectlens.exchange.registry import FORMATS as ANNOTATIONS
    from affectlens.explainers.cam.methods import METHODS
    from affectlens.explainers.interventions.registry import interventions
    from affectlens.features.properties.registry import PROPERTIES
    from affectlens.learning.recipes.registry import TRAININGS
    from affectlens.modalities.base import MODALITIES
    from affectlens.models.base import MODELS
    from affectlens.report.exporters import EXPORTERS

    registries = {
        "annotation_format": ANNOTATIONS, "audit": AUDITS, "cam_method": METHODS, "concept": CONCEPTS, "corpus": CORPORA, "exporter": EXPORTERS,
        "modality": MODALITIES, "model": MODELS, "property": PROPERTIES, "training": TRAININGS,
    }  # fmt: skip
    out["names"] = {seam: registry.names() for seam, registry in registries.items()}
    out["names"]["intervention"] = [one.name for one in interventions("face")]
    return out


def trained(corpus: str, folder: Path) -> dict[str, object]:
    """The training that the examples add, as a function: its name among the others, and what it gave."""
    from affectlens import train

    made = train.counts(corpus, folder, smoothing=0.5)
    return {"names": dir(train), "scores": made.to_frame().to_dict("records"), "weights": str(made.weights)}


def suites(corpus: str) -> list[str]:
    """The contract suites over what the examples add; names of those that passed."""
    import numpy as np

    from affectlens import open_corpus, open_model
    from affectlens.checks import (
        check_concept,
        check_corpus,
        check_exchange,
        check_explainer,
        check_exporter,
        check_intervention,
        check_modality,
        check_model,
        check_property,
    )
    from affectlens.explainers.interventions.registry import intervention

    check_corpus(corpus)
    texts = [item.data for item in list(open_corpus(corpus).items("test"))[:4]]
    model = open_model("keywords")
    check_model(model, [model.read(text) for text in texts], items=texts)
    check_modality("light")
    check_property("question marks", texts)
    check_concept("echo")
    check_explainer("positive-cam")
    check_exporter("markdown")
    check_exchange("audacity")
    picture = np.random.default_rng(0).integers(0, 255, (48, 48), dtype=np.uint8)
    check_intervention(intervention("posterise", "face"), [picture])
    return ["corpus", "model", "modality", "property", "concept", "explainer", "exporter", "annotation_format", "intervention"]


if __name__ == "__main__":
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = known(Path(sys.argv[1])) if sys.argv[2] == "names" else run(Path(sys.argv[1]), sys.argv[2])
    made["warnings"] = [str(w.message) for w in caught if "plug-in" in str(w.message) or "replaced" in str(w.message)]
    print(json.dumps(made))
