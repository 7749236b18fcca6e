"""The version of this package, which everything that is kept from one run for another depends on."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def package_version() -> str:
    """The version under which this package is installed."""
    return metadata.version("affectlens")
