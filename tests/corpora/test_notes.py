"""How items were read where not as they stand in their files: counted, shown by the check, said by evaluations and audits."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens import evaluate
from affectlens.audits.objects.audit import ObjectAuditor
from affectlens.audits.objects.pictures import Pictures
from affectlens.audits.objects.settings import ObjectSettings
from affectlens.audits.properties import corpus as audited
from affectlens.audits.properties.audit import PropertyAuditor
from affectlens.audits.properties.settings import PropertySettings
from affectlens.corpora.account import how_read
from affectlens.corpora.base import corpora, open_corpus
from affectlens.corpora.dialogues.base import dialogue_set
from affectlens.corpora.survey import survey
from affectlens.evaluation.speech import predict_speech
from affectlens.features.properties.registry import PROPERTIES, register_property
from affectlens.features.speech import NOT_NOTED, speech_table
from affectlens.features.utterances import measured
from affectlens.media.pictures import images
from affectlens.media.sound import audio
from affectlens.models.open import open_model
from tests.audits.objects.nets import redness, write_folder
from tests.corpora.every import every_tree
from tests.corpora.trees import speech_trees, write_wav
from tests.media.test_channels import syllables, write

CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
FIRST_READ = "2 pictures in one file; the first was read"


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    return every_tree(tmp_path_factory.mktemp("corpora"))


@pytest.mark.parametrize("name", [info.name for info in corpora()])
def test_every_reader_of_files_says_how_it_read_them(trees, name, monkeypatch):
    """Whatever a reader opens says something; each item that could be read has it."""
    calls = []
    chosen, bounded = audio._chosen, images._bounded

    def noted_sound(path):
        calls.append(path)
        downmix, notes = chosen(path)
        return downmix, (*notes, "sound that says something")

    def noted_picture(image, path, max_side, note):
        calls.append(path)
        note("a picture that says something")
        return bounded(image, path, max_side, note)

    monkeypatch.setattr(audio, "_chosen", noted_sound)
    monkeypatch.setattr(images, "_bounded", noted_picture)
    source = open_corpus(name, trees[name])
    for split in source.info.splits:
        for item in source.items(split):
            assert bool(item.notes) == bool(calls) or item.problem
    lines = "\n".join(survey(source).lines())
    assert ("that says something" in lines) == bool(calls)


def test_notes_are_counted_by_what_they_say():
    one, other = "3 pictures in one file; the first was read", "17 pictures in one file; the first was read"
    assert how_read({}) == [] and how_read({"a": []}) == []
    lines = how_read({"a": [one, "cut"], "b": [other], "c": [one, one], "d": ["cut"]})
    assert lines == [
        f"3 items read with a note: {one}; or the same with other numbers (a, b, c)",
        "2 items read with a note: cut (a, d)",
    ]
    many = how_read({str(number): ["cut"] for number in range(30)})
    assert many == ["30 items read with a note: cut (0, 1, 2, 3, 4, …)"]


def write_pages(path, shades):
    """Several pictures in one file, whatever its name says."""
    pages = [Image.fromarray(np.full((40, 40, 3), shade, np.uint8)) for shade in shades]
    pages[0].save(path, format="TIFF", save_all=True, append_images=pages[1:])


@pytest.fixture
def faces(tmp_path):
    """Twenty pictures of two classes, two of which have a second page."""
    root = tmp_path / "faces"
    for label in ("happy", "sad"):
        (root / label).mkdir(parents=True)
        for number in range(10):
            write_pages(root / label / f"{number}.tif", (20 * number, 9) if number == 3 else (20 * number,))
    return root


@pytest.fixture
def light(monkeypatch):
    monkeypatch.setattr(audited, "view_maker", lambda *_: lambda item: (item.data, ""))
    register_property("test light", "face", says="it is light")(lambda picture: float(picture.mean()))
    yield
    PROPERTIES.remove("test light")


def answers(faces, path):
    names = [file.relative_to(faces).as_posix() for file in sorted(faces.rglob("*.tif"))]
    shares = np.random.default_rng(5).dirichlet(np.ones(7), len(names))
    pd.DataFrame(shares, columns=list(CLASSES)).assign(file=names).to_csv(path, index=False)
    return path


def test_the_check_and_the_evaluation_of_pictures_say_it(faces, tmp_path):
    lines = survey(open_corpus("folder", faces)).lines()
    said = f"2 items read with a note: {FIRST_READ} (happy/3.tif, sad/3.tif)"
    assert lines.index(f"  {said}") == 1 + next(i for i, line in enumerate(lines) if line.startswith("all: 20 rows"))
    scored = evaluate(answers(faces, tmp_path / "answers.csv"), f"folder={faces}", draws=2)
    assert f"folder: {said}" in scored.notes


def test_an_audit_of_properties_says_it_also_when_it_is_taken_up_or_joined(faces, light, tmp_path):
    settings = PropertySettings(predictions=answers(faces, tmp_path / "answers.csv"), only=("test light",))
    first, again, other = (PropertyAuditor(None, f"folder={faces}", settings, tmp_path / out) for out in ("one", "one", "two"))
    first.collect()
    assert f"folder: 2 items read with a note: {FIRST_READ} (happy/3.tif, sad/3.tif)" in first.compute().notes
    kept = {"happy/3.tif": [FIRST_READ], "sad/3.tif": [FIRST_READ]}
    assert again.plan().left == 0 and again.parts.notes == first.parts.notes == kept
    other.collect(keys=[f"sad/{number}.tif" for number in range(10)])
    assert list(other.parts.notes) == ["sad/3.tif"] and other.merge(again).parts.notes == kept


def test_an_audit_of_objects_says_it(tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    table, labels = write_folder(folder, 4, np.random.default_rng(3))
    file = sorted(folder.glob("*.png"))[1]
    first = Image.open(file).convert("RGB")
    first.save(file, format="TIFF", save_all=True, append_images=[first])
    pictures = Pictures(folder, objects=str(table), labels=labels)
    made = ObjectAuditor(redness(), pictures, ObjectSettings(methods=("hirescam",), effects=0))
    made.collect()
    assert f"1 item read with a note: {FIRST_READ} ({file.name})" in made.compute().notes
    (tmp_path / "corpus" / "happy").mkdir(parents=True)
    write_pages(tmp_path / "corpus" / "happy" / "1.tif", (10, 20))
    write_pages(tmp_path / "corpus" / "loose.tif", (10,))
    of_corpus = Pictures(f"folder={tmp_path / 'corpus'}", objects=str(table))
    assert of_corpus["happy/1.tif"].notes == (FIRST_READ,)
    assert any("1 dropped: it lies in no folder that names a class" in note for note in of_corpus.notes)


@pytest.fixture
def speech(tmp_path):
    """A corpus with a clip of two channels that cancel each other, and a file that is no clip of it."""
    root = speech_trees(tmp_path / "trees")["emodb"]
    sound = syllables()
    write(root / "wav" / "08b02Wb.wav", np.stack([sound, -sound]))
    write_wav(root / "wav" / "other.wav")
    return root


def test_features_of_speech_remember_how_clips_were_read(speech, tmp_path):
    first = speech_table({"emodb": speech}, tmp_path / "cache")
    cancelled = next(note for note in first.notes if "read with a note" in note)
    assert cancelled.startswith("emodb: 1 item") and "08b02Wb" in cancelled and len(first.notes) == 2
    assert "1 dropped: its name is not of the layout (wav/other.wav)" in first.notes[0]
    assert speech_table({"emodb": speech}, tmp_path / "cache").notes == first.notes
    (file,) = (tmp_path / "cache").glob("emodb-*.npz")
    with np.load(file) as arrays:
        np.savez(file, **{name: values for name, values in arrays.items() if name != "notes"})
    assert f"emodb: {NOT_NOTED}" in speech_table({"emodb": speech}, tmp_path / "cache").notes
    assert cancelled in predict_speech(open_model("speech"), "emodb", open_corpus("emodb", speech)).notes


def test_utterances_remember_how_recordings_were_read(tmp_path):
    sound = syllables()
    path = write(tmp_path / "talk.wav", np.stack([sound, -sound]))
    rows = pd.DataFrame({"key": ["a", "b"], "dialogue": "d", "turn": [0, 1], "text": "yes", "label": "joy", "path": str(path)})
    data = dialogue_set("mine", ("joy",), rows.assign(start=[0.0, 0.5], end=[0.5, 1.0]), {})
    for _ in range(2):
        (note,) = measured(data, ("audio",), cache=tmp_path / "cache").notes
        assert note.startswith("audio of mine: 1 item read with a note: ") and note.endswith("(talk.wav)")
