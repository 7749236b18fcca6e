"""Typicality: level on people like those that were learnt from, power on others, what is refused, what a file keeps."""

import numpy as np
import pytest
import torch
from scipy.stats import chi2, kstest
from sklearn.covariance import ledoit_wolf

from affectlens.core.errors import ModelError
from affectlens.learning.export import export
from affectlens.learning.typicality import Typicality, fit_typicality
from affectlens.models.base import Calibration
from affectlens.models.weights import read_weights

WIDTH = 12


def people(rng, count, items=4, apart=1.0, mixing=None):
    """Features and groups of people who differ from each other and within themselves."""
    middle = np.repeat(rng.normal(size=(count, WIDTH)) * apart, items, axis=0)
    features = middle + rng.normal(size=middle.shape)
    return (features if mixing is None else features @ mixing), np.arange(count * items) // items


def ring(rng, count):
    """Items on a circle: the middle, where their mean lies, is unlike all of them."""
    angle = rng.uniform(0, 2 * np.pi, count)
    return np.column_stack([np.cos(angle), np.sin(angle)]) * 5 + rng.normal(0, 0.3, (count, 2))


@pytest.mark.parametrize("prototypes", [1, 8])
def test_p_values_of_new_people_are_uniform(rng, prototypes):
    values = []
    for _ in range(12):
        mixing = rng.normal(size=(WIDTH, WIDTH))
        fitted = fit_typicality(*people(rng, 80, mixing=mixing), prototypes=prototypes)
        values.append(fitted.p_values(people(rng, 60, items=1, mixing=mixing)[0]))
    values = np.concatenate(values)
    assert (values <= 0.05).mean() == pytest.approx(0.05, abs=0.025)
    assert (values <= 0.5).mean() == pytest.approx(0.5, abs=0.08)


def test_p_values_of_exchangeable_items_are_exact(rng):
    """Averaged over fits, the share below each level is that level."""
    values = [fit_typicality(rng.normal(size=(120, 4)), np.arange(120)).p_values(rng.normal(size=(20, 4))) for _ in range(60)]
    assert kstest(np.concatenate(values), "uniform").statistic < 0.06


def test_null_distances_are_of_people_who_were_left_out(rng):
    """With few people in many dimensions, distances of the people of the fit themselves would be far too short."""
    ordinary = []
    for _ in range(20):
        features, groups = people(rng, 12, items=3, apart=3.0)
        fitted = fit_typicality(features, groups)
        assert np.median(fitted.null) > 1.2 * np.median(fitted.distances(features))
        ordinary.append(fitted.p_values(people(rng, 100, items=1, apart=3.0)[0]))
    assert (np.concatenate(ordinary) <= 0.1).mean() < 0.13  # below: a fit on all of them is closer to new people


@pytest.mark.parametrize("prototypes", [1, 8])
def test_what_was_shifted_scaled_or_leaves_the_axes_is_unlike(rng, prototypes):
    flat = rng.normal(size=(4, WIDTH))  # features of training lie in four dimensions

    def draw(count):
        return rng.normal(size=(count, 4)) @ flat + rng.normal(0, 0.05, (count, WIDTH))

    fitted = fit_typicality(draw(400), np.arange(400) // 4, components=6, prototypes=prototypes)
    aside = np.linalg.svd(flat)[2][-1]
    assert (fitted.p_values(draw(200) + 6 * flat[0]) <= 0.05).mean() > 0.95
    assert (fitted.p_values(5 * draw(200)) <= 0.05).mean() > 0.8
    assert (fitted.p_values(draw(200) + aside) <= 0.05).mean() > 0.95


def test_prototypes_see_a_hole_in_the_middle(rng):
    features, groups = ring(rng, 600), np.arange(600)
    inside = rng.normal(0, 0.3, (100, 2))
    around = fit_typicality(features, groups, prototypes=24)
    assert (around.p_values(inside) <= 0.05).mean() > 0.95
    assert (around.p_values(ring(rng, 400)) <= 0.05).mean() < 0.1
    assert (fit_typicality(features, groups).p_values(inside) <= 0.05).mean() < 0.05  # the mean is the most ordinary of all


def test_distance_is_mahalanobis_by_hand(rng):
    """All axes kept: the distance of a shrunken covariance of standardised features."""
    features = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 3))
    fitted = fit_typicality(features, np.arange(300))
    standardised = (features - features.mean(axis=0)) / features.std(axis=0)
    inverse = np.linalg.inv(ledoit_wolf(standardised)[0])
    expected = np.sqrt(np.einsum("ij,jk,ik->i", standardised, inverse, standardised))
    np.testing.assert_allclose(fitted.distances(features), expected, rtol=1e-6)
    assert chi2(3).cdf(fitted.null**2).mean() == pytest.approx(0.5, abs=0.05)


