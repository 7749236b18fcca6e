"""The published layout, by a hand-made state dict: shapes, order of layers, preprocessing."""

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from affectlens.core.errors import ModelError
from affectlens.models.shipped.emonet import LABELS, SIDE, EmoNetModel

SHAPES = {
    "conv_0.0": (96, 3, 11, 11), "conv_1.0": (256, 48, 5, 5), "conv_2.0": (384, 256, 3, 3), "conv_3.0": (384, 192, 3, 3),
    "conv_4.0": (256, 192, 3, 3), "conv_5.0": (4096, 256, 6, 6), "conv_6.0": (4096, 4096, 1, 1), "classifier.0": (20, 4096, 1, 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def state():
    generator = torch.Generator().manual_seed(0)
    out = {}
    for name, shape in SHAPES.items():
        out[f"{name}.weight"] = torch.randn(shape, generator=generator) * (2 / np.prod(shape[1:])) ** 0.5
        out[f"{name}.bias"] = 0.01 * torch.randn(shape[0], generator=generator)
    return out


@pytest.fixture(scope="module")
def model(state, tmp_path_factory):
    folder = tmp_path_factory.mktemp("emonet")
    torch.save(state, folder / "EmoNet.pt")
    return EmoNetModel(folder / "EmoNet.pt")


def lrn(x):
    """Krizhevsky's normalisation over five channels, with the scale divided by five as the conversions do."""
    squares = F.pad(x.pow(2).unsqueeze(1), (0, 0, 0, 0, 2, 2))
    total = sum(squares[:, :, i : i + x.shape[1]] for i in range(5)).squeeze(1)
    return x / (1 + 1e-4 / 5 * total) ** 0.75


def by_hand(x, s):
    def conv(x, name, **more):
        return F.relu(F.conv2d(x, s[f"{name}.weight"], s[f"{name}.bias"], **more))

    x = F.max_pool2d(lrn(conv(x, "conv_0.0", stride=4)), 3, 2)
    x = F.max_pool2d(lrn(conv(x, "conv_1.0", padding=2, groups=2)), 3, 2)
    x = conv(conv(x, "conv_2.0", padding=1), "conv_3.0", padding=1, groups=2)
    x = F.max_pool2d(conv(x, "conv_4.0", padding=1, groups=2), 3, 2)
    x = conv(conv(x, "conv_5.0"), "conv_6.0")
    return F.conv2d(x, s["classifier.0.weight"], s["classifier.0.bias"]).flatten(1)


def test_the_published_layout_and_order(model, state):
    x = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 50
    with torch.inference_mode():
        torch.testing.assert_close(model.net(x), by_hand(x, state), atol=1e-3, rtol=1e-4)
    assert len(LABELS) == 20 and tuple(sorted(LABELS)) == LABELS


def test_the_other_conversion_gives_the_same_answers(model, state, tmp_path):
    """Names and the order of cells of github.com/EAVISE/emonet: the maxima are transposed before they are flattened."""
    other = {}
    for i, name in enumerate(SHAPES):
        weight = state[f"{name}.weight"]
        ours = f"conv{i + 1}" if i < 5 else f"fc{i - 4}"
        if i == 5:
            weight = weight.permute(0, 1, 3, 2)
        other |= {f"{ours}.weight": weight if i < 5 else weight.flatten(1), f"{ours}.bias": state[f"{name}.bias"]}
    torch.save(other, tmp_path / "emonet.pth")
    mean = np.random.default_rng(0).random((SIDE, SIDE, 3)).astype(np.float32)
    rows = [",".join(str(value) for c in range(3) for value in mean[y, :, c]) for y in range(SIDE)]
    (tmp_path / "img_mean.txt").write_text("\n".join(rows))
    again = EmoNetModel(tmp_path / "emonet.pth")
    x = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2)) * 50
    np.testing.assert_allclose(again.predict(x), model.predict(x), atol=1e-4)
    np.testing.assert_allclose(again.mean, mean, atol=1e-6)
    (tmp_path / "img_mean.txt").write_text("1,2,3")
    with pytest.raises(ModelError, match="227 lines"):
        EmoNetModel(tmp_path / "emonet.pth")


def test_pictures_are_prepared_as_published(model):
    picture = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    x = model.prepare(picture)
    small = cv2.resize(picture, (227, 227), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    np.testing.assert_allclose(x, (small - [122.679, 116.669, 104.006]).transpose(2, 0, 1), atol=1e-4)
    logits = model.predict(np.stack([x, x]))
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-5)


def test_valence_and_arousal_are_linear(model):
    found = model.affect(np.eye(20)[[0, 8]])
    np.testing.assert_allclose(found, [[3.2963 + 0.5990, 6.5139 - 0.0910], [3.2963 - 0.7719, 6.5139 + 0.0637]])


def test_maps_of_its_last_convolution(model):
    from affectlens.explainers.cam import CamEngine

    x = np.random.default_rng(1).normal(0, 50, (2, 3, SIDE, SIDE)).astype(np.float32)
    maps = CamEngine(model, model.layer)(x, "hirescam", ["fear"]).maps
    assert maps.shape == (2, 1, 13, 13) and np.isfinite(maps).all()


def test_what_is_no_emonet_is_named(tmp_path, state):
    with pytest.raises(ModelError, match="OSF"):
        EmoNetModel(tmp_path / "absent.pt")
    torch.save({key: value for key, value in state.items() if not key.startswith("conv_3")}, tmp_path / "part.pt")
    with pytest.raises(ModelError, match="layout"):
        EmoNetModel(tmp_path / "part.pt")
    torch.save(state | {"mean_image": torch.zeros(227, 227, 3)}, tmp_path / "mean.pt")
    assert EmoNetModel(tmp_path / "mean.pt").prepare(np.full((227, 227, 3), 9, np.uint8)).max() == 9
