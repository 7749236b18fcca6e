"""Level and power of the concept test by simulation, its corrections by hand, and what it says of bad input."""

import numpy as np
import pytest
from benchmarks.tcav_simulations import clustered_rejections, direction_cosines, p_values, usual_rejections

from affectlens.audits.concepts.cav.accuracy import BalancedAccuracy, held_out_accuracy
from affectlens.audits.concepts.cav.layer import LayerTest
from affectlens.audits.concepts.cav.null import max_t, orders, residual, two_sided
from affectlens.audits.concepts.cav.space import Space
from affectlens.audits.concepts.cav.tcav import check_concepts, relative, test_concepts
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.core.errors import UsageError


@pytest.mark.parametrize("counterparts", [0, 1, 10])
def test_level_does_not_grow_with_counterparts(counterparts):
    rejected = (p_values(200, cosine=None, counterparts=counterparts, d=128, pool=120, examples=30) <= 0.05).mean(axis=0)
    assert (rejected <= 0.09).all()  # .05 and 2.6 standard errors of 200 repetitions
    assert (rejected >= 0.015).all()


def test_usual_test_rejects_random_concepts():
    assert usual_rejections(60, 20, d=128) > 0.3


def test_power_and_orthogonal_concept():
    power = (p_values(200, cosine=0.1, d=256, seed=1) <= 0.05).mean(axis=0)
    assert power[0] >= 0.85
    null = (p_values(200, cosine=0.0, d=256, seed=2) <= 0.05).mean(axis=0)
    assert (null <= 0.09).all()


def test_runs_in_dialogues_need_the_dialogues():
    assert clustered_rejections(150, True) <= 0.1
    assert clustered_rejections(150, False) > 0.15


def test_directions_are_found():
    assert direction_cosines(10, "pattern") >= 0.58
    assert direction_cosines(10, "ridge") >= 0.58


def _case(rng, n=80, d=12):
    x = rng.normal(size=(n, d))
    y = (np.arange(n) % 4 == 0).astype(float)
    x[y > 0, 0] += 2
    g = rng.normal(size=(20, d)) * 0.3
    g[:, 0] += 1
    return x, g, y


def test_shift_by_hand(rng):
    x, g, y = _case(rng)
    frame = test_concepts({"l": Space.of(x, g)}, {"c": y}, {"k": np.arange(20)}, ConceptSettings(draws=19, bootstraps=0)).frame
    mean = (g / np.linalg.norm(g, axis=1, keepdims=True)).mean(0)
    along = x @ mean
    expected = (along[y > 0].mean() - along[y == 0].mean()) / along.std()
    assert frame["shift"][0] == pytest.approx(expected, abs=1e-9)
    v = x[y > 0].mean(0) - x[y == 0].mean(0)
    cosine = (g @ v) / np.linalg.norm(g, axis=1) / np.linalg.norm(v)
    assert frame["cosine"][0] == pytest.approx(cosine.mean(), abs=1e-9)
    assert frame["sign_count"][0] == pytest.approx((cosine > 0).mean())
    assert frame.p_value[0] == pytest.approx(1 / 20)


def test_same_seed_same_answer_and_scale_free(rng):
    x, g, y = _case(rng)
    options = ConceptSettings(draws=49, bootstraps=50, seed=3)
    first, second = (
        test_concepts({"l": Space.of(a, b)}, {"c": y, "d": 1 - y}, {"k": np.arange(20)}, options).frame
        for a, b in ((x, g), (x * 7, g * 0.01))
    )
    np.testing.assert_allclose(first.select_dtypes("number").to_numpy(), second.select_dtypes("number").to_numpy(), atol=1e-8)
    # A concept and its opposite mirror each other.
    assert first["shift"][0] == pytest.approx(-first["shift"][1])
    assert first.p_value[0] == first.p_value[1]


def test_intervals_hold_the_score(rng):
    x, g, y = _case(rng)
    frame = test_concepts({"l": Space.of(x, g)}, {"c": y}, {"k": np.arange(20)}, ConceptSettings(draws=19)).frame
    assert frame.low[0] < frame["shift"][0] < frame.high[0]
    assert frame.low[0] > 0


def test_within_labels_takes_the_label_away(rng):
    label = rng.integers(0, 2, 400)
    x = rng.normal(size=(400, 6))
    x[:, 0] += 2 * label
    y = (rng.random(400) < np.where(label, 0.8, 0.2)).astype(float)  # goes with the label, does nothing itself
    g = np.tile([1.0, 0, 0, 0, 0, 0], (30, 1)) + 0.01 * rng.normal(size=(30, 6))
    row = test_concepts(
        {"l": Space.of(x, g)}, {"c": y}, {"k": np.arange(30)}, ConceptSettings(draws=199, bootstraps=0), strata=label
    ).frame.iloc[0]
    assert row.p_value <= 0.01
    assert row.p_within_labels > 0.05
    assert abs(row.shift_within_labels) < 0.3 < row["shift"]


