import numpy as np

from affectlens.stats.multiple import benjamini_hochberg, holm, mean_of_units, permute_units, permute_within


def test_adjustments_by_hand():
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.03, 0.06, np.nan, 0.06, 0.02])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.02, 0.04, np.nan, 0.04, 0.02])


def test_mean_of_units_keeps_its_level(rng):
    p = np.array([mean_of_units(rng.standard_t(5, 12))[3] for _ in range(2000)])
    assert 0.035 < (p <= 0.05).mean() < 0.065
    assert mean_of_units(np.array([0.4, 0.5, 0.45, np.nan]))[3] < 0.01
    assert mean_of_units(np.array([0.4, 0.5]))[3] == 1.0


def test_permutations_respect_people(rng):
    speaker = np.array(list("aaabbbbcc"))
    order = permute_within(speaker, rng)
    assert sorted(order) == list(range(9)) and (speaker[order] == speaker).all()
    gender = np.array(list("mmmffffmm"))
    dealt = {"".join(permute_units(gender, speaker, rng)) for _ in range(60)}
    assert dealt == {"mmmffffmm", "mmmmmmmff", "fffmmmmmm"}