def test_p_value_by_hand():
    fitted = Typicality(
        np.zeros(1), np.ones(1), np.ones((1, 1)), np.ones(2), np.zeros((1, 2)), np.array([1.0, 2.0, 4.0]),
        np.array([1.0, 0.75, 0.5, 0.25]),
    )  # fmt: skip
    given = np.array([[0.5], [1.0], [-1.5], [2.0], [3.0], [4.5]])
    assert fitted.p_values(given).tolist() == [1.0, 1.0, 0.75, 0.75, 0.5, 0.25]


def test_every_person_counts_alike(rng):
    """A person with a hundred items has no more say in mean and p-values than one with four."""
    one, few = rng.normal(size=(200, 2)) + 30, rng.normal(size=(200, 2))
    fitted = fit_typicality(np.vstack([one, few]), np.append(np.zeros(200), 1 + np.arange(200) // 4), components=2)
    assert abs(fitted.mean[0]) < 1.5
    assert fitted.p_values(np.full((1, 2), 30.0))[0] < 0.05


def test_units_and_order_do_not_matter(rng):
    features, groups = people(rng, 30)
    fresh = people(rng, 50, items=1)[0]
    values = fit_typicality(features, groups).p_values(fresh)
    stretched = fit_typicality(features * 1000 + 7, groups).p_values(fresh * 1000 + 7)
    np.testing.assert_allclose(values, stretched, atol=0.02)
    np.testing.assert_allclose(fit_typicality(features, groups.astype(str)).p_values(fresh), values, atol=0.05)


def test_no_more_distances_are_kept_than_needed_and_thinning_raises_p_values(rng, monkeypatch):
    features, groups, fresh = rng.normal(size=(900, 3)), np.arange(900), rng.normal(size=(300, 3)) * 2
    whole = fit_typicality(features, groups)
    monkeypatch.setattr("affectlens.learning.typicality._NULL", 100)
    thin = fit_typicality(features, groups)
    assert len(whole.null) == 900 and len(thin.null) == 100
    gap = thin.p_values(fresh) - whole.p_values(fresh)
    assert gap.min() >= 0 and gap.max() < 0.02


def test_a_feature_that_never_changes_does_not_rule(rng):
    features = np.column_stack([rng.normal(size=(200, 3)), np.full(200, 2.0)])
    assert np.isfinite(fit_typicality(features, np.arange(200)).p_values(features)).all()
    assert np.isfinite(fit_typicality(np.ones((9, 2)), np.arange(9)).p_values(np.ones((1, 2)))).all()


def test_a_file_gives_it_back(rng, tmp_path):
    fitted = fit_typicality(*people(rng, 30), prototypes=5)
    tensors = {name: torch.from_numpy(values) for name, values in fitted.to_tensors().items()}
    export(tmp_path / "w.safetensors", {"weight": torch.ones(2), **tensors}, {"labels": ["a"]}, Calibration())
    read = Typicality.from_tensors(read_weights(tmp_path / "w.safetensors")[0])
    fresh = people(rng, 100, items=1)[0]
    np.testing.assert_allclose(read.p_values(fresh), fitted.p_values(fresh), atol=0.01)
    assert Typicality.from_tensors({"weight": torch.ones(2)}) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop("typicality.null"), "null missing"),
        (lambda tensors: tensors.update({"typicality.mean": np.zeros(3)}), r"mean has shape \(3,\), expected \(12,\)"),
        (lambda tensors: tensors.update({"typicality.prototypes": np.zeros((0, 13))}), "prototypes has shape"),
        (lambda tensors: tensors.update({"typicality.scale": np.zeros(12)}), "above zero"),
        (lambda tensors: tensors.update({"typicality.mean": np.full(12, np.nan)}), "not finite"),
        (lambda tensors: tensors.update({"typicality.axes": np.zeros(12)}), "no typicality can be made"),
        (lambda tensors: tensors.update({"typicality.null": tensors["typicality.null"][::-1]}), "rise"),
    ],
)
def test_damaged_tensors_are_refused(rng, change, message):
    tensors = fit_typicality(*people(rng, 30)).to_tensors()
    change(tensors)
    with pytest.raises(ModelError, match=message):
        Typicality.from_tensors(tensors)


def test_what_is_no_number_is_refused(rng):
    features, groups = people(rng, 30)
    fitted = fit_typicality(features, groups)
    features[3, 2] = np.nan
    with pytest.raises(ModelError, match="1 of 120 inputs"):
        fit_typicality(features, groups)
    with pytest.raises(ModelError, match="1 of 120 inputs"):
        fitted.p_values(features)
    with pytest.raises(ModelError, match=r"shape \(2, 3\), expected \(n, 12\)"):
        fitted.p_values(np.zeros((2, 3)))
    with pytest.raises(ModelError, match="one group an item"):
        fit_typicality(np.zeros((5, 2)), groups[:4])
    with pytest.raises(ModelError, match="at least two"):
        fit_typicality(np.zeros((4, 2)), np.zeros(4))