def test_residual_by_hand():
    y = np.array([[1.0, 0, 1, 1]])
    np.testing.assert_allclose(residual(y, np.array([0, 0, 1, 1])), [[0.5, -0.5, 0, 0]])


def test_two_sided_by_hand():
    p, z = two_sided(np.array([3.0]), np.array([[-1.0], [0], [1], [0]]))
    assert p[0] == pytest.approx(1 / 5)
    assert z[-1, 0] == max(z[:, 0])


def test_max_t_against_holm_and_by_hand(rng):
    z = rng.normal(size=(2000, 5))
    z[-1] = [5, 0.1, 3, 0, 2.5]
    p = max_t(z)
    assert p[0] == pytest.approx(1 / 2000)
    assert p[2] < 0.05 and p[1] > 0.5
    # Step-down: the second is compared with the maximum over the others only.
    others = np.abs(z[:-1][:, [1, 2, 3, 4]]).max(axis=1)
    assert p[2] == pytest.approx((1 + (others >= 3).sum()) / 2000)


def test_orders_keep_runs_together(rng):
    groups = np.repeat(["a", "b", "c", "d"], 5)
    dealt = orders(20, 50, rng, groups)
    assert all(sorted(o) == list(range(20)) for o in dealt)
    neighbours = np.mean([(np.diff(o) == 1).mean() for o in dealt])
    assert neighbours > 0.6  # of 19 steps, those within a dialogue


def test_warnings(rng):
    x, _, y = _case(rng)
    linear = np.tile(rng.normal(size=12), (20, 1))
    few = np.zeros(80)
    few[[1, 30, 50]] = 1
    result = test_concepts(
        {"head": Space.of(x, linear)}, {"c": y, "few": few}, {"k": np.arange(20)}, ConceptSettings(draws=19, bootstraps=0)
    )
    text = " ".join(result.warnings)
    assert "linear in it" in text and "few: 3 examples" in text and "Take at least" in text


def test_bad_concepts():
    y = np.zeros(30)
    with pytest.raises(UsageError, match="0 examples"):
        check_concepts({"none": y})
    y[:2] = 1
    with pytest.raises(UsageError, match="2 examples"):
        check_concepts({"two": y})
    y[:6] = 1
    with pytest.raises(UsageError, match="lie in dialogue 'd0'"):
        check_concepts({"clumped": y}, np.repeat(["d0", "d1", "d2"], 10))
    with pytest.raises(UsageError, match="no concept"):
        check_concepts({})


def test_accuracy_of_held_and_unheld_concepts(rng):
    x, g, y = _case(rng, n=200)
    noise = (rng.random(200) < 0.3).astype(float)
    dealt = orders(200, 39, rng)
    found = held_out_accuracy(Space.of(x, g), np.array([y, noise]), dealt, groups=np.repeat(np.arange(40), 5))
    assert found.held_out[0] > 0.75 and found.p_value[0] <= 0.05
    assert found.p_value[1] > 0.05
    assert found.control[0] == pytest.approx(0.5, abs=0.05)


def test_relative_by_hand():
    a, b = np.array([1, 1, 0, 0, np.nan]), np.array([0, 1, 1, 0, 1])
    np.testing.assert_array_equal(relative(a, b), [1, np.nan, 0, np.nan, 0])


def test_pseudo_concepts_are_added_and_merged(rng):
    x, g, y = _case(rng)
    space, targets, settings = Space.of(x, g), np.array([y, 1 - y]), ConceptSettings(draws=40, bootstraps=20)
    dealt = orders(80, 40, rng)
    label = np.arange(80) % 2

    def test(*parts):
        made = LayerTest(space, targets, [np.arange(10), np.arange(10, 20)], settings, strata=label)
        for part in parts:
            made.update(part)
        return made

    whole = test(dealt).compute()
    for other in (test(dealt[30:], dealt[:30]), test(dealt[:7]).merge(test(dealt[7:]))):
        first, again = other.compute(), other.compute()
        for name in ("shift", "interval", "cosine", "sign", "p_value", "cosine_p_value", "sign_p_value", "within_p_value"):
            np.testing.assert_allclose(getattr(first, name), getattr(whole, name), atol=1e-9)
            np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    with pytest.raises(UsageError, match="no pseudo-concepts"):
        test().compute()
    with pytest.raises(UsageError, match="same concepts"):
        test(dealt).merge(LayerTest(space, targets[::-1], [np.arange(20)], settings))


def test_balanced_accuracy_by_hand():
    first, second = BalancedAccuracy(2), BalancedAccuracy(2)
    first.update(0, np.array([1, 1, 0, np.nan]), np.array([True, False, False, True]))
    second.update(0, np.array([0, 0, 0]), np.array([True, False, False]))
    second.update(1, np.array([1, 0]), np.array([True, False]))
    # Of two with the concept one is right, of four without three.
    np.testing.assert_allclose(first.merge(second).compute(), [(1 / 2 + 3 / 4) / 2, 1])


