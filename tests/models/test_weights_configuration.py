"""Weights whose file tells of another network than it holds: refused by name, before room is made for it."""

import json
import resource

import pytest
from benchmarks.kills import network
from safetensors import safe_open
from safetensors.torch import save_file

from affectlens.core.errors import ModelError
from affectlens.models.shipped.bclstm import BcLstmModel
from affectlens.models.shipped.gait import GaitModel
from affectlens.models.shipped.speech import SpeechModel
from affectlens.models.shipped.words import WordsModel
from affectlens.models.weights import weights_path

NOT = (None, -1, 0, 7_000_000, "a", [], [[1]], {"a": 1}, {"text": 8_000_000})


@pytest.fixture(scope="module")
def contextual(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "bclstm.safetensors"
    network(path)
    return path


def changed(source, target, change):
    with safe_open(str(source), framework="pt") as file:
        header, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    meta = json.loads(header["meta"])
    change(meta)
    save_file(tensors, str(target), metadata=header | {"meta": json.dumps(meta)})
    return target


def refused(model, path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError, match=path.name):
        model(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KB


def test_the_weights_are_read_as_they_are(contextual, tmp_path):
    assert BcLstmModel(changed(contextual, tmp_path / "w.safetensors", lambda meta: None)).scale["text"][0].shape == (6,)


@pytest.mark.parametrize("name", ["widths", "classes", "hidden", "dense"])
def test_a_configuration_of_another_network_is_refused(contextual, tmp_path, name):
    for value in NOT:
        refused(
            BcLstmModel, changed(contextual, tmp_path / "w.safetensors", lambda meta, v=value: meta["config"].update({name: v}))
        )


@pytest.mark.parametrize("name", ["config", "scale", "labels"])
def test_facts_of_another_form_are_refused(contextual, tmp_path, name):
    for value in (*NOT, {"text": [[0.0], [1.0]]}, {"text": [[0.0] * 6, ["a"] * 6]}, {"sound": [[0.0] * 6, [1.0] * 6]}):
        refused(BcLstmModel, changed(contextual, tmp_path / "w.safetensors", lambda meta, v=value: meta.update({name: v})))


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (SpeechModel, lambda meta: meta["config"].update(hidden=7_000_000)),
        (SpeechModel, lambda meta: meta.update(scale=3)),
        (GaitModel, lambda meta: meta.update(scale=[1.0])),
        (GaitModel, lambda meta: meta["config"].update(classes=7_000_000)),
        (WordsModel, lambda meta: meta["config"].update(vocabulary=700_000_000)),
        (WordsModel, lambda meta: meta["config"].update(layers=1)),
        (WordsModel, lambda meta: meta["config"].update(rank=31)),
    ],
)
def test_other_models_too(tmp_path, model, change):
    refused(model, changed(weights_path(model.kind), tmp_path / "w.safetensors", change))
