"""Pictures as a folder's own processor makes them: values, the part that is seen, gradients, and the network's answers.

The truth is transformers itself: its processor and its network, called by hand.
"""

import json

import numpy as np
import pytest
import torch

from affectlens.core.errors import ModelError, ModelFailedError
from affectlens.models.adapters.pictures import pixel_gradients
from affectlens.models.adapters.preprocess import Preprocessing, Seen, seen_by
from affectlens.models.open import open_model

transformers = pytest.importorskip("transformers")
NAMES = ("anger", "joy", "awe")
LABELS = {"id2label": dict(enumerate(NAMES)), "label2id": {n: i for i, n in enumerate(NAMES)}}
HEIGHT, WIDTH = 60, 90
SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def side(name, **options):
    """A processor of Pillow, whatever this version of transformers calls it."""
    return getattr(transformers, f"{name}ImageProcessorPil", getattr(transformers, f"{name}ImageProcessor"))(**options)


# Network, its configuration, and a processor as its published models have it, smaller; the part of a picture of 60 x 90 that
# each shows (left, top, right, bottom), by hand.
T = transformers
KINDS = {
    "ViT": (T.ViTForImageClassification, lambda: T.ViTConfig(**SMALL, image_size=32, patch_size=8, **LABELS),
            lambda: side("ViT", size={"height": 32, "width": 32}), (0, 0, 90, 60)),
    "Swin": (T.SwinForImageClassification,
             lambda: T.SwinConfig(image_size=32, patch_size=4, embed_dim=12, depths=[1, 1], num_heads=[2, 2], window_size=4, **LABELS),
             lambda: side("ViT", size={"height": 32, "width": 32}, resample=3, image_std=[0.229, 0.224, 0.225]), (0, 0, 90, 60)),
    "ConvNeXT": (T.ConvNextForImageClassification, lambda: T.ConvNextConfig(depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 8, 8], **LABELS),
                 lambda: side("ConvNext", size={"shortest_edge": 56}, crop_pct=0.875), (18.75, 3.75, 71.25, 56.25)),
    "ResNet": (T.ResNetForImageClassification, lambda: T.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], **LABELS),
               lambda: side("ConvNext", size={"shortest_edge": 400}, crop_pct=0.875), (0, 0, 90, 60)),
    "BEiT": (T.BeitForImageClassification, lambda: T.BeitConfig(**SMALL, image_size=32, patch_size=8, vocab_size=20, **LABELS),
             lambda: side("Beit", size={"height": 32, "width": 32}), (0, 0, 90, 60)),
    "DeiT": (T.DeiTForImageClassification, lambda: T.DeiTConfig(**SMALL, image_size=28, patch_size=7, **LABELS),
             lambda: side("DeiT", size={"height": 32, "width": 32}, crop_size={"height": 28, "width": 28}), (5.625, 3.75, 84.375, 56.25)),
    "MobileNetV2": (T.MobileNetV2ForImageClassification, lambda: T.MobileNetV2Config(image_size=32, depth_multiplier=0.25, **LABELS),
                    lambda: side("MobileNetV2", size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32}), (21, 6, 69, 54)),
    "EfficientNet": (T.EfficientNetForImageClassification,
                     lambda: T.EfficientNetConfig(image_size=32, width_coefficient=0.25, depth_coefficient=0.1, hidden_dim=1280 // 4, **LABELS),
                     lambda: side("EfficientNet", size={"height": 32, "width": 32}, rescale_offset=True), (0, 0, 90, 60)),
    "RegNet": (T.RegNetForImageClassification,
               lambda: T.RegNetConfig(embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], groups_width=4, **LABELS),
               lambda: side("ConvNext", size={"shortest_edge": 32}, crop_pct=0.8), (21, 6, 69, 54)),
    "CvT": (T.CvtForImageClassification,
            lambda: T.CvtConfig(embed_dim=[8, 8, 8], depth=[1, 2, 3], num_heads=[1, 1, 1], drop_path_rate=[0.0, 0.0, 0.0], **LABELS),
            lambda: side("ConvNext", size={"shortest_edge": 384}), (0, 0, 90, 60)),
    "MobileViT": (T.MobileViTForImageClassification,
                  lambda: T.MobileViTConfig(image_size=32, hidden_sizes=[12, 12, 12], neck_hidden_sizes=[8, 8, 8, 8, 8, 8, 16],
                                            num_attention_heads=2, **LABELS),
                  lambda: side("MobileViT", size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32}), (18.33, 3.33, 71.67, 56.67)),
    "LeViT": (T.LevitForImageClassification,
              lambda: T.LevitConfig(image_size=32, hidden_sizes=[16, 16, 16], num_attention_heads=[1, 1, 1], depths=[1, 1, 1],
                                    key_dim=[8, 8, 8], **LABELS),
              lambda: side("Levit", size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}), (19, 4, 71, 56)),
    "PoolFormer": (T.PoolFormerForImageClassification,
                   lambda: T.PoolFormerConfig(hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], **LABELS),
                   lambda: side("PoolFormer", size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, crop_pct=0.9),
                   (18, 3, 72, 57)),
}  # fmt: skip


