import numpy as np
import torch
from captum.attr import ShapleyValues

from affectlens.explainers.shapley import group_shapley


def _net(rng):
    w1, w2 = rng.normal(size=(6, 9)), rng.normal(size=(9, 3))

    def predict(x):
        z = np.tanh(x @ w1) @ w2
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    return predict


GROUPS = [np.array([0, 3]), np.array([1]), np.array([2, 4, 5])]


def test_values_sum_to_the_difference_and_match_captum(rng):
    predict = _net(rng)
    x, base = rng.normal(size=(4, 6)), np.zeros((1, 6))
    values = group_shapley(predict, x, base, GROUPS)
    np.testing.assert_allclose(values.sum(axis=1), np.log(predict(x)) - np.log(predict(base)), atol=1e-9)
    mask = torch.tensor([[0, 1, 2, 0, 2, 2]])
    torch.manual_seed(0)
    theirs = ShapleyValues(lambda t: torch.from_numpy(np.log(predict(t.numpy()))))
    given = torch.from_numpy(x)
    mean = torch.stack([theirs.attribute(given, baselines=0.0, target=1, feature_mask=mask).double() for _ in range(400)]).mean(
        0
    )
    np.testing.assert_allclose(values[:, :, 1], mean[:, [0, 1, 2]].numpy(), atol=0.12)


def test_linear_log_odds_have_a_closed_form(rng):
    w = rng.normal(size=6)
    background = rng.normal(size=(7, 6))
    x = rng.normal(size=(3, 6))
    w *= 0.01  # stays within the clip of probabilities
    values = group_shapley(lambda v: np.exp(np.stack([v @ w - 1, v @ w - 2], axis=1)), x, background, GROUPS)
    by_hand = np.stack([((x - background.mean(axis=0)) * w)[:, g].sum(axis=1) for g in GROUPS], axis=1)
    np.testing.assert_allclose(values[:, :, 0], by_hand, atol=1e-12)


def test_two_groups_by_the_definition(rng):
    predict = _net(rng)
    x, background = rng.normal(size=(2, 6)), rng.normal(size=(5, 6))
    groups = [np.array([0, 1, 2]), np.array([3, 4, 5])]

    def worth(row, members):
        mixed = background.copy()
        for g in members:
            mixed[:, groups[g]] = row[groups[g]]
        return np.log(predict(mixed)).mean(axis=0)

    values = group_shapley(predict, x, background, groups)
    for i, row in enumerate(x):
        none, first, second, both = worth(row, []), worth(row, [0]), worth(row, [1]), worth(row, [0, 1])
        np.testing.assert_allclose(values[i, 0], ((first - none) + (both - second)) / 2, atol=1e-12)
        np.testing.assert_allclose(values[i, 1], ((second - none) + (both - first)) / 2, atol=1e-12)


def test_probabilities_are_clipped_before_the_logarithm():
    def predict(x):
        p = (x[:, :1] > 0).astype(float)
        return np.concatenate([p, 1 - p], axis=1)

    values = group_shapley(predict, np.array([[1.0]]), np.array([[-1.0]]), [np.array([0])])
    np.testing.assert_allclose(values[0, 0], [np.log(1e6), -np.log(1e6)])
