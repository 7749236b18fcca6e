import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from affectlens.core.errors import ModelError, UsageError
from affectlens.models.adapters import CallableModel, OnnxModel, TableModel, TorchModel
from affectlens.models.base import Calibration, Model, WhiteBox, load_model, model_names
from affectlens.models.weights import card_path, read_weights, save_weights, weights_path
from tests.conftest import asset_path

LABELS = ("a", "b")


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))


def test_torch_model_and_its_gradients(net, rng):
    model = TorchModel(net, LABELS)
    x = rng.random((300, 3)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x)[7:9], model.predict(x[7:9]), atol=1e-6)
    assert isinstance(model, WhiteBox)
    g = model.gradients(x, "0", "b")
    np.testing.assert_allclose(g, np.tile(net[2].weight.detach().numpy()[1], (300, 1)), atol=1e-6)
    with pytest.raises(ModelError, match=r"expected logits \(n, 3\) for a, b, c"):
        TorchModel(net, ("a", "b", "c")).predict(x)


def test_black_boxes(rng, tmp_path):
    x = rng.random((4, 2)).astype(np.float32)
    assert isinstance(CallableModel(lambda batch: batch, LABELS), Model)
    np.testing.assert_array_equal(CallableModel(lambda batch: batch, LABELS, scores="softmax").predict(x), x)
    with pytest.raises(ModelError, match="expected logits.*say scores='binary'"):
        CallableModel(lambda batch: batch[:, :1], LABELS).predict(x)
    table = pd.DataFrame({"p_a": [0.9, 0.2], "p_b": [0.1, 0.8]}, index=["k1", "k2"])
    np.testing.assert_allclose(np.exp(TableModel(table, LABELS).predict(["k2"])), [[0.2, 0.8]], atol=1e-6)
    with pytest.raises(ModelError, match="no prediction"):
        TableModel(table, LABELS).predict(["k3"])
    with pytest.raises(ModelError, match="no column"):
        TableModel(table, ("a", "c"))
    with pytest.raises(ModelError, match="absent.onnx: no such file"):
        OnnxModel(tmp_path / "absent.onnx", LABELS)
    (tmp_path / "bad.onnx").write_text("no model")
    with pytest.raises(ModelError, match="not a readable ONNX"):
        OnnxModel(tmp_path / "bad.onnx", LABELS)


def test_onnx_model_runs_a_real_graph():
    model = OnnxModel(asset_path("yunet"), ("a",) * 80)
    with pytest.raises(ModelError, match=r"it gives cls_8 \(.*none has the form \(n, 80\): choose one by its name"):
        model.predict(np.zeros((1, 3, 640, 640), np.float32))
    with pytest.raises(ModelError, match="no output 'cls_80'.*did you mean cls_8"):
        OnnxModel(asset_path("yunet"), ("a",) * 80, output="cls_80")


def test_calibration_and_sets():
    c = Calibration(temperature=2.0, conformal=0.7)
    p = c.probabilities(np.array([[2.0, 0.0]]))
    assert p[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))
    assert c.conformal_set(np.array([0.25, 0.35, 0.4]), ("a", "b", "c")) == ("c", "b")
    assert c.conformal_set(np.array([0.25] * 4), ("a", "b", "c", "d")) == ("a",)


def test_weights_round_trip(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, {"t": torch.ones(2)}, {"labels": ["a"]}, Calibration(1.5, prior=(1.0,)))
    tensors, meta, calibration = read_weights(path)
    assert (
        torch.equal(tensors["t"], torch.ones(2)) and meta == {"labels": ["a"]} and calibration == Calibration(1.5, prior=(1.0,))
    )
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(ModelError, match="damaged"):
        read_weights(path)
    with pytest.raises(ModelError, match="not here"):
        read_weights(tmp_path / "absent.safetensors")


@pytest.mark.parametrize("name", ["face", "words"])
def test_every_shipped_model_keeps_the_contract(name, rng):
    assert name in model_names()
    if name == "words":
        asset_path("minilm")
    model = load_model(name)
    batch = (
        rng.integers(0, 255, (5, 48, 48), dtype=np.uint8)
        if name == "face"
        else ["no", "a longer text here", "yes!", "x", "why?"]
    )
    logits = model.predict(batch)
    assert logits.shape == (5, len(model.labels)) and logits.dtype == np.float32 and np.isfinite(logits).all()
    again = np.concatenate([model.predict(batch[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(logits, again, atol=1e-4)
    assert 0 < model.calibration.reliability < 1 and 0.5 < model.calibration.temperature < 3
    assert card_path(name).exists() and weights_path(name).stat().st_size < 30e6
    assert sum(p.numel() for p in model.net.parameters() if p.requires_grad) < 6e6


def test_unknown_model():
    with pytest.raises(UsageError, match="did you mean face"):
        load_model("fase")
