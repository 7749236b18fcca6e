"""Arrays, archives, MATLAB files, JSON and tables: what is right comes back as the reference reads it, what lies is an error."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from affectlens.core.errors import LimitError, MediaError, UsageError
from affectlens.core.limits import Limits, limited
from affectlens.core.untrusted.arrays import load_array, load_arrays
from affectlens.core.untrusted.documents import parse_json, read_json, read_toml
from affectlens.core.untrusted.frames import read_csv, read_parquet
from affectlens.core.untrusted.mat import read_mat
from tests.core.untrusted import hostile

ARRAYS = {
    "plain": np.arange(6.0).reshape(2, 3), "columns": np.asfortranarray(np.arange(6).reshape(2, 3)), "text": np.array(["ab", "c"]), "one": np.array(5),
    "none": np.zeros((0, 3)), "no text": np.array([""]), "days": np.array(["2020-01-01"], "M8[D]"), "other order": np.arange(3, dtype=">i4"),
    "fields": np.zeros(2, [("a", "f4"), ("b", "i2")]),
}  # fmt: skip


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_numpy_reads_them(write, tmp_path):
    write(tmp_path / "a.npz", **ARRAYS)
    read = load_arrays(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as expected:
        assert list(read) == expected.files
        for name in expected.files:
            assert read[name].dtype == expected[name].dtype and np.array_equal(read[name], expected[name])
    np.save(tmp_path / "b.npy", ARRAYS["columns"])
    assert np.array_equal(load_array(tmp_path / "b.npy"), ARRAYS["columns"])


@pytest.mark.parametrize("name", hostile.arrays())
def test_arrays_that_lie_are_errors(name, tmp_path):
    (tmp_path / "a.npy").write_bytes(hostile.arrays()[name])
    with pytest.raises(MediaError, match=r"a\.npy"):
        load_array(tmp_path / "a.npy")


def test_room_is_seen_before_it_is_made(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(100_000))
    assert (tmp_path / "a.npz").stat().st_size < 2000
    with limited(Limits(bytes=700_000)), pytest.raises(LimitError, match=r"a\.npz: 800,\d+ bytes when unpacked"):
        load_arrays(tmp_path / "a.npz")
    with pytest.raises(MediaError, match="packed in a way"):
        load_arrays(tmp_path / "a.npz", own=True)  # affectlens itself packs nothing
    np.savez(tmp_path / "a.npz", x=np.zeros(100_000))
    with limited(Limits(bytes=700_000)):
        assert len(load_arrays(tmp_path / "a.npz", own=True)["x"]) == 100_000


def test_an_archive_that_lies_about_its_sizes_is_an_error(tmp_path):
    made = io.BytesIO()
    np.savez_compressed(made, x=np.zeros(1000))
    for size in (10, 10**9):
        content = bytearray(made.getvalue())
        with zipfile.ZipFile(made) as archive:
            at = archive.start_dir
        content[at + 24 : at + 28] = size.to_bytes(4, "little")
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(MediaError, match="promises|cut short|CRC"):
            load_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("packed", [False, True])
def test_matlab_files_come_back(packed, tmp_path):
    inner = np.zeros((1, 2), dtype=[("name", object), ("box", object)])
    inner["name"][0] = ["Ann", "Bo"]
    inner["box"][0] = [np.array([1.0, 2.5]), np.array([[1, 2], [3, 4]], np.int16)]
    given = {
        "people": inner,
        "words": np.array(["joy", "anger"], object),
        "number": 7.0,
        "text": "hé",
        "rows": np.array(["ab", "cd"]),
    }
    savemat(tmp_path / "a.mat", given, do_compression=packed)
    read = read_mat(tmp_path / "a.mat")
    assert [p["name"] for p in read["people"]] == ["Ann", "Bo"] and read["words"] == ["joy", "anger"]
    assert read["people"][0]["box"].tolist() == [1.0, 2.5] and read["people"][1]["box"].tolist() == [[1, 2], [3, 4]]
    assert read["people"][1]["box"].dtype == np.int16
    assert float(read["number"]) == 7 and read["text"] == "hé" and read["rows"] == ["ab", "cd"]


@pytest.mark.parametrize("seed", range(5))
def test_damaged_matlab_files_are_errors_or_read(seed, tmp_path):
    savemat(tmp_path / "a.mat", {"a": {"b": np.arange(5.0), "c": "text"}, "d": np.array(["x", 1.0], object)})
    good, draw = (tmp_path / "a.mat").read_bytes(), np.random.default_rng(seed)
    for _ in range(100):
        content = bytearray(good)
        for at in draw.integers(120, len(content), 3):
            content[at] = draw.integers(256)
        (tmp_path / "a.mat").write_bytes(content)
        try:
            read_mat(tmp_path / "a.mat")
        except MediaError as error:
            assert "a.mat" in str(error)


def test_json_and_toml_have_a_depth(tmp_path):
    file = tmp_path / "a.json"
    file.write_text('\ufeff{"a": [1, "[[[[", {"b": null}]}', encoding="utf-8")
    assert read_json(file) == {"a": [1, "[[[[", {"b": None}]}
    assert parse_json('"' + "[" * 1000 + '\\""') == "[" * 1000 + '"'
    file.write_text("[" * 100_000)
    with pytest.raises(MediaError, match=r"a\.json cannot be read as JSON: more than 200 brackets"):
        read_json(file)
    with limited(Limits(items=100)), pytest.raises(LimitError, match="items"):
        parse_json("[" + "1," * 200 + "1]")
    for text in ("a = " + "[" * 100_000, "a." * 100_000 + "b = 1", "[" + "a." * 100_000 + "b]", "x" * 2_000_000):
        (tmp_path / "a.toml").write_text(text)
        with pytest.raises(UsageError, match=r"a\.toml"):
            read_toml(tmp_path / "a.toml", UsageError)
    (tmp_path / "a.toml").write_text('[explain]\nrate = 2.5\nout = "a.b.c"\n')
    assert read_toml(tmp_path / "a.toml") == {"explain": {"rate": 2.5, "out": "a.b.c"}}


def test_devices_are_no_files(tmp_path):
    for read in (read_json, load_array, read_mat):
        with pytest.raises(MediaError, match="regular file"):
            read("/dev/zero")


def test_tables_are_counted(tmp_path):
    frame = pd.DataFrame({"file": ["a", "b"], "p_joy": [0.25, 0.75]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "a.csv"), frame)
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "a.parquet"), frame)
    assert list(read_parquet(tmp_path / "a.parquet", columns=["p_joy"]).columns) == ["p_joy"]
    (tmp_path / "a.csv").write_bytes(hostile.tables()["wide and long"])
    with pytest.raises(LimitError, match=r"a\.csv: 16,000,\d+,\d+ bytes"):
        read_csv(tmp_path / "a.csv")
    (tmp_path / "a.parquet").write_bytes(hostile.parquets()["one long text many times"])
    assert (tmp_path / "a.parquet").stat().st_size < 100_000
    with pytest.raises(LimitError, match=r"a\.parquet"):
        read_parquet(tmp_path / "a.parquet")
