"""Models of many shapes (kind of score x form of what is given x library): answers and maps against a hand computation.

Whatever is not right has to be one clear error. ``pytest -s tests/models/test_model_shapes.py -k table`` prints the table.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from affectlens.audits.objects.maps import Mapper
from affectlens.audits.objects.model import answers
from affectlens.core.errors import AffectlensError
from affectlens.explainers.cam import CamEngine
from affectlens.explainers.cam.outside import rise
from affectlens.models.adapters import CallableModel, TableModel, TorchModel
from affectlens.models.adapters.pictures import picture_network
from affectlens.models.open import open_model
from affectlens.models.scores import KINDS
from tests.models.onnx_file import graph_onnx, node, value

ROOM = TemporaryDirectory()  # of files that are opened as models
SIDE, CELLS = 24, 6
W = np.array([[6.0, -4.0, 2.0], [-5.0, 7.0, -3.0], [1.0, -2.0, 5.0]], np.float32)  # classes x colours
B = np.array([-1.5, 0.4, -2.2], np.float32)
CLASSES, DIMENSIONS = ("anger", "joy", "awe"), ("valence", "arousal", "dominance")


def coloured_cells(seed):
    """Cells of chance, red, green or blue more than the rest, so that answers differ widely."""
    rng = np.random.default_rng(seed)
    tint = np.where(np.arange(3) == seed % 3, 1.0, 0.25)
    return np.kron(rng.integers(0, 255, (CELLS, CELLS, 3)) * tint, np.ones((4, 4, 1))).astype(np.uint8)


PICTURES = [coloured_cells(seed) for seed in range(12)]
ONE = ("binary", "binary-probability")


# The hand computation: numpy alone, nothing of the package.
def logits_of(x):
    """Of pictures ``(n, 3, h, w)`` in [0, 1]: the colours' means, weighted."""
    return np.asarray(x, np.float64).mean(axis=(2, 3)) @ W.T + B


def squashed(z):
    return 1 / (1 + np.exp(-z))


def hand(kind, x):
    z = logits_of(x)
    if kind in ("softmax", "probabilities"):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
    if kind in ONE:
        return np.stack([1 - squashed(z[:, 0]), squashed(z[:, 0])], axis=1)
    return z if kind == "regression" else squashed(z)


def hand_map(kind, x, target):
    """HiResCAM at the cells: the gradient of the class's logit at each cell times what the cell holds, over the colours."""
    cells = x.reshape(3, CELLS, 4, CELLS, 4).mean(axis=(2, 4))
    p = hand(kind, x[None])[0]
    if kind == "probabilities":  # of log p, through the softmax
        gradient = W[target] - p @ W
    elif kind == "binary":  # half of the logit for the second class, half against the first
        gradient = (target - 0.5) * W[0]
    elif kind == "binary-probability":
        gradient = (1 - p[1]) * W[0] if target == 1 else -p[1] * W[0]
    else:
        gradient = W[target]
    return np.einsum("c,chw->hw", gradient, cells) / CELLS**2


def raw(kind, x):
    """What a model of that kind gives."""
    z, p = logits_of(x), hand(kind, x)
    if kind in ONE:
        return z[:, :1] if kind == "binary" else p[:, 1:]
    return z if kind in ("softmax", "sigmoid", "regression") else p


def labels_of(kind):
    return CLASSES[:2] if kind in ONE else DIMENSIONS if kind == "regression" else CLASSES


