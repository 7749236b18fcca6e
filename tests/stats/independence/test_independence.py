"""Hand oracles, invariance, and bad input of the one call."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, kstest

from affectlens.core.errors import UsageError
from affectlens.stats.independence import METHODS, p_against_n, test, vote
from affectlens.stats.independence.combine import cauchy_combination, majority
from affectlens.stats.independence.effect import correlation, smallest_correlation, strength
from affectlens.stats.independence.fourier import features, residuals
from affectlens.stats.independence.index import ridge_maps
from affectlens.stats.independence.peers.kernels import kci, neighbour_permutation
from affectlens.stats.independence.quadratic import weighted_chi2_tail
from affectlens.stats.independence.variables import complete, normal_scores, scaled, variable


def confounded(rng, n=400, d=2, shared=0.0):
    z = rng.normal(size=(n, d))
    m, u = z.sum(1) / np.sqrt(d), shared * rng.normal(size=n)
    return np.tanh(m + rng.normal(size=n) + u), (m + rng.normal(size=n) + u) ** 3, z


def test_kinds_are_guessed():
    assert variable([0.1, 0.2, 0.7]).kinds == ("continuous",)
    assert variable([1, 2, 3, 2]).kinds == ("ordinal",) and variable([0, 1, 1]).kinds == ("binary",)
    three = variable(np.array(["ä", "b", "c", "b"]))
    assert three.kinds == ("categorical",) * 3 and three.columns.sum() == 4
    assert variable(np.array(["m", "f", "m"])).kinds == ("binary",)
    frame = variable(pd.DataFrame({"a": [1.5, 2.5, 0.1], "b": ["x", "y", "x"]}))
    assert frame.kinds == ("continuous", "binary") and frame.codes is None
    assert variable(pd.DataFrame({"a": [0, 1, 0, 1], "b": list("xxyy")})).codes.tolist() == [0, 1, 2, 3]
    with pytest.raises(UsageError, match="kind"):
        variable([1, 2], kind="odd")


def test_missing_rows_are_found_and_counted(rng):
    x, y, z = confounded(rng)
    x[:7], z[5:9, 0] = np.nan, np.nan
    assert complete(variable(x), variable(z)).sum() == 391
    found = test(x, y, z, rng=rng)
    assert found.dropped == 9 and found.n == 391
    texts = pd.Series(np.where(np.arange(400) % 3 == 0, None, np.where(y > 0, "high", "low")))
    assert test(texts, y, rng=rng).dropped == 134


def test_normal_scores_take_heavy_tails_and_ties():
    x = np.array([[1.0], [1e9], [2.0], [2.0], [-1e12]])
    s = normal_scores(x)[:, 0]
    assert (np.argsort(s, kind="stable") == np.array([4, 0, 2, 3, 1])).all() and s[2] == s[3] and abs(s).max() < 2
    assert (normal_scores(np.ones((4, 1))) == 0).all()
    assert scaled(variable([3.0, 3.0, 3.0], kind="continuous")).shape == (3, 0)


def test_cauchy_by_hand_and_alone():
    assert cauchy_combination(np.array([0.03])) == pytest.approx(0.03)
    p = np.array([0.01, 0.5])
    t = np.mean(np.tan((0.5 - p) * np.pi))
    assert cauchy_combination(p) == pytest.approx(0.5 - np.arctan(t) / np.pi)
    shared = cauchy_combination(p, np.array([0.8, 0.2]))
    assert shared == pytest.approx(0.5 - np.arctan(np.tan((0.5 - p) * np.pi) @ [0.8, 0.2]) / np.pi)
    assert cauchy_combination(np.array([1e-200, 1.0])) < 1e-190  # far below what a difference from one can hold
    assert majority(np.array([0.01, 0.04, 0.9])) and not majority(np.array([0.01, 0.9]))


def test_weighted_chi_squares_against_the_exact_and_simulation(rng):
    for x in (1.0, 5.0, 20.0):
        assert weighted_chi2_tail(x, np.ones(4)) == pytest.approx(chi2.sf(x, 4), rel=1e-6)
    w = np.array([3.0, 1.0, 0.5, 0.1])
    drawn = (rng.chisquare(1, (200_000, 4)) * w).sum(1)
    for q, within in ((0.5, 0.03), (0.9, 0.006), (0.99, 0.002)):  # the moments are matched for the tail
        assert weighted_chi2_tail(float(np.quantile(drawn, q)), w) == pytest.approx(1 - q, abs=within)


def test_regression_removes_what_the_condition_says(rng):
    z = rng.normal(size=(800, 6))
    clean = np.column_stack([np.sin(z[:, 0]), (z.sum(1) / 2) ** 2, z[:, 1]])
    target = clean + 0.3 * rng.normal(size=clean.shape)
    maps = [features(z, 80, rng, 2.0), *ridge_maps(z, target, rng)]
    left, spent = residuals(target, maps, z)
    error = np.sqrt(((left - (target - clean)) ** 2).mean(axis=0))
    assert (error < 0.2).all() and (spent > 1).all() and (spent < 200).all()


def test_regression_in_chunks_is_the_same(rng, monkeypatch):
    from affectlens.stats.independence import fourier

    z = rng.normal(size=(500, 2))
    target = np.sin(z) + 0.1 * rng.normal(size=z.shape)
    phi = features(z, 30, rng)
    whole = residuals(target, [phi], z)[0]
    monkeypatch.setattr(fourier, "CHUNK", 77)
    np.testing.assert_allclose(residuals(target, [phi], z)[0], whole, atol=1e-8)


def test_kci_equals_the_published_algorithm(rng):
    """The gamma null from eigenvectors, as the original computes it, on small data."""
    from scipy.spatial.distance import cdist
    from scipy.stats import gamma, zscore

    n = 120
    z = rng.normal(size=(n, 2))
    x, y = z[:, :1] + rng.normal(size=(n, 1)), z[:, 1:] ** 2 + rng.normal(size=(n, 1))
    a, b, c = (zscore(v, ddof=1, axis=0) for v in (x, y, z))
    h = np.eye(n) - 1 / n

    def kernel(v):
        return h @ np.exp(-0.5 * cdist(v, v, "sqeuclidean") / 1.2**2 / c.shape[1]) @ h

    r = 1e-3 * np.linalg.pinv(kernel(c) + 1e-3 * np.eye(n))
    k, m = r @ kernel(np.concatenate([a, 0.5 * c], axis=1)) @ r, r @ kernel(b) @ r
    (wk, vk), (wm, vm) = np.linalg.eigh((k + k.T) / 2), np.linalg.eigh((m + m.T) / 2)
    vk, vm = (
        vk[:, wk > wk.max() * 1e-5] * np.sqrt(wk[wk > wk.max() * 1e-5]),
        vm[:, wm > wm.max() * 1e-5] * np.sqrt(wm[wm > wm.max() * 1e-5]),
    )
    u = (vk[:, :, None] * vm[:, None, :]).reshape(n, -1)
    product = u @ u.T
    mean, variance = np.trace(product), 2 * np.trace(product @ product)
    expected = gamma.sf((k * m).sum(), mean**2 / variance, scale=variance / mean)
    assert kci(x, y, z)[1] == pytest.approx(expected, abs=1e-4)


def test_permutations_stay_near_and_mostly_use_each_row_once(rng):
    z = rng.normal(size=(300, 1))
    rows = neighbour_permutation(z, rng)
    assert np.abs(z[rows] - z).mean() < 0.1 and len(set(rows)) > 240 and (rows != np.arange(300)).mean() > 0.5


def test_exact_in_strata_by_enumeration():
    """Two strata of two rows each: four equally likely tables, of which the observed is the most extreme with its mirror."""
    found = test([0.0, 1.0, 0.0, 1.0] * 2, [0.0, 1.0, 0.0, 1.0] * 2, list("aabb") * 2, rng=np.random.default_rng(0))
    # Eight rows, four a stratum, two ones each: the largest covariance comes up with probability 2 (1/6)^2.
    assert found.method == "stratified" and found.p == pytest.approx(2 / 36, abs=0.02)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "stratified"])
def test_every_method_finds_what_is_there(method):
    rng = np.random.default_rng(3)
    x, y, z = confounded(rng, 300, 1, shared=1.5)
    found = test(x, y, z, method=method, rng=rng)
    assert 0 < found.p < 0.05 and found.effect.value > 0.1 and found.smallest > 0


def test_the_same_seed_gives_the_same_answer_and_rows_may_be_shuffled():
    x, y, z = confounded(np.random.default_rng(1))
    one, two = (test(x, y, z, rng=np.random.default_rng(5)) for _ in range(2))
    assert one == two
    order = np.random.default_rng(2).permutation(len(x))
    other = test(x[order], y[order], z[order], rng=np.random.default_rng(6))
    assert abs(other.effect.value - one.effect.value) < 0.03


def test_monotone_changes_of_scale_change_nothing():
    x, y, z = confounded(np.random.default_rng(1))
    a = test(x, y, z, rng=np.random.default_rng(5))
    b = test(np.exp(3 * x), 7 * y - 2, z, rng=np.random.default_rng(5))
    assert a.p == b.p and a.effect.value == pytest.approx(b.effect.value)


def test_effects_and_their_intervals():
    covered, rho = 0, 0.3
    for seed in range(200):
        rng = np.random.default_rng(seed)
        u = rng.normal(size=(300, 2))
        a, b = u[:, 0], rho * u[:, 0] + np.sqrt(1 - rho**2) * u[:, 1]
        e = correlation(a, b)
        covered += e.low <= rho <= e.high
    assert 0.9 <= covered / 200 <= 0.99
    rng = np.random.default_rng(0)
    nothing = strength(rng.normal(size=(2000, 3)), rng.normal(size=(2000, 3)), rng)
    assert nothing.low == 0 and nothing.value < 0.1
    a = rng.normal(size=(2000, 2))
    assert strength(a, a, rng).value == pytest.approx(1, abs=0.02)
    assert smallest_correlation(1000) == pytest.approx(0.0884, abs=1e-3)


def test_a_vote_has_no_p_value(rng):
    x, y, z = confounded(rng, 120, 1)
    found = vote(x, y, z, rng=rng)
    assert set(found.each) == {"chsic", "rcot", "cmiknn"} and isinstance(found.dependent, bool) and found.level


def test_p_against_n_falls_where_there_is_something():
    rng = np.random.default_rng(0)
    x, y, z = confounded(rng, 800, 1, shared=0.6)
    curve = p_against_n(x, y, z, rng=rng, sizes=(60, 800), repeats=5)
    assert curve.p.iloc[0] > curve.p.iloc[1] and curve.n.tolist() == [60, 800]


def test_bad_input_is_named(rng):
    x, y, z = confounded(rng, 100)
    with pytest.raises(UsageError, match="constant"):
        test(np.ones(100), y, z, rng=rng)
    with pytest.raises(UsageError, match="100, 99"):
        test(x, y[:99], z, rng=rng)
    with pytest.raises(UsageError, match="did you mean rcot"):
        test(x, y, z, method="rcit", rng=rng)
    with pytest.raises(UsageError, match="at least 30"):
        test(x[:10], y[:10], z[:10], rng=rng)
    with pytest.raises(UsageError, match="not discrete"):
        test(x, y, z, method="stratified", rng=rng)
    with pytest.raises(UsageError, match="nothing can be tested"):
        test(np.arange(8) % 2, rng.normal(size=8), np.arange(8) % 2, rng=rng)
    with pytest.raises(UsageError, match="6000"):
        kci(np.zeros((6001, 1)), np.zeros((6001, 1)), None)
    assert test(x[:10], y[:10], rng=rng).n == 10  # without a condition ten rows are few, but exact
    assert 0 < test(x, y, np.array(["ü", "?"] * 50), rng=rng).p <= 1


LEVELS = [
    ("post-non-linear, 1", lambda r: confounded(r, 200, 1)),
    ("post-non-linear, 5", lambda r: confounded(r, 200, 5)),
    ("binary x", lambda r: (lambda x, y, z: (x > 0, y, z))(*confounded(r, 200, 2))),
    ("ordinal x", lambda r: (lambda x, y, z: (np.digitize(x, [-0.5, 0, 0.5]), y, z))(*confounded(r, 200, 1))),
    ("label of 4", lambda r: (lambda k: (k + r.normal(size=200), k * r.standard_t(2, 200), k))(r.integers(0, 4, 200))),
    ("heavy tails", lambda r: (lambda z: (z + r.standard_cauchy(200), z + r.standard_cauchy(200), z))(r.normal(size=200))),
    ("ties", lambda r: (lambda z: (np.round(z + r.normal(size=200)), np.round(z + r.normal(size=200)), z))(r.normal(size=200))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make"), LEVELS)
def test_level_by_simulation(name, make):
    p = []
    for seed in range(80):
        rng = np.random.default_rng([seed, 17])
        x, y, z = make(rng)
        p.append(test(x, y, z, rng=rng, draws=1).p)
    # 80 repetitions: .05 + 2.6 standard errors.
    assert (np.array(p) <= 0.05).mean() <= 0.113
    # Small p-values must not be too many; two exact tests that share the level may give too few.
    assert kstest(p, "uniform", alternative="greater").pvalue > 1e-3


def test_power_by_simulation():
    p = []
    for seed in range(40):
        rng = np.random.default_rng([seed, 18])
        x, y, z = confounded(rng, 1000, 1, shared=0.5)
        p.append(test(x, y, z, rng=rng, draws=1).p)
    assert (np.array(p) <= 0.05).mean() >= 0.55
