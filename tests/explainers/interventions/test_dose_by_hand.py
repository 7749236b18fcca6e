"""Dose and response: units are people, p-values are corrected, what else moved is measured."""

import numpy as np
import pandas as pd
import pytest

from affectlens.explainers.interventions.dose import DoseResponse, dose_response
from affectlens.stats.multiple import holm, mean_of_units

DOSES = (-1.0, 0.0, 2.0)


def column(frame, *names):
    """A column by one of its spellings."""
    return next(frame[n] for n in frame.columns if n.lower().replace(" ", "_").replace("(", "").replace(")", "") in names)


def p_of(curve):
    return column(curve, "p", "p_value").to_numpy()


def logistic(values):
    p = 1 / (1 + np.exp(-np.asarray(values, float)))
    return np.stack([p, 1 - p], axis=1)


def respond(items, rng, slope=0.5, **more):
    return dose_response("shift", "units", items, DOSES, lambda x, d: x + slope * d, logistic, ("up", "down"), rng, **more)


def test_changes_are_paired_with_the_dose_nearest_zero(rng):
    items = rng.normal(size=12)
    got = respond(list(items), rng)
    assert isinstance(got, DoseResponse) and (got.name, got.unit, got.n) == ("shift", "units", 12)
    assert got.curve.dose.tolist() == [-1, -1, 0, 0, 2, 2] and list(got.curve["class"]) == ["up", "down"] * 3
    base = logistic(items)
    for d in DOSES:
        change = logistic(items + 0.5 * d)[:, 0] - base[:, 0]
        row = got.curve[(got.curve.dose == d) & (got.curve["class"] == "up")].iloc[0]
        mean, low, high, _ = mean_of_units(change)
        assert row.change == pytest.approx(mean)
        np.testing.assert_allclose([row.low, row.high], [low, high])
        flipped = column(got.flips, "changed_decisions", "changed")[got.flips.dose == d].iloc[0]
        assert flipped == pytest.approx(np.mean((items + 0.5 * d > 0) != (items > 0)))
    shown = got.samples
    assert len(shown) == 3 and shown[1] in items and shown[2] == pytest.approx(shown[1] + 1)


def test_p_values_are_corrected_over_doses_and_classes(rng):
    got = respond(list(rng.normal(size=9)), rng)
    p, corrected = p_of(got.curve), column(got.curve, "p_holm").to_numpy()
    real = (got.curve.dose != 0).to_numpy()
    np.testing.assert_allclose(corrected[real], holm(p[real]))
    assert (corrected[~real] == 1).all() and (p[~real] == 1).all()
    # All nine change one way: 2 of the 512 patterns of signs are as extreme.
    np.testing.assert_allclose(p[real], 2 / 512)
    np.testing.assert_allclose(corrected[real], 4 * 2 / 512)


def test_people_are_the_units_of_the_test(rng):
    items = rng.normal(size=24)
    people = np.repeat(["a", "b", "c"], 8)
    alone, together = respond(list(items), rng), respond(list(items), rng, people=people)
    real = (together.curve.dose != 0).to_numpy()
    assert (p_of(alone.curve)[real] < 0.01).all()
    np.testing.assert_allclose(p_of(together.curve)[real], 2 / 8)  # three people have eight patterns of signs
    change = logistic(items + 1)[:, 0] - logistic(items)[:, 0]
    mean, low, high, _ = mean_of_units(pd.Series(change).groupby(people).mean().to_numpy())
    row = together.curve[(together.curve.dose == 2) & (together.curve["class"] == "up")].iloc[0]
    np.testing.assert_allclose([row.change, row.low, row.high], [mean, low, high])


def test_people_with_many_items_count_once(rng):
    items, people = np.array([0.0] * 30 + [3.0, 3.0, 3.0]), np.array(["a"] * 30 + ["b", "c", "d"])
    got = respond(list(items), rng, people=people)
    row = got.curve[(got.curve.dose == 2) & (got.curve["class"] == "up")].iloc[0]
    each = logistic(np.array([1.0, 4.0]))[:, 0] - logistic(np.array([0.0, 3.0]))[:, 0]
    assert row.change == pytest.approx((each[0] + 3 * each[1]) / 4)