class Net(nn.Module):
    """Means of the colours in cells of 4 x 4, their mean, a linear layer, and what the kind asks for."""

    def __init__(self, kind, form="one tensor"):
        super().__init__()
        self.kind, self.form = kind, form
        self.cells = nn.Conv2d(3, 3, 4, 4, groups=3, bias=False)
        self.head = nn.Linear(3, 1 if kind in ONE else 3)
        with torch.no_grad():
            self.cells.weight.fill_(1 / 16)
            self.head.weight.copy_(torch.from_numpy(W[: self.head.out_features]))
            self.head.bias.copy_(torch.from_numpy(B[: self.head.out_features]))

    def forward(self, x):
        features = self.cells(x).mean(dim=(2, 3))
        scores = self.head(features)
        if self.kind == "probabilities":
            scores = scores.softmax(1)
        elif self.kind in ("independent", "binary-probability"):
            scores = scores.sigmoid()
        beside = torch.cat([features] * 5, dim=1)
        if self.form == "a tuple":
            return scores, beside
        if self.form == "a dictionary":
            return {"beside": beside, "logits": scores}
        if self.form == "a named tuple":
            return Both(beside, scores)
        if self.form == "of transformers":
            from transformers.modeling_outputs import ImageClassifierOutput

            return ImageClassifierOutput(logits=scores, hidden_states=(beside,))
        return scores[:, 0] if self.form == "one axis" else scores


class Both(NamedTuple):
    beside: torch.Tensor
    scores: torch.Tensor


@dataclass(frozen=True)
class Shape:
    library: str
    kind: str
    form: str = "one tensor"
    said: str = "?"  # what the caller says, where it is not the truth
    error: str = ""  # what the error has to say, where one is expected

    def __str__(self):
        stated = "" if self.said == "?" else f", said {self.said or 'nothing'}"
        return f"{self.library}, {self.kind}, {self.form}{stated}"

    @property
    def scores(self):
        return self.kind if self.said == "?" else self.said


TYPES = {"float64": torch.float64, "half": torch.float16, "bfloat16": torch.bfloat16}


def torch_model(shape):
    net = Net(shape.kind, shape.form).eval().to(TYPES.get(shape.form, torch.float32))
    return picture_network(net, labels_of(shape.kind), name="net", size=SIDE, layer="cells", scores=shape.scores)


def script_model(shape):
    folder = Path(mkdtemp(dir=ROOM.name))
    traced = torch.jit.trace(Net(shape.kind, shape.form).eval(), torch.zeros(1, 3, SIDE, SIDE), strict=False)
    traced.save(str(folder / "net.pt"))
    (folder / "net.json").write_text(json.dumps({"labels": labels_of(shape.kind), "size": SIDE, "scores": shape.scores}))
    return open_model(folder / "net.pt", modality="scene")


def onnx_model(shape):
    folder, form = Path(mkdtemp(dir=ROOM.name)), shape.form
    count = 1 if shape.kind in ONE else 3
    dtype = {"half": "float16", "float64": "float64"}.get(form, "float32")
    nodes, at, given = [], "x", dtype
    size = (4 if form == "a batch of 4" else "n", *((SIDE, SIDE, 3) if form == "channels last" else (3, SIDE, SIDE)))
    weights = {"w": W[:count].T.astype(dtype), "b": B[:count].astype(dtype)}
    if form == "channels last":
        nodes.append(node("Transpose", [at], "first", perm=[0, 3, 1, 2]))
        at = "first"
    if form == "uint8":
        given = "uint8"
        weights["whole"] = np.array(255, np.float32)
        nodes += [node("Cast", [at], "float", to=1), node("Div", ["float", "whole"], "scaled")]
        at = "scaled"
    inputs = [value("x", size, given)]
    if form == "two inputs":
        nodes.append(node("Mul", [at, "gain"], "gained"))
        at = "gained"
        inputs.append(value("gain", ("n", 1, 1, 1)))
    nodes += [
        node("ReduceMean", [at], "flat", axes=[2, 3], keepdims=0), node("MatMul", ["flat", "w"], "weighted"),
        node("Add", ["weighted", "b"], "z"),
    ]  # fmt: skip
    last = {"probabilities": "Softmax", "independent": "Sigmoid", "binary-probability": "Sigmoid"}.get(shape.kind, "Identity")
    nodes.append(node(last, ["z"], "scores"))
    outputs = [value("scores", ("n", count), dtype)]
    facts = {"labels": labels_of(shape.kind), "scores": shape.scores}
    if form == "two outputs":
        outputs.insert(0, value("weighted", ("n", count), dtype))
        facts["output"] = "scores"
    if form == "two outputs, none chosen":
        outputs.insert(0, value("weighted", ("n", count), dtype))
    if form != "channels last":
        facts["size"] = SIDE  # else the graph says it
    graph_onnx(folder / "net.onnx", nodes, weights, inputs, outputs)
    (folder / "net.json").write_text(json.dumps(facts))
    return open_model(folder / "net.onnx", modality="scene", preprocess=with_gain if form == "two inputs" else "")


