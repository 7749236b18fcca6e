"""Every registered corpus keeps to its contract, and each check catches a reader that does not."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectlens.checks import CheckError, check_corpus
from affectlens.checks.corpus import CHECKS
from affectlens.core.errors import CorpusError, MediaError, UsageError
from affectlens.core.labels import EKMAN7
from affectlens.corpora.account import count_found
from affectlens.corpora.base import CorpusInfo, Item, check_split, corpora
from affectlens.media.pictures.images import read_image
from tests.corpora.every import every_tree
from tests.corpora.visual_trees import picture


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    return every_tree(tmp_path_factory.mktemp("corpora"))


def test_every_corpus_has_a_tree(trees):
    assert set(trees) == {corpus.name for corpus in corpora()}


@pytest.mark.parametrize("name", [corpus.name for corpus in corpora()])
def test_every_registered_corpus(trees, name):
    check_corpus(name, trees[name])


class Sound:
    """A reader that keeps to the contract: pictures named SPLIT-LABEL-NUMBER.png in a folder."""

    info = CorpusInfo(
        "sound", "Sound", "face", "CC0", "https://example.org", "SPLIT-LABEL-NUMBER.png", ("train", "test"), ("train", "test")
    )
    scheme = EKMAN7

    def __init__(self, path: Path) -> None:
        files = sorted(path.glob("*-*-*.png"))
        if not files:
            raise CorpusError(f"{path}: no picture; expected {self.info.layout}")
        rows = [(file.name, file.stem.split("-")[1], str(file), file.stem.split("-")[0], "") for file in files]
        self._frame = pd.DataFrame(rows, columns=["key", "label", "path", "split", "group"])

    def table(self, split):
        return self._frame[self._frame.split == check_split(self, split)].reset_index(drop=True)

    def items(self, split):
        for row in self.table(split).itertuples():
            try:
                yield Item(row.key, read_image(Path(row.path)), (row.label,), row.group)
            except MediaError as error:
                yield Item(row.key, None, (row.label,), row.group, problem=str(error))


class NoLicence(Sound):
    info = replace(Sound.info, licence="")


class Backwards(Sound):
    def items(self, split):
        yield from reversed(list(super().items(split)))


class SameKeys(Sound):
    def __init__(self, path):
        super().__init__(path)
        self._frame["key"] = "one"


class OtherLabels(Sound):
    def __init__(self, path):
        super().__init__(path)
        self._frame["label"] = "bliss"


class OtherGroups(Sound):
    def items(self, split):
        yield from (replace(i, group="somebody") for i in super().items(split))


class NothingSaid(Sound):
    def items(self, split):
        yield from (replace(i, data=None) for i in super().items(split))


class Skips(Sound):
    def __init__(self, path):
        super().__init__(path)
        self._frame = self._frame[[Path(path).stat().st_size > 0 for path in self._frame.path]]


class Stops(Sound):
    def __init__(self, path):
        super().__init__(path)
        for file in self._frame.path:
            if not Path(file).stat().st_size:
                raise CorpusError(f"{file}: empty")


class NoSplits(Sound):
    def table(self, split):
        return self._frame[self._frame.split == split].reset_index(drop=True)


class Overlapping(Sound):
    def table(self, split):
        check_split(self, split)
        return self._frame.copy()


class Restless(Sound):
    drawn = np.random.default_rng(0)

    def items(self, split):
        yield from (replace(i, data=self.drawn.random(3)) for i in super().items(split))


class Shared(Sound):
    def __init__(self, path):
        super().__init__(path)
        self._parts = {s: super(Shared, self).table(s) for s in self.info.splits}

    def table(self, split):
        return self._parts[check_split(self, split)]


class Patient(Sound):
    def __init__(self, path):
        self._frame = pd.DataFrame({"key": ["a-b-1.png"], "label": ["anger"], "path": [""], "split": ["train"], "group": [""]})


class Silent(Sound):
    def __init__(self, path):
        try:
            super().__init__(path)
        except CorpusError:
            raise CorpusError("no") from None


class Miscounts(Sound):
    def __init__(self, path):
        super().__init__(path)
        count_found(len(self._frame) + 1, "pictures")


BROKEN = {
    Miscounts: ("counted", "it found 6 pictures, but has 5 items and dropped 0"),
    NoLicence: ("described", "info.licence is empty"),
    Backwards: ("order", "split test, place 0: the table has 'test-anger-2.png'"),
    SameKeys: ("keys", "'one' is the key of 2 rows"),
    OtherLabels: ("labels", "('bliss',); the scheme has anger"),
    OtherGroups: ("groups", "the item 'somebody'"),
    NothingSaid: ("data", "data is NoneType and the problem ''"),
    Skips: ("damage", "there are other items"),
    Stops: ("damage", "the others were expected"),
    NoSplits: ("splits", "a CorpusError was expected"),
    Overlapping: ("splits", "said to be disjoint, but both have"),
    Restless: ("twice", "another item when the corpus is read again"),
    Shared: ("copies", "give a copy"),
    Patient: ("layout", "folder opens; a CorpusError was expected"),
    Silent: ("layout", "does not say what was expected: no"),
}


@pytest.fixture
def folder(tmp_path):
    for name in ("train-anger-1", "train-anger-2", "train-fear-3", "test-happiness-1", "test-anger-2"):
        picture(tmp_path / "sound" / f"{name}.png", shade=40 + 10 * len(name))
    return tmp_path / "sound"


def test_a_reader_that_keeps_to_it_passes(folder):
    check_corpus(Sound, folder)


@pytest.mark.parametrize("reader", BROKEN)
def test_each_check_catches_a_reader_that_does_not(folder, reader):
    check, text = BROKEN[reader]
    with pytest.raises(CheckError) as caught:
        check_corpus(reader, folder)
    assert any(text in problem for problem in caught.value.problems[check]), str(caught.value)
    # Without that check the others say nothing of it.
    rest = {key: value for key, value in caught.value.problems.items() if key != check}
    if not rest:
        check_corpus(reader, folder, leave_out=(check,))


def test_a_path_where_nothing_is(folder, monkeypatch):
    import affectlens.checks.corpus as suite

    monkeypatch.setattr(suite, "read_with", lambda info, reader, path: reader(path) if path.exists() else reader(folder))
    with pytest.raises(CheckError) as caught:
        check_corpus(Sound, folder)
    assert caught.value.problems.keys() == {"missing"}


def test_every_check_has_a_broken_reader():
    assert {check for check, _ in BROKEN.values()} | {"missing"} == set(CHECKS)


def test_the_error_lists_all_that_is_wrong(folder):
    with pytest.raises(
        CheckError, match=r"(?s)the corpus 'sound' does not keep to its contract:\n- keys: .*leave_out="
    ) as caught:
        check_corpus(SameKeys, folder)
    assert len(caught.value.problems["keys"]) == 2
    with pytest.raises(UsageError, match="there is no check 'kyes'; did you mean keys"):
        check_corpus(Sound, folder, leave_out=("kyes",))
    shutil.rmtree(folder)
    with pytest.raises(CheckError, match="opening: CorpusError was raised"):
        check_corpus(Sound, folder)
