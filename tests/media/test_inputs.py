"""Files behind what a user names; what is left out is said, what cannot be read is a failure of its own."""

import pandas as pd
import pytest

from affectlens.core.errors import UsageError
from affectlens.media.inputs import find_inputs, kind_of
from tests.conftest import SHARED


def names(*given):
    return [p.name for p in find_inputs(given).files]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "ordner ü"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.mp4", "a.PNG", "deep/c.wav", "notes.doc"):
        (folder / name).write_bytes(b"x")
    return folder


def test_inputs_are_found(folder, tmp_path):
    assert names(folder) == ["a.PNG", "b.mp4", "c.wav"]
    assert names(str(folder / "**" / "*.wav")) == ["c.wav"]
    pd.DataFrame({"file": ["b.mp4", "deep/c.wav", "b.mp4"]}).to_csv(folder / "list.csv", index=False)
    found = find_inputs([folder / "list.csv", folder / "b.mp4"])
    assert [p.name for p in found.files] == ["b.mp4", "c.wav"] and "2 files were named before" in found.notes[-1]
    assert names("absent.mp4") == ["absent.mp4"]
    pd.DataFrame({"clip": ["b.mp4"]}).to_csv(folder / "bad.csv", index=False)
    with pytest.raises(UsageError, match="column 'file'"):
        find_inputs([folder / "bad.csv"])
    with pytest.raises(UsageError, match="no file matches"):
        find_inputs([str(tmp_path / "*.mov")])
    assert [kind_of(p) for p in find_inputs([folder]).files] == ["image", "video", "audio"]


def test_what_cannot_be_read_is_a_failure_and_the_others_go_on(folder, tmp_path):
    (folder / "empty.csv").write_bytes(b"")
    (folder / "damaged.parquet").write_bytes(b"PAR1 and no more")
    found = find_inputs([folder / "empty.csv", folder / "b.mp4", str(tmp_path / "*.mov"), folder / "damaged.parquet", "a\0b"])
    assert [p.name for p in found.files] == ["b.mp4"]
    assert [f.key.split("/")[-1] for f in found.failures] == ["empty.csv", "*.mov", "damaged.parquet", "a\0b"]
    assert all(f.reason.count("\n") == 0 and len(f.reason) > 20 for f in found.failures)
    with pytest.raises(UsageError, match=r"empty\.csv.*empty.*no file matches"):
        find_inputs([folder / "empty.csv", str(tmp_path / "*.mov")])
    with pytest.raises(UsageError, match="no input"):
        find_inputs([])


def test_what_a_folder_hides_is_left_out_and_said(folder):
    (folder / ".ipynb_checkpoints").mkdir()
    for name in (".ipynb_checkpoints/a.png", "._b.mp4", "later.HEIC", "film.m2ts", "old.jfif"):
        (folder / name).write_bytes(b"x")
    (folder / "circle").symlink_to(folder)
    found = find_inputs([folder])
    assert [p.name for p in found.files] == ["a.PNG", "b.mp4", "c.wav", "film.m2ts", "later.HEIC", "old.jfif"]
    hidden, others, again = found.notes
    assert "2 hidden" in hidden and ".ipynb_checkpoints" in hidden and "1 file of other kinds" in others and ".doc" in others
    assert "1 link" in again and "circle" in again
    assert [kind_of(p) for p in found.files[3:]] == ["video", "image", "image"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("bom.txt", "\ufeffb.mp4\r\n\r\n# no\r\ndeep/c.wav\r\n".encode()),
        ("bom.csv", "\ufeffFile,who\nb.mp4,A\ndeep/c.wav,B\n".encode()),
        ("latin1.csv", "file,who\nb.mp4,J\xfcrgen\ndeep/c.wav,B\n".encode("latin-1")),
        ("semicolons.csv", b"who;FILE\nA;b.mp4\nB;deep/c.wav\n"),
        ("tabs.csv", b"who\tPath \nA\tb.mp4\nB\tdeep/c.wav\n"),
        ("commas.tsv", b"who,filename\nA, b.mp4\nB,deep/c.wav \n"),
        ("windows.csv", b"file\r\nb.mp4\r\ndeep\\c.wav\r\n"),
        ("utf16.txt", "b.mp4\ndeep/c.wav\n".encode("utf-16")),
        ("quoted.csv", b'"file","who"\n"b.mp4","A, B"\n"deep/c.wav",\n,nobody\n'),
    ],
)
def test_tables_as_people_make_them(folder, file, content):
    (folder / file).write_bytes(content)
    found = find_inputs([folder / file])
    assert [str(p.relative_to(folder)) for p in found.files] == ["b.mp4", "deep/c.wav"]
    assert bool(found.notes) == (file in ("latin1.csv", "quoted.csv"))


def test_names_in_latin_1_are_found_in_tables_of_either_encoding(folder):
    import os

    name = os.fsdecode(b"caf\xe9 \xf6.wav")
    (folder / name).write_bytes(b"x")
    (folder / "ü.wav").write_bytes(b"x")
    (folder / "raw.txt").write_bytes(b"caf\xe9 \xf6.wav\n" + "ü.wav\n".encode())
    assert find_inputs([folder / "raw.txt"]).files == [folder / name, folder / "ü.wav"]


def test_a_table_without_rows_says_what_is_missing(folder):
    for file, content, says in (
        ("header.csv", b"file,who\n", "no rows"), ("blank.txt", b"\n\n", "no path in it; one path a line"), ("comment.txt", b"# a\n", "no path"),
        ("cells.csv", b"file,who\n,A\n", "no path"),
    ):  # fmt: skip
        (folder / file).write_bytes(content)
        with pytest.raises(UsageError, match=says):
            find_inputs([folder / file])


def test_the_tables_of_the_cases():
    tables = SHARED.parent / "cases" / "tables"
    if not tables.exists():
        pytest.skip("the cases are not here")
    assert names(tables / "bom.txt") == ["a.png", "ü.png"]
    assert names(tables / "latin1.csv") == ["a.png"]
    for file in ("empty.csv", "header.csv"):
        with pytest.raises(UsageError, match=file):
            find_inputs([tables / file])