def with_gain(picture):
    return {"x": (picture / 255).astype(np.float32).transpose(2, 0, 1), "gain": np.ones((1, 1, 1), np.float32)}


def function_model(shape):
    def function(batch):
        scores = raw(shape.kind, np.stack([np.asarray(picture, np.float64).transpose(2, 0, 1) / 255 for picture in batch]))
        forms = {
            "a list": scores.tolist(), "a dictionary": {"scores": scores, "beside": np.zeros((len(batch), 9))},
            "one axis": scores[:, 0], "a tensor": torch.from_numpy(scores), "a tuple": (scores, np.zeros((len(batch), 9))),
        }  # fmt: skip
        return forms.get(shape.form, scores)

    return CallableModel(function, labels_of(shape.kind), "scene", scores=shape.scores)


def table_model(shape):
    path = Path(mkdtemp(dir=ROOM.name)) / "answers.csv"
    keys, x = [f"{i}.png" for i in range(len(PICTURES))], np.stack([p.transpose(2, 0, 1) / 255 for p in PICTURES])
    given = raw(shape.kind, x)
    names = DIMENSIONS if shape.kind == "regression" else [f"p_{name}" for name in labels_of(shape.kind)]
    if shape.form == "a frame":
        import pandas as pd

        names = list(labels_of(shape.kind))
        return TableModel(pd.DataFrame(given, index=keys, columns=names), names, scores=shape.scores)
    lines = [
        ",".join(["key", *names]),
        *(",".join([key, *map(repr, row.tolist())]) for key, row in zip(keys, given, strict=True)),
    ]
    path.write_text("\n".join(lines))
    return open_model(path, scores=shape.scores)


def folder_model(shape):
    """A tiny network of transformers: what its own processor and network give is the hand computation's input."""
    import transformers

    torch.manual_seed(3)
    labels = labels_of(shape.kind)[1:] if shape.kind in ONE else labels_of(shape.kind)
    problem = {"sigmoid": "multi_label_classification", "regression": "regression", "softmax": None, "binary": None}
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], id2label=dict(enumerate(labels)),
        label2id={name: i for i, name in enumerate(labels)}, problem_type=problem[shape.kind] if shape.form == "stated" else None,
    )  # fmt: skip
    folder = Path(mkdtemp(dir=ROOM.name))
    net = transformers.ResNetForImageClassification(config).eval()
    with torch.no_grad():
        net.classifier[1].weight.mul_(30)
    net.save_pretrained(folder)
    processor = getattr(transformers, "ConvNextImageProcessorPil", transformers.ConvNextImageProcessor)(
        size={"shortest_edge": 32}
    )
    processor.save_pretrained(folder)
    model = open_model(str(folder), modality="scene", scores="" if shape.said == "?" else shape.said)
    pixels = torch.from_numpy(processor(PICTURES, return_tensors="np")["pixel_values"])
    with torch.inference_mode():
        z = net(pixels).logits.double().numpy()
    return model, z


