import hashlib
import zipfile

import pytest

from affectlens.assets import store
from affectlens.assets.manifest import asset, manifest, parse_manifest
from affectlens.assets.store import pull, state
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
    assert store.cache_dir().name
