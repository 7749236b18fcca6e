"""What is wrong, what is helped and what is completed is answered without the libraries that compute."""

import json
import os
import subprocess
import sys

import pytest

from affectlens.audits.registry import AUDITS, Late
from affectlens.core.options import CAMS, Options
from affectlens.core.registry import declared
from affectlens.explainers.cam import METHODS
from affectlens.modalities.base import MODALITIES

HEAVY = {"torch", "altair", "sklearn", "transformers", "onnxruntime"}
PROBE = """
import json, sys
from affectlens.cli.main import main
code = 0
try:
    main(json.loads(sys.argv[1]))
except SystemExit as stopped:
    code = stopped.code or 0
print("\\n" + json.dumps([code, sorted({m.partition(".")[0] for m in sys.modules})]))
"""


def loaded(*arguments, **environment):
    """Exit code and what was imported by a call of the program."""
    given = [sys.executable, "-c", PROBE, json.dumps(arguments)]
    done = subprocess.run(given, capture_output=True, text=True, check=True, env=os.environ | environment)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    return code, HEAVY & set(modules), done.stderr + done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["audit", "objects", "--cam", "nonsense"], "No such option"),
        (["audit", "objects", "--corpus", "folder=x", "--methods", "nonsense"], "hirescam"),
        (["audit", "objects", "--corpus", "folder=x", "--preset", "nonsense"], "emocam"),
        (["audit", "properties", "--corpus", "folder=x", "--only", "nonsense"], "brightness"),
        (["audit", "properties", "--corpus", "folder=x", "--interventions", "nonsense"], "blur"),
        (["audit", "concepts", "--corpus", "meld=x", "--concepts", "nonsense"], "nonsense"),
        (["audit", "features", "--corpus", "emodb=x", "--model", "nonsense"], "boosting"),
        (["audit", "latent", "--corpus", "emodb=x", "--kind", "nonsense"], "variational"),
        (["audit", "concepts", "--corpus", "meld=x", "--method", "nonsense"], "pattern"),
        (["recognize", "a.mp4", "--modalities", "smell"], "face, gait"),
        (["explain", "a.mp4", "--cam-method", "nonsense"], "grad-cam"),
        (["recognize", "a.mp4", "--rate", "0"], "from 0.1 to 60"),
        (["recognize", "a.mp4", "--limit", "pixel=3"], "pixels"),
        (["train", "speech", "--corpus", "emodb=x", "--epochs", "0"], "at least 1"),
        (["evaluate", "face", "--corpus", "a=x", "--draws", "0"], "--draws"),
        (["explain"], "Missing argument"),
        (["nonsense"], "No such command"),
    ],
)
def test_wrong_values_are_told_at_once(arguments, says):
    code, heavy, said = loaded(*arguments)
    assert code == 2 and not heavy and says in said and "Traceback" not in said


@pytest.mark.parametrize(
    "verb",
    [[], ["explain"], ["audit"], ["audit", "properties"], ["audit", "concepts"], ["train"], ["train", "face"], ["corpus"]],
)
def test_help_is_light(verb):
    code, heavy, said = loaded(*verb, "--help")
    assert code == 0 and not heavy and "<bool>" not in said and "Usage" in said


def test_completion_is_light():
    environment = {"_AFFECTLENS_COMPLETE": "complete_bash", "COMP_WORDS": "affectlens audit o", "COMP_CWORD": "2"}
    probe = "import sys\nfrom affectlens.cli.main import app\ntry:\n    app(prog_name='affectlens')\nfinally:\n    print('|', *sorted({m.partition('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, env=os.environ | environment, check=False
    )
    words, _, modules = done.stdout.partition("|")
    assert "objects" in words and not HEAVY & set(modules.split())


def test_names_read_from_the_source_are_those_that_are_registered():
    assert declared("affectlens.modalities", "register_modality") == MODALITIES.names()
    assert declared("affectlens.explainers.cam", "register_cam") == METHODS.names()
    assert set(CAMS()) == set(METHODS) and Options(modalities=("posture",), cam_method="layercam")


def test_what_is_imported_late_is_there():
    for entry in AUDITS.values():
        for part in (entry.function, entry.assets, entry.listing):
            assert part is None or not isinstance(part, Late) or callable(part.function)
        assert entry.help == (entry.function.function.__doc__ or "").strip().partition("\n")[0]
