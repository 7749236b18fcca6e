import numpy as np
import pandas as pd
import pytest

from affectlens.explainers.interventions.dose import dose_response

DOSES = (-1.0, 0.0, 1.0, 2.0)


def respond(people=None, slopes=None, seed=0, **more):
    """Forty items whose probability moves by their own slope times the dose."""
    items = list(range(40))
    slopes = np.full(40, 0.05) if slopes is None else np.asarray(slopes)

    def predict(changed):
        p = np.array([0.5 + slopes[i] * dose + 0.001 * np.sin(i + 3 * dose) * (dose != 0) for i, dose in changed])
        return np.column_stack([p, (1 - p) / 4, 3 * (1 - p) / 4])

    return dose_response("push", "steps", items, DOSES, lambda i, d: (i, d), predict, ("a", "b", "c"),
                         np.random.default_rng(seed), people=people, **more)  # fmt: skip


def test_people_are_the_units_where_they_are_known():
    """Four people of ten items each: flips of four signs reach no p-value below 1/8, however many items there are."""
    of_items = respond().curve
    of_people = respond(people=np.repeat(list("wxyz"), 10)).curve
    changed = of_items.dose != 0
    assert (of_items.p_value[changed] < 0.01).all()
    np.testing.assert_allclose(of_people.p_value[changed], 2 / 16)
    np.testing.assert_allclose(of_people.change, of_items.change)  # ten items each, so that the means are the same


def test_a_person_counts_once_however_many_items_they_gave():
    people = np.array(["loud"] * 37 + ["x", "y", "z"])
    slopes = np.r_[np.full(37, 0.1), 0, 0, 0]
    curve = respond(people=people, slopes=slopes).curve.set_index(["dose", "class"])
    assert curve.change[(2.0, "a")] == pytest.approx(0.2 / 4, abs=1e-3)


def test_p_values_are_corrected_by_holm_over_doses_and_classes():
    slopes = np.random.default_rng(1).normal(0.01, 0.04, 40)
    curve = respond(slopes=slopes).curve
    tested = curve[curve.dose != 0].sort_values("p_value", kind="stable")
    assert len(tested) == 9 and (tested.p_holm > tested.p_value).sum() >= 8
    by_hand = np.minimum(1, np.maximum.accumulate(tested.p_value.to_numpy() * np.arange(9, 0, -1)))
    np.testing.assert_allclose(tested.p_holm, by_hand)
    base = curve[curve.dose == 0]
    assert (base.change == 0).all() and (base.p_value == 1).all() and (base.p_holm == 1).all()


def test_decisions_that_change_are_counted_against_the_base():
    slopes = np.r_[np.full(10, 0.5), np.zeros(30)]  # pushed down, a quarter of the items loses its class
    flips = respond(slopes=slopes).flips.set_index("dose").changed_decisions
    assert flips.to_dict() == {-1.0: 0.25, 0.0: 0.0, 1.0: 0.0, 2.0: 0.0}


def test_what_else_moves_is_named():
    def measure(changed):
        i, dose = changed
        return {"meant": i + 100 * dose, "along": i + 50 * dose, "still": float(i)}

    found = respond(measure=measure, meant="meant")
    over = found.moved[found.moved.over]
    assert set(over.property) == {"meant", "along"} and not found.clean
    assert list(found.moved.columns) == ["dose", "property", "moved_by", "lost", "meant", "over"]
    assert respond().clean is None and len(found.samples) == len(DOSES)


def test_the_same_seed_gives_the_same_answer():
    slopes = np.random.default_rng(1).normal(0.01, 0.04, 40)
    pd.testing.assert_frame_equal(respond(slopes=slopes, seed=3).curve, respond(slopes=slopes, seed=3).curve)
