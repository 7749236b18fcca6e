"""Classifiers of Hugging Face's transformers from a folder, against the same network asked by hand."""

import json

import numpy as np
import pytest
import torch

from affectlens.core.errors import ModelError
from affectlens.explainers.cam import CamEngine
from affectlens.models.open import open_model

transformers = pytest.importorskip("transformers")
NAMES = ("anger", "joy", "awe")
LABELS = {"id2label": dict(enumerate(NAMES)), "label2id": {name: i for i, name in enumerate(NAMES)}}


def picture_nets():
    module = transformers
    small = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 96}
    return {
        "vit": (module.ViTForImageClassification, module.ViTConfig(**small, image_size=96, patch_size=16, **LABELS), (6, 6)),
        "swin": (
            module.SwinForImageClassification,
            module.SwinConfig(image_size=96, embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=6, **LABELS),
            (12, 12),
        ),
        "resnet": (
            module.ResNetForImageClassification,
            module.ResNetConfig(embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], **LABELS),
            (28, 28),
        ),
    }


def saved(folder, kind):
    torch.manual_seed(0)
    make, config, grid = picture_nets()[kind]
    net = make(config).eval()
    net.save_pretrained(folder)
    side = getattr(config, "image_size", 224)
    held = {"image_processor_type": "ViTImageProcessor", "size": {"height": side, "width": side}, "image_mean": [0.5] * 3,
            "image_std": [0.25] * 3, "do_resize": True, "do_rescale": True, "do_normalize": True, "rescale_factor": 1 / 255}  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(held))
    return net, side, grid


@pytest.mark.parametrize("kind", ["vit", "swin", "resnet"])
def test_networks_of_pictures_have_answers_and_maps(tmp_path, rng, kind):
    net, side, grid = saved(tmp_path, kind)
    model = open_model(str(tmp_path), modality="scene")
    picture = rng.integers(0, 255, (side, side, 3)).astype(np.uint8)
    x = (torch.from_numpy(picture).permute(2, 0, 1).float()[None] / 255 - 0.5) / 0.25
    with torch.inference_mode():
        want = net(x).logits.softmax(1).numpy()
    np.testing.assert_allclose(model.probabilities([model.prepare(picture)]), want, atol=1e-5)
    assert model.labels == NAMES
    for method in ("hirescam", "lift-cam", "score-cam"):
        maps = CamEngine(model, model.layer)(model.prepare(picture)[None], method).maps
        assert maps.shape == (1, 3, *grid) and np.abs(maps).max() > 0
    both = model.probabilities([model.prepare(shown) for shown in (picture, picture[..., 0])])
    np.testing.assert_allclose(both[:1], want, atol=2e-2)  # its own resampling


def test_a_network_of_voices(tmp_path, rng):
    module = transformers
    torch.manual_seed(0)
    config = module.Wav2Vec2Config(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, conv_dim=(16, 16), conv_stride=(5, 4),
        conv_kernel=(10, 8), num_feat_extract_layers=2, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2,
        classifier_proj_size=16, **LABELS,
    )  # fmt: skip
    net = module.Wav2Vec2ForSequenceClassification(config).eval()
    net.save_pretrained(tmp_path)
    module.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    sound = rng.normal(size=8000).astype(np.float32)
    with torch.inference_mode():
        scaled = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
        want = net(torch.from_numpy(scaled)[None]).logits.softmax(1).numpy()
    np.testing.assert_allclose(open_model(str(tmp_path), modality="voice").probabilities([sound]), want, atol=1e-4)


def test_a_folder_without_a_classifier_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "none-such"}')
    with pytest.raises(ModelError, match="no image classifier"):
        open_model(str(tmp_path), modality="scene")
