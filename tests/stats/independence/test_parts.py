"""Each part of the independence tests against a formula, a reference or brute force."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.special import digamma
from scipy.stats import gamma, norm, rankdata, t

from affectlens.core.errors import UsageError
from affectlens.stats.independence import test
from affectlens.stats.independence.combine import cauchy_combination, majority
from affectlens.stats.independence.effect import correlation, smallest_correlation, strength
from affectlens.stats.independence.fourier import Features, features, median_distance, residuals
from affectlens.stats.independence.index import KNOTS, Ridges, ridge_maps
from affectlens.stats.independence.peers import kernels
from affectlens.stats.independence.peers.kernels import conditional_hsic, kci, neighbour_permutation
from affectlens.stats.independence.peers.others import cmi_knn, covariance_measure, partial_correlation
from affectlens.stats.independence.permutation import centred_in
from affectlens.stats.independence.quadratic import weighted_chi2_tail
from affectlens.stats.independence.rcot import Residuals, condition_maps, covariance_test, own_features, residual_pair
from affectlens.stats.independence.variables import complete, normal_scores, scaled, variable


def test_combination_keeps_its_bounds():
    assert cauchy_combination(np.array([0.0, 0.0])) > 0
    assert cauchy_combination(np.array([1.0, 1.0])) <= 1 and cauchy_combination(np.array([1.0])) > 0.999
    assert not majority(np.array([0.01, 0.9]))  # half is not more than half
    assert majority(np.array([0.05])) and not majority(np.array([0.06])) and majority(np.array([0.06]), alpha=0.1)


def test_correlation_has_the_standard_error_of_normal_data():
    rng = np.random.default_rng(0)
    u = rng.normal(size=(40_000, 2))
    a, b = 3 * u[:, 0] + 7, -(0.6 * u[:, 0] + 0.8 * u[:, 1]) - 2
    e = correlation(a, b)
    assert e.kind == "correlation" and e.value == pytest.approx(np.corrcoef(a, b)[0, 1])
    half = norm.ppf(0.975) * (1 - e.value**2) / np.sqrt(len(a))
    assert e.high - e.value == pytest.approx(half, rel=0.03) and e.value - e.low == pytest.approx(half, rel=0.03)


def test_correlation_at_its_ends():
    x = np.arange(10.0)
    assert correlation(x, x).high == pytest.approx(1) and correlation(x, -x).low == pytest.approx(-1)
    few = correlation(np.array([1.0, 2.0, 3.0, 5.0]), np.array([1.0, 2.5, 2.0, 6.0]))
    assert -1 <= few.low < few.value < few.high <= 1
    flat = correlation(np.ones(5), x[:5])
    assert flat.value == 0 and np.isnan(flat.low) and np.isnan(flat.high)


def test_strength_of_two_columns_by_its_formula():
    rng = np.random.default_rng(1)
    u = rng.normal(size=(4000, 2))
    a, b = u[:, :1], (0.5 * u[:, 0] + u[:, 1])[:, None]
    e = strength(a, b, np.random.default_rng(0), draws=400_000)
    product = (a * b)[:, 0]
    whole = (a**2).mean() * (b**2).mean()
    noise = product.var(ddof=1) / len(a)
    assert e.kind == "strength" and e.value == pytest.approx(np.sqrt((product.mean() ** 2 - noise) / whole))
    ends = (product.mean() + np.array([-1, 1]) * 1.959964 * np.sqrt(noise)) ** 2 - 2 * noise
    assert (e.low, e.high) == tuple(pytest.approx(v, rel=2e-3) for v in np.sqrt(ends / whole))
    empty = strength(np.zeros((50, 1)), b[:50], rng)
    assert empty.value == 0 and np.isnan(empty.low) and np.isnan(empty.high)


def test_strength_is_no_more_than_one_and_its_interval_holds_it():
    rng = np.random.default_rng(2)
    a = rng.normal(size=(40, 2))
    e = strength(a, a, rng)
    assert e.value <= e.high <= 1 and 0 <= e.low <= e.value
    wide = rng.normal(size=(500, 3))
    same = strength(wide, wide @ np.diag([2.0, 2.0, 2.0]), rng)  # scale does not matter
    assert same.value == pytest.approx(strength(wide, wide, rng).value)


def test_the_smallest_correlation_is_found_at_its_power():
    assert smallest_correlation(103) == pytest.approx(np.tanh((norm.ppf(0.975) + norm.ppf(0.8)) / 10))
    assert smallest_correlation(103, spent=40, alpha=0.01, power=0.5) == pytest.approx(np.tanh(norm.ppf(0.995) / np.sqrt(60)))
    assert smallest_correlation(3) == pytest.approx(np.tanh(norm.ppf(0.975) + norm.ppf(0.8)))  # never by a root of nothing
    rng, n = np.random.default_rng(0), 200
    rho = smallest_correlation(n)
    u = rng.normal(size=(4000, n, 2))
    a, b = u[..., 0], rho * u[..., 0] + np.sqrt(1 - rho**2) * u[..., 1]
    r = ((a - a.mean(1, keepdims=True)) * (b - b.mean(1, keepdims=True))).mean(1) / a.std(1) / b.std(1)
    assert (np.abs(np.arctanh(r)) * np.sqrt(n - 3) > norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.02)


def test_median_distance_by_hand(rng):
    assert median_distance(np.array([[0.0], [1.0], [3.0]]), rng) == 2.0
    assert median_distance(np.array([[0.0, 0], [3, 4], [3, 4]]), rng) == 5.0  # equal rows have no distance
    assert median_distance(np.ones((4, 1)), rng) == 1.0
    x = rng.normal(size=(300, 3))
    assert median_distance(x, rng) == pytest.approx(np.median(pdist(x)))


def test_waves_approximate_a_gaussian_kernel(rng):
    x = rng.normal(size=(12, 2))
    for scale in (1.0, 2.0):
        phi = features(x, 40_000, rng, scale, linear=False)
        f = phi(x)
        width = np.median(pdist(x)) * scale
        np.testing.assert_allclose(f @ f.T, np.exp(-cdist(x, x, "sqeuclidean") / 2 / width**2), atol=0.03)
        assert f.shape == (12, 40_000) and phi.width == 40_000
    both = features(x, 6, rng)
    np.testing.assert_array_equal(both(x)[:, :2], x)
    assert both.width == both(x).shape[1] == 8 and both.cost == 0
    by_hand = np.sqrt(2 / 6) * np.cos(x @ both.weights + both.phase)
    np.testing.assert_allclose(both(x)[:, 2:], by_hand, atol=1e-5)
    assert (both.phase >= 0).all() and (both.phase <= 2 * np.pi).all() and both.phase.max() > np.pi
    assert features(x, 0, rng)(x).shape == (12, 2)
    assert np.isfinite(features(np.ones((5, 1)), 3, rng)(np.ones((5, 1)))).all()


def brute_ridge(f, y, penalty):
    centred = f - f.mean(axis=0)
    hat = centred @ np.linalg.solve(centred.T @ centred + penalty * np.eye(f.shape[1]), centred.T)
    return hat @ y, np.trace(hat)


def test_regression_is_ridge_with_the_penalty_of_least_gcv(rng):
    z = rng.normal(size=(90, 2))
    y = np.column_stack([np.sin(2 * z[:, 0]), z[:, 1] + rng.normal(size=90), rng.normal(size=90)])
    maps = [features(z, 12, rng, 1.0), Features(rng.normal(size=(2, 20)), rng.uniform(0, 6, 20), cost=7)]
    left, spent = residuals(y, maps, z)
    centred = y - y.mean(axis=0)
    for j in range(3):
        best = (np.inf, None, 0)
        for phi in maps:
            for penalty in np.logspace(-7, 2, 28) * 90:
                fit, freedom = brute_ridge(phi(z), centred[:, j], penalty)
                freedom += 1 + phi.cost
                if freedom > 0.9 * 90:
                    continue
                error = ((centred[:, j] - fit) ** 2).mean() / (1 - freedom / 90) ** 2
                if error < best[0]:
                    best = (error, centred[:, j] - fit, freedom)
        np.testing.assert_allclose(left[:, j], best[1], atol=1e-5)
        assert spent[j] == pytest.approx(best[2], rel=1e-6)


def test_many_rows_choose_the_map_on_some_and_the_penalty_on_all(rng, monkeypatch):
    from affectlens.stats.independence import fourier

    z = rng.normal(size=(400, 1))
    y = np.column_stack([np.sin(3 * z[:, 0]), np.cos(4 * z[:, 0])]) + 0.3 * rng.normal(size=(400, 2))
    maps = [features(z, 15, rng, s) for s in (0.3, 3.0)]
    whole = residuals(y, maps, z)
    monkeypatch.setattr(fourier, "SOME", 200)
    monkeypatch.setattr(fourier, "CHUNK", 150)
    part = residuals(y, maps, z)
    # The same map and the penalty of all rows give the very same regression.
    np.testing.assert_allclose(part[0], whole[0], atol=1e-6)
    np.testing.assert_allclose(part[1], whole[1], rtol=1e-6)


def test_bumps_along_a_direction_by_hand():
    ridges = Ridges(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]), np.array([0.5]), 3)
    got = ridges(np.array([[2.0, 9.0]]))
    np.testing.assert_allclose(got, [[2.0, 9.0, np.exp(-0.5 * 4 / 0.25), 1.0]])
    assert ridges.width == 4 and ridges.cost == 3


def test_the_direction_of_change_is_found(rng):
    z = rng.normal(size=(1500, 5)) @ rng.normal(size=(5, 5))
    true = rng.normal(size=5)
    u = z @ true / (z @ true).std()
    maps = ridge_maps(z, np.sin(2 * u)[:, None] + 0.1 * rng.normal(size=(1500, 1)), rng)
    assert len(maps) == 2 and [m.cost for m in maps] == [4, 8] and [m.width for m in maps] == [5 + KNOTS, 5 + 2 * KNOTS]
    found = z @ maps[0].directions[0]
    assert abs(np.corrcoef(found, u)[0, 1]) > 0.99
    np.testing.assert_allclose(maps[0].knots[0], np.quantile(found, np.linspace(0.02, 0.98, KNOTS)))
    assert maps[0].widths[0] == pytest.approx(1.2 * np.ptp(maps[0].knots[0]) / (KNOTS - 1))
    assert ridge_maps(z[:, :1], u[:, None], rng) == []
    even = ridge_maps(z, (u**2)[:, None], rng)[0]  # no slope at all: the curvature starts the search
    assert abs(np.corrcoef(z @ even.directions[0], u)[0, 1]) > 0.99


def unconditional(x, y, width):
    n = len(x)
    h = np.eye(n) - 1 / n
    a, b = ((v - v.mean(0)) / v.std(0, ddof=1) for v in (x, y))
    k, m = (h @ np.exp(-0.5 * cdist(v, v, "sqeuclidean") / width**2 * v.shape[1]) @ h for v in (a, b))
    mean, variance = np.trace(k) * np.trace(m) / n, 2 * (k**2).sum() * (m**2).sum() / n**2
    statistic = (k * m).sum()
    return statistic, gamma.sf(statistic, mean**2 / variance, scale=variance / mean)


@pytest.mark.parametrize(("n", "width"), [(150, 0.8), (200, 0.5), (1199, 0.5), (1200, 0.3)])
def test_kernel_test_without_a_condition_by_its_formula(n, width):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 2))
    y = 3 * x[:, :1] * 0.1 + rng.normal(size=(n, 1))
    for z in (None, np.zeros((n, 0))):
        got = kci(x, y, z)
        assert got == tuple(pytest.approx(v, rel=1e-6) for v in unconditional(x, y, width))


@pytest.mark.parametrize(("n", "width"), [(199, 1.2), (200, 0.7), (1200, 0.4)])
def test_kernel_test_with_a_condition_by_its_formula(n, width):
    rng = np.random.default_rng(n)
    z = rng.normal(size=(n, 2))
    x, y = z[:, :1] + rng.normal(size=(n, 1)), z[:, 1:] ** 2 + rng.normal(size=(n, 1))
    a, b, c = ((v - v.mean(0)) / v.std(0, ddof=1) for v in (x, y, z))
    h = np.eye(n) - 1 / n

    def kernel(v):
        return h @ np.exp(-0.5 * cdist(v, v, "sqeuclidean") / width**2 / 2) @ h

    r = 1e-3 * np.linalg.inv(kernel(c) + 1e-3 * np.eye(n))
    k, m = r @ kernel(np.concatenate([a, c / 2], axis=1)) @ r, r @ kernel(b) @ r
    product = k * m
    mean, variance = np.trace(product), 2 * (product**2).sum()
    statistic, p = kci(x, y, z)
    assert statistic == pytest.approx(product.sum(), rel=2e-3)
    assert p == pytest.approx(gamma.sf(product.sum(), mean**2 / variance, scale=variance / mean), abs=2e-3)


def test_kernel_matrices_have_a_limit(rng, monkeypatch):
    monkeypatch.setattr(kernels, "MOST", 40)
    x, y, z = rng.normal(size=(3, 41, 1))
    for call in (lambda: kci(x, y, None), lambda: conditional_hsic(x, y, z, rng)):
        with pytest.raises(UsageError, match="41 rows"):
            call()
    assert 0 < kci(x[:40], y[:40], None)[1] <= 1 and 0 < conditional_hsic(x[:40], y[:40], z[:40], rng, draws=9)[1] <= 1


def test_the_norm_of_the_conditional_operator_by_its_formula(rng):
    n, ridge = 40, 1e-3
    z = rng.normal(size=(n, 1))
    x, y = z + rng.normal(size=(n, 1)), z + rng.normal(size=(n, 1))
    a, b, c = ((v - v.mean(0)) / v.std(0, ddof=1) for v in (x, y, z))
    h = np.eye(n) - 1 / n

    def kernel(v):
        return h @ np.exp(-0.5 * cdist(v, v, "sqeuclidean") / np.median(pdist(v)) ** 2) @ h

    xz, yz = np.concatenate([a, c], axis=1), np.concatenate([b, c], axis=1)
    r = n * ridge * np.linalg.inv(kernel(c) + n * ridge * np.eye(n))
    expected = np.trace((r @ kernel(xz) @ r) @ (r @ kernel(yz) @ r)) / n**2
    observed, p = conditional_hsic(x, y, z, np.random.default_rng(0), draws=19)
    assert observed == pytest.approx(expected, rel=1e-6) and p in {k / 20 for k in range(1, 21)}
    assert conditional_hsic(x, x, z, np.random.default_rng(0), draws=19)[1] == 1 / 20


def test_each_row_gets_one_of_its_neighbours(rng):
    z = rng.normal(size=(60, 2))
    order = np.argsort(cdist(z, z, "chebyshev"), axis=1)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(60)[None], axis=1)
    for k in (1, 5):
        rows = neighbour_permutation(z, np.random.default_rng(0), k)
        assert rank[np.arange(60), rows].max() == k
    assert sorted(neighbour_permutation(z[:3], rng)) == [0, 1, 2]
    assert rank[np.arange(60), neighbour_permutation(z, np.random.default_rng(1))].max() == 5


def brute_information(x, y, z, k):
    n = len(x)
    far = {name: cdist(v, v, "chebyshev") for name, v in (("x", x), ("y", y), ("z", z))}
    joint = np.maximum.reduce(list(far.values()))
    total = 0.0
    for i in range(n):
        radius = np.sort(joint[i])[k]
        xz = (np.maximum(far["x"][i], far["z"][i]) < radius).sum()
        yz = (np.maximum(far["y"][i], far["z"][i]) < radius).sum()
        total += digamma((far["z"][i] < radius).sum()) - digamma(xz) - digamma(yz)
    return digamma(k) + total / n


@pytest.mark.parametrize(("n", "share", "k"), [(60, 0.1, 6), (60, 0.02, 3), (60, 0.21, 13)])
def test_conditional_information_by_brute_force(n, share, k):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 1))
    x, y = z + rng.normal(size=(n, 1)), z + rng.normal(size=(n, 1))
    noise = np.random.default_rng(0)  # breaks the ties of ranks
    ranks = [np.apply_along_axis(rankdata, 0, v) / n + 1e-6 * noise.normal(size=v.shape) for v in (x, y, z)]
    observed, p = cmi_knn(x, y, z, np.random.default_rng(0), draws=19, share=share)
    assert observed == pytest.approx(brute_information(*ranks, k))
    assert p in {j / 20 for j in range(1, 21)}
    assert cmi_knn(x, x, z, np.random.default_rng(0), draws=19)[1] == 1 / 20


def test_information_is_that_of_normal_data():
    rng = np.random.default_rng(3)
    u = rng.normal(size=(4000, 3))
    x, y, z = u[:, :1], 0.8 * u[:, :1] + 0.6 * u[:, 1:2], u[:, 2:]
    observed, _ = cmi_knn(x, y, z, rng, draws=0, share=0.005)
    assert observed == pytest.approx(-0.5 * np.log(1 - 0.64), abs=0.06)


def test_partial_correlation_is_that_of_the_precision_matrix(rng):
    n = 80
    z = rng.normal(size=(n, 2)) + 3
    x, y = z @ [1, 2] + rng.normal(size=n), z @ [1, -1] + 0.4 * rng.normal(size=n)
    precision = np.linalg.inv(np.cov(np.column_stack([x, y, z]).T))
    r = -precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1])
    freedom = n - 4
    p = 2 * t.sf(abs(r) * np.sqrt(freedom / (1 - r**2)), freedom)
    got = partial_correlation(x[:, None], y[:, None], z)
    assert got == (pytest.approx(abs(r)), pytest.approx(p))
    doubled = partial_correlation(np.column_stack([x, rng.normal(size=n) * 1e-9 + z[:, 0]]), y[:, None], z)
    assert doubled[0] >= abs(r) - 1e-9
    two = partial_correlation(np.column_stack([x, x]), y[:, None], z)
    assert two[1] == pytest.approx(min(2 * p, 1))  # corrected for two columns
    assert partial_correlation(x[:, None], x[:, None], z)[1] < 1e-50


def test_generalised_covariance_has_its_null_and_its_power():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 1))
    x = np.sin(2 * z) + 0.5 * rng.normal(size=z.shape)
    y = z**2 + 0.5 * rng.normal(size=z.shape)
    statistic, p = covariance_measure(x, y, z, np.random.default_rng(1))
    assert statistic < 3 and p > 0.05
    assert p == pytest.approx(2 * norm.sf(statistic), abs=0.05)  # one product: its null is the normal distribution
    bound, small = covariance_measure(x, y + x - np.sin(2 * z), z, np.random.default_rng(1))
    assert bound > 5 and small == 1 / 1000
    assert covariance_measure(np.zeros((300, 1)), y, z, rng) == (0.0, 1.0)


def test_more_rows_and_columns_give_more_features_of_the_condition(rng):
    counts = [len(condition_maps(rng.normal(size=(n, d)), rng)[0].phase) for n, d in ((40, 1), (240, 1), (4000, 2), (4000, 20))]
    assert counts == [15, 30, 90, 180]
    z = rng.normal(size=(200, 1))
    deviations = [m.weights.std() for m in condition_maps(z, rng)]
    assert len(deviations) == 3 and deviations[0] > 1.5 * deviations[1] > 2 * deviations[2]


def test_own_features_are_standardised_and_few_values_need_few_waves(rng):
    x = rng.normal(size=(300, 1)) * 5 + 2
    f = own_features(x, rng)
    assert f.shape == (300, 6)
    np.testing.assert_allclose(f.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(f.std(axis=0), 1)
    np.testing.assert_allclose(f[:, 0], (x[:, 0] - x.mean()) / x.std())
    assert own_features((x > 0) * 1.0, rng).shape == (300, 1)
    assert own_features(np.digitize(x, [0, 3]) * 1.0, rng).shape == (300, 3)
    assert own_features(np.column_stack([x, x > 0]), rng).shape == (300, 7)
    assert own_features(np.column_stack([x, np.ones(300)]), rng, 0).shape == (300, 1)  # what is constant is left out


def test_what_the_condition_explains_fully_leaves_nothing(rng):
    z = rng.normal(size=(200, 1))
    a, b = residual_pair(2 * z, rng.normal(size=(200, 1)), z, rng, own=0)
    assert (a.values == 0).all() and b.values.std() == pytest.approx(1)
    assert covariance_test(a, b, rng)[1] == 1.0


def test_the_covariance_test_by_hand_and_its_nulls():
    rng = np.random.default_rng(0)
    n = 400
    a, b = rng.normal(size=(n, 1)), rng.normal(size=(n, 1))
    statistic, p = covariance_test(Residuals(a, np.zeros(1)), Residuals(b, np.zeros(1)), rng, draws=9999)
    product = (a * b)[:, 0]
    assert statistic == pytest.approx(n * product.mean() ** 2)
    exact = 2 * norm.sf(np.sqrt(statistic / product.var()))
    assert p == pytest.approx(exact, abs=0.02)
    same = covariance_test(Residuals(a, np.zeros(1)), Residuals(b, np.zeros(1)), rng, null="spectral")
    assert same == (statistic, pytest.approx(exact, rel=1e-6))
    spent = covariance_test(Residuals(a, np.full(1, 100.0)), Residuals(b, np.full(1, 25.0)), rng, null="spectral")
    assert spent[1] == pytest.approx(2 * norm.sf(np.sqrt(statistic / product.var() * (1 - 50 / n))), rel=1e-6)
    most = covariance_test(Residuals(a, np.full(1, 1e6)), Residuals(b, np.full(1, 1e6)), rng, null="spectral")
    assert most[1] == pytest.approx(2 * norm.sf(np.sqrt(statistic / product.var() * 0.2)), rel=1e-6)
    beyond = covariance_test(Residuals(a, np.zeros(1)), Residuals(a, np.zeros(1)), rng, draws=99)
    assert beyond[1] < 1 / 100  # the limit serves where no draw reached it
    few = covariance_test(Residuals(a[:100], np.zeros(1)), Residuals(a[:100], np.zeros(1)), rng, draws=99)
    assert few[1] == 1 / 100
    assert Residuals(a, np.ones(1)).take(np.array([3, 1])).values[:, 0].tolist() == [a[3, 0], a[1, 0]]


def test_the_limit_takes_over_from_the_bootstrap_at_many_rows(monkeypatch):
    from affectlens.stats.independence import rcot

    monkeypatch.setattr(rcot, "MANY", 50)
    a = Residuals(np.random.default_rng(0).normal(size=(51, 1)), np.zeros(1))
    limit = covariance_test(a, a, np.random.default_rng(0), null="spectral")
    assert covariance_test(a, a, np.random.default_rng(0)) == limit
    fewer = a.take(np.arange(50))
    assert covariance_test(fewer, fewer, np.random.default_rng(0))[1] == 1 / 500


def test_centring_in_strata_by_hand():
    f, strata = np.array([[1.0], [3.0], [10.0], [5.0]]), np.array([0, 0, 2, 2])
    assert centred_in(f, strata)[:, 0].tolist() == [-1, 1, 2.5, -2.5]
    assert f[0, 0] == 1.0


def test_chi_square_tails_at_their_ends():
    assert weighted_chi2_tail(3.0, np.zeros(3)) == 1.0 and weighted_chi2_tail(3.0, np.array([])) == 1.0
    assert weighted_chi2_tail(1e6, np.ones(2)) == 1e-300
    assert weighted_chi2_tail(4.0, np.array([2.0, 0.0, 1e-20])) == pytest.approx(2 * norm.sf(np.sqrt(2)), rel=1e-6)
    # Unequal weights by numerical inversion (Imhof 1961).
    from scipy.integrate import quad

    w, x = np.array([5.0, 1.0, 1.0]), 20.0

    def integrand(u):
        theta = 0.5 * np.arctan(w * u).sum() - 0.5 * x * u
        return np.sin(theta) / (u * np.prod((1 + (w * u) ** 2) ** 0.25))

    exact = 0.5 + quad(integrand, 1e-12, 200, limit=2000)[0] / np.pi
    assert weighted_chi2_tail(x, w) == pytest.approx(exact, abs=3e-3)
    flat = np.array([1.0] * 5 + [0.2] * 30)  # the case with a central chi-square
    drawn = (np.random.default_rng(0).chisquare(1, (200_000, 35)) * flat).sum(1)
    assert weighted_chi2_tail(float(np.quantile(drawn, 0.95)), flat) == pytest.approx(0.05, abs=0.003)


def test_variables_keep_their_columns_kinds_and_codes():
    texts = variable(np.array(["b", "a", "c", "a"]))
    assert texts.columns.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]] and not texts.ordered
    assert texts.codes[1] == texts.codes[3] and len(set(texts.codes)) == 3
    two = variable(np.array(["m", "f", "m"]))
    assert two.columns[:, 0].tolist() == [1, 0, 1] and two.ordered
    some = two.take(np.array([1, 0]))
    assert some.columns[:, 0].tolist() == [0, 1] and some.codes.tolist() == [two.codes[1], two.codes[0]]
    assert variable([0.5, 1.5, 2.5]).take(np.array([0])).codes is None
    assert (
        variable(np.ones((3, 2))).columns.shape == (3, 2)
        and not variable(np.array([[0.1, 2.5], [0.7, 1.5], [0.2, 0.1]])).ordered
    )
    assert variable(pd.Series([3, 1, 2], index=[7, 8, 9])).columns[:, 0].tolist() == [3, 1, 2]
    assert variable(np.array([1, 2, 3, 4]), kind="categorical").kinds == ("categorical",) * 4
    frame = variable(pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3]}), kind=("ordinal", "continuous"))
    assert frame.kinds == ("ordinal", "continuous") and frame.codes is None
    missing = variable(pd.Series(["a", None, "b"]))
    assert np.isnan(missing.columns[1, 0]) and complete(missing).tolist() == [True, False, True]
    with pytest.raises(UsageError, match="no rows"):
        variable([])
    with pytest.raises(UsageError, match="shape"):
        variable(np.zeros((2, 2, 2)))


def test_kinds_are_guessed_by_the_number_of_values():
    assert variable(np.arange(12)).kinds == ("ordinal",) and variable(np.arange(13)).kinds == ("continuous",)
    assert variable([1.0, 2.0, 3.5]).kinds == ("continuous",) and variable([7.0, 7.0, np.nan]).kinds == ("binary",)


def test_normal_scores_by_hand():
    got = normal_scores(np.array([[10.0], [-5.0], [0.0]]))[:, 0]
    raw = norm.ppf(np.array([2.5, 0.5, 1.5]) / 3)
    np.testing.assert_allclose(got, raw / raw.std(), atol=1e-12)
    out = scaled(variable(pd.DataFrame({"a": [0.1, 5.0, 2.0, 9.0], "b": [0, 1, 1, 1], "c": [1, 2, 3, 1], "d": [2.0, 2, 2, 2]})))
    assert out.shape == (4, 3)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(out.std(axis=0), 1)
    np.testing.assert_allclose(out[:, 1], (np.array([0, 1, 1, 1]) - 0.75) / np.sqrt(3 / 16))


def test_a_discrete_condition_needs_four_rows_a_value():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 40))
    assert test(x, y, np.arange(40) % 10, rng=rng).method == "stratified"
    assert test(x, y, np.arange(40) % 11, rng=rng).method == "wgcm"
    assert test(x, y, np.arange(40) % 11, method="stratified", rng=rng).method == "stratified"  # exact for any sizes
    assert test(x, y, (np.arange(40) % 20).astype(str), rng=rng).method == "stratified"  # names have no order to regress on
    assert test(x, y, (np.arange(40) % 21).astype(str), rng=rng).method == "wgcm"
    with pytest.raises(UsageError, match="nothing can be tested"):
        test(x, y, np.arange(40).astype(str), method="stratified", rng=rng)
    with pytest.raises(UsageError, match="z is not discrete"):
        test(x, y, x, method="stratified", rng=rng)
    with pytest.raises(UsageError, match="nothing can be tested"):
        test(np.repeat([0, 1], 20), y, np.repeat([0, 1], 20), rng=rng)
    assert test(x[:30], y[:30], rng.normal(size=30), rng=rng).n == 30
    with pytest.raises(UsageError, match="at least 30"):
        test(x[:29], y[:29], rng.normal(size=29), rng=rng)
    for method in ("cmiknn", "chsic"):
        with pytest.raises(UsageError, match="needs a condition"):
            test(x, y, method=method, rng=rng)
    assert test(x, y, method="kci", rng=rng).n == 40


def test_the_answer_names_its_parts():
    rng = np.random.default_rng(0)
    z = rng.normal(size=200)
    x, y = z + rng.normal(size=200), z + rng.normal(size=200)
    got = test(x, y, z, method="rcot", rng=rng, draws=4)
    assert got.method == "rcot" and len(got.each) == 4 and got.p == pytest.approx(cauchy_combination(np.array(got.each)))
    assert got.effect.kind == "correlation" and got.dropped == 0 and got.note == ""
    assert smallest_correlation(200, 1) < got.smallest < smallest_correlation(200, 60)
    assert len(test(x, y, z, method="rcot", rng=rng).each) == 3
    default = test(x, y, z, rng=rng)
    assert default.method == "wgcm" and default.each == (default.p,) and default.pvalue == default.p
    assert default.diagnosis.sound and smallest_correlation(200, 1) < default.smallest < smallest_correlation(200, 60)
    linear = test(x, y, z, method="parcorr", rng=rng)
    assert "straight lines" in linear.note and linear.smallest == smallest_correlation(200)
    group = np.where(x > 1, "high", np.where(x < -1, "low", "middle"))
    assert test(group, y, z, rng=rng).effect.kind == "strength"
    assert test(group, y, rng=rng).effect.kind == "strength" and test(x, y, rng=rng).effect.kind == "correlation"
    assert test(x, y, rng=rng).smallest == smallest_correlation(200, 1)
    assert test(x, y, (z > 0) * 1, rng=rng).smallest == smallest_correlation(200, 2)
    given = test((x > 0) * 1.0, y, z, rng=rng, kinds={"x": "categorical"})
    assert given.n == 200


def test_a_curve_of_p_values_by_hand():
    from affectlens.stats.independence import p_against_n

    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    y = x + rng.normal(size=400)
    curve = p_against_n(pd.Series(x), y, rng=np.random.default_rng(0), repeats=3)
    assert curve.n.tolist() == [100, 131, 174, 229, 303, 400] and list(curve.columns) == ["n", "p", "low", "high"]
    assert (curve.low <= curve.p).all() and (curve.p <= curve.high).all()
    last = curve.iloc[-1]
    assert last.p == last.low == last.high  # all rows are one subset
    assert p_against_n(x[:40], y[:40], rng=rng).n.iloc[-1] == 40
    constant = p_against_n(np.zeros(50), y[:50], rng=rng)
    assert constant.empty and list(constant.columns) == ["n", "p", "low", "high"]


def test_many_columns_of_equal_scale_are_no_flatness():
    x = np.arange(20.0)
    y = np.sin(x)
    assert correlation(1e-9 * x, 1e9 * y).value == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_whitening_and_smooth_functions_along_a_direction(rng):
    from affectlens.stats.independence.index import _along, _pursue, _whitened

    z = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 3)) + 5
    x, whitening = _whitened(z)
    np.testing.assert_allclose(x.T @ x / 400, np.eye(3), atol=1e-4)
    np.testing.assert_allclose((z - z.mean(axis=0)) @ whitening, x)
    u, t = x[:, 0], np.column_stack([np.sin(2 * x[:, 0]), x[:, 0] ** 2])
    knots = np.quantile(u, np.linspace(0.05, 0.95, 7))
    width = 1.2 * (knots[-1] - knots[0]) / 6

    def design(at):
        return np.column_stack([np.ones(len(at)), at, np.exp(-0.5 * ((at[:, None] - knots) / width) ** 2)])

    f, penalty = design(u), np.diag([0.0, 0.0, *[1e-3 * 400] * 7])
    beta = np.linalg.solve(f.T @ f + penalty + 1e-9 * np.eye(9), f.T @ t)
    error, fit, slope = _along(u, t)
    np.testing.assert_allclose(fit, f @ beta, atol=1e-8)
    assert error == pytest.approx(((t - fit) ** 2).sum())
    step = 1e-5
    np.testing.assert_allclose(slope, (design(u + step) - design(u - step)) @ beta / 2 / step, atol=1e-5)
    true = np.array([0.6, -0.64, 0.48])
    target = np.tanh(3 * x @ true)[:, None]
    v, left = _pursue(x, target)
    assert abs(v @ true) / np.linalg.norm(true) > 0.999 and np.linalg.norm(v) == pytest.approx(1)
    np.testing.assert_allclose(left, target - _along(x @ v, target)[1], atol=1e-9)
    assert (
        _along(x @ v, target)[0] <= _along(x @ (true / np.linalg.norm(true)), target)[0] * 1.02
    )  # at least as good as the truth


def test_neighbours_have_a_limit():
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 450, 1))
    most, given = (cmi_knn(x, y, z, np.random.default_rng(1), draws=0, share=s)[0] for s in (0.9, 200 / 450))
    assert most == given != cmi_knn(x, y, z, np.random.default_rng(1), draws=0, share=199 / 450)[0]
    assert (
        cmi_knn(x, y, z, np.random.default_rng(1), draws=0)[0]
        == cmi_knn(x, y, z, np.random.default_rng(1), draws=0, share=0.1)[0]
    )


def test_the_largest_of_several_covariances_counts():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 1))
    noise = rng.normal(size=(300, 1))
    y = z + noise + 0.5 * rng.normal(size=(300, 1))
    bound, free = noise + z, rng.normal(size=(300, 1))
    alone = covariance_measure(bound, y, z, np.random.default_rng(1))[0]
    both = covariance_measure(np.column_stack([bound, free]), y, z, np.random.default_rng(1))[0]
    assert both == pytest.approx(alone, rel=0.05) and alone > 5


def test_what_the_condition_explains_is_not_found_and_rows_may_all_be_incomplete():
    rng = np.random.default_rng(0)
    z = rng.normal(size=200)
    x, y = z + rng.normal(size=200), z + rng.normal(size=200)
    assert test(x, y, z, rng=rng).p > 0.05 > test(x, x + y, z, rng=rng).p
    with pytest.raises(UsageError, match="over the 0 complete rows"):
        test(np.full(40, np.nan), y[:40], rng=rng)
    with pytest.raises(UsageError, match="nothing can be tested"):
        test(x[:40], np.repeat([0, 1], 20), np.repeat([0, 1], 20), rng=rng)
    mixed = np.repeat([0, 1], 20)
    assert test(x[:40], np.where(mixed == 0, 0, y[:40]), mixed, rng=rng).p > 0  # one stratum varies: it is tested


def test_quartiles_of_five_subsets_unless_told():
    from affectlens.stats.independence import p_against_n

    data = np.random.default_rng(0).normal(size=(2, 200))
    curve = p_against_n(*data, rng=np.random.default_rng(4), sizes=(60,))
    rng, each = np.random.default_rng(4), []
    for _ in range(5):
        rows = rng.permutation(200)[:60]
        each.append(test(data[0][rows], data[1][rows], rng=rng, draws=1).p)
    np.testing.assert_allclose(curve[["low", "p", "high"]].iloc[0], np.quantile(each, [0.25, 0.5, 0.75]))
