"""Folders of the user that this package keeps things in."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """``$AFFECTLENS_CACHE``, else ``affectlens`` under the user's cache folder."""
    given = os.environ.get("AFFECTLENS_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(base) / "affectlens"
