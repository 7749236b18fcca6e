"""A chain of digests: every file changed, bytes of each, what is added, removed, renamed, swapped, and the chain itself."""

import json
import os

import pytest

from affectlens import verify
from affectlens.core.disk.chain import ADDED, BROKEN, CHAIN, CHANGED, REMOVED, check_chain, write_chain
from affectlens.core.errors import UsageError


@pytest.fixture
def run(tmp_path):
    """A folder with files of several sizes, below folders, hidden, empty, with a name that is no UTF-8, and a link."""
    folder = tmp_path / "run"
    (folder / "figures" / "deep").mkdir(parents=True)
    (folder / ".affectlens").mkdir()
    for name, content in {
        "table.csv": b"a,b\n1,2\n", "figures/one.svg": b"<svg/>", "figures/deep/two.bin": bytes(range(256)) * 40, "empty.txt": b"",
        ".affectlens/plan.json": b"{}", "ä name.txt": b"x",
    }.items():  # fmt: skip
        (folder / name).write_bytes(content)
    (folder / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"latin")
    (folder / "latest").symlink_to("table.csv")
    write_chain(folder)
    return folder


def changes(folder, head=""):
    return [(change.file, change.what) for change in check_chain(folder, head).changes]


def test_an_untouched_run_is_whole_also_elsewhere(run, tmp_path):
    found = check_chain(run)
    assert found.changes == () and found.files == 8 and len(found.head) == 64
    moved = run.rename(tmp_path / "moved")
    assert check_chain(moved, found.head).changes == ()
    assert write_chain(moved) == found.head


def test_every_byte_of_every_file_counts(run):
    """Every byte of small files, sampled ones of large ones: one bit, with the size and the time as they were."""
    files = [path for path in run.rglob("*") if path.is_file() and not path.is_symlink() and path.name != CHAIN]
    for path in files:
        content, times = path.read_bytes(), path.stat()
        for place in range(0, len(content), max(1, len(content) // 40)):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            name = path.relative_to(run).as_posix()
            assert (name, CHANGED) in changes(run), (path, place)
        path.write_bytes(content)
    assert changes(run) == []


def test_every_byte_of_the_chain_counts(run):
    path = run / CHAIN
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert changes(run), place
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place])
        assert changes(run), place
        path.write_bytes(content[:place] + b" " + content[place:])
        assert changes(run), place
    path.write_bytes(content + b"\n")
    assert (CHAIN, BROKEN) in changes(run)


def test_what_is_added_removed_renamed_and_swapped(run):
    (run / "figures" / "new.svg").write_text("")
    assert changes(run) == [("figures/new.svg", ADDED)]
    (run / "figures" / "new.svg").unlink()
    (run / "empty.txt").unlink()
    assert changes(run) == [("empty.txt", REMOVED)]
    (run / "empty.txt").write_text("")
    (run / "table.csv").rename(run / "table2.csv")
    assert changes(run) == [("table.csv", REMOVED), ("table2.csv", ADDED)]
    (run / "table2.csv").rename(run / "table.csv")
    (run / "latest").unlink()
    (run / "latest").symlink_to("empty.txt")
    assert changes(run) == [("latest", CHANGED)]
    (run / "latest").unlink()
    (run / "latest").write_bytes((run / "table.csv").read_bytes())  # the same content, no link any more
    assert changes(run) == [("latest", CHANGED)]


def test_lines_taken_out_or_exchanged(run):
    lines = (run / CHAIN).read_text().splitlines(keepends=True)
    (run / CHAIN).write_text("".join([*lines[:2], *lines[3:]]))
    assert any(what == BROKEN for _, what in changes(run))
    (run / CHAIN).write_text("".join([lines[0], lines[2], lines[1], *lines[3:]]))
    assert any(what == BROKEN for _, what in changes(run))
    (run / CHAIN).write_text("".join(lines[:-1]))
    assert (CHAIN, BROKEN) in changes(run)


def test_a_chain_written_anew_is_told_by_the_head_that_was_noted(run):
    head = check_chain(run).head
    (run / "table.csv").write_text("a,b\n1,3\n")
    write_chain(run)
    assert changes(run) == [] and changes(run, head) == [(CHAIN, BROKEN)]
    assert not verify(run, head=head).whole and verify(run).whole


def test_what_cannot_be_verified_says_why(run, tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        verify(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        verify(run, head="abc")
    (run / CHAIN).unlink()
    with pytest.raises(UsageError, match="the run was not finished"):
        verify(run)
    (run / CHAIN).write_bytes(b"\xff\xfe\n[1]\n{}\n" + b"[" * 100_000 + b"\n")
    assert len(check_chain(run).changes) > 5


def test_the_chain_says_by_whom_it_was_made(run):
    first = json.loads((run / CHAIN).read_text().splitlines()[0])
    assert first["chain"] == 1 and first["affectlens"] == check_chain(run).version
