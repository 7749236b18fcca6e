import numpy as np
import pytest

from affectlens.core.errors import CorpusError
from affectlens.corpora.base import open_corpus
from affectlens.perception.body.formats import of_corpus
from affectlens.perception.body.joints import JOINTS
from tests.corpora.visual_trees import picture, visual_trees


@pytest.fixture
def trees(tmp_path):
    return visual_trees(tmp_path)


def test_pictures_carry_the_labels_of_their_layout(trees):
    first = {
        name: next(iter(open_corpus(name, trees[name]).items("train"))) for name in ("caer-s", "raf-db", "affectnet", "emotic")
    }
    assert first["caer-s"].labels == ("anger",) and first["caer-s"].data.shape == (24, 32, 3)
    assert first["raf-db"].labels == ("happiness",)
    assert first["affectnet"].meta["valence"] == 0.5 and first["affectnet"].meta["arousal"] == -0.25
    assert first["emotic"].labels == ("happiness", "engagement") and first["emotic"].meta["box"] == (2.0, 3.0, 20.0, 22.0)
    # Validation and test have several raters, whose combined answer is read.
    assert next(iter(open_corpus("emotic", trees["emotic"]).items("test"))).meta["valence"] == 7.0
    assert open_corpus("affectnet", trees["affectnet"]).left_out == 1


def test_a_picture_that_is_not_there_keeps_its_place(trees):
    (trees["caer-s"] / "train/Anger/0001.png").write_bytes(b"")
    items = list(open_corpus("caer-s", trees["caer-s"]).items("train"))
    assert items[0].data is None and items[0].problem and items[1].data is not None


def test_a_class_that_is_none_and_a_broken_line_are_named(tmp_path, trees):
    picture(trees["caer-s"] / "train/Bored/1.png")
    with pytest.raises(CorpusError, match="Bored"):
        open_corpus("caer-s", trees["caer-s"])
    with (trees["raf-db"] / "basic/EmoLabel/list_patition_label.txt").open("a") as f:
        f.write("train_9.jpg nine\n")
    with pytest.raises(CorpusError, match="line 4"):
        open_corpus("raf-db", trees["raf-db"])


def test_bodies_become_motions(trees):
    item = next(iter(open_corpus("bold", trees["bold"]).items("train")))
    assert item.labels == ("anger",) and item.data.shape == (26, 18, 3)
    motion = of_corpus(item.data, item.meta)
    assert motion.flat and motion.points.shape == (26, len(JOINTS), 3)
    nose_down, up = item.data[0, 1], motion.points[0, JOINTS.index("neck")]
    np.testing.assert_allclose(up[:2], [nose_down[0], -nose_down[1]])
    step = next(iter(open_corpus("e-gait", trees["e-gait"]).items("real")))
    np.testing.assert_allclose(of_corpus(step.data, step.meta).points[0, JOINTS.index("pelvis")], step.data[0, 0])


def test_emotion_gait_tells_its_parts_apart(trees):
    source = open_corpus("e-gait", trees["e-gait"])
    assert source.info.splits == ("real", "elmd", "synthetic")
    assert list(source.table("real").label) == ["anger", "neutral", "happiness", "sadness"]
    assert list(source.table("synthetic").label) == ["happiness"]


def test_gaits_without_labels_are_an_error(trees):
    import h5py

    with h5py.File(trees["ewalk"] / "features.h5", "a") as f:
        f["999"] = np.zeros((5, 48))
    with pytest.raises(CorpusError, match="999"):
        open_corpus("ewalk", trees["ewalk"])
