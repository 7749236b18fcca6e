"""A small audit of objects looked at closely: what is taken from which map, which pictures are shown and changed."""

from __future__ import annotations

import numpy as np
import pytest

from affectlens.audits.objects.audit import ObjectAuditor
from affectlens.audits.objects.finders import FromFunction, finder_of
from affectlens.audits.objects.maps import Mapper
from affectlens.audits.objects.pictures import Pictures
from affectlens.audits.objects.settings import ObjectSettings
from affectlens.core.errors import UsageError
from affectlens.explainers.cam import upsample
from tests.audits.objects.nets import redness, write_folder

METHODS = ("hirescam", "eigencam")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "all"
    folder.mkdir()
    table, labels = write_folder(folder, 20, np.random.default_rng(3))
    (folder / "zz.png").write_bytes(b"no picture")
    return Pictures(folder, objects=str(table), labels=labels)


@pytest.fixture(scope="module")
def auditor(pictures):
    made = ObjectAuditor(redness(), pictures, ObjectSettings(methods=METHODS, effects=2))
    made.collect()
    return made


@pytest.fixture(scope="module")
def found(auditor):
    return auditor.compute()


def test_items_hold_what_the_model_said(auditor):
    items = auditor.parts.items.set_index("key")
    assert len(items) == 21 and items.why["zz.png"] and items.emotion["zz.png"] == "" and np.isnan(items.probability["zz.png"])
    read = items.drop("zz.png")
    assert (read.emotion == read.label).all() and (read.answer == read.label).all() and (read.things == 2).all()
    assert (read.probability > 0.5).all() and read.sha256.nunique() == 20
    rows = auditor.table("hirescam")
    assert set(rows.object) == {"red", "blue", "green"} and len(rows) == 40
    assert (rows.groupby("image").emotion.first() == read.emotion).all()


def test_examples_are_of_the_first_map_and_of_the_pictures_that_hold_most(auditor, found, pictures):
    rows = auditor.table("hirescam")
    leading = {("fear", "red"), ("joy", "blue")}
    assert {(e.emotion, e.object) for e in found.examples} == leading and len(found.examples) == 6
    for emotion, thing in leading:
        pair = rows[(rows.emotion == emotion) & (rows.object == thing)]
        most = pair.assign(over=pair.relevance - pair.area).sort_values("over", ascending=False).image[:3]
        assert [e.key for e in found.examples if e.emotion == emotion] == list(most)
    one = found.examples[0]
    model = redness()
    maps, _, _ = Mapper(model, METHODS[:1])(model.prepare(pictures[one.key].picture), one.emotion)
    np.testing.assert_allclose(one.relevance, upsample(maps["hirescam"], one.picture.shape[:2]), rtol=1e-5)
    assert [t.name for t in one.things] == [t.name for t in pictures[one.key].things]


def test_as_many_pictures_are_changed_as_were_asked_for(found):
    assert found.effects.single.image.nunique() == 2 and not found.effects.missed
    assert list(found.objects) == list(found.groups) == list(METHODS)
    assert list(found.missed.key) == ["zz.png"] and found.recall is None and found.detected


def test_without_changes_there_are_no_effects(pictures):
    none = ObjectAuditor(redness(), pictures, ObjectSettings(methods=METHODS[:1], effects=0))
    none.collect(keys=pictures.keys()[:4])
    told = []
    assert none.compute(lambda *what: told.append(what)).effects is None and told == [("statistics", 1, 1)]


def test_a_sample_is_in_the_order_of_the_corpus(pictures):
    def sample(n, seed=0):
        return ObjectAuditor(redness(), pictures, ObjectSettings(methods=METHODS[:1], sample=n, seed=seed)).keys()

    every = pictures.keys()
    drawn = sample(5)
    assert len(drawn) == 5 and drawn == sorted(drawn, key=every.index) and sample(0) == every == sample(99)
    assert len({tuple(sample(5, s)) for s in range(5)}) == 5


def test_functions_find_what_is_large_and_sure_enough():
    def find(picture):
        return [("a", 0.9, (0, 0, 1, 1)), ("b", 0.9, (0, 0, 0.5, 9)), ("c", 0.9, (0, 0, 9, 0.5)), ("d", 0.5, (0, 0, 9, 9)),
                ("e", 0.49, (0, 0, 9, 9)), ("f", 0.9, (-4, -4, 99, 99)), ("g", 0.9, (40, 40, 50, 50))]  # fmt: skip

    things = FromFunction(find, 0.5).things("k", np.zeros((20, 30, 3), np.uint8))
    assert [t.name for t in things] == ["a", "d", "f"] and things[2].box == (0, 0, 30, 20)


def test_sources_of_objects(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b.json").write_text('{"images": [], "annotations": [], "categories": []}')
    assert type(finder_of("a:b.json")).__name__ == "FromTable"  # a file may have a colon in its name
    assert isinstance(finder_of("tests.audits.objects.test_run:corner"), FromFunction)
    with pytest.raises(UsageError, match=r"nothing\.json"):
        finder_of("nothing.json")
    assert finder_of("a:b.json", 0.3).least == 0.3
