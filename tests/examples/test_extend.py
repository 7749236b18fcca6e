"""A file of each seam is dropped in, by a path, by a package and by ``--plugin``, and works in the command line and the public functions."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from affectlens.assets.manifest import asset
from affectlens.assets.store import state

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "extend"
SEAMS = (
    "annotation_format",
    "audit",
    "cam_method",
    "concept",
    "corpus",
    "exporter",
    "intervention",
    "modality",
    "model",
    "property",
    "training",
)
# What the file of each seam is known by.
NAMES = {
    "annotation_format": "audacity", "audit": "confidence", "cam_method": "positive-cam", "concept": "echo", "corpus": "lines", "exporter": "markdown",
    "intervention": "posterise", "modality": "light", "model": "keywords", "property": "question marks", "training": "counts",
}  # fmt: skip
LINES = (
    ("happy", "I am so glad"),
    ("angry", "I hate this, damn it"),
    ("sad", "so sad and sorry"),
    ("neutral", "the table is brown"),
)


def lines(folder: Path) -> None:
    """A corpus in the layout of the example; words of other classes stand in some texts."""
    folder.mkdir()
    rng = random.Random(0)
    for split in ("train", "test"):
        rows = []
        for i in range(60):
            label, text = LINES[i % 4]
            more = " ".join(rng.choices(("wow", "sorry", "great", "really", "well"), k=rng.randrange(4)))
            rows.append(f"{split}{i}\t{label}\t{text} {more}{'?' * rng.randrange(3)}")
        (folder / f"{split}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def package(folder: Path) -> None:
    """The same files as an installer leaves a package: modules, and metadata with an entry point each."""
    shutil.copytree(EXAMPLES, folder / "affectlens_extended")
    (folder / "affectlens_extended" / "__init__.py").write_text("")
    info = folder / "affectlens_extended-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: affectlens-extended\nVersion: 1.0\n")
    points = "".join(f"{name} = affectlens_extended.{name}\n" for name in SEAMS)
    (info / "entry_points.txt").write_text(f"[affectlens.plugins]\n{points}")


def film(folder: Path) -> str:
    """A second of two people, where what finds them is there; else nothing."""
    if any(state(asset(name), thorough=False) != "ready" for name in ("sample-clip", "yunet", "face-landmarker")):
        return ""
    from affectlens.assets.store import locate
    from affectlens.media.frames import frames
    from tests.conftest import write_video

    pictures = [f.image for f in frames(locate("sample-clip"), 5.0) if 2 <= f.time < 3.2]
    return str(write_video(folder / "film.mp4", pictures, rate=5))


def driven(folder: Path, film: str, path: str = "", option: str = "", variable: str = "") -> dict[str, object]:
    """What the driver gives in a process of its own, with plug-ins on Python's path, by ``--plugin`` or by the variable."""
    lines(folder / "lines")
    environment = {key: value for key, value in os.environ.items() if key != "AFFECTLENS_PLUGINS"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (environment.get("PYTHONPATH", ""), path)))
    environment |= {"COLUMNS": "200"} | ({"AFFECTLENS_PLUGINS": variable} if variable else {})
    command = [sys.executable, str(Path(__file__).with_name("driver.py")), str(folder), film, *filter(None, (option,))]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """Everything that the examples add, installed as a package and used."""
    folder = tmp_path_factory.mktemp("extend")
    package(folder / "site")
    return driven(folder, film(folder), path=str(folder / "site")), folder


@pytest.mark.parametrize("given", [{"variable": str(EXAMPLES)}, {"option": str(EXAMPLES)}], ids=["a path", "an option"])
def test_files_are_known_without_being_installed(given, tmp_path):
    made = driven(tmp_path, "names", **given)
    assert made["warnings"] == [] and made["check"]["code"] == 0 and "everything can be read" in made["check"]["out"]
    assert {seam for seam, name in NAMES.items() if name in made["names"][seam]} == set(SEAMS)


def test_there_is_one_file_for_each_seam():
    assert sorted(p.stem for p in EXAMPLES.glob("*.py")) == sorted(SEAMS)


def test_nothing_is_broken_or_taken_twice(used):
    made, _ = used
    assert made["warnings"] == []


def test_the_suites_pass(used):
    made, _ = used
    assert set(made["suites"]) == {
        "corpus",
        "model",
        "modality",
        "property",
        "concept",
        "explainer",
        "exporter",
        "annotation_format",
        "intervention",
    }


def test_a_corpus_and_a_model(used):
    made, _ = used
    assert "Texts in lines" in made["corpora"]["out"] and "keywords" in made["models"]["out"]
    assert made["check"]["code"] == 0 and "everything can be read" in made["check"]["out"]
    assert made["evaluate"]["code"] == 0 and "accuracy" in made["evaluate"]["out"].lower()


def test_a_concept_a_property_and_an_audit(used):
    made, folder = used
    assert "echo: the first word is the last word" in made["concepts"]["out"]
    assert made["property"]["code"] == 0 and "question marks" in "".join(
        p.read_text(encoding="utf-8") for p in (folder / "properties").rglob("*.csv")
    )
    assert made["audit"]["code"] == 0 and "neutral: 15 items" in made["audit"]["out"]
    assert (folder / "audit" / "audit.html").exists() and (folder / "audit" / "labels.parquet").exists()
    assert "--most" in made["audit help"]["out"] and "Items that are looked at" in made["audit help"]["out"]


def test_a_training(used):
    made, folder = used
    assert made["train"]["code"] == 0 and "accuracy" in made["train"]["out"] and "counts.safetensors" in made["train"]["out"]
    assert "Times that every word" in made["train help"]["out"] and "Count the words of each class" in made["train help"]["out"]
    again = made["train in Python"]
    assert "counts" in again["names"] and "face" in again["names"]
    (score,) = again["scores"]
    assert score["value"] == 1.0 and score["n"] == 60  # every class has words of its own in this corpus
    both = [(folder / run / "counts.safetensors").read_bytes() for run in ("counts", "again")]
    assert both[0] == both[1]


def test_a_format(used):
    made, _ = used
    assert made["read"]["code"] == 0 and made["read"]["out"].startswith("| key | label | text | group |\n| --- |")
    if "recognize" in made:
        assert made["recognize"]["code"] == 0 and "| light |" in made["recognize"]["out"]


def test_a_modality_with_its_clause_and_section_and_a_cam_method(used):
    made, folder = used
    if "explain" not in made:
        pytest.skip("assets are not here")
    assert made["explain"]["code"] == 0
    (table,) = (folder / "reports").glob("*/table.parquet")
    rows = pd.read_parquet(table)
    light = rows[rows.modality == "light"]
    assert len(light) and (light.status == "ok").all()
    assert (rows.modality == "fused").any() and light.weight.notna().any()  # it took part in the fused answer
    evidence = pd.read_parquet(table.with_name("evidence.parquet"))
    assert (evidence.kind == "light").sum() == len(light)
    assert evidence[evidence.modality == "face"].detail.str.contains("positive-cam").any()
    page = table.with_name("report.html").read_text(encoding="utf-8")
    assert "<h2>Light</h2>" in page and "the picture around person" in page and "of white)" in page
