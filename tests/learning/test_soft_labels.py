import numpy as np
import pandas as pd
import pytest

from affectlens.core.errors import CorpusError
from affectlens.learning.soft_labels import mixed, read_answers, read_majority, read_votes

CLASSES = ("anger", "happiness")


@pytest.fixture
def table(tmp_path):
    frame = pd.DataFrame(
        {
            "name": ["a", "b", "c", "d", "a"],
            "split": ["train"] * 5,
            "anger": [8, 1, 5, 0, 0],
            "happiness": [2, 3, 5, 0, 9],
            "contempt": [0, 6, 0, 0, 0],
            "NF": [0, 0, 0, 10, 0],
        }
    )
    frame.to_csv(tmp_path / "votes.csv", index=False)
    return tmp_path / "votes.csv"


def test_votes_are_shares_of_the_classes_by_name(table):
    votes, share = read_votes(table, ["b", "a", "none", "d"], CLASSES)
    np.testing.assert_allclose(votes[:2], [[0.25, 0.75], [0.8, 0.2]])  # the first row of a name counts
    assert np.isnan(votes[2:]).all()
    np.testing.assert_allclose(share[[0, 1, 3]], [0.4, 1.0, 0.0])
    assert np.isnan(share[2])


def test_the_majority_is_a_class_with_more_votes_than_anything_else(table):
    assert read_majority(table, ["a", "b", "c", "d", "none"], CLASSES).tolist() == [0, -1, -1, -1, -1]


def test_answers_are_softened(tmp_path):
    pd.DataFrame({"name": ["a"], "anger": [0.9], "happiness": [0.1]}).to_csv(tmp_path / "answers.csv", index=False)
    soft = read_answers(tmp_path / "answers.csv", ["a", "b"], CLASSES, 2.0)
    np.testing.assert_allclose(soft[0], [3 / 4, 1 / 4])  # 9 to 1, to the power of a half
    assert np.isnan(soft[1]).all()


def test_what_has_no_votes_keeps_its_label():
    labels = np.eye(2)[[0, 1]]
    out = mixed(labels, [(np.array([[0.0, 1.0], [np.nan, np.nan]]), 0.6), (np.array([[0.5, 0.5], [0.5, 0.5]]), 0.2)])
    np.testing.assert_allclose(out, [[0.3, 0.7], [0.1, 0.9]])
    np.testing.assert_allclose(out.sum(1), 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="anger"), "no column anger"),
        (lambda frame: frame.assign(anger=-1), "no number of at least 0"),
        (lambda frame: frame.assign(anger="x"), "no number of at least 0"),
        (lambda frame: frame.assign(name="z"), "none of the 1 items"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table, change, message):
    change(pd.read_csv(table)).to_csv(table, index=False)
    with pytest.raises(CorpusError, match=message):
        read_votes(table, ["a"], CLASSES)
