"""Weights that ship hold what was shipped, or are not read."""

import shutil
import subprocess
import sys

import pytest
import torch

from affectlens.audits.concepts.bank import ConceptBank
from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import ModelError
from affectlens.models import weights
from affectlens.models.base import Calibration, load_model
from affectlens.models.speakers.shipped import load_space
from affectlens.models.weights import check_shipped, read_weights, save_weights, shipped_weights, weights_folder
from tests.conftest import asset_path

SHIPPED = sorted(path.stem for path in weights_folder().glob("*.safetensors"))


def read(path):
    readers = {"concepts-words": ConceptBank.load, "speakers": load_space}
    return readers.get(path.stem, read_weights)(path)


def flip(path, at=None):
    """One bit of one byte is another, by default in the last tensor."""
    content = bytearray(path.read_bytes())
    content[len(content) - 5 if at is None else at] ^= 1
    path.write_bytes(content)


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """The folder of weights, copied."""
    shutil.copytree(weights_folder(), tmp_path / "weights")
    monkeypatch.setattr(weights, "weights_folder", lambda: tmp_path / "weights")
    return tmp_path / "weights"


def test_the_table_names_every_file_and_no_other():
    listed = [line.split("  ") for line in (weights_folder() / "SHA256SUMS").read_text().splitlines()]
    assert listed == [
        [sha256_of(weights_folder() / f"{name}.safetensors", fresh=True), f"{name}.safetensors"] for name in SHIPPED
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_one_bit_is_enough(name, copies):
    read(copies / f"{name}.safetensors")
    flip(copies / f"{name}.safetensors")
    with pytest.raises(ModelError, match=f"{name}.safetensors: not the weights that were shipped.*reinstall"):
        read(copies / f"{name}.safetensors")


def test_models_by_name_are_held_to_it(copies):
    load_model("posture")
    flip(copies / "posture.safetensors")
    with pytest.raises(ModelError, match="not the weights that were shipped"):
        load_model("posture")


def test_other_weights_in_their_place_are_refused_and_elsewhere_are_read(copies, tmp_path):
    flip(copies / "gait.safetensors")
    mine = shutil.copy(copies / "gait.safetensors", tmp_path / "mine.safetensors")
    read_weights(tmp_path / "mine.safetensors")
    shutil.copy(mine, copies / "mine.safetensors")
    with pytest.raises(ModelError, match="expected none"):
        check_shipped(copies / "mine.safetensors")
    (copies / "SHA256SUMS").unlink()
    with pytest.raises(ModelError, match="SHA256SUMS: cannot be read"):
        check_shipped(copies / "face.safetensors")


def test_what_is_printed_is_computed(copies):
    before = {facts.name: facts.sha256 for facts in shipped_weights()}
    flip(copies / "speech.safetensors")
    after = {facts.name: facts.sha256 for facts in shipped_weights()}
    assert [name for name in before if before[name] != after[name]] == ["speech"]


def test_the_same_weights_are_the_same_file(tmp_path):
    tensors = {name: torch.arange(float(i + 3)) for i, name in enumerate("hello world")}
    for i in range(12):  # the library's own order of the header differs from one file to the next
        save_weights(tmp_path / f"{i}.safetensors", tensors, {"labels": ["a", "b"]}, Calibration(1.5, 0.1, (0.5, 0.5)))
    assert len({(tmp_path / f"{i}.safetensors").read_bytes() for i in range(12)}) == 1
    read, meta, calibration = read_weights(tmp_path / "0.safetensors")
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())
    assert meta == {"labels": ["a", "b"]} and calibration.temperature == 1.5


def test_weights_are_checked_without_loading_a_compiler():
    """Drawing values for tensors that have none would import torch._dynamo, a second of every first use of the words model."""
    asset_path("minilm")
    code = "import sys\nfrom affectlens.models.base import load_model\nload_model('words'), load_model('speech')\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "print('torch._dynamo' in sys.modules)"], capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr
