"""Folders of pictures of one's own: classes that are not known, links, who the pictures are of."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens.core.errors import CorpusError, UsageError
from affectlens.corpora.base import account_of, open_corpus
from affectlens.evaluation.evaluate import evaluate
from affectlens.evaluation.people import people_of
from affectlens.models.base import BaseModel


class Bright(BaseModel):
    """Whole pictures: light ones are happy."""

    def predict(self, inputs):
        light = np.array([picture.mean() / 255 for picture in inputs])
        return np.log(np.stack([light, 1 - light], axis=1))


@pytest.fixture
def folder(tmp_path):
    """Two people with two pictures of two classes each, one of them by a link, and a class that nobody knows."""
    (tmp_path / "elsewhere").mkdir()
    root = tmp_path / "pictures"
    for name, light in (("happy", 230), ("sad", 20), ("blorb", 90)):
        (root / name).mkdir(parents=True)
        for who in ("anna", "ben"):
            for number in range(2):
                file = root / name / f"{who}_{number}.png"
                away = tmp_path / "elsewhere" / f"{name}-{file.name}"
                picture = np.full((20, 20, 3), light if who == "anna" else 255 - light, np.uint8)
                Image.fromarray(picture).save(away if number else file)
                if number:
                    file.symlink_to(away)
    return root


def test_a_folder_is_scored_without_a_split_and_what_is_not_known_is_listed(folder):
    model = Bright("bright", "face", ("happiness", "sadness"))
    result = evaluate(model, f"folder={folder}", draws=20, people=r"([a-z]+)_[0-9]")
    assert (result.n, result.about["split"]) == (8, "all") and not result.missed
    assert result.scores["accuracy"].value == 0.5 and result.scores["accuracy"].groups == 2
    by_person = result.groups.set_index("group").accuracy
    assert by_person.to_dict() == {"anna": 1.0, "ben": 0.0}
    assert any("left out, since it is not known what they express: 'blorb' (4 rows)" in note for note in result.notes)
    assert (result.scores["accuracy"].low, result.scores["accuracy"].high) == (0.0, 1.0)  # people are drawn whole


def test_a_misspelt_class_is_an_error_and_so_is_a_folder_of_unknown_ones(folder, tmp_path):
    (folder / "happy").rename(folder / "hapy")
    with pytest.raises(CorpusError, match=r"'hapy' \(4 rows, perhaps happiness\)"):
        open_corpus("folder", folder)
    (folder / "hapy").rename(tmp_path / "away")
    (folder / "sad").rename(folder / "gloop")
    with pytest.raises(CorpusError, match="'blorb'.*'gloop'"):
        open_corpus("folder", folder)


def test_a_table_lists_unknown_classes_too(tmp_path):
    pd.DataFrame({"text": ["a", "b", "c"], "label": ["joy", "blorb", "anger"]}).to_csv(tmp_path / "t.csv", index=False)
    corpus = open_corpus("csv", tmp_path / "t.csv")
    assert list(corpus.table("all").label) == ["happiness", "anger"]
    assert any("'blorb' (1 row)" in line for line in account_of(corpus).lines())


def test_people_are_a_column_or_a_pattern():
    table = pd.DataFrame({"key": ["a_1", "a_2", "b_1", "odd"], "speaker": ["x", "x", "y", None]})
    assert people_of(table, "speaker")[0].tolist() == ["x", "x", "y", "odd"]
    assert people_of(table, "speaker")[1] == "1 of 4 items name nobody by --people; each counts as a person"
    assert people_of(table, "^[a-z]")[0].tolist() == ["a", "a", "b", "o"] and people_of(table, "^[a-z]")[1] == ""
    with pytest.raises(UsageError, match="fits no name such as a_1"):
        people_of(table, "z+")
    with pytest.raises(UsageError, match="neither one of the columns key, speaker nor a pattern"):
        people_of(table, "(")
