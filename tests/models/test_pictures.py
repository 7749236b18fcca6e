import json

import numpy as np
import pytest
import torch
from torch import nn

from affectlens.core.errors import ModelError, UsageError
from affectlens.explainers.cam import CamEngine
from affectlens.models.adapters import TorchModel
from affectlens.models.adapters.pictures import last_grid, picture_network
from affectlens.models.open import open_model
from tests.conftest import asset_path
from tests.modalities.test_scene import background_weights

LABELS = ("anger", "joy", "awe")


class Small(nn.Module):
    labels, size, mean = LABELS, 24, (0.5, 0.5, 0.5)

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


class Flat(nn.Module):
    labels = LABELS

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 24 * 24, 3)

    def forward(self, x):
        return self.head(x.flatten(1))


def test_any_network_has_a_layer_chosen(rng):
    model = picture_network(Small(), LABELS, size=24)
    assert model.layer == "features.1"
    x = model.prepare(rng.integers(0, 255, (50, 70, 3)).astype(np.uint8))
    assert x.shape == (3, 24, 24) and model.probabilities([x, x]).sum(axis=1) == pytest.approx(1)
    assert CamEngine(model, model.layer)(x[None], "grad-cam").maps.shape == (1, 3, 12, 12)
    grey = rng.integers(0, 255, (48, 48)).astype(np.uint8)
    assert model.prepare(grey).shape == (3, 24, 24)


def test_a_network_without_a_grid_says_what_it_has():
    model = picture_network(Flat(), LABELS, size=24)
    assert model.layer == "" and "head (1, 3)" in model.no_layer
    with pytest.raises(ModelError, match="no layer of this network"):
        model.module(model.layer)


def test_transformers_blocks_are_chosen():
    from tests.explainers.test_cam_rules import Vit

    class Square(Vit):
        def __init__(self):
            super().__init__(1, (16, 16))

    name = last_grid(TorchModel(Square().eval(), LABELS), np.zeros((1, 3, 16, 16), np.float32))
    assert "norm" in name


def test_models_are_opened_by_name(tmp_path, monkeypatch, rng):
    face = open_model("face")
    assert face.layer == "join" and face.prepare(np.zeros((90, 90, 3), np.uint8)).shape == (48, 48)
    here = open_model("tests.models.test_pictures:Small", modality="scene")
    assert (
        here.labels == LABELS
        and open_model("tests.models.test_pictures:Small", modality="scene", layer="features.0").layer == "features.0"
    )
    with pytest.raises(UsageError, match="--weights"):
        open_model("emonet")
    with pytest.raises(UsageError, match="did you mean"):
        open_model("tests.models.test_pictures:Small", modality="scene", layer="features.9")
    with pytest.raises(UsageError, match="imported"):
        open_model("no.such:thing")
    with pytest.raises(UsageError, match="labels"):
        open_model("tests.models.test_pictures:Nameless", modality="scene")


class Nameless(nn.Sequential):
    pass


def test_a_function_and_onnx_are_black_boxes(tmp_path, rng):
    black = open_model("tests.models.test_pictures:by_light", modality="scene")
    assert not isinstance(black, TorchModel) and black.probabilities([np.full((9, 9, 3), 255, np.uint8)])[0, 0] == 1
    with pytest.raises(UsageError, match="black box"):
        open_model("tests.models.test_pictures:by_light", modality="scene", layer="x")
    torch.jit.trace(Small().eval(), torch.zeros(1, 3, 24, 24)).save(str(tmp_path / "net.pt"))
    (tmp_path / "net.json").write_text(json.dumps({"labels": LABELS, "size": 24, "mean": 0.5}))
    other = open_model(str(tmp_path / "net.pt"), modality="scene")
    white = open_model("tests.models.test_pictures:Small", modality="scene")
    picture = rng.integers(0, 255, (24, 24, 3)).astype(np.uint8)
    np.testing.assert_allclose(
        other.probabilities([other.prepare(picture)]), white.probabilities([white.prepare(picture)]), atol=1e-5
    )


def by_light(batch):
    light = np.array([x.mean() / 255 for x in batch])
    return np.stack([light, 1 - light], axis=1)


by_light.labels = ("light", "dark")


def test_the_background_is_drawn_on_the_detectors_grid(tmp_path, shared):
    for name in ("efficientdet-lite0", "yunet"):
        asset_path(name)
    from affectlens.media.pictures.images import read_image
    from affectlens.models.shipped.background import BackgroundModel
    from affectlens.perception.scene.objects import object_detector

    weights = background_weights(tmp_path / "background.safetensors")
    model = open_model("background", weights=weights)
    picture = read_image(sorted((shared / "scene" / "cc0").glob("*.jpg"))[0])
    x = model.prepare(picture)
    assert x.shape == (321, 10, 10)
    find = object_detector(asset_path("efficientdet-lite0"))
    people = [thing.box for thing in find(picture) if thing.name == "person"]
    want = BackgroundModel(weights).predict(find.features(picture, people)[None])
    np.testing.assert_allclose(model.predict(x[None]), want, atol=1e-4)
    found = CamEngine(model, model.layer)(x[None], "hirescam")
    assert found.maps.shape == (1, 7, 10, 10)
    hidden = x[-1] == 0
    assert (found.maps[0][:, hidden] == 0).all()
