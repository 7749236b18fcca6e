import numpy as np
import pytest

from affectlens.audits.features.audit import Surrogate, audit_features, linear_shap, over_people, permuted_loss, row_loss
from affectlens.learning.speech import logistic


def _people(rng, n=480, people=24):
    speaker = np.repeat([f"s{i}" for i in range(people)], n // people)
    corpus = np.where(np.arange(n) < n // 2, "one", "two")
    return speaker, corpus, rng.integers(0, 4, n)


def test_planted_features_come_out(rng):
    speaker, corpus, y = _people(rng)
    x = rng.normal(size=(len(y), 6))
    x[:, 1] += 0.5 * (y == 0)
    told = np.array([-1.5, -0.5, 0.5, 1.5])[y] + rng.normal(0, 0.4, len(y))
    x = np.column_stack([x, told, rng.normal(size=len(y))])
    names = [f"f{i}" for i in range(6)] + ["told", "noise"]
    found = audit_features(x, y, corpus, speaker, names, ["a"] * 3 + ["b"] * 3 + ["told", "noise"], model="logistic", rng=rng)
    assert found.features.feature[0] == "told" and found.groups.sort_values("permuted").group.iloc[-1] == "told"
    table = found.features.set_index("feature")
    assert table.loc["told", "permuted, p adjusted"] < 0.01 and table.loc["told", "conditional, p adjusted"] < 0.01
    assert table.loc["noise", "permuted, p adjusted"] > 0.05 and table.loc["noise", "conditional, p adjusted"] > 0.05
    groups = found.groups.set_index("group")
    assert groups.loc["told", "left out, p adjusted"] < 0.01 and groups.loc["noise", "left out, p adjusted"] > 0.05


def test_conditional_importance_sees_through_a_copy(rng):
    """A noisy copy of the cause is harmful to shuffle for a model that uses it, but adds nothing to the cause."""
    n = 4000
    y = rng.integers(0, 2, n)
    cause = y * 2.0 + rng.normal(size=n)
    copy = cause + rng.normal(0, 0.3, n)
    x = np.column_stack([cause, copy])
    weight = np.ones(n)
    one = np.full(n, "c")

    def predict(v):
        p = 1 / (1 + np.exp(-2 * ((v[:, 0] + v[:, 1]) / 2 - 1)))
        return np.column_stack([1 - p, p])

    base = row_loss(predict(x), y, weight)
    marginal = (permuted_loss(predict, x, y, weight, np.array([1]), one, rng)[0] - base).mean()
    conditional = (permuted_loss(predict, x, y, weight, np.array([1]), one, rng, Surrogate(x))[0] - base).mean()
    assert marginal > 0.1 and abs(conditional) < 0.1 * marginal


def test_test_over_people_keeps_its_level(rng):
    """Rows of one person share a deviation; whole people are flipped, so that false alarms stay at 5 %."""
    speaker = np.repeat(np.arange(20), 15)
    alarms = []
    for _ in range(300):
        values = rng.normal(size=20)[speaker][:, None] + rng.normal(size=(300, 1))
        alarms.append(over_people(values, speaker, rng, 199)[3][0] <= 0.05)
    assert 0.02 < np.mean(alarms) < 0.085


def test_linear_shap_sums_to_the_score(rng):
    x, y = rng.normal(size=(300, 5)), rng.integers(0, 3, 300)
    x[:, 0] += y
    model = logistic().fit(x, y)
    centred = model.coef_ - model.coef_.mean(axis=0)
    values = linear_shap(x, y, x[:10])
    answer = (x[:10] @ centred.T + model.intercept_).argmax(axis=1)
    expected = ((x[:10] - x.mean(axis=0)) * centred[answer]).sum(axis=1)
    np.testing.assert_allclose(values.sum(axis=1), expected, atol=1e-9)


def test_the_page_is_written(rng, tmp_path):
    from affectlens.audits.features.page import write_feature_report
    from affectlens.perception.voice.catalogue import group_of
    from affectlens.perception.voice.egemaps import NAMES

    speaker, corpus, y = _people(rng, 160, 20)
    x = rng.normal(size=(160, 88))
    found = audit_features(x, y, corpus, speaker, list(NAMES), group_of(), model="logistic", rng=rng,
                           classes=("anger", "happiness", "sadness", "neutral"))  # fmt: skip
    page = write_feature_report(found, tmp_path / "out").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "") and "Groups of features" in page
    assert (tmp_path / "out" / "features.csv").exists() and (tmp_path / "out" / "figures" / "groups.png").exists()
    assert found.features["permuted"].abs().max() < 0.2


@pytest.mark.parametrize("model", ["svm", "semi-supervised"])
def test_other_models_can_be_audited(rng, model):
    speaker, corpus, y = _people(rng, 120, 10)
    x = rng.normal(size=(120, 4)) + y[:, None]
    found = audit_features(x, y, corpus, speaker, list("abcd"), ["g", "g", "h", "h"], model=model, rng=rng)
    assert np.isfinite(found.features.permuted).all() and np.isfinite(found.shapley.Shapley).all()
