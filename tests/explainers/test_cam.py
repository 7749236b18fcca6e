import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn

from affectlens.core.errors import ModelError, UsageError
from affectlens.explainers.cam import METHODS, CamEngine, upsample
from affectlens.models.adapters import TorchModel


class GapNet(nn.Module):
    """Convolutions, global average pooling, one linear layer: the net of Zhou et al. 2016, where CAM is exact."""

    def __init__(self, classes=4, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 8, 3, 2, 1), nn.Tanh()
        )
        self.linear = nn.Linear(8, classes)

    def forward(self, x):
        return self.linear(self.features(x).mean(dim=(2, 3)))


LABELS = ("a", "b", "c", "d")


@pytest.fixture
def model():
    return TorchModel(GapNet().eval(), LABELS)


@pytest.fixture
def pictures(rng):
    return rng.random((5, 1, 12, 10)).astype(np.float32)


def test_grad_cam_is_cam_and_hirescam_sums_to_the_logit(model, pictures):
    a = model.activations(pictures, "features")
    w, b = (p.detach().numpy() for p in (model.net.linear.weight, model.net.linear.bias))
    cells = a.shape[2] * a.shape[3]
    cam = np.einsum("kc,nchw->nkhw", w, a) / cells
    grad, hires = (CamEngine(model, "features")(pictures, m) for m in ("grad-cam", "hirescam"))
    np.testing.assert_allclose(grad.maps, cam, atol=1e-6)
    np.testing.assert_allclose(hires.maps.sum(axis=(2, 3)), hires.logits - b, atol=1e-5)
    np.testing.assert_allclose(hires.logits, model.predict(pictures), atol=1e-6)


def test_grad_cam_equals_captum(model, pictures):
    ours = CamEngine(model, "features.0")(pictures, "grad-cam").maps
    peer = LayerGradCam(model.net, model.net.features[0])
    for k in range(4):
        theirs = peer.attribute(torch.from_numpy(pictures), target=k, relu_attributions=False).detach().numpy()
        np.testing.assert_allclose(ours[:, k], theirs[:, 0], atol=1e-5)


def test_layercam_and_gradcampp_by_hand(model, pictures):
    engine = CamEngine(model, "features.0")
    a = model.activations(pictures, "features.0")
    g = model.gradients(pictures, "features.0", "b")
    np.testing.assert_allclose(engine(pictures, "layercam", ["b"]).maps[:, 0], (np.maximum(g, 0) * a).sum(1), atol=1e-5)
    below = 2 * g**2 + a.sum(axis=(2, 3), keepdims=True) * g**3
    alpha = np.where(np.abs(below) > 1e-12, g**2 / np.where(np.abs(below) > 1e-12, below, 1), g**2)
    w = (alpha * np.maximum(g, 0)).sum(axis=(2, 3))
    got = engine(pictures, "grad-cam++", ["b"]).maps[:, 0]
    np.testing.assert_allclose(got, np.einsum("nc,nchw->nhw", w, a), rtol=1e-3, atol=1e-4)


def test_eigencam_is_the_first_component(model, pictures):
    a = model.activations(pictures, "features")[0].reshape(8, -1).T.astype(np.float64)
    a = a - a.mean(axis=0)
    first = a @ np.linalg.svd(a)[2][0]
    got = CamEngine(model, "features")(pictures, "eigencam").maps[0, 2].ravel()
    assert abs(np.corrcoef(first, got)[0, 1]) == pytest.approx(1, abs=1e-6)


def test_ablation_cam_by_hand(model, pictures):
    a = model.activations(pictures, "features")
    w = model.net.linear.weight.detach().numpy()
    z = model.predict(pictures)
    # Without channel c the logit falls by w_c times the channel's mean.
    drop = w[None] * a.mean(axis=(2, 3))[:, None] / np.abs(z)[..., None]
    got = CamEngine(model, "features")(pictures, "ablation-cam").maps
    np.testing.assert_allclose(got, np.einsum("nkc,nchw->nkhw", drop, a), atol=1e-4)


def test_score_cam_by_hand(model, pictures):
    x = pictures[:1]
    a = model.activations(x, "features")[0]
    masks = upsample(a, (12, 10))
    low, high = masks.min(axis=(1, 2), keepdims=True), masks.max(axis=(1, 2), keepdims=True)
    scores = model.predict(x * ((masks - low) / (high - low))[:, None]) - model.predict(np.zeros_like(x))
    e = np.exp(scores - scores.max(axis=0))
    weights = e / e.sum(axis=0)
    got = CamEngine(model, "features")(x, "score-cam").maps[0]
    np.testing.assert_allclose(got, np.einsum("ck,chw->khw", weights, a), atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_does_not_depend_on_its_batch(model, pictures, method):
    whole = CamEngine(model, "features")(pictures, method).maps
    single = np.concatenate([CamEngine(model, "features", 1)(pictures[i : i + 1], method).maps for i in range(5)])
    np.testing.assert_allclose(whole, single, atol=1e-5)
    some = CamEngine(model, "features")(pictures, method, ["c", "a"])
    assert some.labels == ("c", "a")
    np.testing.assert_allclose(some.maps, whole[:, [2, 0]], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_model_is_left_as_it_was(pictures, method):
    net = GapNet().train()
    net.features[1].eval()
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    modes = [m.training for m in net.modules()]
    model = TorchModel(net, LABELS)
    CamEngine(model, "features")(pictures, method)
    with pytest.raises(ZeroDivisionError), model.captured(pictures, "features"):
        _ = 1 / 0
    assert torch.is_grad_enabled()
    assert [m.training for m in net.modules()] == modes
    assert all((p.grad == 1).all() for p in net.parameters())
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert not any(m._forward_hooks for m in net.modules())


def test_unusable_layers_are_named(model, pictures):
    with pytest.raises(UsageError, match=r"did you mean features"):
        CamEngine(model, "feature")
    with pytest.raises(ModelError, match="no map can be drawn"):
        CamEngine(model, "linear")(pictures)
    with pytest.raises(UsageError, match="unknown CAM method"):
        CamEngine(model, "features")(pictures, "magic")


def test_weight_randomisation_changes_the_maps(rng):
    """The sanity check of Adebayo et al. 2018 on the shipped face model: maps of a randomised head are other maps."""
    from affectlens.models.base import load_model

    face = load_model("face")
    crops = rng.integers(0, 255, (6, 48, 48), dtype=np.uint8)
    before = CamEngine(face, face.layer)(crops, "grad-cam").maps
    torch.manual_seed(0)
    face.net.classifier.reset_parameters()
    after = CamEngine(face, face.layer)(crops, "grad-cam").maps
    r = [np.corrcoef(before[i, k].ravel(), after[i, k].ravel())[0, 1] for i in range(6) for k in range(7)]
    assert np.mean(np.abs(r)) < 0.6


def test_one_pass_gives_what_each_method_gives(model, pictures):
    engine = CamEngine(model, "features")
    asked = ["", "b", "d", "", "a"]
    maps, logits = engine.of_answers(pictures, METHODS, lambda i, z: asked[i] or LABELS[int(z.argmax())])
    np.testing.assert_allclose(logits, model.predict(pictures), atol=1e-5)
    for i in range(5):
        want = asked[i] or LABELS[int(logits[i].argmax())]
        for method in METHODS:
            np.testing.assert_allclose(maps[i][method], engine(pictures[i : i + 1], method, [want]).maps[0, 0], atol=1e-5)
    with pytest.raises(UsageError, match="unknown CAM method"):
        engine.of_answers(pictures, ("magic",), lambda i, z: "a")
