"""Results kept on disk: made once a key, whole or not at all."""

import numpy as np
import pandas as pd
import pytest

from affectlens.core.disk import cache
from affectlens.core.disk.cache import contents_of, kept_arrays, kept_frame
from affectlens.core.disk.files import key_of
from affectlens.core.errors import OutputError
from affectlens.core.notes import noting, tell


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


def test_what_readers_say_is_kept_with_what_was_made_of_it(tmp_path):
    def make():
        tell(["a: 2 dropped"], [("a/x.png", ["made smaller"])])
        return {"x": np.arange(3)}

    for attempt in range(2):
        with noting() as notes:
            arrays = kept_arrays(tmp_path, "things", "k", make if attempt == 0 else None)
        assert list(arrays) == ["x"] and list(notes.lines) == ["a: 2 dropped"]
        assert {name: list(texts) for name, texts in notes.items.items()} == {"a/x.png": ["made smaller"]}
    assert list(kept_arrays(tmp_path, "things", "k", None)) == ["x"]  # nobody collects


@pytest.mark.parametrize("kind", ["npz", "parquet"])
@pytest.mark.parametrize("damage", ["torn", "empty", "one bit"])
def test_what_is_damaged_is_made_again_and_said(tmp_path, caplog, kind, damage):
    rng = np.random.default_rng(0)
    values = rng.normal(size=500)

    def get():
        if kind == "npz":
            return kept_arrays(tmp_path, "things", "k", lambda: {"x": values})["x"]
        return kept_frame(tmp_path, "things", "k", lambda: pd.DataFrame({"x": values})).x.to_numpy()

    get()
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes({"torn": content[:700], "empty": b"", "one bit": bytes(content)}[damage])
    np.testing.assert_array_equal(get(), values)
    assert "is damaged" in caplog.text and "made again" in caplog.text
    caplog.clear()
    caplog.set_level("INFO")
    np.testing.assert_array_equal(get(), values)
    assert f"{file}: taken from an earlier run" in caplog.text and "made again" not in caplog.text


def test_what_another_version_kept_is_not_used(tmp_path, monkeypatch):
    made = []
    for version in ("1.0", "1.0", "1.1"):
        monkeypatch.setattr(cache, "package_version", lambda version=version: version)
        kept_frame(tmp_path, "rows", "k", lambda version=version: made.append(version) or pd.DataFrame({"a": [1]}))
    assert made == ["1.0", "1.1"]


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
