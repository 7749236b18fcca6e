"""Files appear whole or not at all, and keys are the same in every process."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from affectlens.core.disk.files import check_folder, digest_of, key_of, sha256_of, write_json, write_text, write_whole
from affectlens.core.errors import OutputError


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "folder" / "a.txt"
    seen = []

    def write(partial):
        seen.append(partial)
        partial.write_text("half")
        assert not target.exists() and partial.parent == target.parent and partial.suffix == ".txt"
        partial.write_text("whole")

    assert write_whole(target, write) == target
    assert target.read_text() == "whole" and [p.name for p in target.parent.iterdir()] == ["a.txt"]
    assert str(os.getpid()) in seen[0].name  # two processes do not write into one another's file


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no"), OSError(28, "No space left on device")])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = write_text(tmp_path / "a.txt", "before")

    def write(partial):
        partial.write_text("half")
        raise error

    with pytest.raises(OutputError if isinstance(error, OSError) else type(error)) as caught:
        write_whole(target, write)
    if isinstance(error, OSError):
        assert "No space left" in str(caught.value) and "a.txt" in str(caught.value) and "--out" in str(caught.value)
    assert target.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_is_a_file_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file" / "a.txt", tmp_path / "file" / "deep" / "a.txt"):
        with pytest.raises(OutputError, match="cannot write"):
            write_text(target, "x")


def test_what_could_not_be_read_on_the_way_is_not_called_unwritable(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        write_whole(tmp_path / "a.txt", lambda partial: partial.write_bytes((tmp_path / "absent").read_bytes()))
    assert not list(tmp_path.iterdir())


def test_json_holds_what_is_no_json_as_text(tmp_path):
    path = write_json(tmp_path / "a.json", {"ä": Path("b"), "n": [1, None]})
    assert path.read_text(encoding="utf-8") == '{\n "ä": "b",\n "n": [\n  1,\n  null\n ]\n}\n'


def test_digests_of_files_and_folders(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_bytes(b"abc")
    whole = sha256_of(tmp_path)
    assert len(whole) == 64 and whole == sha256_of(tmp_path)
    (tmp_path / "sub" / "b").rename(tmp_path / "sub" / "c")
    renamed = sha256_of(tmp_path)
    (tmp_path / "sub" / "c").write_bytes(b"abd")
    assert len({whole, renamed, sha256_of(tmp_path)}) == 3


def test_keys_depend_on_everything_given():
    base = {"seed": 1, "modalities": ["face"]}
    a = np.arange(6.0)
    different = [
        (base,), (base, 1), ({**base, "seed": 2},), (a,), (a.reshape(2, 3),), (a.astype(np.float32),), (a + 1e-9,), (b"x",), ("x",),
        (["x"],), ("a", "b"), ("ab",), (None,), ({"a", "b"},), (Path("x/y"),),
    ]  # fmt: skip
    assert len({key_of(*parts) for parts in different}) == len(different)
    assert all(len(key_of(*parts)) == 20 and key_of(*parts) == digest_of(*parts)[:20] for parts in different)
    assert key_of({"b": 1, "a": 2}) == key_of({"a": 2, "b": 1}) and key_of(np.asfortranarray(a.reshape(2, 3))) == key_of(
        a.reshape(2, 3)
    )
    assert key_of(np.float64(0.5), {"n": np.int64(3)}) == key_of(0.5, {"n": 3})


def test_a_key_is_the_same_in_every_process():
    code = "from affectlens.core.disk.files import key_of; print(key_of({'x', 'y', 'z', 'w'}, {'k': frozenset('abcdef')}))"
    keys = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (1, 2)
    }
    assert len(keys) == 1


def test_what_has_no_fixed_text_is_refused():
    with pytest.raises(TypeError, match="same in every run"):
        key_of({"x": object()})
    with pytest.raises(TypeError, match="array of objects"):
        key_of(np.array([object()]))


REASONS = [
    (errno.ENOSPC, "free some space"), (errno.EDQUOT, "your share of the disk"), (errno.EACCES, "you may not write there"),
    (errno.EROFS, "nothing can be written on that file system"), (errno.ENAMETOOLONG, "shorter"), (errno.EISDIR, "a folder of"),
    (errno.ENOTDIR, "a file stands"), (errno.EMFILE, "ulimit -n"), (errno.EIO, "Input/output error"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "advice"), REASONS)
def test_the_reason_is_the_true_one(tmp_path, number, advice):
    def fail(partial):
        raise OSError(number, os.strerror(number))

    with pytest.raises(OutputError) as caught:
        write_whole(tmp_path / "a.txt", fail)
    assert os.strerror(number) in str(caught.value) and advice in str(caught.value)
    assert ("free some space" in str(caught.value)) == (number == errno.ENOSPC)


def test_names_as_long_as_the_system_takes(tmp_path):
    for name in ("a" * 251 + ".txt", "b." + "c" * 253, os.fsdecode(b"caf\xe9.csv")):
        assert write_text(tmp_path / name, "x").read_text() == "x"
    with pytest.raises(OutputError, match="shorter"):
        write_text(tmp_path / ("d" * 256), "x")
    with pytest.raises(OutputError, match="shorter"):
        check_folder(tmp_path / ("d" * 256))
    assert len(list(tmp_path.iterdir())) == 3


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path):
    killed = "import os, signal, sys; from pathlib import Path; from affectlens.core.disk.files import write_whole\n"
    killed += "write_whole(Path(sys.argv[1]), lambda p: (p.write_text('half'), os.kill(os.getpid(), signal.SIGKILL)))"
    subprocess.run([sys.executable, "-c", killed, str(tmp_path / "a.txt")], check=False)
    (left,) = tmp_path.iterdir()
    others = [left.with_name(re.sub(r"-\d+-", f"-{os.getppid()}-", left.name, count=1)), tmp_path / ".affectlens-other.partial"]
    others.append(left.with_name(".affectlens-00000000" + left.name[20:]))  # of another machine, from just now
    others.append(left.with_name(".affectlens-00000001" + left.name[20:]))  # of another machine, from last month
    for other in others:
        other.write_text("")
    os.utime(others[-1], (1e9, 1e9))
    write_text(tmp_path / "a.txt", "whole")
    assert {p.name for p in tmp_path.iterdir()} == {"a.txt", *(p.name for p in others[:-1])}
