"""A model of the user's in the main job: its rows are its answers, its explanations say what it looks at."""

import json

import numpy as np
import pytest

import affectlens
from affectlens.core.errors import ModelError, UsageError
from affectlens.core.options import Options
from affectlens.modalities.base import build
from affectlens.modalities.own import voice
from affectlens.modalities.own.answers import labels_of
from affectlens.modalities.own.face import OwnFaceModality
from affectlens.modalities.own.voice import OwnVoiceModality
from affectlens.modalities.own.words import OwnWordsModality
from affectlens.models.open import open_model
from affectlens.models.weights import weights_path
from affectlens.perception.words.transcript import Utterance, Word
from affectlens.perception.words.turns import Turn
from tests.conftest import asset_path
from tests.fusion.clips import clip_of
from tests.models.onnx_file import linear_onnx

HERE = "tests.modalities.own_models"


@pytest.fixture(scope="module")
def face_run(clip, tmp_path_factory):
    asset_path("face-landmarker")
    options = Options(("face",), model=(f"face={HERE}:Brightness",), rate=1.0, window=4.0, threads=1, faithfulness=1)
    return affectlens.explain(clip, out=tmp_path_factory.mktemp("own"), options=options)


def test_rows_have_the_models_classes_and_its_answers(face_run):
    rows = face_run.table[(face_run.table.modality == "face") & (face_run.table.status == "ok")]
    assert len(rows) and set(rows.label) <= {"happiness", "sadness", "calm", "neutral"}
    assert (rows.scheme == "classes of tests.modalities.own_models:Brightness").all()


def test_its_map_lies_where_the_model_looks(face_run):
    """The network rests on the upper half alone: no region of the lower half is more relevant than its area."""
    evidence = face_run.evidence[face_run.evidence.kind == "region"]
    assert len(evidence) and not set(evidence.subject[evidence.value > 1.5]) & {"mouth", "chin and jaw"}
    assert (face_run.evidence.kind == "faithfulness").any()


def test_what_is_not_known_of_it_is_said(face_run):
    notes = " ".join(face_run.notes if hasattr(face_run, "notes") else [])
    page = next(face_run.out.rglob("report.html")).read_text("utf-8")
    assert "in place of the model that ships" in notes + page


@pytest.fixture(scope="module")
def words():
    asset_path("whisper-base")
    return OwnWordsModality(Options(("words",), model=(f"words={HERE}:thanks",), threads=1, device="cpu"))


def finding_of(words, text):
    clip = clip_of(explaining=True)
    words.begin(clip)
    spoken = tuple(Word(word, number * 1.0, number + 0.9, 0.8) for number, word in enumerate(text.split()))
    words._utterances, words._voiced = [Utterance(spoken, "en", 0.9)], [(0.0, 9.0)]
    (finding,), _ = words.finish(clip, [])
    return finding


def test_the_word_that_decides_is_found(words):
    finding = finding_of(words, "well thank you for the lovely cake")
    assert finding.row.label == "happiness" and finding.row.confidence == pytest.approx(0.9)
    word = next(entry for entry in finding.evidence if entry.kind == "word")
    assert word.subject == "thank" and word.value == pytest.approx(np.log(9) - np.log(0.25))
    deletion = next(entry for entry in finding.evidence if entry.subject == "deletion")
    assert deletion.value < 0 and 0 < deletion.p_value <= 1


def test_one_word_has_an_answer_and_no_explanation(words):
    finding = finding_of(words, "thanks")
    assert finding.row.status == "ok" and not finding.of("word")


def test_a_black_box_is_drawn_by_masks():
    asset_path("face-landmarker")
    own = OwnFaceModality(Options(("face",), model=(f"face={HERE}:black_box",), threads=1))
    relevance, method, _ = own._map(clip_of(), np.full((160, 160, 3), 128, np.uint8), 0)
    assert "RISE" in method and relevance.shape == (160, 160)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("face", "face=MODEL"),
        ("gait=x.onnx", "face=MODEL"),
        ("face=", "face=MODEL"),
    ],
)
def test_what_is_no_model_for_a_modality_is_an_error_before_work(given, said):
    with pytest.raises(UsageError, match=said):
        Options(("face",), model=(given,))


