"""What the audit of properties asks of each kind of model, and which models it refuses before any work."""

import numpy as np
import pandas as pd
import pytest

from affectlens import audit
from affectlens.audits.properties.audit import needed_assets
from affectlens.audits.properties.corpus import AuditedCorpus
from affectlens.audits.properties.model import AskedModel
from affectlens.core.errors import OutputError, UsageError
from affectlens.core.labels import GROUPWALK4
from affectlens.corpora.base import CorpusInfo, Item
from affectlens.models.open import open_model
from tests.audits.properties.test_audit import Greys
from tests.modalities.test_scene import background_weights
from tests.perception.body.walker import walker, write_bvh


class Walks:
    """Walks of four labels; one item cannot be read."""

    info = CorpusInfo("walks", "Walks", "gait", "own", "own", "none", ("all",))
    scheme = GROUPWALK4

    def __init__(self, folder=None, count=24):
        self.folder, self.count = folder, count

    def table(self, split):
        return pd.DataFrame([{"key": f"w{i}", "label": GROUPWALK4.labels[i % 4], "group": ""} for i in range(self.count)])

    def items(self, split):
        for i, row in enumerate(self.table(split).to_dict("records")):
            file = self.folder / f"{row['key']}.bvh"
            bad = i == 3
            if not bad and not file.exists():
                write_bvh(walker(seconds=2 + 0.1 * (i % 7), speed=0.8 + 0.1 * (i % 9), lean=i % 5), file)
            yield Item(row["key"], None if bad else file, (row["label"],), row["group"], row, "broken" if bad else "")


@pytest.mark.parametrize("name", ["gait", "posture"])
def test_models_of_the_body_are_asked_as_they_read(name, tmp_path):
    walks = Walks(tmp_path)
    made = audit.properties(name, walks, only=("length of the recording", "leg length"))
    assert made.n == 23 and made.classes == GROUPWALK4.labels and list(made.missed.key) == ["w3"]
    model = open_model(name)
    asked = AskedModel(model, AuditedCorpus(walks))
    first = next(iter(walks.items("all")))
    want = model.probabilities([model.read(first)])
    np.testing.assert_array_equal(asked.answers([asked.input_of(first, None)]), want)


@pytest.mark.parametrize(
    ("name", "corpus", "said"),
    [
        ("posture", Greys(), "posture reads posture: a corpus of gait was expected; greys holds face"),
        ("gait", Greys(), "gait reads gait"),
        ("words", Greys(), "words reads words"),
        ("fusion", Greys(), "not a corpus"),
        ("face", Walks(), "face reads face"),
        ("background", Greys(), "--weights"),
    ],
)
def test_models_that_read_something_else_are_refused_before_work(name, corpus, said):
    Greys.looked.clear()
    with pytest.raises(UsageError, match=said):
        audit.properties(name, corpus)
    assert not Greys.looked


@pytest.mark.parametrize("name", ["words", "gait", "posture", "speech"])
def test_objects_are_asked_of_models_of_pictures_alone(name, tmp_path):
    with pytest.raises(UsageError, match="a model that can be asked about pictures was expected"):
        audit.objects(name, tmp_path)


def test_a_background_model_is_given_whole_pictures(tmp_path):
    class Blank:
        modality, labels, name, meta = "background", ("anger", "happiness"), "background", {}

        def read(self, item):
            return item.data.mean()

        def predict(self, inputs):
            return np.log(self.probabilities(inputs))

        def probabilities(self, inputs):
            light = np.asarray(inputs) / 255
            return np.stack([light, 1 - light], axis=1)

    asked = AskedModel(Blank(), AuditedCorpus(Greys()))
    item = next(iter(Greys().items("all")))
    assert asked.input_of(item, None) == item.data.mean()
    assert open_model("background", weights=background_weights(tmp_path / "b.safetensors")).modality == "background"


def test_a_table_is_looked_up_by_key_or_file_name(tmp_path):
    (tmp_path / "p.csv").write_text("input,FaceScore,anger,happiness\nfaces/g0,.9,.2,.8\nfaces/g2,.9,.6,.4\n")
    model = open_model(tmp_path / "p.csv")
    assert model.meta["source"] == "Py-Feat" and model.labels == ("anger", "happiness")
    asked = AskedModel(model, AuditedCorpus(Greys()))
    inputs = [asked.input_of(item, None) for item in Greys().items("all")]
    assert [x for x in inputs if x] == ["g0", "g2"] and not asked.can_be_asked_again
    np.testing.assert_allclose(asked.answers(["g2"]), [[0.6, 0.4]])
    (tmp_path / "q.csv").write_text("key,anger,happiness\nx0,.2,.8\n")
    with pytest.raises(UsageError, match="has none of the 60 items of greys: its keys are like x0"):
        audit.properties(None, Greys(), predictions=tmp_path / "q.csv")


def test_a_folder_that_cannot_be_written_is_said_before_work(tmp_path):
    (tmp_path / "file").write_text("")
    for run in (audit.objects, audit.properties, audit.concepts, audit.latent, audit.features):
        with pytest.raises(OutputError, match="cannot write .*a file stands where a folder was expected"):
            run(None, "nothing=there", out=tmp_path / "file")


def test_what_has_to_be_fetched_is_known_without_reading_the_corpus(tmp_path):
    absent = tmp_path / "nowhere"
    assert "yunet" in needed_assets("face", f"fer2013={absent}", None) and "yunet" in needed_assets("face", Greys(), None)
    assert needed_assets("gait", f"bandai={absent}", None) == [] and needed_assets("gait", Walks(), None) == []


def test_a_changed_clip_is_scaled_in_its_own_recording(tmp_path, monkeypatch):
    """Unchanged, it gets the answer of the main pass; changed, its other turns stay what they were."""
    from tests.audits.corpora import emodb

    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / "cache"))
    corpus = AuditedCorpus(f"emodb={emodb(tmp_path / 'emodb', people=2, takes=1)}")
    asked = AskedModel("speech", corpus)
    items = list(corpus.items())
    before = asked.answers([asked.input_of(item, None) for item in items])
    data, keys = [item.data for item in items], [item.key for item in items]
    np.testing.assert_allclose(asked.answers_to(data, keys), before, atol=1e-5)
    assert np.abs(asked.answers_to(data) - before).max() > 0.01  # by itself it is another input
    louder = asked.answers_to([np.clip(2 * data[0], -1, 1)], keys[:1])
    assert np.abs(louder - before[0]).max() > 1e-4
    np.testing.assert_allclose(asked.answers_to(data, keys), before, atol=1e-5)
