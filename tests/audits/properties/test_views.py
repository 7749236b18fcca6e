"""What properties and models look at in each modality, from views and clips made by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.properties import model as model_module
from affectlens.audits.properties import views as module
from affectlens.audits.properties.corpus import AuditedCorpus
from affectlens.audits.properties.model import AskedModel
from affectlens.core.errors import MediaError, ModelError, UsageError
from affectlens.corpora.base import Item
from affectlens.features.speech import SpeechTable
from affectlens.models.adapters import CallableModel
from affectlens.models.shipped.speech import SpeechModel
from affectlens.perception.voice.egemaps import NAMES
from tests.audits.properties.test_corpus import Made


def item(key="a", data=None, **meta):
    return Item(key, data, ("fear",), "", meta or None, "")


def test_texts_are_looked_at_as_they_are():
    assert module.view_maker("words", "made", None)(item(data="so happy")) == ("so happy", "")


def test_a_picture_without_a_face_says_so(monkeypatch):
    monkeypatch.setattr(
        "affectlens.features.properties.face.FaceViewer", lambda: lambda picture: "face" if picture.any() else None
    )
    view = module.view_maker("face", "made", None)
    assert view(item(data=np.ones(2))) == ("face", "") and view(item(data=np.zeros(2))) == (None, "no face found")


@pytest.mark.parametrize("meta", [{"format": "bvh"}, {}])
def test_a_gait_is_read_by_what_is_known_of_it(monkeypatch, meta):
    monkeypatch.setattr("affectlens.perception.body.formats.of_corpus", lambda data, known: (data, known))
    assert module.view_maker("gait", "made", None)(item(data="walk", **meta)) == (("walk", meta), "")

    def broken(data, known):
        raise MediaError("two joints are missing")

    monkeypatch.setattr("affectlens.perception.body.formats.of_corpus", broken)
    assert module.view_maker("gait", "made", None)(item(data="walk")) == (None, "two joints are missing")


def clips():
    rows = pd.DataFrame({
        "corpus": "made", "key": ["a", "c"], "label": "anger", "speaker": ["03", "08"], "gender": ["male", ""],
        "language": "de", "seconds": 2.0,
    })  # fmt: skip
    return SpeechTable(np.arange(2 * 88.0).reshape(2, 88), rows, {"made/b": "too short"})


def test_a_voice_is_its_features_and_what_is_known_of_the_speaker(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("affectlens.features.speech.speech_table", lambda given: asked.append(given) or clips())
    view = module.view_maker("voice", "made", tmp_path)
    assert asked == [{"made": tmp_path}]
    first, problem = view(item("a", "sound"))
    assert problem == "" and first.facts == {"gender": "male", "language": "de", "speaker": "03"} and first.samples == "sound"
    assert list(first.features) == list(NAMES) and list(first.features.values()) == list(range(88))
    assert view(item("c", "sound"))[0].facts == {"language": "de", "speaker": "08"}
    assert view(item("b", "sound")) == (None, "too short") and view(item("z", "sound")) == (None, "no features")
    with pytest.raises(UsageError, match="made: give a corpus of speech as NAME=PATH"):
        module.voice_features("made", None)


class Speech(SpeechModel):
    """A speech model without weights, that answers with the first feature of a clip."""

    def __init__(self):
        self.modality, self.labels, self.scale = "voice", ("anger", "sadness"), "the scale"
        self.name, self.meta = "speech", {}

    def probabilities(self, inputs):
        return np.array([[x[0], 1 - x[0]] for x in inputs])


def test_the_speech_model_hears_each_clip_in_a_recording_of_its_speaker(monkeypatch, tmp_path):
    """Features are made as of recordings once, with every clip in its order and no clip drawn at random."""
    asked = []

    def recordings(features, speaker, order, scale, seed):
        asked.append((features, list(speaker), list(order), scale, seed))
        return features / 1000

    monkeypatch.setattr(model_module, "voice_features", lambda name, path: (name, path) == ("made", tmp_path) and clips())
    monkeypatch.setattr(model_module, "as_recordings", recordings)
    asked_of = AskedModel(Speech(), AuditedCorpus(Made("voice", path=tmp_path)))
    inputs = [asked_of.input_of(item(key, "sound"), None) for key in "acb"]
    np.testing.assert_allclose(inputs[:2], clips().features / 1000)
    assert inputs[2] is None and len(asked) == 1 and asked_of.input_of(item("a"), None) is None
    assert asked[0][1:] == (["made/03", "made/08"], [0, 1], "the scale", 0)


def test_changed_texts_are_read_and_changed_faces_prepared():
    class Letters:
        modality, labels, name, meta = "words", ("a", "b"), "letters", {}

        def read(self, given):
            if given == "broken":
                raise ModelError("cannot be read")
            return getattr(given, "data", given).count("a") / 10

        def probabilities(self, inputs):
            return np.array([[x, 1 - x] for x in inputs])

        def predict(self, inputs):
            return np.log(self.probabilities(inputs))

    asked = AskedModel(Letters(), AuditedCorpus(Made("words", data={"a": "a banana", "c": "cat"})))
    np.testing.assert_allclose(asked.answers_to(["a banana", "cat"]), [[0.4, 0.6], [0.1, 0.9]])
    assert asked.data(["c", "a"]) == ["cat", "a banana"] and asked.data([]) == []
    assert asked.input_of(item("a", "cat"), None) == 0.1
    asked.model.read = lambda given: Letters.read(asked.model, "broken")
    with pytest.raises(ModelError, match="cannot be read"):  # the audit keeps the reason
        asked.input_of(item("a", "cat"), None)


def test_only_a_picture_of_48_pixels_is_a_crop_already():
    view = SimpleNamespace(crop=np.full((9, 9), 51, np.uint8))
    for shape, ready in (((48, 48), True), ((48, 48, 3), True), ((47, 48), False), ((48, 47), False), ((60, 60, 3), False)):
        crop = model_module._crop(item(data=np.zeros(shape, np.uint8)), view)
        assert crop.shape == (shape if ready else (9, 9))
    assert model_module._crop(item(data=np.zeros((60, 60), np.uint8)), None) is None


def test_a_table_is_refused_that_holds_none_of_the_keys(tmp_path):
    def opened(*keys):
        (tmp_path / "p.csv").write_text("key,anger,happiness\n" + "".join(f"{k},.2,.8\n" for k in keys))
        return AskedModel(tmp_path / "p.csv", AuditedCorpus(Made(key=["x/a", "y/b", "c"])))

    assert not opened("c", "z").can_be_asked_again and not opened("b").can_be_asked_again  # by its path or its file's name
    with pytest.raises(
        UsageError, match=r"none of the 3 items of made: its keys are like y, z, those of the corpus like x/a, y/b"
    ):
        opened("y", "z")


def test_a_model_of_something_else_is_refused():
    with pytest.raises(UsageError, match="made holds words"):
        AskedModel(CallableModel(lambda x: x, ("a", "b"), name="faces"), AuditedCorpus(Made("words")))
