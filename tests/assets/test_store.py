import hashlib
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from affectlens.assets.manifest import asset, manifest, parse_manifest
from affectlens.assets.store import digests_of, locate, pull, state
from affectlens.core.disk.places import cache_dir
from affectlens.core.errors import AssetError, UsageError

CONTENT = b"weights " * 100


def entry(name="thing", digest=None, source="{ package = 'parts==1.0', members = ['p/a', 'p/b'] }"):
    digest = digest or hashlib.sha256(CONTENT).hexdigest()
    return parse_manifest(
        f"[{name}]\ntitle='T'\nlicence='MIT'\nhome='h'\nused_for='u'\n[[{name}.files]]\nname='w.bin'\nsha256='{digest}'\n"
        f"size={len(CONTENT)}\nsources=[{source}]\n"
    )[name]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def wheel(cache):
    """An archive of the package index, as pip would leave it."""
    place = cache / ".archives"
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / "parts-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("p/a", CONTENT[:300])
        archive.writestr("p/b", CONTENT[300:])


def test_members_are_joined_and_verified(cache, wheel):
    told = []
    pull(entry(), lambda *a: told.append(a))
    assert (cache / "thing" / "w.bin").read_bytes() == CONTENT
    assert state(entry()) == "ready" and told[-1] == ("w.bin", len(CONTENT), len(CONTENT))
    assert [p.name for p in (cache / "thing").iterdir()] == ["w.bin"]


def test_wrong_content_never_takes_the_place(cache, wheel):
    with pytest.raises(AssetError, match="wrong content"):
        pull(entry(digest="0" * 64))
    assert list((cache / "thing").iterdir()) == []


def test_damage_is_seen_and_mended(cache, wheel):
    pull(entry())
    path = cache / "thing" / "w.bin"
    path.write_bytes(CONTENT[:-1] + b"x")
    assert state(entry()) == "corrupted" and state(entry(), thorough=False) == "ready"
    pull(entry())
    assert path.read_bytes() == CONTENT
    path.unlink()
    assert state(entry()) == "missing"


def test_without_network_the_message_says_what_to_do(cache, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    both = "{ package = 'no-such-package==1.0', members = ['x'] }, { url = 'http://127.0.0.1:9/w.bin' }"
    with pytest.raises(AssetError) as raised:
        pull(entry(source=both))
    text = str(raised.value)
    assert "affectlens assets pull thing" in text and "w.bin" in text and "not reached" in text
    assert "no-such-package" in text and str(cache / "thing" / "w.bin") in text


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(AssetError, match="AFFECTLENS_CACHE"):
        pull(entry())


def test_the_manifest_is_complete():
    for a in manifest().values():
        assert a.licence and a.home.startswith("https://") and a.files
        for f in a.files:
            assert len(f.sha256) == 64 and f.size > 0 and f.sources
    with pytest.raises(UsageError, match="did you mean yunet"):
        asset("yunnet")
    assert cache_dir().name


@pytest.mark.parametrize(("name", "file"), [(a.name, f.name) for a in manifest().values() for f in a.files])
def test_one_bit_of_a_file_is_enough(name, file, tmp_path, monkeypatch):
    owner = asset(name)
    if state(owner, thorough=False) != "ready":
        pytest.skip(f"asset {name} is not here")
    kept = cache_dir() / name
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path))
    (tmp_path / name).mkdir()
    for one in owner.files:
        if one.name == file:
            content = bytearray((kept / one.name).read_bytes())
            (tmp_path / name / file).write_bytes(content)
        else:
            (tmp_path / name / one.name).symlink_to(kept / one.name)
    assert locate(name, file) == tmp_path / name / file and digests_of(name) == {f.name: f.sha256 for f in owner.files}
    content[-1] ^= 1
    (tmp_path / name / file).write_bytes(content)
    with pytest.raises(AssetError, match=f"{file} is damaged.*assets pull {name}"):
        locate(name)
    assert digests_of(name)[file] != next(f.sha256 for f in owner.files if f.name == file)


def test_fetching_ends_with_its_parent(tmp_path):
    """A parent that is killed takes the program along that it waits for."""
    parent = (
        "import sys, time\nfrom affectlens.assets.children import child\n"
        "with child([sys.executable, '-c', 'import time; time.sleep(60)']) as worker:\n"
        "    print(worker.pid, flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as running:
        number = int(running.stdout.readline())
        running.kill()
    for _ in range(200):
        state_of = Path(f"/proc/{number}/stat")
        if not state_of.exists() or state_of.read_text().rpartition(")")[2].split()[0] in "ZX":
            return
        time.sleep(0.02)
    raise AssertionError("the program went on")
