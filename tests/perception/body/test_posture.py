"""Single skeletons upright, and the network over their graph."""

import numpy as np
import pandas as pd
import pytest
import torch

from affectlens.evaluation.motion import posture_predictions
from affectlens.learning.trainers.motion import (
    LOWER,
    PostureRecipe,
    Postures,
    corrupted,
    hide_lower,
    posture_deep_and_logits,
    train_posture,
)
from affectlens.models.nets.posture import PostureNet, PostureNetConfig, adjacency
from affectlens.perception.body.joints import BONES, JOINTS
from affectlens.perception.body.posture import torso_scale, upright
from tests.perception.body.walker import walker


def predict(net, joints):
    return posture_deep_and_logits(net, joints)[1]


def _at(name):
    return JOINTS.index(name)


@pytest.mark.parametrize("turn", [0.0, 1.0, -2.0])
def test_upright_is_free_of_view_size_and_place(turn):
    x = walker().points[7]
    c, s = np.cos(turn), np.sin(turn)
    y = np.column_stack([c * x[:, 0] + s * x[:, 2], x[:, 1], -s * x[:, 0] + c * x[:, 2]]) * 31 + [4, -9, 2]
    np.testing.assert_allclose(upright(y), upright(x), atol=1e-9)
    u = upright(x)
    np.testing.assert_allclose(u[_at("neck")], 0)
    assert np.linalg.norm(u[_at("pelvis")]) == pytest.approx(1) and u[_at("left shoulder"), 0] > 0


def test_half_bodies_and_nothing():
    x = walker().points[0].copy()
    x[LOWER] = np.nan
    u = upright(x)
    assert (
        torso_scale(x) == pytest.approx(1.4 * 0.4) and np.isfinite(u[_at("head")]).all() and np.isnan(u[_at("left knee")]).all()
    )
    x[:] = np.nan
    assert upright(x) is None
    x[_at("neck")], x[_at("head")] = 0, 1
    assert upright(x) is None


def test_graph():
    a = adjacency().numpy()
    np.testing.assert_allclose(a.sum(1), 1)
    assert (a > 0).sum() == 2 * len(BONES) + len(JOINTS)


def test_missing_is_not_zero_and_batches_change_nothing():
    torch.manual_seed(0)
    net = PostureNet(PostureNetConfig()).eval()
    x = np.stack([upright(p) for p in walker().points[:9]]).astype(np.float32)
    gap, zero = x.copy(), x.copy()
    gap[:, 5], zero[:, 5] = np.nan, 0
    assert np.isfinite(predict(net, gap)).all() and not np.allclose(predict(net, gap), predict(net, zero))
    np.testing.assert_allclose(predict(net, x), np.concatenate([predict(net, x[i : i + 1]) for i in range(9)]), atol=1e-6)
    assert net.rebuild(torch.from_numpy(gap)).shape == (9, 18, 3) and torch.isfinite(net.rebuild(torch.from_numpy(gap))).all()


@pytest.fixture(scope="module")
def data():
    joints, rows = [], []
    for motion, knee in (("walk", 10), ("run", 40)):
        for i, (label, head, lean) in enumerate(
            [("anger", -5, 12), ("sadness", 35, 3), ("anger", 0, 10), ("sadness", 30, 5), ("proud", -20, -5)]
        ):
            for x in walker(seconds=3, rate=5, knee=knee, head=head, lean=lean).points:
                joints.append(upright(x))
                rows.append({"key": f"{motion}{i}", "label": label, "motion": motion, "start": 0.0})
    return Postures(np.array(joints, np.float32), pd.DataFrame(rows), {})


def test_training_learns_repeats_and_rebuilds(data):
    classes = ("anger", "sadness")
    a = train_posture(data, classes, PostureRecipe(epochs=60, noise=0.01))
    one, two = (train_posture(data, classes, PostureRecipe(epochs=2)) for _ in range(2))
    np.testing.assert_array_equal(predict(one, data.joints), predict(two, data.joints))
    known = data.rows.label.isin(classes).to_numpy()
    truth = np.array([classes.index(v) for v in data.rows.label[known]])
    assert (predict(a, data.joints[known]).argmax(1) == truth).mean() > 0.95
    half = hide_lower(data.joints)
    assert np.isnan(half[:, LOWER]).all() and np.isfinite(np.delete(half, LOWER, axis=1)).all()
    with torch.inference_mode():
        built = a.rebuild(torch.from_numpy(data.joints)).numpy()
    away = np.linalg.norm(built - data.joints, axis=-1).mean()
    mean = np.linalg.norm(data.joints.mean(0) - data.joints, axis=-1).mean()
    assert away < mean
    out = posture_predictions(data, classes, PostureRecipe(epochs=1, seeds=1))
    assert set(out.kind) == {"network", "half bodies", "logistic"} and set(out.label) == set(classes)


def test_corruption_hides_without_moving(data):
    x = torch.from_numpy(data.joints)
    given, clean = corrupted(x, PostureRecipe(noise=0), torch.Generator().manual_seed(0))
    held = torch.isfinite(given)
    np.testing.assert_allclose(given[held], clean[held], atol=1e-6)
    assert 0.1 < (~held).float().mean() < 0.5
    length = (clean[:, 10] - clean[:, 11]).norm(dim=-1)
    np.testing.assert_allclose(length, (x[:, 10] - x[:, 11]).norm(dim=-1), atol=1e-4)
