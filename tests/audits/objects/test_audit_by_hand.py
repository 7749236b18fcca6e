"""What an audit of objects does beside its statistics: pictures and their objects, maps, texts, what is read and missed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.objects import audit as module
from affectlens.audits.objects import effects as effects_module
from affectlens.audits.objects import examples as examples_module
from affectlens.audits.objects import finders as finders_module
from affectlens.audits.objects import maps as maps_module
from affectlens.audits.objects.audit import ObjectAuditor, needed_assets, objects_of
from affectlens.audits.objects.effects import measure_effects
from affectlens.audits.objects.finders import Detector, Finder, FromTable, finder_of
from affectlens.audits.objects.maps import Mapper, default_methods, rows_of
from affectlens.audits.objects.model import answers, open_pictures_model
from affectlens.audits.objects.pictures import Pictures, View
from affectlens.audits.objects.result import ObjectAudit
from affectlens.audits.objects.settings import ObjectSettings
from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import ModelError, UsageError
from affectlens.core.labels import EKMAN7
from affectlens.corpora.base import CorpusInfo, Item
from affectlens.explainers.cam import METHODS as CAM_METHODS
from affectlens.models.adapters import CallableModel
from affectlens.perception.scene.detections import Detections
from affectlens.perception.scene.objects import Thing
from tests.audits.objects.nets import LABELS, by_redness, redness, write_folder

METHODS = ("hirescam",)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("by-hand") / "all"
    folder.mkdir()
    table, labels = write_folder(folder, 9, np.random.default_rng(3))
    return folder, table, labels


@pytest.fixture(scope="module")
def pictures(made):
    folder, table, labels = made
    return Pictures(folder, objects=str(table), labels=labels)


def auditor(pictures, model=None, **settings):
    return ObjectAuditor(model or redness(), pictures, ObjectSettings(**({"methods": METHODS} | settings)))


class Corpus:
    """Two pictures at hand and one that is broken; the second has no label."""

    scheme = EKMAN7

    def __init__(self, splits=("train", "test"), modality="scene"):
        self.info = CorpusInfo("made", "Made", modality, "own", "own", "none", splits)

    def table(self, split):
        return pd.DataFrame({"key": ["a", "b", "c"], "label": ["fear", "", "joy"], "path": ["a.npy", "b.npy", "c.npy"]})

    def items(self, split):
        picture = np.full((100, 120, 3), 90, np.uint8)
        yield Item("a", picture, ("fear", "joy"), "", None, "")  # the first of several labels counts
        yield Item("b", picture, (), "", None, "")
        yield Item("c", None, ("joy",), "", None, "no such frame")


def nothing(picture):
    return []


OBJECTS = f"{__name__}:nothing"


def test_where_objects_come_from():
    assert objects_of("face", ObjectSettings()) == "regions" and objects_of("emonet", ObjectSettings()) == "detector"
    chosen = ObjectSettings(objects="detector")
    assert objects_of("face", chosen) == "detector"
    assert needed_assets("face", "", ObjectSettings()) == ["yunet", "face-landmarker"]
    assert needed_assets("face", "", chosen) == ["efficientdet-lite0", "yunet", "face-landmarker"]
    assert needed_assets("face", "", ObjectSettings(objects=OBJECTS)) == []


def test_a_result_of_tables_alone_says_nothing_more():
    first = pd.DataFrame({"lift": [1.5], "p_value": [0.1]})
    made = ObjectAudit("title", "about", {"one": first, "two": first * 2}, {}, first, first, first)
    assert made.detected and made.recall is None and made.effects is None and made.examples == made.notes == ()
    assert made.first is first and made.statistic.tolist() == [1.5] and made.pvalue.tolist() == [0.1]


def test_eight_pictures_go_through_at_once(pictures, monkeypatch):
    one = auditor(pictures)
    monkeypatch.setattr(ObjectAuditor, "_look", lambda self, keys: list(keys))
    assert [len(batch) for batch in one.measure([f"k{i}" for i in range(17)])] == [8, 8, 1]
    assert [key for batch in one.measure(pictures.keys()) for key in batch] == pictures.keys()


def test_a_picture_that_cannot_be_mapped_is_named_and_the_others_go_on(pictures, monkeypatch):
    one = auditor(pictures)
    keys = pictures.keys()[:3]
    whole = one._look(keys)
    monkeypatch.setattr(one.mapper, "many", lambda xs, wanted: 1 / 0)
    alone = Mapper(one.model, METHODS)
    asked = []

    def single(self, x, label):
        asked.append(label)
        if len(asked) == 2:
            raise ValueError("too dark")
        return alone.many([x], [label])[0]

    monkeypatch.setattr(Mapper, "__call__", single)
    found = one._look(keys)
    assert [i["why"] for i in found.items] == ["", "ValueError: too dark", ""] and asked == ["fear", "joy", "fear"]
    first, other = found.items[0], found.items[1]
    assert first == pytest.approx(whole.items[0]) and first["emotion"] == "fear" and first["things"] == 2
    assert other["emotion"] == "" and np.isnan(other["probability"]) and other["sha256"] == whole.items[1]["sha256"]
    assert {r["image"] for r in found.tables["rows"]} == {keys[0], keys[2]}
    answered = auditor(pictures, target="answer")
    asked.clear()
    monkeypatch.setattr(answered.mapper, "many", lambda xs, wanted: 1 / 0)
    answered._look(keys[:1])
    assert asked == [""]  # the map is of what the model answers, whatever the label


def test_what_the_numbers_of_a_picture_depend_on(made, pictures):
    one = auditor(pictures)
    depends = one.depends_on()
    assert depends | {"weights": "", "content": ""} == {
        "model": "redness", "weights": "", "content": "", "finder": "", "layer": "relu", "methods": ["hirescam"], "target": "label", "objects": "a table",
        "exclusive": False, "least": pictures.least,
    }  # fmt: skip
    assert len(depends["weights"]) == len(depends["content"]) == 64
    assert one.model_facts()["layer"] == "relu" and one.model_facts()["labels"] == list(LABELS)
    other = ObjectAuditor(
        redness(), made[0], ObjectSettings(methods=METHODS, objects=OBJECTS, overlaps="smallest", preset="emocam")
    )
    assert other.depends_on()["objects"] == OBJECTS and other.depends_on()["exclusive"] and other.pictures.least == 0.3
    assert auditor(pictures).keys() == pictures.keys()


def test_what_was_looked_at_in_words(pictures):
    assert auditor(pictures)._about(9, 2) == (
        "9 pictures read, 2 not; maps of redness at layer relu by hirescam; scores: softmax (logits of classes of which one holds), "
        "known from the caller"
    )
    black = CallableModel(by_redness, LABELS, "scene", name="by redness")
    about = auditor(pictures, black, methods=())._about(1, 0)
    assert about == "1 pictures read, 0 not; maps of by redness, a black box by rise; scores: not known before the first answer"
    assert auditor(pictures, preset="emocam")._about(1, 0).endswith("known from the caller; thresholds: emocam")


def test_notes_name_labels_without_a_class_and_hidden_people(made):
    folder, table, labels = made
    strange = labels.parent / "strange.csv"
    strange.write_text(labels.read_text().replace(",fear", ",terror"))
    pictures = Pictures(folder, objects=str(table), labels=strange)
    (note,) = auditor(pictures)._notes()
    assert note.startswith(
        "the model has no class terror (5); the map of those pictures is of its answer. Its classes: fear, joy"
    )
    assert auditor(pictures, target="answer")._notes() == ()
    hidden = auditor(pictures, target="answer")
    hidden.model = SimpleNamespace(name="background", labels=LABELS)
    assert hidden._notes() == ("The background model never sees people: they are hidden, so no relevance can lie on them.",)


def test_true_boxes_are_those_of_the_pictures_that_have_them(made, pictures, monkeypatch):
    folder, table, _ = made
    one = auditor(pictures, truth=table)
    keys = pictures.keys()
    one.truth = Detections({k: one.truth.boxes[k] for k in (keys[0], keys[2])}, False)
    read = Pictures.__getitem__

    def some(self, key):
        if key == keys[2]:
            raise ModelError("not readable")
        return read(self, key)

    monkeypatch.setattr(Pictures, "__getitem__", some)
    found = one._recall()
    assert found.boxes.sum() == found.found.sum() == 2  # one picture was read and has true boxes: a red and a green thing
    assert auditor(pictures)._recall() is None
    elsewhere = folder.parent / "elsewhere.json"
    elsewhere.write_text('{"images": [{"id": 0, "file_name": "other.png"}], "annotations": [], "categories": []}')
    with pytest.raises(UsageError, match=r"elsewhere\.json: none of its pictures is in the data"):
        auditor(pictures, truth=elsewhere)


def test_pictures_of_a_corpus_and_what_is_wrong_with_them():
    pictures = Pictures(Corpus(), objects=OBJECTS)
    assert pictures.split == "test" and pictures.keys() == list(pictures) == ["a", "b", "c"] and len(pictures) == 3
    assert [pictures.label(k) for k in "abc"] == ["fear", "", "joy"] and "a" in pictures and "z" not in pictures
    with pytest.raises(ModelError, match="no such frame"):
        pictures["c"]
    with pytest.raises(ModelError, match="no picture of that name: z"):
        pictures["z"]
    pictures._entries[2] = pictures._entries[2].__class__("c", "joy")
    with pytest.raises(ModelError, match="cannot be read"):
        pictures["c"]
    assert pictures["a"].things == [] and pictures["a"].masks == {} and pictures["a"].label == "fear"
    assert Pictures(Corpus(("train", "all")), objects=OBJECTS).split == "all"
    assert Pictures(Corpus(), "train", objects=OBJECTS).split == "train"
    assert pictures.facts()["corpus"] == "made" and "objects" not in pictures.facts()
    assert pictures.unknown_labels(("fear", "joy")) == () and pictures.notes == ()
    (note,) = pictures.unknown_labels(("awe",))
    assert note.startswith("the model has no class fear (1), joy (1); the map") and note.endswith("Its classes: awe")


def test_facts_of_a_folder_are_of_names_labels_and_the_table_of_objects(made, pictures):
    folder, table, labels = made
    facts = pictures.facts()
    assert facts["corpus"] == "pictures" and facts["objects"] == sha256_of(table)
    assert Pictures(folder, objects=str(table)).facts()["table"] != facts["table"]  # without labels
    assert Pictures(folder, objects=str(table), labels=labels).facts() == facts


def test_labels_are_by_path_then_by_name_and_strangers_are_named(tmp_path):
    from PIL import Image

    for name in ("x/one.png", "y/one.png", "y/two.png"):
        (tmp_path / "all" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (120, 100)).save(tmp_path / "all" / name)
    (tmp_path / "all" / "words.txt").write_text("no picture")
    table = tmp_path / "labels.csv"
    table.write_text("file,label\nx/one.png,joy\none.png,fear\nNA,anger\n" + "".join(f"gone{i}.png,joy\n" for i in range(6)))
    pictures = Pictures(tmp_path / "all", objects=OBJECTS, labels=table)
    assert {k: pictures.label(k) for k in pictures} == {"x/one.png": "joy", "y/one.png": "fear", "y/two.png": ""}
    assert pictures.notes == (
        f"7 pictures of {table} are not in {tmp_path / 'all'}: NA, gone0.png, gone1.png, gone2.png, gone3.png and 2 more",
    )
    with pytest.raises(UsageError, match=r"--labels .*none\.csv: no such file"):
        Pictures(tmp_path / "all", objects=OBJECTS, labels=tmp_path / "none.csv")
    only = tmp_path / "only.csv"
    only.write_text("file,mood\nx,y\n")
    with pytest.raises(UsageError, match="columns file, mood; file and label were expected"):
        Pictures(tmp_path / "all", objects=OBJECTS, labels=only)


def test_the_surest_detection_of_each_object_counts():
    things = [
        Thing("cup", 0.4, (0, 0, 5, 5)),
        Thing("cup", 0.9, (5, 5, 9, 9)),
        Thing("cup", 0.6, (0, 0, 9, 9)),
        Thing("car", 0.1, (0, 0, 9, 9)),
    ]
    assert View("a", np.zeros((10, 10, 3), np.uint8), "", things, {}).scores == {"cup": 0.9, "car": 0.1}


def test_regions_stand_in_for_boxes(monkeypatch):
    mask = {"mouth": np.ones((10, 12), np.float32)}
    pictures = Pictures(Corpus(), objects=OBJECTS)
    monkeypatch.setattr(pictures._finder, "regions", lambda picture: mask)
    monkeypatch.setattr(pictures._finder, "things", lambda key, picture: [Thing("cup", 1, (0, 0, 9, 9))])
    assert pictures["a"].masks == mask and pictures["a"].things == []


def test_the_base_of_finders_finds_nothing():
    base = Finder()
    assert base.things("a", np.zeros((9, 9))) == [] and base.regions(np.zeros((9, 9))) is None
    assert base.absent(["a"]) == [] and base.notes == ()


def test_a_table_is_looked_up_from_its_score_on():
    table = Detections({"a": [("cup", 0.5, (0, 0, 5, 5)), ("car", 0.4, (0, 0, 5, 5))]}, False, ("a note",))
    finder = FromTable(table, 0.5)
    assert [t.name for t in finder.things("a", np.zeros((9, 9, 3)))] == ["cup"] and finder.notes == ("a note",)
    assert finder.absent(["a", "b"]) == ["b"] and finder.things("b", np.zeros((9, 9, 3))) == []


def test_the_detector_looks_at_pictures_that_are_large_enough(monkeypatch):
    """Objects and faces of grey and coloured pictures of 96 pixels; boxes of faces are clipped to the picture."""
    seen = []

    def objects(image, least):
        seen.append((image.shape, least))
        return [Thing("cup", 0.9, (0, 0, 5, 5))]

    face = SimpleNamespace(box=(-10.0, 80.0, 30.0, 40.0), score=0.8)
    monkeypatch.setattr(finders_module, "locate", lambda name: name)
    monkeypatch.setattr(finders_module, "object_detector", lambda path: objects if path == "efficientdet-lite0" else None)
    monkeypatch.setattr("affectlens.perception.face.detector.FaceDetector", lambda path: path)
    monkeypatch.setattr("affectlens.perception.face.landmarks.FaceLandmarker", lambda path: path)

    def finding(*parts):
        assert parts == ("yunet", "face-landmarker")
        return lambda image: [(face, None)]

    monkeypatch.setattr("affectlens.perception.face.finder.FaceFinder", finding)
    finder = finder_of("detector", 0.25)
    assert isinstance(finder, Detector)
    things = finder.things("a", np.zeros((96, 100), np.uint8))
    assert seen == [((96, 100, 3), 0.25)]
    assert things == [Thing("cup", 0.9, (0, 0, 5, 5)), Thing("face", 0.8, (0.0, 80.0, 20.0, 96.0))]
    assert finder.things("a", np.zeros((95, 100, 3), np.uint8)) == finder.things("a", np.zeros((100, 95, 3), np.uint8)) == []
    assert len(finder.things("a", np.zeros((100, 96, 3), np.uint8))) == 2


def test_boxes_are_clipped_on_every_side():
    thing = finders_module._clipped("cup", 1, (-3, -4, 99, 98), (20, 30, 3))
    assert thing == Thing("cup", 1.0, (0, 0, 30, 20))
    assert finders_module._clipped("cup", 1, (3, 4, 9, 8), (20, 30)).box == (3, 4, 9, 8)


def test_maps_by_name(pictures):
    model, black = redness(), CallableModel(by_redness, LABELS, "scene", name="by redness")
    assert default_methods(model) == ("hirescam", "grad-cam", "lift-cam", "eigencam") and default_methods(black) == ("rise",)
    assert set(default_methods(model)) < set(CAM_METHODS)
    for wrong, of in (("rise", model), ("hirescam", black)):
        with pytest.raises(UsageError, match=f"unknown map '{wrong}'"):
            Mapper(of, [wrong])


def test_the_map_is_of_the_label_or_of_the_answer(pictures):
    model = redness()
    view = pictures[pictures.keys()[0]]  # a red thing, so fear
    x = model.prepare(view.picture)
    mapper = Mapper(model, METHODS)
    maps, emotion, p = mapper(x, "joy")
    assert emotion == "joy" and set(maps) == {"hirescam"} and p.sum() == pytest.approx(1) and p[0] > 0.5
    np.testing.assert_allclose(p, answers(model, [x])[0], rtol=1e-5)
    own, answer, _ = mapper(x)
    assert answer == mapper(x, "terror")[1] == "fear" and not np.allclose(own["hirescam"], maps["hirescam"])
    both = mapper.many([x, x], ["joy", ""])
    assert [m[1] for m in both] == ["joy", "fear"]
    np.testing.assert_allclose(both[0][0]["hirescam"], maps["hirescam"], rtol=1e-4, atol=1e-7)


def test_a_black_boxs_map_is_of_the_class_that_was_asked_for(monkeypatch):
    asked = []

    def rise_of(answer, x, rng):
        asked.append((answer([x]).tolist(), rng.random()))
        return np.array([np.full((2, 2), 1.0), np.full((2, 2), 2.0)])

    monkeypatch.setattr(maps_module, "rise", rise_of)
    black = CallableModel(by_redness, LABELS, "scene", name="by redness")
    x = np.zeros((4, 4, 3), np.uint8)
    x[..., 2] = 200  # blue, so joy
    (one, emotion, p), (other, answer, _) = Mapper(black, ["rise"], seed=5).many([x, x], ["fear", ""])
    assert emotion == "fear" and answer == "joy" and one["rise"].mean() == 1 and other["rise"].mean() == 2 and p[1] > 0.9
    draws = np.random.default_rng(5).random()
    assert [d for _, d in asked] == [draws] * 2 and asked[0][0] == by_redness([x]).tolist()


def test_rows_are_of_objects_and_of_groups_under_every_map():
    masks = {"dog": np.pad(np.ones((2, 2), np.float32), 1), "cat": np.zeros((4, 4), np.float32)}
    masks["cat"][0] = 1
    things = [Thing("dog", 0.7, (1, 1, 3, 3)), Thing("cat", 0.6, (0, 0, 4, 1))]
    view = View("a", np.zeros((4, 4, 3), np.uint8), "fear", things, masks)
    rows = pd.DataFrame(rows_of(view, "joy", {"one": np.ones((4, 4)), "two": np.eye(4)}))
    assert rows.groupby(["method", "kind"]).object.apply(sorted).to_dict() == {
        (m, k): v for m in ("one", "two") for k, v in (("object", ["cat", "dog"]), ("group", ["animals", "in no box"]))
    }  # fmt: skip
    one = rows[rows.method == "one"].set_index("object")
    assert one.relevance.to_dict() == pytest.approx({"cat": 0.25, "dog": 0.25, "animals": 0.5, "in no box": 0.5})
    assert one.score[["dog", "cat"]].tolist() == [0.7, 0.6] and (rows.emotion == "joy").all() and (rows.image == "a").all()


def test_only_models_of_pictures_with_a_layer_are_asked(tmp_path):
    with pytest.raises(UsageError, match="give --model"):
        open_pictures_model(None)
    (tmp_path / "p.csv").write_text("key,fear,joy\na,.2,.8\n")
    with pytest.raises(UsageError, match="is a table of predictions; a model that can be asked"):
        open_pictures_model(tmp_path / "p.csv")
    with pytest.raises(UsageError, match="reads words; a model that can be asked about pictures"):
        open_pictures_model(CallableModel(by_redness, LABELS, "words", name="letters"))
    network = redness()
    assert open_pictures_model(network) is network
    network.layer, network.no_layer = "", "it has no grid"
    with pytest.raises(ModelError, match="it has no grid"):
        open_pictures_model(network)
    x = [redness().prepare(np.full((40, 40, 3), 90, np.uint8))] * 2
    p = answers(redness(), x)
    assert p.dtype == np.float64 and p.shape == (2, 2) and p.sum(1) == pytest.approx(1)


def test_examples_leave_out_pictures_of_other_runs(monkeypatch):
    """Three pictures of each emotion that hold most beyond their area, unless they are not at hand."""
    rows = pd.DataFrame({"image": [f"i{k}" for k in range(6)], "emotion": ["joy"] * 5 + ["fear"], "object": ["cup"] * 4 + ["car", "cup"],
                         "relevance": [0.9, 0.5, 0.4, 0.05, 1, 1], "area": [0.8, 0.1, 0.1, 0.0, 0, 0]})  # fmt: skip
    table = pd.DataFrame({"emotion": ["joy"], "object": ["cup"], "lift": [2.0], "p_bh": [0.01], "images": [4]})
    picture = np.zeros((6, 8, 3), np.uint8)

    class Some(dict):
        pass

    pictures = Some({f"i{k}": View(f"i{k}", picture, "joy", [Thing("cup", 1, (0, 0, 2, 2))], {}) for k in (0, 1, 3)})
    mapper = SimpleNamespace(prepare=lambda p: "prepared")
    monkeypatch.setattr(examples_module, "Mapper", lambda model, methods: lambda x, e: ({methods[0]: np.eye(2)}, e, None))
    found = examples_module.examples(mapper, pictures, table, rows, "m")
    assert [e.key for e in found] == ["i1", "i0"]  # i2 is not at hand; i3 is fourth
    assert found[0].relevance.shape == (6, 8) and found[0].things[0].name == "cup" and found[0].emotion == "joy"


def test_why_a_picture_could_not_be_changed(monkeypatch):
    class Broken(dict):
        def __getitem__(self, key):
            raise ValueError(key)

    black = CallableModel(by_redness, LABELS, "scene", name="by redness")
    found = measure_effects(black, Broken(), ["", "x" * 400], (), np.random.default_rng(0))
    assert (
        found.missed == {"": "ValueError", "x" * 400: "ValueError: " + "x" * 300} and found.single.empty and found.table.empty
    )


def test_claims_are_those_of_objects_alone(monkeypatch, pictures):
    seen = {}
    monkeypatch.setattr(effects_module, "foretold", lambda single, claims, rng: seen.update(claims=claims))
    monkeypatch.setattr(effects_module, "changes_of", lambda view, *more: [effects_module.Changed("", "", False, view.picture)])
    measure_effects(redness(), pictures, pictures.keys()[:2], METHODS, np.random.default_rng(0))
    assert set(seen["claims"].kind) == {"object"} and set(seen["claims"].image) == set(pictures.keys()[:2])
    assert module.TOGETHER == 8


def test_a_cutout_is_between_a_hundredth_and_three_fifths_of_the_picture():
    def cut(*sides):
        things = [Thing(f"t{i}", 0.9, (0.0, 0.0, float(a), float(b))) for i, (a, b) in enumerate(sides)]
        seen = View("a", np.zeros((100, 100, 3), np.uint8), "", things, {})
        return [c.name for c in effects_module._cutouts(seen)]

    assert cut((10, 10), (10, 11), (60, 100), (60, 99)) == ["t1", "t3"]


def test_half_of_the_object_is_too_much_for_a_control():
    """A form of two cells in a strip of three can move by one: half of it is the object still."""
    mask = np.zeros((1, 3), np.float32)
    mask[0, :2] = 1
    assert effects_module.elsewhere(mask, np.random.default_rng(0)) == []
    faint = np.zeros((1, 9), np.float32)
    faint[0, :3] = (1, 0.05, 0.06)
    moved = effects_module.elsewhere(faint, np.random.default_rng(0))
    assert moved and all(m.sum() == pytest.approx(1.11) for m in moved)
    faint[0, :3] = (1, 0.06, 0.05)  # a twentieth is no part of the object
    for mask in (faint, faint.T):
        assert {round(float(m.sum()), 2) for m in effects_module.elsewhere(mask, np.random.default_rng(0))} == {1.06}


def test_ranks_need_two_values():
    a, b = np.array([1.0, 2, 3, 3]), np.array([1.0, 3, 2, 2])
    assert effects_module._rank_correlation(a, b, np.array([0, 1])) == pytest.approx(1)
    assert effects_module._rank_correlation(a, b, np.array([0, 1, 2])) == pytest.approx(0.5)
    assert np.isnan(effects_module._rank_correlation(a, b, np.array([2, 3])))
    assert np.isnan(effects_module._rank_correlation(a, np.ones(4), np.array([0, 1])))
