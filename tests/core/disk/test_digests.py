"""What was read once is not read again, and a file that changed always is."""

import hashlib
import os
import sqlite3

import pytest

from affectlens.core.disk import digests
from affectlens.core.disk.digests import SMALLEST, sha256_of_file

LONG_AGO = 1_600_000_000


@pytest.fixture
def reads(tmp_path, monkeypatch):
    """Files that were read; nothing is remembered yet, and the clock is a day on."""
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "_here", {})
    monkeypatch.setattr(digests, "SETTLED", -1)
    read, seen = digests._read, []
    monkeypatch.setattr(digests, "_read", lambda path: (seen.append(path.name), read(path))[1])
    return seen


def content(number):
    return bytes([number]) * SMALLEST


def digest(number):
    return hashlib.sha256(content(number)).hexdigest()


@pytest.fixture
def file(tmp_path):
    (tmp_path / "big").write_bytes(content(1))
    os.utime(tmp_path / "big", (LONG_AGO, LONG_AGO))
    return tmp_path / "big"


def test_a_file_is_read_once_by_all_processes(file, reads, monkeypatch):
    assert sha256_of_file(file) == sha256_of_file(file) == digest(1) and len(reads) == 1
    monkeypatch.setattr(digests, "_here", {})  # another process
    assert sha256_of_file(file) == digest(1) and len(reads) == 1
    assert sha256_of_file(file, fresh=True) == digest(1) and len(reads) == 2


def test_a_change_is_seen_though_size_and_time_are_the_same(file, reads):
    sha256_of_file(file)
    file.write_bytes(content(2))
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert sha256_of_file(file) == digest(2)


def test_another_file_in_its_place_is_seen(file, reads, tmp_path):
    sha256_of_file(file)
    (tmp_path / "other").write_bytes(content(3))
    os.utime(tmp_path / "other", (LONG_AGO, LONG_AGO))
    (tmp_path / "other").rename(file)
    assert sha256_of_file(file) == digest(3)


def test_what_changed_just_now_is_not_remembered(file, reads, monkeypatch):
    monkeypatch.setattr(digests, "SETTLED", 1e9)
    sha256_of_file(file)
    sha256_of_file(file)
    assert len(reads) == 2


def test_a_file_that_changes_while_it_is_read_is_not_remembered(file, reads, monkeypatch):
    read = digests._read

    def change(path):
        found = read(path)
        path.write_bytes(content(4))
        return found

    monkeypatch.setattr(digests, "_read", change)
    sha256_of_file(file)
    monkeypatch.setattr(digests, "_read", read)
    assert sha256_of_file(file) == digest(4)


@pytest.mark.parametrize("broken", ["a folder", "no database", "a lie"])
def test_a_memory_that_cannot_be_used_costs_time_only(file, reads, tmp_path, broken, monkeypatch):
    memory = tmp_path / "cache" / "digests.db"
    memory.parent.mkdir()
    if broken == "a folder":
        memory.mkdir()
    elif broken == "no database":
        memory.write_bytes(b"x" * 5000)
    else:
        sha256_of_file(file)
        with sqlite3.connect(memory) as db:
            db.execute("UPDATE digest SET sha256 = 'x'")
        db.close()
        monkeypatch.setattr(digests, "_here", {})
    assert sha256_of_file(file) == digest(1)


def test_small_files_are_read_each_time(tmp_path, reads):
    (tmp_path / "small").write_bytes(b"abc")
    assert sha256_of_file(tmp_path / "small") == hashlib.sha256(b"abc").hexdigest()
    assert not (tmp_path / "cache").exists()