@pytest.fixture
def picture():
    rng = np.random.default_rng(4)
    coarse = rng.integers(0, 255, (HEIGHT // 6, WIDTH // 6, 3)).astype(np.float32)
    import cv2

    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_made_as_the_folder_says(kind, picture, tmp_path):
    make, config, processor, part = KINDS[kind]
    torch.manual_seed(0)
    net = make(config()).eval()
    net.save_pretrained(tmp_path)
    own = processor()
    own.save_pretrained(tmp_path)
    model = open_model(str(tmp_path), modality="scene")
    want = np.asarray(own(picture, return_tensors="np")["pixel_values"])[0]
    made = model.read(picture)
    np.testing.assert_allclose(made, want, atol=1e-3)
    with torch.inference_mode():
        logits = net(torch.from_numpy(want)[None]).logits.float().numpy()
    np.testing.assert_allclose(model.predict([made]), logits, atol=1e-4)
    assert model.labels == NAMES and model.scores.kind == "softmax" and "no problem_type" in model.scores.source

    seen = seen_by(model.preprocessing, picture.shape)
    # A cell of the input covers that many pixels, and the crop begins at a whole cell.
    cell = max((seen.right - seen.left) / want.shape[2], (seen.bottom - seen.top) / want.shape[1])
    np.testing.assert_allclose((seen.left, seen.top, seen.right, seen.bottom), part, atol=max(0.75 * cell, 0.5))

    pixels = torch.tensor(picture, dtype=torch.float32, requires_grad=True)
    values = model.preprocessing.differentiable(pixels)
    np.testing.assert_allclose(values.detach().numpy(), want, atol=1e-3)
    weights = torch.from_numpy(np.random.default_rng(1).normal(size=want.shape).astype(np.float32))
    (gradient,) = torch.autograd.grad((values * weights).sum(), pixels)
    assert_moves_as_the_processor(own, picture, weights.numpy(), gradient.numpy())


def assert_moves_as_the_processor(own, picture, weights, gradient):
    """The gradient foretells what the processor makes of a picture that is changed, up to its rounding to grey levels."""
    rng = np.random.default_rng(2)
    coarse = rng.normal(size=(6, 9, 3))
    step = np.kron(coarse, np.ones((10, 10, 1))) * 12
    low, high = (np.clip(np.round(picture + sign * step), 0, 255).astype(np.uint8) for sign in (-1, 1))
    values = [np.asarray(own(p, return_tensors="np")["pixel_values"])[0] for p in (low, high)]
    true = float(((values[1] - values[0]) * weights).sum())
    foretold = float((gradient * (high.astype(float) - low)).sum())
    scale = np.abs((values[1] - values[0]) * weights).sum()
    assert abs(foretold - true) < 0.02 * scale, (foretold, true, scale)


def test_ten_architectures_and_more_are_here():
    assert len(KINDS) >= 10


def test_grey_pictures_and_options_of_the_file(picture, tmp_path):
    """do_normalize off, another factor, mean and deviation a channel, colours the other way round."""
    torch.manual_seed(0)
    make, config, _, _ = KINDS["ViT"]
    make(config()).save_pretrained(tmp_path)
    facts = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "resample": 0}
    for changes in (
        {"do_normalize": False},
        {"do_rescale": False, "do_normalize": False},
        {"rescale_factor": 1 / 127.5},
        {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.6, 0.7], "resample": 3},
    ):
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(facts | changes))
        model = open_model(str(tmp_path), modality="scene")
        want = side("ViT", **({k: v for k, v in (facts | changes).items() if k != "image_processor_type"}))(
            picture, return_tensors="np"
        )
        np.testing.assert_allclose(model.read(picture), want["pixel_values"][0], atol=1e-6)
        grey = model.read(picture[..., 0])
        assert grey.shape == (3, 32, 32)
        pixels = torch.tensor(picture, dtype=torch.float32, requires_grad=True)
        if facts["resample"] != 0 or "resample" in changes:
            model.preprocessing.differentiable(pixels).sum().backward()
            assert float(pixels.grad.abs().sum()) > 0


