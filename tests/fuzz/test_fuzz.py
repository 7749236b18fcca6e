"""Every reader with a few damaged inputs, each of them always the same; `python -m benchmarks fuzz` tries many more."""

import pytest

from affectlens.corpora.base import corpora
from affectlens.exchange.registry import FORMATS
from tests.fuzz.targets import targets
from tests.fuzz.worker import Inputs, attempt

NUMBER = 25  # of inputs a reader


def test_every_corpus_is_tried():
    assert {f"corpus {c.name}" for c in corpora()} <= set(targets())


def test_every_format_of_annotations_is_tried():
    assert {f"annotations {name}" for name in FORMATS.names()} <= set(targets())


@pytest.mark.parametrize("name", list(targets()))
def test_damaged_inputs_are_read_or_refused(name, tmp_path):
    target = targets()[name]
    inputs = Inputs(target, 0, tmp_path)
    for original in inputs.sound:
        target.read(original)
    wrong = []
    for number in range(NUMBER):
        outcome = attempt(target, inputs.one(number))
        wrong += [(number, outcome)] if outcome else []
    assert not wrong and not inputs.left()


def test_an_input_is_the_same_every_time_whatever_came_before(tmp_path):
    for name in ("lists of inputs", "corpus meld"):
        made = []
        for number, order in enumerate((range(20), reversed(range(20)))):
            folder = tmp_path / f"{name} {number}"
            folder.mkdir()
            inputs = Inputs(targets()[name], 0, folder)
            made.append({n: _content(inputs.one(n)) for n in order})
        assert made[0] == made[1] and len(set(map(str, made[0].values()))) > 15


def _content(path):
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [(f.name, f.read_bytes()) for f in files if f.is_file()]
