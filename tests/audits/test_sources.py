from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from affectlens.audits.objects.settings import ObjectSettings
from affectlens.audits.sources import (
    corpus_facts,
    corpus_info,
    model_facts,
    open_source,
    table_digest,
    title_of,
)
from affectlens.core.disk.files import key_of, sha256_of
from affectlens.core.errors import UsageError
from affectlens.core.settings import existing_file, with_fields
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
    assert len(shipped["content"]) == 64 and model_facts("face", open_model("face"))["content"] == shipped["content"]
    black, other = (CallableModel(function, ("a", "b")) for function in (np.mean, np.median))
    assert model_facts(black, black)["sha256"] == ""  # of weights; the content tells one function from another
    assert model_facts(black, black)["content"] != model_facts(other, other)["content"]


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


def test_a_file_that_has_to_be_there(tmp_path):
    assert existing_file(None) == "" and existing_file(tmp_path) == ""
    assert existing_file(tmp_path / "no.csv") == f"{tmp_path / 'no.csv'} is not there"


def test_what_a_corpus_is_needs_no_opening(tmp_path):
    info = corpus_info(f"emodb={tmp_path / 'nowhere'}")
    assert (info.name, info.modality) == ("emodb", "voice")
    assert corpus_info([f"emodb={tmp_path}"]) == info == corpus_info((f"emodb={tmp_path}",))
    opened = SimpleNamespace(info=info, table=None)
    assert corpus_info(opened) is info and open_source((opened,)) is opened
    for given in ([], ["emodb=a", "emodb=b"], ("emodb=a",) * 3):
        with pytest.raises(UsageError, match=f"{len(given)} corpora were given"):
            corpus_info(given)
    with pytest.raises(UsageError, match="unknown corpus"):
        open_source(SimpleNamespace(info=info))  # without a table it is no corpus


def test_facts_of_a_corpus_are_of_all_that_its_table_says():
    table = pd.DataFrame({"key": ["a", "b"], "label": ["joy", "fear"], "seconds": [1.0, 2.0]})
    made = SimpleNamespace(
        info=SimpleNamespace(name="made", licence="CC0"), table=lambda split: table if split == "all" else None
    )
    expected = key_of(["key", "label", "seconds"], [["a", "joy", "1.0"], ["b", "fear", "2.0"]])
    assert corpus_facts(made, "all") == {"corpus": "made", "split": "all", "licence": "CC0", "table": expected}
    assert table_digest(table[["key"]]) == key_of(["key"], [["a"], ["b"]]) != table_digest(table[["key"]][::-1])


def test_facts_of_models_by_name_and_opened(tmp_path):
    plain = SimpleNamespace(
        name="mine", meta={"sha256": "abc", "licence": "", "corpus": "FER2013", "rows": 3}, net=redness().net
    )
    named = model_facts(tmp_path / "net.onnx", plain)
    assert len(named.pop("content")) == 64
    scores = {"scores": "softmax", "scores_from": "the contract of models"}
    assert named == {"sha256": "abc", "name": "mine", "spec": str(tmp_path / "net.onnx"), "corpus": "FER2013", **scores}
    opened = model_facts(plain, plain)
    assert opened["spec"] == "SimpleNamespace" and len(opened["sha256"]) == 64 and opened["corpus"] == "FER2013"
    bare = SimpleNamespace(name="bare", meta={})
    known = {"sha256": "", "name": "bare", "spec": "SimpleNamespace", **scores}
    assert {key: value for key, value in model_facts(bare, bare).items() if key != "content"} == known


def test_a_page_calls_shipped_models_by_their_name():
    model = SimpleNamespace(name="a net")
    assert title_of("face", model) == "the face model" and title_of("net.onnx", model) == title_of(model, model) == "a net"
