"""Results kept on disk: made once a key, whole or not at all."""

import numpy as np
import pandas as pd
import pytest

from affectlens.core.cache import contents_of, kept_arrays, kept_frame
from affectlens.core.errors import OutputError
from affectlens.core.files import key_of


def test_a_result_is_made_once_a_key(tmp_path):
    made = []

    def make():
        made.append(1)
        return {"x": np.arange(3.0), "names": np.array(["a", "b"])}

    key = key_of(np.arange(4), {"epochs": 3})
    for _ in range(2):
        again = kept_arrays(tmp_path / "new", "things", key, make)
        np.testing.assert_array_equal(again["x"], [0, 1, 2])
        assert list(again["names"]) == ["a", "b"]
    assert len(made) == 1
    kept_arrays(tmp_path / "new", "things", key_of(np.arange(4), {"epochs": 4}), make)
    assert len(made) == 2
    frame = pd.DataFrame({"a": [1, 2]})
    for _ in range(2):
        pd.testing.assert_frame_equal(kept_frame(tmp_path, "rows", "k", lambda: frame), frame)


def test_a_failure_leaves_nothing_behind(tmp_path):
    def fail():
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        kept_arrays(tmp_path, "things", "k", fail)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        kept_arrays(tmp_path / "file", "things", "k", lambda: {"x": np.zeros(1)})
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_files_are_told_apart_by_content_alone(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    (tmp_path / "c").write_text("y")
    one, same, other, gone = contents_of([tmp_path / n for n in ("a", "b", "c", "absent")])
    assert one == same != other and gone == ""
