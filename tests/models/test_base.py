"""Calibration by hand, the registry of models, what is read and what is refused."""

import numpy as np
import pytest

from affectlens.core.errors import ModelError, UsageError
from affectlens.corpora.base import Item
from affectlens.models import base
from affectlens.models.base import BaseModel, Calibration, data_of, load_model, model_names, register_model

LABELS = ("a", "b", "c")


def test_probabilities_by_hand():
    calibration = Calibration(temperature=2.0)
    logits = np.array([[2 * np.log(3), 0.0], [2000.0, 2000.0]], np.float32)
    probability = calibration.probabilities(logits)
    np.testing.assert_allclose(probability, [[0.75, 0.25], [0.5, 0.5]], rtol=1e-6)
    assert probability.dtype == np.float64
    np.testing.assert_allclose(calibration.probabilities(logits[0]), [0.75, 0.25], rtol=1e-6)
    np.testing.assert_allclose(Calibration().probabilities(np.log([[0.2, 0.8]])), [[0.2, 0.8]])


def test_the_set_holds_what_is_likely_enough_and_is_never_empty():
    calibration = Calibration(conformal=0.75)
    assert calibration.conformal_set(np.array([0.25, 0.6, 0.15]), LABELS) == ("b", "a")  # the bound itself is inside
    assert calibration.conformal_set(np.array([0.2, 0.2, 0.6]), LABELS) == ("c",)
    assert Calibration(conformal=0.1).conformal_set(np.array([0.4, 0.35, 0.25]), LABELS) == ("a",)
    assert Calibration().conformal_set(np.array([0.0, 1.0, 0.0]), LABELS) == ("b", "a", "c")


def test_without_fitting_nothing_is_promised_beyond_the_whole_scheme():
    assert Calibration() == Calibration(1.0, 1.0, 0.9, 0.5, ())


def test_a_base_model_reads_what_it_is_given():
    class Half(BaseModel):
        def predict(self, inputs):
            return np.log(np.array([[0.5, 0.5]]))

    model = Half("half", "face", ["a", "b"], {"corpus": "none"}, Calibration(temperature=2.0))
    assert model.labels == ("a", "b") and model.meta == {"corpus": "none"} and not model.contextual
    assert model.read("text") == "text" and model.read(Item("k", 3, ("a",))) == 3
    np.testing.assert_allclose(model.probabilities(None), [[0.5, 0.5]])
    assert Half("half", "face", ["a"]).calibration == Calibration()
    with pytest.raises(ModelError, match="gone"):
        data_of(Item("k", None, ("a",), problem="gone"))
    with pytest.raises(ModelError, match="k: no data"):
        data_of(Item("k", None, ("a",)))
    with pytest.raises(NotImplementedError):
        BaseModel("x", "face", ["a"]).predict(None)


def test_models_open_by_name(tmp_path):
    made = []

    @register_model("hungry", needs="get them somewhere")
    def hungry(weights):
        made.append(weights)
        return "fed"

    @register_model("modest")
    def modest(weights=None):
        made.append(weights)
        return "there"

    try:
        assert "modest" in model_names() and "hungry" not in model_names()
        with pytest.raises(UsageError, match="needs --weights FILE; get them somewhere"):
            load_model("hungry")
        assert load_model("hungry", tmp_path) == "fed" and load_model("modest") == load_model("modest", tmp_path) == "there"
        assert made == [tmp_path, None, tmp_path]
        with pytest.raises(UsageError, match="did you mean modest"):
            load_model("modes")
    finally:
        base.MODELS.remove("hungry"), base.MODELS.remove("modest")