def test_interval_is_as_wide_as_a_mean_difference_is_uncertain(rng):
    """All gradients are one, so the shift is a difference of means whose standard error is known."""
    x = rng.normal(size=(400, 3)) * [2, 1, 1]
    y = (np.arange(400) % 4 == 0).astype(float)
    settings = ConceptSettings(draws=9, bootstraps=2000)
    row = test_concepts({"l": Space.of(x, np.tile([1.0, 0, 0], (5, 1)))}, {"c": y}, {"k": np.arange(5)}, settings).frame.iloc[0]
    along = x[:, 0]
    error = np.sqrt(along[y > 0].var() / 100 + along[y == 0].var() / 300) / along.std()
    assert (row.high - row.low) == pytest.approx(2 * 1.96 * error, rel=0.08)
    assert (row.low + row.high) / 2 == pytest.approx(row.statistic, abs=0.05)


def test_dialogues_are_resampled_whole(rng):
    """Ten copies of each example say no more than one: with their dialogues known the interval does not shrink."""
    x, g, y = _case(rng)
    settings = ConceptSettings(draws=9, bootstraps=1000)

    def width(copies, groups):
        many = np.repeat(np.arange(80), copies)
        frame = test_concepts(
            {"l": Space.of(x[many], g)}, {"c": y[many]}, {"k": np.arange(20)}, settings, groups=many if groups else None
        ).frame
        return frame.high[0] - frame.low[0]

    assert width(10, True) == pytest.approx(width(1, False), rel=0.15)
    assert width(10, False) < 0.6 * width(1, False)


def test_needed_pseudo_concepts_are_counted(rng):
    x, g, y = _case(rng)
    args = {"l": Space.of(x, g)}, {"c": y, "d": 1 - y}, {"k": np.arange(20)}
    coarse = test_concepts(*args, ConceptSettings(draws=38, bootstraps=0)).warnings
    assert len(coarse) == 1 and "0 of the 2 tests" in coarse[0] and "Take at least 39" in coarse[0]
    assert not test_concepts(*args, ConceptSettings(draws=39, bootstraps=0)).warnings


def test_max_t_never_falls_below_a_stronger_test():
    """The first is often beaten under the null, the second never; it may still not be surer than the first."""
    z = np.array([[6.0, 0], [6, 0], [0, 0], [5, 4.9]])
    np.testing.assert_allclose(max_t(z), [3 / 4, 3 / 4])


def test_counterparts_are_as_many_as_examples_and_averaged(rng):
    x, g, y = _case(rng)
    test = LayerTest(Space.of(x, g), np.array([y, 1 - y]), [np.arange(20)], ConceptSettings(draws=9, counterparts=3))
    few, many = test.sets
    assert few.shape == (3, 80) and (few == 1).sum(axis=1).tolist() == (few == 0).sum(axis=1).tolist() == [20] * 3
    assert (many == 1).sum(axis=1).tolist() == [60] * 3 and (many == 0).sum(axis=1).tolist() == [20] * 3
    one = test.view.score([y[None], few[:1]])
    np.testing.assert_allclose(test.view.score([np.stack([y, y]), few[:1]]), one, atol=1e-12)
    each = np.stack([test.view.score([row[None]])[:, 0] for row in few])
    np.testing.assert_allclose(test.view.score([few])[:, 0], each.mean(axis=0), atol=1e-12)


def test_pseudo_concepts_are_held_within_labels_too(rng):
    x, g, y = _case(rng)
    label, dealt = rng.integers(0, 2, 80), orders(80, 30, rng)
    test = LayerTest(Space.of(x, g), y[None], [np.arange(20)], ConceptSettings(draws=30, bootstraps=0), strata=label)
    test.update(dealt)
    null = np.array([test.view.shift(residual(y[None][:, order], label)) for order in dealt])
    np.testing.assert_allclose(np.concatenate(test._null_within), null, atol=1e-12)
    found = test.compute()
    np.testing.assert_allclose(found.within_p_value, two_sided(test.view.shift(residual(y[None], label)), null)[0])


def test_accuracy_threshold_lies_halfway(rng):
    """One in four has the concept, four deviations away: halfway 97.7 % are right, at the sum of the means 84 %."""
    y = (np.arange(800) % 4 == 0).astype(float)
    x = rng.normal(size=(800, 2)) + np.outer(y, [4, 0])
    found = held_out_accuracy(Space.of(x, rng.normal(size=(5, 2))), y[None], orders(800, 19, rng))
    assert found.held_out[0] == pytest.approx(0.977, abs=0.02) and found.p_value[0] == pytest.approx(1 / 20)
