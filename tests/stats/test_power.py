"""The correlation that exchanges find with a power of 0.8, against formulas and against tests that are made."""

import numpy as np
import pytest
from scipy.stats import norm

from affectlens.stats.exchanges import drawn_exchanges, members_of
from affectlens.stats.power import detectable_correlation


def power_of(correlation: float, sizes: tuple[int, ...], threshold: float) -> float:
    """How often a test by exchanges within strata, made in full, finds a correlation."""
    rng = np.random.default_rng(0)
    strata = np.repeat(np.arange(len(sizes)), sizes)
    member = np.equal.outer(np.arange(len(sizes)), strata).astype(float)
    orders = drawn_exchanges(members_of(strata), len(strata), 999, rng)
    hits = []
    for _ in range(400):
        x, noise = rng.normal(size=(2, len(strata)))
        y = correlation * x + np.sqrt(1 - correlation**2) * noise
        x, y = (v - ((member @ v) / member.sum(axis=1)) @ member for v in (x, y))
        null = np.abs(y[orders] @ x)
        hits.append((1 + (null >= abs(x @ y)).sum()) / (len(null) + 1) <= threshold)
    return float(np.mean(hits))


@pytest.mark.parametrize("n", [60, 120, 300])
def test_one_stratum_is_as_fishers_transformation_has_it(n):
    expected = np.tanh((norm.isf(0.025) + norm.isf(0.2)) / np.sqrt(n - 3))
    assert detectable_correlation((n,), 0.05) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("sizes", "threshold"), [((2,) * 60, 0.05), ((3,) * 40, 0.05), ((4,) * 20, 0.01), ((2, 2, 2, 2, 30), 0.02)]
)
def test_small_strata_have_the_power_that_is_named(sizes, threshold):
    assert power_of(detectable_correlation(sizes, threshold), sizes, threshold) == pytest.approx(0.8, abs=0.06)


def test_more_power_takes_a_stronger_correlation_and_single_rows_add_none():
    assert detectable_correlation((40,), 0.05, 0.5) < detectable_correlation((40,), 0.05, 0.8) - 0.05
    assert detectable_correlation((1, 1, 1), 0.05) == detectable_correlation((), 0.05) == 1.0
    assert detectable_correlation((40, 1, 1), 0.05) == detectable_correlation((40,), 0.05)