def test_errors_say_what_was_given():
    with pytest.raises(UsageError, match="not among --modalities"):
        build(Options(("face",), model=(f"words={HERE}:thanks",)))
    with pytest.raises(UsageError, match="of which one holds"):
        asset_path("whisper-base")
        build(Options(("words",), model=(f"words={HERE}:several",)))
    with pytest.raises(UsageError, match="this one reads gait"):
        build(Options(("face",), model=("face=gait",)))
    with pytest.raises(UsageError, match="one model for each"):
        Options(("face",), model=("face=a.onnx", "face=b.onnx"))


def test_the_moment_that_decides_is_found(monkeypatch, rng):
    """A turn whose third moment alone is loud: the answer hangs on it, and stays after what was heard was kept."""
    sound = rng.normal(size=2 * 16000).astype(np.float32) * 0.001
    sound[2 * 6400 : 3 * 6400] = rng.normal(size=6400) * 0.3
    turn = Turn(1.0, 3.0, np.zeros(88), 1.5, 30.0, 0.5, 0.0, False, sound=sound)
    monkeypatch.setattr(voice, "turns", lambda blocks, borders: [turn])
    own = OwnVoiceModality(Options(("voice",), model=(f"voice={HERE}:loud",), threads=1))
    clip = clip_of(explaining=True)
    own.begin(clip)
    own.take([], None)
    state = json.loads(json.dumps(own.heard()))
    (finding,), _ = own.finish(clip, [])
    assert finding.row.label == "anger" and finding.row.scheme.labels == ("anger", "neutral")
    values = [entry.value for entry in finding.of("moment")]
    assert len(values) == 5 and np.argmax(values) == 2 and values[2] > 1 and np.abs(np.delete(values, 2)).max() < 0.05
    again = OwnVoiceModality(Options(("voice",), model=(f"voice={HERE}:loud",), threads=1))
    clip = clip_of(explaining=True)
    again.begin(clip)
    assert again.restore(state)
    (restored,), _ = again.finish(clip, [])
    assert restored.row == finding.row and [entry.value for entry in restored.of("moment")] == pytest.approx(values)


def test_labels_name_the_classes_of_a_file_that_says_none(tmp_path):
    linear_onnx(tmp_path / "net.onnx", np.random.default_rng(0).normal(size=(3 * 16 * 16, 2)), (3, 16, 16))
    with pytest.raises(ModelError, match="or name the labels by labels"):
        open_model(tmp_path / "net.onnx")
    model = open_model(tmp_path / "net.onnx", labels=("anger", "happiness"))
    assert model.labels == ("anger", "happiness")
    options = Options(modalities=("face",), model=(f"face={tmp_path / 'net.onnx'}",), model_labels=("face=anger, joy",))
    assert labels_of(options, "face") == ("anger", "joy") and labels_of(options, "words") == ()
    with pytest.raises(UsageError, match="different words"):
        open_model(tmp_path / "net.onnx", labels=("anger", "anger"))
    with pytest.raises(UsageError, match="registered model, which knows its own"):
        open_model("gait", labels=("anger", "joy"))


def test_labels_without_a_model_of_others_are_an_error(tmp_path):
    with pytest.raises(UsageError, match="without a --model of others"):
        build(Options(modalities=("face",), model_labels=("face=anger,joy",)))


def test_the_main_job_reads_with_weights_that_were_fitted(tmp_path):
    fitted = tmp_path / "face.safetensors"
    fitted.write_bytes(weights_path("face").read_bytes())
    (face,) = build(Options(modalities=("face",), model=(f"face={fitted}",)))
    assert face.model.path == fitted and type(face).__name__ == "FaceModality"
    with pytest.raises(ModelError, match="not the weights of a face model"):
        build(Options(modalities=("face",), model=(f"face={weights_path('gait')}",)))
