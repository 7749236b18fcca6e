from pathlib import Path

import numpy as np
import pytest
import torch

from affectlens.audits.objects.settings import ObjectSettings
from affectlens.audits.sources import corpus_facts, model_facts, open_source
from affectlens.core.errors import UsageError
from affectlens.core.files import sha256_of
from affectlens.core.settings import with_fields
from affectlens.models.adapters import CallableModel
from affectlens.models.open import open_model
from affectlens.models.weights import weights_path
from tests.audits.objects import nets
from tests.audits.objects.nets import redness


def test_settings_from_a_record_from_fields_and_from_both():
    record = ObjectSettings(effects=3, seed=2)
    assert with_fields(ObjectSettings, None, {}) == ObjectSettings()
    both = with_fields(ObjectSettings, record, {"seed": 5, "methods": ["hirescam"]})
    assert (both.effects, both.seed, both.methods) == (3, 5, ("hirescam",))
    with pytest.raises(UsageError, match="did you mean effects"):
        with_fields(ObjectSettings, None, {"effect": 3})


def test_weights_are_named_by_their_contents(tmp_path):
    shipped = model_facts("face", open_model("face"))
    assert shipped["sha256"] == sha256_of(weights_path("face")) and shipped["corpus"] == "FER2013" and shipped["licence"]
    spec = "tests.audits.objects.nets:by_redness"
    assert model_facts(spec, open_model(spec))["sha256"] == sha256_of(Path(nets.__file__))
    one, other = redness(), redness()
    assert model_facts(one, one)["sha256"] == model_facts(other, other)["sha256"]
    with torch.no_grad():
        other.net.head.weight += 1
    assert model_facts(one, one)["sha256"] != model_facts(other, other)["sha256"]
    black = CallableModel(np.mean, ("a", "b"))
    assert model_facts(black, black)["sha256"] == ""  # nothing tells the state of a function


def test_corpora_by_name_and_path_and_opened(tmp_path):
    (tmp_path / "t.csv").write_text("text,label\nso happy,joy\nso sad,sadness\n")
    opened = open_source(f"csv={tmp_path / 't.csv'}")
    assert open_source(opened) is opened and open_source([opened]) is opened
    before = corpus_facts(opened, "all")
    (tmp_path / "t.csv").write_text("text,label\nso happy,joy\nso very sad,sadness\n")
    after = corpus_facts(open_source(f"csv={tmp_path / 't.csv'}"), "all")
    assert before["corpus"] == "csv" and before["table"] != after["table"]
    with pytest.raises(UsageError, match="NAME=PATH was expected"):
        open_source("csv")
    with pytest.raises(UsageError, match="one at a time"):
        open_source([opened, opened])