def test_gradients_reach_the_pixels_that_are_seen(picture, tmp_path):
    torch.manual_seed(0)
    make, config, processor, _ = KINDS["MobileNetV2"]
    make(config()).save_pretrained(tmp_path)
    processor().save_pretrained(tmp_path)
    model = open_model(str(tmp_path), modality="scene")
    gradient = pixel_gradients(model, picture, "joy")
    assert gradient.shape == picture.shape and np.abs(gradient[8:52, 24:66]).sum() > 0
    assert np.abs(gradient[:, :18]).sum() == 0 and np.abs(gradient[:, 72:]).sum() == 0


# The part that a preprocessing shows, measured.
def flipped(picture):
    return picture[:, ::-1].transpose(2, 0, 1) / 255


def turned(picture):
    return np.rot90(picture).transpose(2, 0, 1) / 255


def equalised(picture):
    import cv2

    grey = cv2.equalizeHist(picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    return grey[None] / 255


def constant(picture):
    return np.zeros((3, 8, 8), np.float32)


@pytest.mark.parametrize("function", [flipped, turned, constant])
def test_what_is_no_straight_part_of_the_picture_is_refused(function):
    with pytest.raises(ModelError, match=f"{function.__name__}: .*(mirrored|not known)"):
        Preprocessing(function, function.__name__).seen((40, 60, 3))


def test_crops_pads_and_blue_first_are_measured():
    def bottom_right(picture):
        return picture[..., ::-1][10:, 20:].astype(np.float32)

    def padded(picture):
        return np.pad(picture, ((10, 10), (0, 0), (0, 0))).transpose(2, 0, 1).astype(np.float32)

    assert Preprocessing(bottom_right).seen((40, 60, 3)) == Seen(20, 10, 60, 40)
    assert Preprocessing(padded).seen((40, 60, 3)) == Seen(0, -10, 60, 50)
    colours = Preprocessing(bottom_right)
    picture = torch.tensor(np.random.default_rng(0).integers(0, 255, (40, 60, 3)), dtype=torch.float32, requires_grad=True)
    colours.differentiable(picture)[0].sum().backward()  # the first channel is blue
    assert picture.grad[..., 2].sum() > 0 and picture.grad[..., 0].abs().sum() == 0


def test_maps_are_laid_where_the_network_looks():
    seen, shape = Seen(20.0, 10.0, 60.0, 30.0), (40, 80)
    drawn = np.zeros((4, 8), np.float32)
    drawn[0, 0] = 1
    on_picture = seen.to_picture(drawn, shape)
    assert on_picture.shape == shape and on_picture[:10].sum() == 0 and on_picture[:, :20].sum() == 0
    assert on_picture[10:15, 20:25].mean() > 0.5 and on_picture[20:, 40:].sum() == 0
    mask = np.zeros((4, 8), np.float32)
    mask[1, 2:4] = 1  # rows 10 to 20, columns 20 to 40
    np.testing.assert_allclose(seen.of_mask(mask, shape)[:2, :4], 1, atol=1e-6)
    assert seen.of_mask(mask, shape).sum() == pytest.approx(8)
    assert Seen.whole(shape).of_mask(mask, shape) is mask


def test_a_preprocessing_that_fails_is_named():
    def broken(picture):
        return {}["mean"]

    with pytest.raises(
        ModelFailedError,
        match=r"broken \(preprocessing\): cannot be run on inputs \(8, 9, 3\) uint8: KeyError: 'mean' is missing; see",
    ):
        Preprocessing(broken, "broken")(np.zeros((8, 9, 3), np.uint8))
    with pytest.raises(ModelFailedError, match="it gives nothing of"):
        Preprocessing(lambda picture: None, "none")(np.zeros((8, 9, 3), np.uint8))
    with pytest.raises(ModelError, match="gives a str; an array was expected of a picture"):
        Preprocessing(lambda picture: "no", "words").seen((8, 9, 3))
