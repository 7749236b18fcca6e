"""The default test for a continuous condition: bases and regressions against closed forms, its statistic, level and power."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import kstest, norm

from affectlens.core.errors import UsageError
from affectlens.stats.independence import Condition, test
from affectlens.stats.independence.quadratic import weighted_chi2_tail
from affectlens.stats.independence.variables import variable
from affectlens.stats.independence.wgcm import bases, directions, statistic
from affectlens.stats.independence.wgcm.bases import additive, basis, exponential, gaussian, linear, orthonormal, root
from affectlens.stats.independence.wgcm.condition import Factorised, median_distance
from affectlens.stats.independence.wgcm.diagnosis import Diagnosis, rest
from affectlens.stats.independence.wgcm.regression import PENALTIES, regress
from affectlens.stats.independence.wgcm.residuals import Left, left_of
from affectlens.stats.independence.wgcm.statistic import weighted_covariance


def waves(rng, n=400, noise=0.05, shared=0.0):
    z, u = rng.normal(size=(2, n))
    x, y = np.sin(3 * z) + noise * (rng.normal(size=(2, n)) + shared * u)
    return x, y, z


def rejected(make, repetitions, seed=0, **options):
    p = []
    for repetition in range(repetitions):
        rng = np.random.default_rng([repetition, seed])
        x, y, z = make(rng)
        p.append(test(x, y, z, rng=rng, **options).p)
    return np.array(p)


def test_kernels_by_their_formulas(rng):
    rows = rng.normal(size=(30, 3))
    far = cdist(rows, rows)
    for kernel, expected in (
        (gaussian(1.5), np.exp(-0.5 * far**2 / 1.5**2)),
        (additive(0.7), np.mean([np.exp(-0.5 * cdist(c, c) ** 2 / 0.7**2) for c in np.split(rows, 3, axis=1)], axis=0)),
        (linear, rows @ rows.T / 3),
    ):
        got = np.column_stack([kernel(rows, row) for row in rows])
        np.testing.assert_allclose(got, expected, atol=1e-12)
        np.testing.assert_allclose(root(kernel, rows, None, 30) @ root(kernel, rows, None, 30).T, expected, atol=1e-6)
    one = rows[:, :1]
    got = np.column_stack([exponential(2.0)(one, row) for row in one])
    np.testing.assert_allclose(got, np.exp(-cdist(one, one) / 2), atol=1e-12)


def test_a_root_takes_the_rows_that_say_most_and_no_more_than_asked(rng):
    rows = rng.normal(size=(60, 1))
    factor = root(gaussian(1.0), rows, None, 5)
    matrix = np.exp(-0.5 * cdist(rows, rows) ** 2)
    assert factor.shape == (60, 5) and np.abs(matrix - factor @ factor.T).max() < 0.5
    labels = np.arange(60) % 2
    whole = root(gaussian(1.0), rows, labels, 60)
    np.testing.assert_allclose(whole @ whole.T, matrix * (labels[:, None] == labels), atol=1e-4)
    assert root(gaussian(1.0), np.zeros((9, 1)), None, 5).shape == (9, 1)  # equal rows have one function


def test_a_basis_is_orthonormal_and_without_what_is_fixed(rng):
    rows = rng.normal(size=(90, 1))
    fixed = orthonormal([np.ones((90, 1)), rows, 2 * rows])
    assert fixed.shape == (90, 2)
    found = basis("name", gaussian(0.5), rows, fixed, most=12, cost=3)
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(len(found.values)), atol=1e-6)
    np.testing.assert_allclose(fixed.T @ found.vectors, 0, atol=1e-8)
    assert found.vectors.shape[1] <= 12 and (found.values > 0).all() and found.cost == 3
    assert basis("name", gaussian(0.5), rows, fixed).vectors.shape[1] <= 30  # no more than a third of the rows


def brute_fit(kernel, fixed, y, penalty):
    """Kernel ridge regression with columns that are not penalised, by the normal equations of its dual."""
    n = len(y)
    project = np.eye(n) - fixed @ fixed.T
    centred = project @ kernel @ project
    hat = fixed @ fixed.T + centred @ np.linalg.inv(centred + penalty * np.eye(n))
    return hat @ y, np.diag(hat), np.trace(hat)


def test_regression_is_kernel_ridge_with_the_least_gcv_error(rng):
    n = 120
    z = rng.normal(size=(n, 1))
    y = np.column_stack([np.sin(2 * z[:, 0]) + 0.2 * rng.normal(size=n), 3 * z[:, 0] + rng.normal(size=n)])
    fixed = orthonormal([np.ones((n, 1)), z])
    widths = (0.5, 1.5)
    kernels = [np.exp(-0.5 * cdist(z, z) ** 2 / width**2) for width in widths]
    found = regress(y, fixed, [basis(f"{width}", gaussian(width), z, fixed) for width in widths], undersmoothed=1.0)
    for j in range(2):
        target = y[:, j] - y[:, j].mean()
        flat = target - fixed @ (fixed.T @ target)
        best = ((flat**2).mean() / (1 - 2 / n) ** 2, flat, (fixed**2).sum(axis=1), 0)
        for kernel in kernels:
            for penalty in PENALTIES[::1] * n:
                fit, leverage, freedom = brute_fit(kernel, fixed, target, penalty)
                error = ((target - fit) ** 2).mean() / (1 - freedom / n) ** 2
                if freedom <= n / 2 and error < best[0]:
                    best = (error, target - fit, leverage, 2)  # width and penalty are parameters as well
        left_out = ((best[1] / (1 - best[2])) ** 2).mean()
        assert found.error[j] == pytest.approx(left_out / target.var(), rel=1e-2)
        np.testing.assert_allclose(found.residuals[:, j], best[1], atol=2e-3)
        np.testing.assert_allclose(found.leverage[:, j], best[2] + best[3] / n, atol=2e-3)
    assert found.chosen[0] in ("0.5", "1.5")


def test_regression_agrees_with_scikit_learn(rng):
    from sklearn.kernel_ridge import KernelRidge

    n = 100
    z = rng.normal(size=(n, 1))
    y = np.sin(3 * z[:, 0]) + 0.1 * rng.normal(size=n)
    y = y - y.mean()
    nothing = np.zeros((n, 0))
    kernel_basis = basis("", gaussian(0.6), z, nothing, most=100)
    found = regress(y[:, None], nothing, [kernel_basis], undersmoothed=1.0)
    shrinks = [KernelRidge(kernel="rbf", gamma=0.5 / 0.6**2, alpha=alpha * n).fit(z, y) for alpha in PENALTIES]
    closest = min(np.abs(y - model.predict(z) - found.residuals[:, 0]).max() for model in shrinks)
    assert closest < 1e-3


def test_undersmoothing_takes_bias_and_costs_freedom(rng):
    z = rng.normal(size=(300, 1))
    truth = np.sin(3 * z)
    target = truth + 0.3 * rng.normal(size=z.shape)
    fixed = orthonormal([np.ones((300, 1)), z])
    own = [basis("", gaussian(0.4), z, fixed)]
    usual, under = (regress(target, fixed, own, factor) for factor in (1.0, 10.0))
    assert under.leverage.sum() > usual.leverage.sum() and (under.residuals**2).sum() < (usual.residuals**2).sum()
    clean = regress(truth, fixed, own, 1.0)
    assert (clean.residuals**2).mean() < 1e-8  # without noise nothing of the truth is left
    assert under.leverage.sum() <= 150 and under.error[0] < 0.3


def test_what_a_condition_is_made_of(rng):
    n = 200
    z = pd.DataFrame({"a": rng.normal(size=n), "b": rng.standard_cauchy(n), "k": np.where(np.arange(n) % 2, "u", "v")})
    given = Factorised(variable(z))
    np.testing.assert_allclose(given.columns[:, 0], (z.a - z.a.mean()) / z.a.std(ddof=0))
    assert np.abs(given.columns[:, 1]).max() < 6 and (np.argsort(given.columns[:, 1]) == np.argsort(z.b)).all()
    assert len(set(given.labels)) == 2 and given.fixed.shape == (n, 6) and not given.crowded
    z["k"] = np.where(np.arange(n) < 4, "u", "v")  # too few rows to regress within: a column of zeros and ones
    assert Factorised(variable(z)).labels is None and Factorised(variable(z)).columns.shape == (n, 3)
    assert Factorised(variable(rng.normal(size=(60, 25)))).crowded
    assert Factorised(variable(np.arange(200) % 2)).columns.shape == (200, 0)
    assert median_distance(np.array([[0.0], [1.0], [3.0]])) == pytest.approx(2.0)


def test_weights_have_one_square_a_row_and_constants_carry_all(rng):
    n = 150
    z = pd.DataFrame({"a": rng.normal(size=n), "k": rng.integers(0, 3, n).astype(str)})
    given = Factorised(variable(z))
    weights = given.weights()
    assert set(weights) == {"one", "coarse", "fine", "label"}
    for functions in weights.values():
        assert (functions**2).sum() == pytest.approx(n)
    assert given.carried()["one"] == pytest.approx(1) and (given.carried()["label"] <= 1 + 1e-9).all()
    wide = Factorised(variable(rng.normal(size=(n, 30))))
    assert wide.carried()["coarse"].max() < 0.6  # signs of columns differ among the rows that a plane binds together
    assert weights["fine"].shape[1] > weights["coarse"].shape[1]


def test_the_condition_is_factorised_once(rng, monkeypatch):
    x, y, z = waves(rng, 120)
    shared = Condition(z)
    a = test(x, y, shared, rng=np.random.default_rng(1))
    calls = []
    monkeypatch.setattr(bases, "root", lambda *arguments: calls.append(arguments))
    b = test(x, y, shared, rng=np.random.default_rng(1))
    assert a == b and not calls
    monkeypatch.undo()
    assert a == test(x, y, z, rng=np.random.default_rng(1))
    holes = x.copy()
    holes[:9] = np.nan
    part = test(holes, y, shared, rng=np.random.default_rng(1))
    assert part.dropped == 9 and part == test(holes[9:], y[9:], z[9:], rng=np.random.default_rng(1)).__class__(
        **(vars(test(holes[9:], y[9:], z[9:], rng=np.random.default_rng(1))) | {"dropped": 9})
    )
    with pytest.raises(UsageError, match="120, 120, 119"):
        test(x, y, Condition(z[:-1]), rng=rng)


def test_little_is_kept_and_no_condition_is_one_too(rng, monkeypatch):
    from affectlens.stats.independence.wgcm import condition as module

    monkeypatch.setattr(module, "_VARIABLES", 2)
    given = Factorised(variable(rng.normal(size=60)))
    for number in (1, 2, 3, 2):
        assert given.once((number,), lambda number=number: [number]) == [number]
    given.weights()
    assert [key for key in given._computed if not isinstance(key, str)] == [(2,), (3,)]
    x = rng.normal(size=60)
    assert test(x, x + 0.5 * rng.normal(size=60), method="wgcm", rng=rng).p < 0.05
    frame = pd.DataFrame({"a": x, "b": rng.normal(size=60)})
    assert test(frame, (frame.a * frame.b), method="wgcm", rng=rng).p < 0.05 < test(frame, rng.normal(size=60), rng=rng).p


def test_columns_and_directions_that_count_are_found(rng):
    z = rng.normal(size=(400, 40))
    target = (np.sin(2 * z[:, 7]) + z[:, 3] ** 2 + 0.3 * rng.normal(size=400))[:, None]
    fixed = orthonormal([np.ones((400, 1)), z])
    assert set(directions.selected_columns(z, fixed, target)) >= {7, 3}
    none = [len(directions.selected_columns(z, fixed, rng.normal(size=(400, 1)))) for _ in range(20)]
    assert np.mean(none) < 0.6
    assert directions.own_bases(Factorised(variable(z[:, :1])), rng.normal(size=(400, 1))) == []
    index = np.tanh(2 * z[:, :4] @ [0.5, -0.5, 0.5, 0.5])[:, None] + 0.1 * rng.normal(size=(400, 1))
    given = Factorised(variable(z[:, :4]))
    own = directions.own_bases(given, index)
    assert regress(index, given.fixed, own).error[0] < 0.5 * regress(index, given.fixed, []).error[0]


def test_a_jump_is_found_and_taken_out(rng):
    z = rng.normal(size=400)
    target = (np.where(z > 0.4, 1.0, -1.0) + 0.3 * rng.normal(size=400))[:, None]
    assert abs(directions.largest_jump(z, target) - 0.4) < 0.05
    assert directions.largest_jump(z, rng.normal(size=(400, 2))) is None
    assert directions.largest_jump(z[:30], target[:30]) is None
    given = Factorised(variable(z))
    smooth, with_jump = (
        regress(target, given.fixed, [*given.bases, *own]) for own in ([], directions.own_bases(given, target))
    )
    assert with_jump.chosen[0].startswith("jump") and with_jump.error[0] < smooth.error[0]
    near = np.abs(z - 0.4) < 0.1
    assert (with_jump.residuals[near] ** 2).mean() < 0.7 * (smooth.residuals[near] ** 2).mean()


def test_residuals_are_the_noise(rng):
    n = 400
    z, e = rng.normal(size=(2, n))
    given = Factorised(variable(z))
    for noise, least in ((0.01, 0.9), (0.3, 0.95)):
        left = left_of(variable(np.sin(3 * z) + noise * e), given)
        assert np.corrcoef(left.lines[:, 0], e)[0, 1] > least and left.share == pytest.approx(noise**2 / 0.5, rel=0.3)
    heavy = left_of(variable(z + rng.standard_cauchy(n)), given)
    assert np.abs(heavy.lines).max() < 6  # by scores
    np.testing.assert_allclose(heavy.lines.std(axis=0), 1)
    np.testing.assert_allclose(heavy.waves.std(axis=0), 1)
    assert heavy.waves.shape == (n, 4) and heavy.leverage.shape == (n, 5)
    binary = left_of(variable((z + e > 0) * 1.0), given)
    assert binary.lines.shape == (n, 1) and binary.waves.shape == (n, 0) and binary.leverage.shape == (n, 1)
    assert left_of(variable(np.array(["a", "b", "c"])[np.arange(n) % 3]), given).lines.shape == (n, 3)
    assert (left_of(variable(2 * z), given).lines == 0).all()


def plain(values):
    values = (values - values.mean()) / values.std()
    return Left(values[:, None], np.zeros((len(values), 0)), np.zeros((len(values), 1)), 1.0)


def test_the_statistic_by_hand(rng):
    n = 500
    a, b = rng.normal(size=(2, n))
    given = Factorised(variable(np.arange(n) % 2))  # one label: weights are a constant and the label
    found = weighted_covariance(plain(a), plain(b), given, np.random.default_rng(0), draws=1999)
    product = plain(a).lines[:, 0] * plain(b).lines[:, 0]
    exact = 2 * norm.sf(abs(product.mean()) * np.sqrt(n) / product.std())
    assert found.each["lines, one"] == pytest.approx(exact, abs=0.03) and set(found.each) == {"lines, one", "lines, label"}
    sign = np.where(np.arange(n) % 2, 1.0, -1.0)
    flipped = weighted_covariance(plain(a), plain(a * sign), given, np.random.default_rng(0))
    assert flipped.each["lines, one"] > 0.05 > 0.01 > flipped.p
    assert flipped.p < 1e-6  # the limit serves where no draw reached it
    few = weighted_covariance(plain(a[:200]), plain(a[:200]), Factorised(variable(np.arange(200) % 2)), rng, draws=99)
    assert few.p <= 4 / 100
    assert weighted_chi2_tail(n * product.mean() ** 2, np.array([product.var()])) == pytest.approx(exact, rel=1e-6)


def test_leverage_widens_the_null(rng):
    n = 300
    a, b = plain(rng.normal(size=n)), plain(rng.normal(size=n))
    given = Factorised(variable(rng.normal(size=n)))
    spent = [Left(side.lines, side.waves, np.full((n, 1), 0.5), 1.0) for side in (a, b)]
    free = statistic._blocks(a, b, given)["lines, one"]
    wide = statistic._blocks(*spent, given)["lines, one"]
    np.testing.assert_array_equal(free[0], wide[0])  # what is observed stays
    assert (wide[1] ** 2).sum() == pytest.approx(2 * (free[1] ** 2).sum())
    half = [spent[0], b]  # a regression of one variable alone takes nothing from the sum of products
    np.testing.assert_allclose(statistic._blocks(*half, given)["lines, one"][1], free[1])


def test_random_signs_are_exact_where_errors_are_symmetric():
    """All 1,024 signs of ten products: the bootstrap is a sign test, also where one product outweighs the others."""
    products = np.array([5.0, 0.3, -0.2, 0.1, 0.4, -0.3, 0.2, 0.6, -0.1, 0.5])
    given = Factorised(variable(np.zeros(10)))
    signs = 1 - 2 * ((np.arange(1024)[:, None] >> np.arange(10)) & 1)
    exact = (np.abs(signs @ products) >= products.sum() - 1e-9).mean()
    x, y = (Left(v[:, None], np.zeros((10, 0)), np.zeros((10, 1)), 1.0) for v in (products, np.ones(10)))
    found = weighted_covariance(x, y, given, np.random.default_rng(0), draws=9999)
    assert found.each["lines, one"] == pytest.approx(exact, abs=0.01)


def test_functions_of_residuals_have_lost_what_is_a_line_in_them(rng):
    n = 4000
    z, e = rng.normal(size=(2, n))
    left = left_of(variable(np.sin(4 * z) + e), Factorised(variable(z)))
    names = ("line", "scores", "sine", "cosine", "slow cosine")
    taken = dict(zip(names, left.leverage.mean(axis=0), strict=True))
    assert taken["line"] > 3 * taken["cosine"]  # a cosine is no line: what the line lost it has not
    assert taken["scores"] == pytest.approx(taken["line"], rel=0.1)
    assert taken["cosine"] < taken["sine"] < taken["line"]


def test_a_diagnosis_in_words(rng):
    n = 300
    z = np.sort(rng.normal(size=n))
    given = Factorised(variable(z))
    noise = rng.normal(size=(n, 1))
    assert rest(noise - noise.mean(), given) > 0.01 > rest(np.sin(3 * z)[:, None], given)
    assert rest(noise, Factorised(variable(rng.normal(size=(n, 25))))) == 1.0
    shuffled = rng.permutation(n)
    again = Factorised(variable(z[shuffled]))
    assert rest(noise, given) == pytest.approx(rest(noise[shuffled], again))
    assert Diagnosis(0.5, 0.5, 0.2, 0.2).sound and Diagnosis(0.5, 0.5, 0.2, 0.2).testable
    assert "x determines" not in Diagnosis(0.5, 0.0, 1, 1).sentence and "z determines y" in Diagnosis(0.5, 0.0, 1, 1).sentence
    assert "left of x still depends on z" in Diagnosis(0.5, 0.5, 1e-4, 0.5).sentence
    assert "more columns than a third" in Diagnosis(0.5, 0.5, 1, 1, True).sentence
    nothing = test(np.sin(z), z + rng.normal(size=n), z, rng=rng)
    assert nothing.p == 1 and (nothing.effect.low, nothing.effect.high) == (-1, 1) and "nothing is left" in nothing.note
    rough = np.where(np.arange(n) // 4 % 2, 1.0, -1.0)  # jumps more often than any width follows
    found = test(rough + 0.1 * rng.normal(size=n), rough + 0.1 * rng.normal(size=n), z, rng=rng)
    assert not found.diagnosis.sound and "still depends on z" in found.note


def test_units_and_the_order_of_rows_do_not_matter():
    x, y, z = waves(np.random.default_rng(1), 150, 0.2, 0.5)
    a = test(x, y, z, rng=np.random.default_rng(5))
    b = test(1e6 * x + 3, -1e-6 * y, 40 * z - 7, rng=np.random.default_rng(5))
    assert a.p == pytest.approx(b.p, abs=0.01) and a.effect.value == pytest.approx(-b.effect.value, abs=1e-3)
    order = np.random.default_rng(2).permutation(150)
    c = test(x[order], y[order], z[order], rng=np.random.default_rng(6))
    assert c.effect.value == pytest.approx(a.effect.value, abs=1e-3) and c.p == pytest.approx(a.p, abs=0.15)


def test_little_noise_keeps_the_level():
    p = rejected(lambda rng: waves(rng, 120, 0.02), 60)
    assert (p <= 0.05).mean() <= 0.12 and kstest(p, "uniform").pvalue > 1e-3


def test_normal_scores_of_a_condition_would_not_keep_it():
    """The broken variant: ranks are so rough that what they leave of a function depends on them."""
    from affectlens.stats.independence.variables import normal_scores

    p = rejected(lambda rng: (lambda x, y, z: (x, y, normal_scores(z[:, None])))(*waves(rng, 120, 0.02)), 15)
    assert (p <= 0.05).mean() > 0.3


def test_many_columns_keep_the_level():
    def make(rng):
        z = rng.normal(size=(150, 30))
        x, y = z.sum(axis=1) / 5 + rng.normal(size=(2, 150))
        return x, y, z

    assert (rejected(make, 15) <= 0.05).mean() <= 0.2


def flip(rng):
    k, e = rng.integers(0, 2, 200), rng.normal(size=200)
    return k + e, k + 0.6 * (2 * k - 1) * e + rng.normal(size=200), k.astype(str)


def mixed_flip(rng):
    x, y, k = flip(rng)
    z = rng.normal(size=200)
    return x + z, y + z, pd.DataFrame({"k": k, "z": z})


def wave_of_signs(rng):
    z, e = rng.normal(size=(2, 300))
    return z + e, z + np.sin(4 * z) * e + rng.normal(size=300), z


def exclusive_or(rng):
    x, y = rng.integers(0, 2, (2, 200))
    return x * 1.0, y * 1.0, (x ^ y) + 0.3 * rng.normal(size=200)


def exclusive_or_of_two(rng):
    x, z = rng.integers(0, 2, (200, 2)), rng.normal(size=200)
    return x * 1.0, (x[:, 0] ^ x[:, 1]) + z + 0.5 * rng.normal(size=200), z


@pytest.mark.parametrize("make", [flip, mixed_flip, wave_of_signs, exclusive_or, exclusive_or_of_two])
def test_dependences_that_change_over_the_condition_are_seen(make):
    assert (rejected(make, 8) <= 0.05).mean() > 0.9
