"""Folders are walked as a person means them."""

from affectlens.core.disk.finding import files_below, is_hidden


def test_hidden_files_are_left_out_and_told(tmp_path):
    for name in ("a/x.png", ".ipynb_checkpoints/x.png", "a/@eaDir/x.png", "__MACOSX/a.png", "a/._x.png", "z.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = files_below(tmp_path)
    assert [str(p.relative_to(tmp_path)) for p in found.files] == ["a/x.png", "z.png"]
    assert {p.name for p in found.hidden} == {".ipynb_checkpoints", "@eaDir", "__MACOSX", "._x.png"}
    assert is_hidden(tmp_path / "a" / "._x.png", tmp_path) and not is_hidden(tmp_path / "z.png", tmp_path)


def test_a_folder_that_is_hidden_itself_is_read(tmp_path):
    folder = tmp_path / ".cache"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"")
    assert files_below(folder).files == [folder / "a.png"] and not is_hidden(folder / "a.png", folder)


def test_linked_folders_are_followed_once(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.png").write_bytes(b"")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "y.png").write_bytes(b"")
    given = tmp_path / "given"
    given.mkdir()
    (given / "a link").symlink_to(tmp_path / "elsewhere")
    (given / "circle").symlink_to(given)
    (given / "b").mkdir()
    (given / "b" / "z.png").write_bytes(b"")
    (given / "a second").symlink_to(given / "b")
    (given / "nowhere").symlink_to(tmp_path / "gone")
    found = files_below(given)
    assert [str(p.relative_to(given)) for p in found.files] == ["a link/y.png", "b/z.png"]
    assert {p.name for p in found.again} == {"circle", "a second"}
