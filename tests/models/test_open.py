"""What is opened, and what is refused and how."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import ModelError, UsageError
from affectlens.models.adapters import CallableModel, TorchModel
from affectlens.models.open import open_model
from affectlens.models.weights import card_path, shipped_weights, weights_path
from tests.models.onnx_file import linear_onnx

LABELS = ("calm", "upset")


class Flat(nn.Module):
    """No layer of it has a grid."""

    labels, size, scores = LABELS, 8, "softmax"

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 64, 2)

    def forward(self, x):
        return self.head(x.flatten(1))


def shouting(texts):
    loud = np.array([sum(c.isupper() for c in text) / max(len(text), 1) for text in texts])
    return np.stack([1 - loud, loud], axis=1)


shouting.labels, shouting.modality = LABELS, "words"


def made():
    return CallableModel(shouting, LABELS, "words", name="made")


def nameless(batch):
    return batch


def test_shipped_weights_and_others(tmp_path):
    model = open_model("posture")
    assert model.meta["sha256"] == sha256_of(weights_path("posture"))
    copy = tmp_path / "mine.safetensors"
    copy.write_bytes(weights_path("posture").read_bytes())
    other = open_model("posture", weights=copy)
    x = np.random.default_rng(0).normal(size=(2, 18, 3)).astype(np.float32)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
    with pytest.raises(ModelError, match="not the weights of a gait model"):
        open_model("gait", weights=copy)
    with pytest.raises(ModelError, match="not here"):
        open_model("posture", weights=tmp_path / "absent.safetensors")
    assert open_model(model) is model


@pytest.mark.parametrize("name", ["emonet", "background", "bclstm"])
def test_models_without_weights_say_where_those_are(name):
    with pytest.raises(UsageError, match=f"--model {name} needs --weights FILE; .*(authors|affectlens train {name})"):
        open_model(name)


def test_what_a_module_names_knows_its_modality():
    model = open_model("tests.models.test_open:shouting")
    assert model.modality == "words" and model.name == "tests.models.test_open:shouting"
    np.testing.assert_allclose(model.probabilities(["ab", "AB"]), [[1, 0], [0, 1]])
    assert open_model("tests.models.test_open:made").name == "made"


def test_a_network_without_a_grid_can_be_asked_but_not_drawn():
    model = open_model("tests.models.test_open:Flat")
    assert isinstance(model, TorchModel) and model.layer == ""
    assert model.probabilities(np.zeros((2, 3, 8, 8))).shape == (2, 2)
    with pytest.raises(ModelError, match=r"no layer of this network has a spatial grid.*head \(1, 2\)"):
        model.activations(np.zeros((2, 3, 8, 8)), model.layer)
    assert open_model("tests.models.test_open:Flat", layer="head").layer == "head"
    with pytest.raises(UsageError, match="did you mean head"):
        open_model("tests.models.test_open:Flat", layer="haed")
    with pytest.raises(UsageError, match="black box"):
        open_model("tests.models.test_open:shouting", layer="head")


@pytest.mark.parametrize(
    "spec, wrong",
    [
        ("fase", "did you mean face"),
        ("nowhere.onnx", "neither a shipped model"),
        ("tests.models.test_open:absent", "a name in a module"),
        ("no.such:thing", "a name in a module"),
        ("tests.models.test_open:nameless", "it takes batch; .* labels"),
    ],
)
def test_what_is_nothing(spec, wrong):
    with pytest.raises(UsageError, match=wrong):
        open_model(spec)


def test_options_that_do_not_fit(tmp_path):
    with pytest.raises(UsageError, match="did you mean voice"):
        open_model("tests.models.test_open:shouting", modality="vioce")
    with pytest.raises(UsageError, match="no registered model"):
        open_model("tests.models.test_open:shouting", weights=tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="reads face, scene, words or voice, not gait"):
        open_model(str(tmp_path), modality="gait")


def test_broken_files_are_named(tmp_path):
    file = linear_onnx(tmp_path / "m.onnx", np.zeros((192, 2)), (3, 8, 8))
    with pytest.raises(ModelError, match=r"m.json is not there; it has to hold labels"):
        open_model(file)
    for text, wrong in (("{", "not readable"), ("[1]", "no labels|not readable"), ("{}", "no labels")):
        (tmp_path / "m.json").write_text(text)
        with pytest.raises(ModelError, match=wrong):
            open_model(file)
    (tmp_path / "m.json").write_text(json.dumps({"labels": LABELS, "size": 9}))
    model = open_model(file)
    with pytest.raises(ModelError, match="m: cannot be run on inputs"):
        model.predict([model.read(np.zeros((48, 48), np.uint8))])
    (tmp_path / "m.json").write_text(json.dumps({"labels": [*LABELS, "more"], "size": 8}))
    with pytest.raises(ModelError, match=r"expected logits \(n, 3\)"):
        open_model(file).predict(np.zeros((1, 3, 8, 8)))
    for name in ("m.pt", "other.onnx"):
        (tmp_path / name).write_bytes(b"no network")
        (tmp_path / name).with_suffix(".json").write_text(json.dumps({"labels": LABELS}))
        with pytest.raises(ModelError, match="read as TorchScript|not a readable ONNX"):
            open_model(tmp_path / name)


def test_tables_that_are_none(tmp_path):
    for text, wrong in (
        ("name,p_a\nx,1\n", "no two columns name classes"),
        ("key,a,b\nx,1,0\n", "no two columns name classes"),
        ("key,p_a,p_b\nx,1,0\nx,0,1\n", "'x' occurs more than once"),
    ):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(ModelError, match=wrong):
            open_model(tmp_path / "t.csv")
    pd.DataFrame({"key": ["x"], "p_a": [0.3], "p_b": [0.7]}).to_parquet(tmp_path / "t.parquet")
    model = open_model(tmp_path / "t.parquet")
    assert model.labels == ("a", "b") and model.meta["sha256"] == sha256_of(tmp_path / "t.parquet")
    with pytest.raises(ModelError, match="no prediction for y"):
        model.read("y")


def test_answers_that_are_no_numbers():
    model = CallableModel(lambda batch: np.full((len(batch), 2), np.nan), LABELS)
    with pytest.raises(ModelError, match="not numbers"):
        model.probabilities([1])
    empty = CallableModel(shouting, LABELS).probabilities([])
    assert empty.shape == (0, 2)


def test_logits_and_probabilities_are_told_apart():
    logits = np.array([[2.0, -1.0], [0.5, 0.4]])
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    says_logits, says_p = (CallableModel(lambda _, value=value: value, LABELS) for value in (logits, probability))
    np.testing.assert_allclose(says_logits.predict("ab"), logits, rtol=1e-6)
    np.testing.assert_allclose(says_logits.probabilities("ab"), probability)
    np.testing.assert_array_equal(says_p.probabilities("ab"), probability)
    np.testing.assert_allclose(says_p.predict("ab"), np.log(probability), rtol=1e-6)


def test_every_shipped_weights_file_has_corpus_licence_size_and_card():
    facts = {file.name: file for file in shipped_weights()}
    assert {"face", "words", "speech", "voice", "gait", "posture", "fusion", "concepts-words", "speakers"} == set(facts)
    for name, file in facts.items():
        assert file.corpus and file.licence and file.sha256 == sha256_of(weights_path(name)), name
        assert file.megabytes == pytest.approx(weights_path(name).stat().st_size / 1e6)
        if file.labels:
            assert card_path(name).exists() and 0.5 < file.temperature < 3
            assert open_model(name).labels == file.labels if name != "words" else True


def test_nets_run_where_gradients_are_recorded():
    assert torch.is_grad_enabled()
    open_model("gait").predict(([np.zeros((60, 18, 3))], np.zeros((1, 36))))
    assert torch.is_grad_enabled()