def test_what_else_moved_is_measured_in_deviations(rng):
    items = list(np.linspace(-1, 1, 40))
    spread = {}

    def measure(x):
        return {"level": x, "square": x**2, "constant": 1.0, "doubled": 2 * x}

    got = respond(items, rng, slope=0.05, measure=measure, meant="level")
    moved = got.moved.set_index(["dose", "property"])
    assert set(got.moved.dose) == {-1.0, 2.0} and "constant" not in set(got.moved.property)
    chosen = np.random.default_rng(7).permutation(40)[:30]
    assert len(chosen) == 30
    by = column(got.moved, "moved_by")
    both = pd.Series(by.to_numpy(), index=moved.index)
    spread = 0.1 / both[(2.0, "level")]
    assert np.std(items, ddof=1) * 0.8 < spread < np.std(items, ddof=1) * 1.2
    assert both[(2.0, "level")] == pytest.approx(both[(2.0, "doubled")]) == pytest.approx(-2 * both[(-1.0, "level")])
    assert moved.meant[(2.0, "level")] and not moved.meant[(2.0, "doubled")]
    assert not moved.over[(2.0, "level")] and got.clean is True
    strong = respond(items, rng, slope=0.5, measure=measure, meant="level")
    assert strong.clean is False  # the doubled level moved as well
    alone = respond(items, rng, slope=0.5, measure=lambda x: {"level": x}, meant="level")
    assert alone.clean is True and respond(items, rng).clean is None


def test_what_is_lost_on_the_way_is_counted(rng):
    def measure(x):
        return {"level": x if x < 1.5 else float("nan"), "rare": x if x < -0.9 else float("nan")}

    got = respond(list(np.linspace(-1, 1, 30)), rng, measure=measure)
    lost = got.moved[(got.moved.dose == 2) & (got.moved.property == "level")].iloc[0].lost
    assert lost == np.sum(np.linspace(-1, 1, 30) + 1 >= 1.5)
    assert "rare" not in set(got.moved.property)  # fewer than ten items have it before and after


def test_only_one_side_is_measured_where_there_is_one(rng):
    got = dose_response("a", "b", list(rng.normal(size=20)), (0.0, 1.0), lambda x, d: x + d, logistic, ("up", "down"), rng,
                        measure=lambda x: {"level": x})  # fmt: skip
    assert set(got.moved.dose) == {1.0}


def test_thirty_items_are_measured_again_at_each_end(rng):
    seen = []

    def measure(x):
        seen.append(x)
        return {"level": x}

    items = list(np.linspace(-1, 1, 45))
    respond(items, rng, slope=100.0, measure=measure)  # so large that an item is never taken for another
    assert len(seen) == 3 * 30 and len(set(seen)) == 3 * 30
    base = sorted(x for x in seen if abs(x) <= 1)
    assert len(base) == 30 and set(base) <= set(items)
    assert sorted(x + 100 for x in seen if x < -50) == pytest.approx(base)


@pytest.mark.parametrize(("slope", "over"), [(0.09, False), (0.11, True)])
def test_a_fifth_of_a_deviation_is_moving(slope, over, rng):
    """Thirty items with a deviation of one, which the dose of 2 moves by twice the slope."""
    items = np.arange(30.0)
    items = (items - items.mean()) / items.std(ddof=1)
    moved = respond(list(items), rng, slope=slope, measure=lambda x: {"level": x}).moved.set_index("dose")
    assert moved.moved_by[2.0] == pytest.approx(2 * slope) and moved.over[2.0] == over
    assert moved.moved_by[-1.0] == pytest.approx(-slope) and not moved.over[-1.0]


@pytest.mark.parametrize(("known", "told"), [(9, False), (10, True)])
def test_ten_items_with_a_property_are_enough(known, told, rng):
    items = list(np.arange(30.0))

    def measure(x):
        return {"level": x, "rare": x if x < known - 0.6 else float("nan")}

    moved = respond(items, rng, slope=0.1, measure=measure).moved
    assert ("rare" in set(moved[moved.dose == 2].property)) == told


def test_a_property_that_is_lost_altogether_has_not_moved(rng):
    def measure(x):
        return {"level": x} | ({"gone": x} if abs(x) <= 1 else {})

    items = list(np.linspace(-1, 1, 30))
    got = dose_response("a", "b", items, (0.0, 9.0), lambda x, d: x + d, logistic, ("up", "down"), rng, measure=measure)
    assert set(got.moved.property) == {"level"}


def test_the_pass_is_told_of(rng):
    said = []
    respond(list(rng.normal(size=5)), rng, progress=lambda *words: said.append(words))
    assert said == [("shift", 1, 3), ("shift", 2, 3), ("shift", 3, 3)]


def test_the_shown_item_is_any_of_them():
    items = [float(i) for i in range(4)]
    shown = {respond(items, np.random.default_rng(s)).samples[1] for s in range(40)}
    assert shown == set(items)
