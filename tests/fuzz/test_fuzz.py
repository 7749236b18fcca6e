"""Every reader with a few damaged inputs, each of them always the same; `python -m benchmarks fuzz` tries many more."""

import pytest

from affectlens.corpora.base import corpora
from tests.fuzz.targets import targets
from tests.fuzz.worker import attempt, one_input

NUMBER = 25  # of inputs a reader


def test_every_corpus_is_tried():
    assert {f"corpus {c.name}" for c in corpora()} <= set(targets())


@pytest.mark.parametrize("name", list(targets()))
def test_damaged_inputs_are_read_or_refused(name, tmp_path):
    target = targets()[name]
    (tmp_path / "sound").mkdir()
    (tmp_path / "input").mkdir()
    originals = target.make(tmp_path / "sound")
    for original in originals:
        target.read(original)
    wrong = []
    for number in range(NUMBER):
        outcome = attempt(target, one_input(target, originals, 0, number, tmp_path / "input"))
        wrong += [(number, outcome)] if outcome else []
    assert not wrong


def test_an_input_is_the_same_every_time(tmp_path):
    target = targets()["lists of inputs"]
    for folder in ("sound", "a", "b"):
        (tmp_path / folder).mkdir()
    originals = target.make(tmp_path / "sound")
    made = [[one_input(target, originals, 0, n, tmp_path / folder).read_bytes() for n in range(20)] for folder in ("a", "b")]
    assert made[0] == made[1] and len(set(made[0])) > 15
