"""What type checkers and ``help`` know of the functions that are imported late."""

import inspect
import os
import pydoc
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import affectlens
from affectlens import typed
from affectlens.audits.registry import AUDITS
from affectlens.core.options import Options
from affectlens.learning.recipes.registry import TRAININGS

ROOT = Path(__file__).resolve().parents[1]
AUDIT_NAMES = ("compare", "concepts", "features", "latent", "objects", "properties")
SETTINGS = {
    **{f"audit.{name}": AUDITS.get(name).settings for name in AUDIT_NAMES},
    **{f"train.{name}": entry.settings for name, entry in zip(TRAININGS.names(), TRAININGS.values(), strict=True)},
    "explain": Options, "recognize": Options,
}  # fmt: skip

RIGHT = """
import affectlens
from affectlens import audit, train

one = affectlens.audit.properties("face", "fer2013=fer.csv", out="audit", sample=20)
reveal_type(one)
reveal_type(audit.latent(["emodb=emodb/"], seeds=2))
reveal_type(audit.concepts("a.safetensors", "meld=meld/", query=["a=b"]))
reveal_type(audit.features("emodb=emodb/"))
reveal_type(audit.compare(["face", "net.onnx"], "fer2013=fer.csv", only=("none",)))
reveal_type(audit.objects("face", "folder=faces/", methods=("grad-cam",)))
reveal_type(train.face("fer2013=fer.csv", "runs/face", epochs=3, zooms=[1.0, 0.9]))
reveal_type(affectlens.train.speech(["emodb=emodb/"], "runs", kind="denoising"))
reveal_type(affectlens.explain("a.mp4", modalities=("face",), store="usual.db"))
"""
WRONG = {
    'affectlens.audit.properties(3, "fer2013=fer.csv")': "arg-type",
    'affectlens.audit.properties("face", "fer2013=fer.csv", sample="many")': "arg-type",
    'affectlens.audit.properties("face", "fer2013=fer.csv", sampel=3)': "call-arg",
    'affectlens.audit.objects("face", "folder=f/", methods="grad-cam")': "arg-type",
    'affectlens.audit.latent("emodb=e/", settings=3)': "arg-type",
    "affectlens.audit.propertis": "attr-defined",
    'affectlens.train.face("fer2013=fer.csv", "runs", epochs="ten")': "arg-type",
    'affectlens.train.face("fer2013=fer.csv")': "call-arg",
    'affectlens.train.gait("bandai=b/", "runs", epoch=3)': "call-arg",
    'affectlens.recognize("a.mp4", rate="fast")': "arg-type",
    "affectlens.explian": "attr-defined",
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Lines that mypy says of a script of a user's, by the line of the script; with the options and the cache of this project."""
    script = tmp_path_factory.mktemp("user") / "script.py"
    script.write_text(RIGHT + "\n".join(WRONG) + "\n")
    given = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(script)]
    done = subprocess.run(
        given, cwd=ROOT, env=os.environ | {"MYPYPATH": str(ROOT / "src")}, capture_output=True, text=True, check=False
    )
    lines = [line.partition("script.py:")[2].partition(": ") for line in done.stdout.splitlines() if "script.py:" in line]
    assert lines, done.stdout + done.stderr
    return [(int(number), text) for number, _, text in lines]


def test_results_have_their_types(checked):
    revealed = [
        text.rpartition("Revealed type is ")[2].strip('"').rpartition(".")[2] for _, text in checked if "Revealed" in text
    ]
    audits = ["PropertyAudit", "LatentAudit", "ConceptAudit", "FeatureAudit", "Comparison", "ObjectAudit"]
    assert revealed == [*audits, "TrainingRun", "TrainingRun", "Run"]
    first = RIGHT.count("\n") + 1
    assert not [text for number, text in checked if number < first and "error" in text]


def test_wrong_arguments_and_names_are_refused(checked):
    first = RIGHT.count("\n") + 1
    codes = {number - first: text.rpartition("[")[2].rstrip("]") for number, text in checked if "error" in text}
    assert dict(zip(WRONG, (codes.get(number) for number in range(len(WRONG))), strict=True)) == WRONG


def test_the_types_of_fields_are_those_of_the_settings():
    import importlib.util

    spec = importlib.util.spec_from_file_location("typed_fields", ROOT / "scripts" / "typed_fields.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name, text in script.FILES.items():
        file = Path(typed.__file__).with_name(name)
        assert file.read_text(encoding="utf-8") == text(), "run python scripts/typed_fields.py"


@pytest.mark.parametrize("name", SETTINGS)
def test_signatures_and_help_show_every_field_with_its_default(name):
    room, _, verb = name.rpartition(".")
    function = getattr(getattr(affectlens, room) if room else affectlens, verb)
    shown = inspect.signature(function).parameters
    for field in fields(SETTINGS[name]):
        assert shown[field.name].default == field.default and shown[field.name].kind is inspect.Parameter.KEYWORD_ONLY
    text = pydoc.plain(pydoc.render_doc(function))
    assert all(field.name in text for field in fields(SETTINGS[name])) and "**" not in text.splitlines()[2]
    assert verb in dir(getattr(affectlens, room) if room else affectlens)


def test_audits_that_type_checkers_know_are_those_that_there_are():
    assert set(AUDIT_NAMES) <= set(affectlens.audit.__dir__())
    assert inspect.signature(affectlens.audit.objects).return_annotation == "ObjectAudit"
