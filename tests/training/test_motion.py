"""The gait network: missing joints change nothing else, training repeats, types of motion are really left out."""

import numpy as np
import pandas as pd
import pytest
import torch

from affectlens.core.errors import MediaError, UsageError
from affectlens.evaluation.motion import gait_predictions, motion_scores
from affectlens.features.motion import gait_windows
from affectlens.learning.recipes.gait import GaitRecipe
from affectlens.learning.trainers.motion import GaitWindows, augmented, gait_deep_and_logits, scale_of, train_gait
from affectlens.models.nets.gait import GaitNet, GaitNetConfig
from affectlens.models.shipped.gait import FRAMES, window
from tests.perception.body.walker import walker

CLASSES = ("anger", "sadness")


def logits(net, data, scale):
    return gait_deep_and_logits(net, data, scale)[1]


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(0)
    joints, features, rows = [], [], []
    for motion, speed in (("walk", 1.0), ("run", 2.2)):
        for i in range(12):
            angry = i % 2 == 0
            m = walker(seconds=2, speed=speed + rng.normal() * 0.05, swing=35 + rng.normal() if angry else 12 + rng.normal(),
                       lean=8 if angry else 2, head=0 if angry else 25)  # fmt: skip
            x, f = window(m)
            joints.append(x)
            features.append(f)
            rows.append({"key": f"{motion}{i}", "label": CLASSES[0] if angry else CLASSES[1], "motion": motion, "start": 0.0})
    return GaitWindows(np.array(joints), np.array(features), pd.DataFrame(rows), {})


def test_windows():
    x, f = window(walker(seconds=1))
    assert x.shape == (FRAMES, 18, 3) and f.shape == (36,)
    np.testing.assert_allclose(x[31], x[29])  # to and fro
    with pytest.raises(MediaError, match="at least"):
        window(walker(seconds=0.3))


def test_missing_is_not_zero():
    torch.manual_seed(0)
    net = GaitNet(GaitNetConfig(2)).eval()
    x, f = (torch.from_numpy(v)[None] for v in window(walker()))
    gap, zero = f.clone(), f.clone()
    gap[:, 3], zero[:, 3] = float("nan"), 0.0
    assert torch.isfinite(net(x, gap)).all() and not torch.allclose(net(x, gap), net(x, zero))
    hole = x.clone()
    hole[:, :, 6] = float("nan")
    assert torch.isfinite(net(hole, f)).all()


def test_batches_and_place_change_nothing(made):
    torch.manual_seed(0)
    net = GaitNet(GaitNetConfig(2)).eval()
    scale = scale_of(made.features)
    whole = logits(net, made, scale)
    one = np.concatenate([logits(net, made.take(np.arange(24) == i), scale) for i in range(24)])
    np.testing.assert_allclose(whole, one, atol=1e-5)
    moved = GaitWindows(made.joints + np.array([3, 0, -2], np.float32), made.features, made.rows, {})
    np.testing.assert_allclose(logits(net, moved, scale), whole, atol=1e-4)


def test_training_learns_and_repeats(made):
    recipe = GaitRecipe(epochs=15)
    a, b = (train_gait(made, CLASSES, recipe) for _ in range(2))
    scale = scale_of(made.features)
    np.testing.assert_array_equal(logits(a, made, scale), logits(b, made, scale))
    truth = np.array([CLASSES.index(v) for v in made.rows.label])
    assert (logits(a, made, scale).argmax(1) == truth).mean() > 0.9


def test_a_motion_left_out_is_not_seen(made, monkeypatch):
    seen = []

    def spy(data, *more):
        seen.append(set(data.rows.motion))
        return train_gait(data, *more)

    monkeypatch.setattr("affectlens.evaluation.motion.train_gait", spy)
    recipe = GaitRecipe(epochs=2, seeds=1)
    out = pd.concat([gait_predictions(made, CLASSES, recipe, kind) for kind in ("network", "trees")], ignore_index=True)
    assert seen == [{"walk"}, {"run"}]
    assert len(out) == 2 * 24 and set(out.kind) == {"network", "trees"}
    table = motion_scores(out, 2, np.random.default_rng(0)).set_index("kind")
    assert table.low["trees"] <= table.mean_recall["trees"] <= table.high["trees"] and table.mean_recall["trees"] > 0.8


def test_augmentation_leaves_gaps_and_turns():
    x, f = (torch.from_numpy(v)[None].repeat(200, *([1] * v.ndim)) for v in window(walker()))
    g = torch.Generator().manual_seed(0)
    a, b = augmented(x, f, GaitRecipe(scale=0, noise=0), g)
    assert torch.isnan(b).float().mean().item() == pytest.approx(0.15, abs=0.02)
    lengths = (a[:, :, 11] - a[:, :, 10]).norm(dim=-1)
    np.testing.assert_allclose(lengths, np.full_like(lengths, 0.5), atol=1e-4)


def test_bandai(shared):
    data = gait_windows(shared / "gait" / "bandai")
    assert data.rows.key.nunique() == 28 and set(data.rows.motion) == {
        "walk",
        "run",
        "dash",
        "walk-back",
        "walk-left",
        "walk-right",
    }
    assert not data.missed and np.isfinite(data.joints).all()
    out = gait_predictions(data, ("anger", "happiness", "neutral", "sadness"), GaitRecipe(seeds=1), "trees")
    assert motion_scores(out, 4, np.random.default_rng(0)).mean_recall[0] > 0.78


def test_errors(tmp_path):
    (tmp_path / "dataset-1_walk_happy_001.bvh").write_text("broken")
    with pytest.raises(UsageError, match="not a BVH file"):
        gait_windows(tmp_path)
