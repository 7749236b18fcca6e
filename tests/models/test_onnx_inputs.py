"""What an ONNX file declares of its inputs and outputs, and what its MODEL.json may say of them."""

import json

import numpy as np
import pytest

from affectlens.core.errors import ModelError, ModelFailedError, UsageError
from affectlens.models.adapters import OnnxModel
from affectlens.models.open import open_model
from tests.models.onnx_file import graph_onnx, node, value

LABELS = ("calm", "upset")


def net(path, shape=("n", 3, 8, 8), dtype="float32", axes=(2, 3), inputs=None, outputs=("scores",), **facts):
    """Means of three colours times weights; ``axes`` are those of a picture's height and width."""
    weights = {"w": np.array([[1, -1], [2, 0], [-3, 4]], np.float32)}
    nodes = [node("Cast", ["x"], "float", to=1), node("ReduceMean", ["float"], "mean", axes=list(axes), keepdims=0),
             node("MatMul", ["mean", "w"], "scores")]  # fmt: skip
    nodes += [node("Identity", ["scores"], name) for name in outputs if name != "scores"]
    graph_onnx(path, nodes, weights, inputs or [value("x", shape, dtype)], [value(name, ("n", 2)) for name in outputs])
    path.with_suffix(".json").write_text(json.dumps({"labels": LABELS, "scores": "softmax", **facts}))
    return path


def picture(side=8):
    return np.random.default_rng(0).integers(0, 255, (side, side, 3)).astype(np.uint8)


def by_hand(pixels):
    return pixels.astype(np.float64).mean(axis=(0, 1)) @ np.array([[1, -1], [2, 0], [-3, 4]])


def test_size_layout_and_type_are_the_graphs_where_the_file_says_none(tmp_path):
    last = open_model(net(tmp_path / "last.onnx", ("n", 8, 8, 3), axes=(1, 2)), modality="scene")
    assert last.read(picture()).shape == (8, 8, 3)
    np.testing.assert_allclose(last.predict([last.read(picture())])[0], by_hand(picture() / 255), atol=1e-4)
    whole = open_model(net(tmp_path / "whole.onnx", dtype="uint8"), modality="scene")
    assert whole.read(picture()).dtype == np.uint8
    np.testing.assert_allclose(whole.predict([whole.read(picture())])[0], by_hand(picture()), rtol=1e-5)
    free = open_model(
        net(tmp_path / "free.onnx", ("n", "h", "w", "c"), axes=(1, 2), layout="channels-last", size=8), modality="scene"
    )
    np.testing.assert_allclose(free.predict([free.read(picture())])[0], by_hand(picture() / 255), atol=1e-4)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8])
def test_a_batch_of_fixed_size_is_filled_and_cut(count, tmp_path):
    fixed, free = (OnnxModel(net(tmp_path / f"{n}.onnx", (n, 3, 8, 8)), LABELS, scores="softmax") for n in (4, "n"))
    batch = np.random.default_rng(1).random((count, 3, 8, 8)).astype(np.float32)
    assert fixed.shape == (4, 3, 8, 8) and free.shape == (None, 3, 8, 8)
    np.testing.assert_allclose(fixed.predict(batch), free.predict(batch), atol=1e-6)


@pytest.mark.parametrize(
    ("facts", "shape", "dtype", "wrong"),
    [
        (
            {"layout": "channels-last"},
            ("n", 3, 8, 8),
            "float32",
            r"layout is channels-last, and the graph takes \(any, 3, 8, 8\)",
        ),
        ({"mean": 0.5}, ("n", 3, 8, 8), "uint8", "takes pixels as they are, uint8; leave mean and deviation out"),
        ({"layout": "channels-lsat"}, ("n", 3, 8, 8), "float32", "did you mean channels-last"),
        ({"menas": 0.5}, ("n", 3, 8, 8), "float32", "unknown key 'menas'; did you mean mean"),
        ({"output": "score"}, ("n", 3, 8, 8), "float32", "no output 'score'; it has scores; did you mean scores"),
        ({"input": "y"}, ("n", 3, 8, 8), "float32", "no input 'y'; it has x"),
    ],
)
def test_what_contradicts_the_graph_is_one_error(facts, shape, dtype, wrong, tmp_path):
    with pytest.raises(ModelError, match=wrong):
        open_model(net(tmp_path / "net.onnx", shape, dtype, **facts), modality="scene")
    with pytest.raises(UsageError, match="did you mean sigmoid"):
        open_model(net(tmp_path / "net.onnx", scores="sigmiod"), modality="scene")


def test_values_are_never_cut_to_whole_numbers(tmp_path):
    model = OnnxModel(net(tmp_path / "net.onnx", dtype="uint8"), LABELS, scores="softmax")
    for batch in (np.full((1, 3, 8, 8), 0.4), np.full((1, 3, 8, 8), 300.0), np.full((1, 3, 8, 8), -1.0)):
        with pytest.raises(ModelError, match="input x takes uint8 and was given float64 .* would be cut"):
            model.predict(batch)
    np.testing.assert_allclose(model.predict(np.full((1, 3, 8, 8), 2.0)), [[0.0, 6.0]])


def test_several_outputs_are_chosen_by_name_or_form(tmp_path):
    several = net(tmp_path / "net.onnx", outputs=("scores", "again"))
    batch = np.zeros((1, 3, 8, 8), np.float32)
    with pytest.raises(
        ModelError, match=r"it gives scores \(1, 2\), again \(1, 2\); 2 of them could be its scores: choose one"
    ):
        OnnxModel(several, LABELS, scores="softmax").predict(batch)
    assert OnnxModel(several, LABELS, scores="softmax", output="again").predict(batch).shape == (1, 2)
    with pytest.raises(ModelError, match="no output 'agian'; it has scores, again; did you mean again"):
        OnnxModel(several, LABELS, output="agian")


def test_a_network_of_several_inputs_takes_them_by_name(tmp_path):
    path = tmp_path / "net.onnx"
    weights = {"w": np.eye(2, dtype=np.float32)}
    nodes = [node("Add", ["left", "right"], "sum"), node("MatMul", ["sum", "w"], "scores")]
    graph_onnx(path, nodes, weights, [value("left", ("n", 2)), value("right", ("n", 2))], [value("scores", ("n", 2))])
    model = OnnxModel(path, LABELS, "voice", scores="softmax")
    given = [
        {"left": np.array([1.0, 2.0]), "right": np.array([10.0, 20.0])},
        {"left": np.zeros(2), "right": np.array([-3.0, 4.0])},
    ]
    np.testing.assert_allclose(model.predict(given), [[11, 22], [-3, 4]])
    with pytest.raises(ModelError, match="it has the inputs left, right, and right got nothing; give a preprocessing"):
        model.predict(np.zeros((1, 2), np.float32))
    with pytest.raises(ModelError, match="no input 'lfet'; it has left, right; did you mean left"):
        model.predict([{"lfet": np.zeros(2), "right": np.zeros(2)}])


def test_what_the_graph_does_not_take_is_the_networks_error(tmp_path):
    model = OnnxModel(net(tmp_path / "net.onnx"), LABELS, scores="softmax")
    with pytest.raises(
        ModelFailedError, match=r"net: cannot be run on inputs \(2, 3, 9, 9\) float32: .*; see that size, order of axes"
    ):
        model.predict(np.zeros((2, 3, 9, 9), np.float32))
