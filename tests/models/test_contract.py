"""Every registered model and every adapter keeps to the contract."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from affectlens.core.errors import ModelError
from affectlens.corpora.base import Item
from affectlens.models.adapters import CallableModel, OnnxModel, TableModel, TorchModel, TorchScriptModel
from affectlens.models.base import MODELS
from affectlens.models.open import open_model
from affectlens.models.shipped.fusion import Segment
from tests.conftest import asset_path
from tests.models.contract import keeps_the_contract
from tests.models.onnx_file import linear_onnx
from tests.perception.body.walker import walker

LABELS = ("calm", "glad", "upset")


def crops(rng):
    return [rng.integers(0, 255, (48, 48), dtype=np.uint8) for _ in range(4)]


def pictures(rng):
    coarse = [rng.integers(0, 255, (6, 8, 3), dtype=np.uint8) for _ in range(3)]
    return [np.kron(picture, np.ones((20, 20, 1), np.uint8)) for picture in coarse]


def sounds(rng):
    seconds = np.arange(16000) / 16000
    return [
        (0.2 * np.sin(2 * np.pi * f * seconds * (1 + 0.1 * seconds)) + 0.02 * rng.normal(size=16000)).astype(np.float32)
        for f in (110, 180, 260)
    ]


def motions(_rng):
    return [walker(seconds=3, speed=speed, lean=5 * i) for i, speed in enumerate((0.7, 1.2, 2.0))]


def utterances(rng):
    return [
        {"text": rng.normal(size=4), "audio": rng.normal(size=3), "dialogue": f"d{i // 2}", "speaker": "ab"[i % 2]}
        for i in range(4)
    ]


def segments(rng):
    model = open_model("fusion")
    out = []
    for present in (model.modules, model.modules[:2], model.modules[1:]):
        widths = dict(model.net.config.modules)
        out.append(Segment(
            {modality: rng.normal(size=widths[modality]).astype(np.float32) for modality in present},
            {modality: rng.dirichlet(np.ones(len(model.labels))) for modality in present},
            {modality: float(rng.random()) for modality in present},
        ))  # fmt: skip
    return out


# Name: assets, fixture of its weights, items.
REGISTERED = {
    "face": ((), "", crops),
    "words": (("minilm",), "", lambda _rng: ["no", "a longer text here", "yes!", "why?"]),
    "speech": ((), "", sounds),
    "voice": (("whisper-base",), "", sounds),
    "gait": ((), "", motions),
    "posture": ((), "", motions),
    "fusion": ((), "", segments),
    "background": (("efficientdet-lite0",), "background_file", pictures),
    "emonet": ((), "emonet_weights", pictures),
    "bclstm": ((), "bclstm_file", utterances),
}


def test_every_registered_model_is_here():
    own = {name for name in MODELS if MODELS.get(name)[1].__module__.startswith("affectlens.")}
    assert own == set(REGISTERED)


@pytest.mark.parametrize("name", REGISTERED)
def test_registered_models(name, rng, request):
    assets, weights, items = REGISTERED[name]
    for asset in assets:
        asset_path(asset)
    model = open_model(name, weights=request.getfixturevalue(weights) if weights else None)
    assert model.name == name and {"corpus", "licence"} <= set(model.meta) and len(model.meta["sha256"]) == 64
    keeps_the_contract(model, items(rng), tolerance=1e-3 if name == "emonet" else 1e-4)


class Convolution(nn.Module):
    labels, size = LABELS, 24

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(8, 3)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)

    def forward(self, x):
        return self.head(self.features(x).mean(dim=(2, 3)))


def by_light(batch):
    light = np.array([x.mean() / 255 for x in batch])
    return np.stack([light, (1 - light) / 3, (1 - light) * 2 / 3], axis=1)


by_light.labels = LABELS


@pytest.mark.parametrize("spec", ["Convolution", "by_light"])
def test_what_a_module_names(spec, rng):
    model = open_model(f"tests.models.test_contract:{spec}", modality="scene")
    assert len(model.meta["sha256"]) == 64
    keeps_the_contract(model, pictures(rng))


@pytest.mark.parametrize("suffix", ["onnx", "pt"])
def test_files_with_their_recipe(suffix, rng, tmp_path):
    file = tmp_path / f"net.{suffix}"
    weight = rng.normal(size=(3 * 8 * 8, 3)).astype(np.float32)
    if suffix == "onnx":
        linear_onnx(file, weight, (3, 8, 8))
    else:
        net = nn.Sequential(nn.Flatten(), nn.Linear(192, 3, bias=False))
        net[1].weight.data = torch.from_numpy(weight.T)
        torch.jit.trace(net, torch.zeros(1, 3, 8, 8)).save(str(file))
    (tmp_path / "net.json").write_text(json.dumps({"labels": LABELS, "size": 8, "mean": 0.5, "deviation": [0.2, 0.3, 0.4]}))
    model = open_model(file, modality="scene")
    keeps_the_contract(model, pictures(rng))
    picture = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
    x = ((picture / 255 - 0.5) / [0.2, 0.3, 0.4]).transpose(2, 0, 1)
    np.testing.assert_allclose(model.predict([model.read(picture)])[0], x.ravel() @ weight, atol=1e-3)


def test_adapters_made_by_hand(rng, tmp_path):
    rows = [rng.random(5).astype(np.float32) for _ in range(4)]
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 6), nn.Dropout(0.5), nn.Linear(6, 3))
    keeps_the_contract(TorchModel(net, LABELS, "voice"), rows)
    weight = rng.normal(size=(5, 3))
    keeps_the_contract(CallableModel(lambda batch: np.stack(batch) @ weight, LABELS, "voice"), rows)
    keeps_the_contract(OnnxModel(linear_onnx(tmp_path / "m.onnx", weight, (5,)), LABELS, "voice"), rows)
    torch.jit.trace(net.eval(), torch.zeros(1, 5)).save(str(tmp_path / "m.pt"))
    keeps_the_contract(TorchScriptModel(tmp_path / "m.pt", LABELS, "voice"), rows)


def test_tables(rng, tmp_path):
    probability = rng.dirichlet(np.ones(3), 4)
    keys = [f"k{i}" for i in range(4)]
    pd.DataFrame(probability, columns=[f"p_{label}" for label in LABELS]).assign(key=keys).to_csv(
        tmp_path / "t.csv", index=False
    )
    model = open_model(tmp_path / "t.csv")
    assert isinstance(model, TableModel) and model.labels == LABELS
    items = [Item(key, None, ("calm",)) for key in keys]  # what cannot be read may have been predicted elsewhere
    keeps_the_contract(model, items)
    np.testing.assert_allclose(model.probabilities(keys), probability, atol=1e-9)


def test_transformers_of_pictures_and_texts(rng, tmp_path):
    transformers = pytest.importorskip("transformers")
    names = {"id2label": dict(enumerate(LABELS)), "label2id": {name: i for i, name in enumerate(LABELS)}}
    torch.manual_seed(0)
    config = transformers.ResNetConfig(embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], **names)
    transformers.ResNetForImageClassification(config).save_pretrained(tmp_path / "picture")
    with pytest.raises(ModelError, match="no preprocessor_config.json, so how the network's input is made is not known"):
        open_model(str(tmp_path / "picture"), modality="scene")
    getattr(transformers, "ViTImageProcessorPil", transformers.ViTImageProcessor)().save_pretrained(tmp_path / "picture")
    model = open_model(str(tmp_path / "picture"), modality="scene")
    assert model.name == "picture" and len(model.meta["sha256"]) == 64
    keeps_the_contract(model, pictures(rng))

    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "so", "glad", "no"]))
    config = transformers.BertConfig(
        vocab_size=8, hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, **names
    )
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path / "words")
    transformers.BertTokenizer(str(tmp_path / "words" / "vocab.txt")).save_pretrained(tmp_path / "words")
    keeps_the_contract(open_model(str(tmp_path / "words"), modality="words"), ["so glad", "no no no", "glad"])
