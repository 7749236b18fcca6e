"""What every audit gives back: tables under identifiers, with the field's conventions, saved and read again without loss."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from affectlens.core.results import SavedResult
from affectlens.core.settings import plain

SCHEMA_VERSION = 2
MANIFEST = "provenance.json"
_PACKAGES = ("affectlens", "numpy", "scipy", "pandas", "scikit-learn", "torch", "onnxruntime", "opencv-python-headless")


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from.

    Attributes
    ----------
    audit : str
        Kind of audit.
    settings : dict
        Every setting, as JSON types.
    model : dict
        ``name``, ``spec``, ``sha256`` of the weights, ``licence`` and ``corpus`` where they are known.
    data : dict
        ``corpus``, ``split``, ``items``, ``sha256`` of what was read, ``licence``.
    versions : dict
        Of this package and of those that compute.
    """

    audit: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=lambda: versions())


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of those that compute."""
    out = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return out


class AuditResult(SavedResult):
    """Base of the frozen dataclasses that audits give back; ``primary`` names the field that holds the main table.

    Beside the module of the class lie ``findings`` with ``findings(audit)``, sentences, and ``page`` with ``charts(audit)``, a
    function a chart by name that gives None where there is nothing to draw, and ``write(audit, folder)``, the page; or the
    class has methods of its own for them.

    ``unread_table`` names the field, a table with the columns key and reason, that lists the items that could not be read.

    The main table has the columns ``p_value`` and, where a test has one number of its own, ``statistic``; corrected p-values
    are ``p_holm`` and ``p_bh``. All columns are identifiers.
    """

    unread_table: ClassVar[str] = ""
    noun: ClassVar[str] = "audit"
    manifest: ClassVar[str] = MANIFEST
    version: ClassVar[int] = SCHEMA_VERSION
    again: ClassVar[str] = "run the audit again (parts on disk are used where the settings are the same)"
    provenance: Provenance

    @property
    def unread(self) -> dict[str, str]:
        """Why each item came to nothing that could not be read; empty where all were read."""
        if not self.unread_table:
            return {}
        table = getattr(self, self.unread_table)
        return dict(zip(table.key, table.reason, strict=True))

    @property
    def pvalue(self) -> np.ndarray:
        """P-values of the main table, one a row."""
        return np.asarray(self.to_frame()["p_value"], dtype=float)

    @property
    def statistic(self) -> np.ndarray:
        """Test statistics (or effects) of the main table, one a row."""
        return np.asarray(self.to_frame()["statistic"], dtype=float)

    def findings(self) -> list[str]:
        """What was found, a sentence each."""
        return list(self._part("findings").findings(self))

    def glance(self) -> dict[str, str]:
        """What a reader wants first, by heading: what was asked, what was found, how sure that is, what is not known."""
        try:
            part = self._part("findings")
        except ModuleNotFoundError:  # an audit whose class has its own findings
            return {}
        return dict(part.glance(self)) if hasattr(part, "glance") else {}

    def charts(self) -> dict[str, Callable[[], Any]]:
        """What draws each chart, by name."""
        return dict(self._part("page").charts(self))

    def report(self, folder: str | Path) -> Path:
        """Save the result in ``folder`` and write its page there, ``audit.html``; gives the page's path."""
        return Path(self._part("page").write(self, self.save(folder)))

    def _part(self, name: str) -> ModuleType:
        """A module beside that of the class: ``findings`` and ``page`` of the same audit, imported when they are needed."""
        return import_module(f"{type(self).__module__.rpartition('.')[0]}.{name}")

    def facts(self) -> dict[str, Any]:
        """What ``provenance.json`` says: the provenance."""
        return dict(plain(asdict(self.provenance)))
