import numpy as np
import pytest
import torch

from affectlens.core.errors import ModelError, UsageError
from affectlens.core.labels import EKMAN7
from affectlens.fusion.pool import Fuser, Opinion, pool
from affectlens.models.base import Calibration
from affectlens.models.nets.fusion import FusionConfig, FusionNet
from affectlens.models.shipped.fusion import EarlyFusionModel
from affectlens.models.weights import save_weights

SIZES = (("face", 6), ("voice", 4), ("gait", 5))


def given(n=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    deep = {k: torch.randn(n, s, generator=generator) for k, s in SIZES}
    said = {k: torch.randn(n, 4, generator=generator).log_softmax(1) for k, _ in SIZES}
    return deep, said


def changed(kind, seed=1):
    """A network whose zero layers were moved, as training does."""
    torch.manual_seed(seed)
    net = FusionNet(FusionConfig(SIZES, kind=kind))
    with torch.no_grad():
        for p in net.parameters():
            if p.requires_grad:
                p.add_(0.3 * torch.randn_like(p))
    return net.eval()


def test_it_begins_as_the_product_of_the_answers():
    net = FusionNet(FusionConfig(SIZES)).eval()
    deep, said = given()
    present = torch.tensor([[True, True, False]] * 5)
    expected = (said["face"] + said["voice"]).softmax(1)
    torch.testing.assert_close(net(deep, said, present).softmax(1), expected)


@pytest.mark.parametrize("kind", ["early", "gated"])
def test_an_absent_module_changes_nothing_whatever_it_holds(kind):
    net = changed(kind)
    deep, said = given()
    present = torch.tensor([[True, False, True]] * 5)
    full = net(deep, said, present)
    other = {**deep, "voice": deep["voice"] * 1e3}
    torch.testing.assert_close(net(other, {**said, "voice": said["voice"] * 0}, present), full)
    without = {k: v for k, v in deep.items() if k != "voice"}
    torch.testing.assert_close(net(without, {k: said[k] for k in without}, present), full)
    assert not torch.allclose(net(deep, said, torch.ones(5, 3, dtype=torch.bool)), full)


@pytest.mark.parametrize("kind", ["early", "gated"])
def test_batches_do_not_matter(kind):
    net = changed(kind)
    deep, said = given(32)
    present = torch.rand(32, 3, generator=torch.Generator().manual_seed(2)) < 0.5
    present[:, 0] = True
    whole = net(deep, said, present)
    single = torch.cat([net({k: v[i : i + 1] for k, v in deep.items()}, {k: v[i : i + 1] for k, v in said.items()},
                            present[i : i + 1]) for i in range(32)])  # fmt: skip
    torch.testing.assert_close(whole, single, atol=1e-5, rtol=1e-5)


def test_quality_between_absent_and_present():
    net = changed("early")
    deep, said = given(1)
    at = [net(deep, said, torch.tensor([[1.0, q, 0.0]])) for q in (1e-6, 0.5, 1.0)]
    absent = net(deep, said, torch.tensor([[1.0, 0.0, 0.0]]))
    torch.testing.assert_close(at[0], absent, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(at[1], at[2]) and not torch.allclose(at[1], absent)


def test_nobody_and_a_strange_kind_are_errors():
    net = FusionNet(FusionConfig(SIZES))
    deep, said = given(2)
    with pytest.raises(ModelError, match="without any module"):
        net(deep, said, torch.tensor([[True, True, True], [False, False, False]]))
    with pytest.raises(UsageError, match="kind of fusion"):
        FusionConfig(SIZES, kind="lte")


@pytest.fixture
def model(tmp_path):
    net = changed("early")
    meta = {"labels": ["anger", "happiness", "neutral", "sadness"], "config": net.config.to_dict()}
    save_weights(tmp_path / "f.safetensors", dict(net.state_dict()), meta, Calibration(temperature=1.5))
    return EarlyFusionModel(tmp_path / "f.safetensors")


def opinions(seed=0):
    rng = np.random.default_rng(seed)
    return [
        Opinion(k, rng.dirichlet(np.ones(7)), w, ("anger",), rng.normal(0, 1, s).astype(np.float32), q)
        for (k, s), w, q in zip(SIZES, (0.5, 0.3, 0.4), (1.0, 0.7, 0.9), strict=True)
    ]


def test_classes_that_only_some_modules_know_keep_the_share_of_the_pool(model):
    fuser = Fuser(EKMAN7.labels, model)
    given = opinions()
    p, late = fuser.probabilities(given), pool(given)
    rest = [EKMAN7.labels.index(c) for c in ("disgust", "fear", "surprise")]
    np.testing.assert_allclose(p[rest], late[rest])
    four = [EKMAN7.labels.index(c) for c in model.labels]
    np.testing.assert_allclose(p[four] / p[four].sum(), model.predict_one(given, EKMAN7.labels))
    assert p.sum() == pytest.approx(1)


def test_one_module_and_unknown_ones_are_pooled(model):
    fuser = Fuser(EKMAN7.labels, model)
    given = opinions()
    np.testing.assert_allclose(fuser.probabilities(given[:1]), given[0].probabilities)
    plain = [Opinion(o.modality, o.probabilities, o.weight, o.conformal) for o in given]
    np.testing.assert_allclose(fuser.probabilities(plain), pool(plain))
    assert fuser.fuse(plain).how == "pool" and fuser.fuse(given).how == "early"
    other = Opinion("posture", np.full(7, 1 / 7), 0.2, EKMAN7.labels)
    assert not np.allclose(fuser.probabilities([*given, other]), fuser.probabilities(given))


def test_shares_sum_to_the_answer_and_weights_to_one(model):
    fuser = Fuser(EKMAN7.labels, model)
    given = opinions()
    fused = fuser.fuse(given)
    target = int(fused.probabilities.argmax())
    values = fuser.shapley(given, target, np.full(7, 1 / 7))
    p = fused.probabilities[target]
    assert sum(values.values()) == pytest.approx(np.log(p / (1 - p)) - np.log((1 / 7) / (6 / 7)))
    assert sum(fused.weights.values()) == pytest.approx(1)
    mixed = fuser.fuse(given[::-1])
    np.testing.assert_allclose(mixed.probabilities, fused.probabilities, atol=1e-6)


def test_a_module_that_the_network_does_not_know_joins_what_the_network_said(model):
    """The joined answer weighs as much as those that it joins, and is pooled with the rest."""
    fuser = Fuser(EKMAN7.labels, model)
    given = opinions()
    other = Opinion("posture", np.array([0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]), 0.2, EKMAN7.labels)
    joined = fuser.probabilities(given)
    weights = np.array([0.5 + 0.3 + 0.4, 0.2]) / 1.4
    by_hand = joined ** weights[0] * other.probabilities ** weights[1]
    np.testing.assert_allclose(fuser.probabilities([*given, other]), by_hand / by_hand.sum())
    np.testing.assert_allclose(fuser.probabilities([other, *given]), by_hand / by_hand.sum())


def test_where_a_network_joins_weights_are_shares_of_shapley_values(model):
    fuser = Fuser(EKMAN7.labels, model)
    given = opinions()
    fused = fuser.fuse(given)
    values = fuser.shapley(given, int(fused.probabilities.argmax()), np.full(7, 1 / 7))
    total = sum(abs(v) for v in values.values())
    assert fused.values == values and fused.weights == pytest.approx({k: abs(v) / total for k, v in values.items()})
    assert fuser.fuse(given[:1]).values == {} and fuser.fuse(given[:1]).weights == {"face": 1.0}


def test_two_are_joined_and_one_is_not(model):
    fuser = Fuser(EKMAN7.labels, model)
    given = opinions()
    assert [o.modality for o in fuser.joined(given[:2])] == ["face", "voice"] and fuser.joined(given[:1]) == []
    assert fuser.joined([given[0], Opinion("posture", given[1].probabilities, 1.0, (), given[1].deep)]) == []
    assert Fuser(EKMAN7.labels).joined(given) == []