FORMS = ("one tensor", "a tuple", "a dictionary", "a named tuple", "of transformers", "float64", "half", "bfloat16")
SHAPES = [
    *(Shape("torch", kind, form) for kind in KINDS for form in FORMS),
    *(Shape("torch", kind, "one axis") for kind in ONE),
    *(Shape("TorchScript", kind) for kind in KINDS),
    *(Shape("TorchScript", "softmax", form) for form in ("a tuple", "a dictionary")),
    *(Shape("ONNX", kind) for kind in KINDS),
    *(Shape("ONNX", "softmax", form) for form in ("channels last", "uint8", "a batch of 4", "half", "float64", "two outputs")),
    Shape("ONNX", "sigmoid", "two inputs", error="a map lies on one"),
    *(Shape("function", kind) for kind in KINDS),
    *(Shape("function", "softmax", form) for form in ("a list", "a dictionary", "a tensor", "a tuple")),
    *(Shape("function", kind, "one axis") for kind in ONE),
    *(Shape("table", kind) for kind in ("softmax", "sigmoid", "probabilities", "independent", "regression")),
    *(Shape("table", kind, "a frame") for kind in ("softmax", "sigmoid", "probabilities", "independent", "regression")),
    *(Shape("transformers", kind, form) for kind, form in (
        ("softmax", "not stated"), ("sigmoid", "stated"), ("regression", "stated"), ("regression", "not stated"),
        ("binary", "not stated"))),
    # What nobody says and the answers show.
    Shape("function", "probabilities", said=""), Shape("torch", "probabilities", said=""), Shape("ONNX", "probabilities", said=""),
    Shape("function", "softmax", said=""), Shape("torch", "regression", said=""), Shape("table", "probabilities", said=""),
    Shape("table", "regression", said=""),
    # What cannot be right, and has to be one error that says what to do.
    *(Shape(library, "independent", said="", error="nothing says what its scores are") for library in ("function", "torch", "ONNX")),
    *(Shape(library, "probabilities", said="softmax", error="say scores='probabilities'") for library in ("function", "torch", "ONNX")),
    *(Shape(library, "independent", said="sigmoid", error="say scores='independent'") for library in ("function", "torch", "ONNX")),
    *(Shape(library, "independent", said="softmax", error="say scores='independent'") for library in ("function", "TorchScript")),
    *(Shape(library, "softmax", said="probabilities", error="do not sum to one") for library in ("function", "torch", "ONNX")),
    *(Shape(library, "sigmoid", said="independent", error="from 0 to 1 were expected") for library in ("function", "torch")),
    *(Shape(library, "probabilities", said="independent", error="sum to one") for library in ("function", "torch")),
    *(Shape(library, "binary", said="", error="say scores='binary'") for library in ("function", "torch", "ONNX")),
    *(Shape(library, "regression", said="softmax", error="valence, arousal, dominance are no classes") for library in ("function", "torch")),
    Shape("function", "binary", said="binary-probability", error="from 0 to 1 were expected"),
    Shape("function", "binary-probability", said="binary", error="say scores='binary-probability'"),
    Shape("ONNX", "softmax", "two outputs, none chosen", error="choose one by its name"),
    Shape("table", "independent", said="", error="say what the numbers are by --scores"),
    Shape("table", "sigmoid", said="", error="say what the numbers are by --scores"),
]  # fmt: skip
MAKERS = {
    "torch": torch_model, "TorchScript": script_model, "ONNX": onnx_model, "function": function_model, "table": table_model,
}  # fmt: skip
ROUGH = {"half": 2e-2, "bfloat16": 0.15}  # of probabilities; of what such a network can tell


@functools.cache
def outcome(shape):
    """``right``, or what is wrong, or the error; for the answers and for the map."""
    try:
        if shape.library == "transformers":
            return folder_outcome(shape)
        model = MAKERS[shape.library](shape)
        said = of_answers(shape, model)
        return (said, of_map(shape, model)) if shape.library != "table" else (said, "none: a table is not asked again")
    except AffectlensError as error:
        return f"{type(error).__name__}: {error}", "no map without answers"


def prepared_of(shape, model):
    if shape.library == "table":
        return [model.read(f"{i}.png") for i in range(len(PICTURES))]
    return [model.read(picture) for picture in PICTURES]


def of_answers(shape, model):
    x = np.stack([picture.transpose(2, 0, 1) / 255 for picture in PICTURES])
    want, inputs = hand(shape.kind, x), prepared_of(shape, model)
    rough = ROUGH.get(shape.form, 1e-5)
    ways = {"outputs": model.outputs(inputs)}
    if shape.kind != "regression":
        ways["probabilities"] = model.probabilities(inputs)
        ways["one by one"] = np.concatenate([model.probabilities([one]) for one in inputs])
        if shape.library not in ("table",):
            ways["as the audit of objects asks"] = answers(model, inputs)
    wrong = {
        way: float(np.abs(np.asarray(given) - want).max())
        for way, given in ways.items()
        if np.abs(np.asarray(given) - want).max() > rough * (10 if shape.kind == "regression" else 1)
    }
    return "right" if not wrong else f"wrong by {wrong}"


