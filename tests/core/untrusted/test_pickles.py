"""Pickles of data come back as Python's own unpickler gives them; everything else is an error, and nothing runs."""

import collections
import pickle
from pathlib import Path

import numpy as np
import pytest

from affectlens.core.errors import LimitError
from affectlens.core.limits import Limits, limited
from affectlens.core.untrusted.pickles import read_pickle
from tests.core.untrusted import hostile

VALUES = (
    np.arange(6.0).reshape(2, 3), np.arange(6, dtype=">i4").reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.array(["xy", "z"]), np.array([b"xy", b"z"]), np.array([1, "a", [2]], dtype=object), np.array(5), np.zeros((0, 3)), np.array([True]),
    np.float32(3), np.int64(-2), np.bool_(True), np.str_("q"), {1, 2}, frozenset("ab"), "text", b"bytes", bytearray(b"more"), None, True,
    -5, 2**40, -(2**70), 1.5, float("inf"), (), (1, (2,)), [[], {}], {"a": [1], 2: None, ("x", 3): 4}, "ünï\U0001f600\udc80",
    collections.OrderedDict([("b", 1), ("a", 2)]),
)  # fmt: skip


def _same(given, expected):
    if isinstance(expected, np.ndarray):
        assert (given.dtype, given.shape, given.tolist()) == (expected.dtype, expected.shape, expected.tolist())
        assert given.flags.writeable
    elif isinstance(expected, dict):
        assert list(given) == list(expected)
        for key, value in expected.items():
            _same(given[key], value)
    elif isinstance(expected, (list, tuple)):
        assert type(given) is type(expected) and len(given) == len(expected)
        for one, other in zip(given, expected, strict=True):
            _same(one, other)
    else:
        assert type(given) is type(expected) and given == expected


def _read(tmp_path, content: bytes):
    file = tmp_path / "a.pkl"
    file.write_bytes(content)
    return read_pickle(file)


@pytest.mark.parametrize("protocol", range(6))
def test_what_python_wrote_comes_back(protocol, tmp_path):
    for value in (*VALUES, VALUES):
        _same(_read(tmp_path, pickle.dumps(value, protocol)), value)


def test_what_is_shared_stays_shared(tmp_path):
    array, inner = np.arange(3), [1]
    read = _read(tmp_path, pickle.dumps([array, array, inner, inner, {"again": array}]))
    assert read[0] is read[1] is read[4]["again"] and read[2] is read[3]


def test_pickles_of_python_2_are_latin_1(tmp_path):
    # cPickle.dumps({'a': numpy.array([1., 2.]), 'b': ['x\xe9', u'y']}, 2)
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R"
    array += b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10" + np.array([1.0, 2.0]).tobytes() + b"tb"
    read = _read(tmp_path, b"\x80\x02}(U\x01a" + array + b"U\x01b](U\x02x\xe9X\x01\x00\x00\x00yeu.")
    assert read["a"].tolist() == [1.0, 2.0] and read["b"] == ["x\xe9", "y"]
    assert _read(tmp_path, b"(lp0\nS'a\\n\\xe9'\np1\naV\\u00e9\np2\naI01\naL5L\naF1.5\na.") == ["a\n\xe9", "\xe9", True, 5, 1.5]


@pytest.mark.parametrize("name", hostile.pickles_cached())
def test_hostile_pickles_are_errors(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = hostile.pickles_cached()[name]
    with limited(Limits(bytes=20_000_000)):
        if name in hostile.HARMLESS:
            assert _read(tmp_path, content) is None
        else:
            with pytest.raises((pickle.UnpicklingError, ValueError, LimitError, TypeError)):
                _read(tmp_path, content)
    assert not Path(hostile.CANARY).exists()


class _Tells:
    """Runs when Python's own unpickler reads it, so that the test of the canary can fail."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return (Path.touch, (self.canary,))


def test_the_canary_tells(tmp_path):
    content = pickle.dumps(_Tells(tmp_path / "canary"))
    with pytest.raises(pickle.UnpicklingError, match="could run code"):
        _read(tmp_path, content)
    assert not (tmp_path / "canary").exists()
    pickle.loads(content)
    assert (tmp_path / "canary").exists()


def test_size_counts_as_if_nothing_were_shared(tmp_path):
    text = "x" * 1000
    content = pickle.dumps([text] * 1000)
    assert len(content) < 10_000
    with limited(Limits(bytes=500_000)), pytest.raises(LimitError):
        _read(tmp_path, content)
    assert len(_read(tmp_path, content)) == 1000
