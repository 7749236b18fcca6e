import json

import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.perception.scene.detections import Detections, read_detections, recall
from affectlens.perception.scene.objects import Thing


def test_coco(tmp_path):
    held = {
        "images": [{"id": 7, "file_name": "a/dog.jpg"}, {"id": 8, "file_name": "b/empty.jpg"}],
        "categories": [{"id": 3, "name": "dog"}],
        "annotations": [
            {"image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], "score": 0.8},
            {"image_id": 7, "category_id": 3, "bbox": [-5, 0, 1000, 10], "score": 0.2},
            {"image_id": 7, "category_id": 3, "bbox": [5, 5, 0, 10]},  # of no size
            {"image_id": 7, "category_id": 99, "bbox": [0, 0, 5, 5]},  # of no known class
        ],
    }
    (tmp_path / "x.json").write_text(json.dumps(held))
    found = read_detections(tmp_path / "x.json")
    things = found.of("dog.jpg", (100, 200, 3))
    assert things == [Thing("dog", 0.8, (10, 20, 40, 60)), Thing("dog", 0.2, (0, 0, 200, 10))]
    assert found.of("dog.jpg", (100, 200), 0.5) == things[:1] and found.of("b/empty.jpg", (9, 9)) == []
    assert "dog" in found and "cat" not in found and "1 annotation" in found.notes[0]


def test_yolo(tmp_path):
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "p1.txt").write_text("1 0.5 0.5 0.2 0.4 0.9\n\n5 0.1 0.1 0.2 0.2\n")
    found = read_detections(tmp_path)
    dog, other = (
        found.of("p1.jpg", (100, 200, 3))[::-1]
        if found.of("p1.jpg", (100, 200))[0].name != "dog"
        else found.of("p1.jpg", (100, 200))
    )
    assert dog.name == "dog" and dog.score == 0.9
    np.testing.assert_allclose(dog.box, (80, 30, 120, 70))
    assert other.name == "class 5" and "5" in found.notes[0]
    (tmp_path / "labels" / "p2.txt").write_text("1 0.5 half 0.2 0.4\n")
    with pytest.raises(UsageError, match=r"p2.txt, line 1"):
        read_detections(tmp_path)


@pytest.mark.parametrize("text", ["names: ['cat', dog]\n", "nc: 2\nnames:\n  0: cat\n  1: dog\n", "names:\n- cat\n- dog\n"])
def test_yolo_names_of_yaml(tmp_path, text):
    (tmp_path / "data.yaml").write_text(text)
    (tmp_path / "a.txt").write_text("1 0.5 0.5 1 1")
    assert read_detections(tmp_path).of("a.png", (10, 10))[0].name == "dog"


def test_open_images(tmp_path):
    (tmp_path / "class-descriptions-boxable.csv").write_text("/m/0bt9lr,Dog\n")
    (tmp_path / "boxes.csv").write_text(
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\nabc,x,/m/0bt9lr,1,0.1,0.6,0.2,0.4\nabc,x,/m/none,1,0,1,0,1\n"
    )
    found = read_detections(tmp_path / "boxes.csv")
    things = {t.name: t for t in found.of("abc.jpg", (100, 200))}
    np.testing.assert_allclose(things["Dog"].box, (20, 20, 120, 40))
    assert "/m/none" in things and "class-descriptions" in found.notes[0]


def test_what_is_no_table_is_named(tmp_path):
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    (tmp_path / "x.xml").write_text("<a/>")
    for name, words in (
        ("list.json", "bare list"),
        ("bad.json", "json"),
        ("bad.csv", "ImageID"),
        ("x.xml", "COCO"),
        ("no", "no such"),
    ):
        with pytest.raises(UsageError, match=words):
            read_detections(tmp_path / name)
    with pytest.raises(UsageError, match="no text file"):
        (tmp_path / "empty").mkdir()
        read_detections(tmp_path / "empty")


def test_a_name_of_two_pictures_stands_for_neither():
    box = ("dog", 1.0, (0.0, 0.0, 5.0, 5.0))
    found = Detections({"a/x.jpg": [box], "b/x.jpg": []}, False)
    assert found.of("x.jpg", (9, 9)) == [] and len(found.of("a/x.jpg", (9, 9))) == 1


def test_recall_by_hand():
    def thing(name, left, score=1.0):
        return Thing(name, score, (left, 0.0, left + 10.0, 10.0))

    truth = {"a": [thing("dog", 0), thing("dog", 50), thing("cat", 90)], "b": [thing("dog", 0)]}
    found = {"a": [thing("dog", 1, 0.9), thing("dog", 2, 0.8)], "b": [thing("cat", 0)]}  # two boxes on one dog
    table = recall(found, truth).set_index("object")
    assert table.loc["dog", ["boxes", "found"]].tolist() == [3, 1] and table.recall["cat"] == 0
    assert table.low["dog"] < 1 / 3 < table.high["dog"] and bool(table.named["cat"])
