"""What is a walk: both feet are seen, they step in turn, and the body gets somewhere."""

from dataclasses import replace

import numpy as np
import pytest

from affectlens.perception.body.joints import resampled
from affectlens.perception.body.walking import not_walking
from tests.perception.body.bodies import KICKING, KINDS, SITTING, SQUATTING, STANDING, STEPPING, WAVING, body, walk
from tests.perception.body.walker import walker

REASONS = {
    SITTING: "hardly move", STANDING: "hardly move", WAVING: "hardly move", SQUATTING: "hardly move",
    KICKING: "one foot", STEPPING: "does not get on",
}  # fmt: skip


@pytest.mark.parametrize("rate", [30.0, 5.0])
def test_bodies_that_do_not_walk_are_told_from_those_that_do(rng, rate):
    for kind in KINDS:
        reasons = [not_walking(resampled(body(kind, rng), rate)) for _ in range(40)]
        assert np.mean([bool(reason) for reason in reasons]) >= 0.95, kind
        assert sum(REASONS[kind] in reason for reason in reasons) >= 30, (kind, reasons)
    assert np.mean([bool(not_walking(resampled(walk(rng), rate))) for _ in range(60)]) <= 0.1


def test_both_feet_have_to_be_seen():
    one = walker(2.0).part(0, 60)
    points = one.points.copy()
    points[:, 12] = np.nan  # the left ankle
    assert "both feet are not seen (0% and 100%" in not_walking(replace(one, points=points))
    points = one.points.copy()
    points[::2, 12] = np.nan
    points[1::2, 16] = np.nan
    assert not_walking(replace(one, points=points)) == "the feet are not seen together"
    points[:, 10:] = np.nan
    assert not_walking(replace(one, points=points)) == "no leg is seen whole"


def test_size_place_view_and_gaps_do_not_matter():
    one = walker(2.0)
    turned = one.points[..., [2, 1, 0]] * [1, 1, -1]
    assert not not_walking(replace(one, points=turned * 170 + 400))
    gaps = one.points.copy()
    gaps[::3] = np.nan
    assert not not_walking(replace(one, points=gaps))


def test_a_walk_towards_the_camera_is_seen_by_its_growth():
    """In a picture the way along the view is not known; the body grows instead."""
    near = walker(2.0, speed=0.0)
    assert "does not get on" in not_walking(near)
    assert not not_walking(near, growth=0.6) and not not_walking(near, growth=-0.6)
    assert "does not get on" in not_walking(near, growth=0.3)


def test_one_step_is_no_walk():
    assert not_walking(walker(2.0, stride=0.2)) == "the leading foot changes 1 times in 2.0 s"
    assert not not_walking(walker(2.0, stride=0.6))