def of_map(shape, model):
    picture, target = PICTURES[0], 1
    x = picture.transpose(2, 0, 1) / 255
    label = model.labels[target]
    if isinstance(model, TorchModel):
        maps = CamEngine(model, model.layer)(np.stack([model.read(picture)]), "hirescam").maps[0]
        want = np.stack([hand_map(shape.kind, x, i) for i in range(len(model.labels))])
        rough = 1e-5 if shape.form not in ROUGH else 0.05 * np.abs(want).max()
        right = np.allclose(maps, want, atol=rough)
        if shape.kind != "regression":
            _, emotion, p = Mapper(model, ("hirescam",))(model.read(picture), label)
            right &= emotion == label and np.allclose(p, hand(shape.kind, x[None])[0], atol=ROUGH.get(shape.form, 1e-5))
        return "right" if right else f"wrong by {np.abs(maps - want).max():.3g}"
    if shape.kind == "regression":
        return "none: a black box of values"
    try:
        drawn = Mapper(model, ("rise",))(model.read(picture), label)[0]["rise"]
    except AffectlensError as error:
        return f"{type(error).__name__}: {error}"

    def by_hand(batch):
        stack = np.stack(batch).astype(np.float64)
        if stack.dtype == np.uint8 or stack.max() > 1.5:
            stack = stack / 255
        return hand(shape.kind, stack.transpose(0, 3, 1, 2) if stack.shape[-1] == 3 else stack)

    want = rise(by_hand, model.read(picture), np.random.default_rng(0))[target]
    rough = 0.05 * np.abs(want).max()
    return "right" if np.allclose(drawn, want, atol=rough if shape.form == "half" else 1e-5) else "wrong"


def folder_outcome(shape):
    model, z = folder_model(shape)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    want = {
        "softmax": e / e.sum(axis=1, keepdims=True), "sigmoid": squashed(z), "regression": z,
        "binary": np.concatenate([1 - squashed(z), squashed(z)], axis=1),
    }[shape.kind]  # fmt: skip
    given = model.outputs([model.read(picture) for picture in PICTURES])
    said = "right" if np.allclose(given, want, atol=1e-4) else f"wrong by {np.abs(given - want).max():.3g}"
    maps = CamEngine(model, model.layer)(np.stack([model.read(PICTURES[0])]), "hirescam").maps[0]
    gradient = model.gradients(np.stack([model.read(PICTURES[0])]), model.layer, 0)[0]
    hires = (gradient * model.activations(np.stack([model.read(PICTURES[0])]), model.layer)[0]).sum(axis=0)
    return said, "right" if np.allclose(maps[0], hires, atol=1e-5) else "wrong"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_is_right_or_one_clear_error(shape):
    said, drawn = outcome(shape)
    if not shape.error:
        assert said == "right", said
        assert drawn == "right" or drawn.startswith("none:"), drawn
    elif said == "right":  # what can be asked and not mapped
        assert shape.error in drawn, drawn
    else:
        assert shape.error in said and "\n" not in said, said


def test_the_table_of_all():
    """Printed with ``pytest -s``."""
    rows = [(str(shape), *outcome(shape)) for shape in SHAPES]
    counted = {"right": 0, "error": 0, "wrong": 0}
    for name, said, drawn in rows:
        counted["right" if said == "right" else "wrong" if said.startswith("wrong") else "error"] += 1
        print(f"{name:58} | {said[:60]:60} | {drawn[:40]}")
    print(f"{len(rows)} shapes: {counted['right']} right, {counted['error']} one clear error, {counted['wrong']} wrong")
    assert len(rows) >= 60 and not counted["wrong"]
