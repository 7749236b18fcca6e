"""What other packages and dropped-in files add: modules are imported once, so that their decorators register something.

A package names its module in the entry-point group ``affectlens.plugins``. A file needs no package: the environment variable
``AFFECTLENS_PLUGINS`` holds files, or folders whose ``.py`` files are imported, separated as in ``PATH``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import warnings
from importlib import metadata
from pathlib import Path

from affectlens.core.errors import UsageError

GROUP = "affectlens.plugins"
VARIABLE = "AFFECTLENS_PLUGINS"

_imported = False


def import_plugins() -> None:
    """Import every plug-in once; one that fails is named in a warning, and the others go on.

    Raises
    ------
    UsageError
        ``AFFECTLENS_PLUGINS`` names a file or folder that is not there.
    """
    global _imported
    if _imported:
        return
    files = plugin_files(os.environ.get(VARIABLE, ""))
    _imported = True  # before the first import, since a plug-in may look something up
    for point in metadata.entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:
            _warn(f"{point.name} ({point.value})", error)
    for file in files:
        try:
            import_file(file)
        except Exception as error:
            _warn(str(file), error)


def plugin_files(places: str) -> list[Path]:
    """Files that are named, and those of the folders that are named, in the order given.

    Parameters
    ----------
    places : str
        Files and folders, separated by ``os.pathsep``.

    Returns
    -------
    list of Path
        Python files; in a folder those whose names do not begin with an underscore or a dot, in alphabetical order.

    Raises
    ------
    UsageError
        A file or folder is not there, or a file is no ``.py`` file.
    """
    files: list[Path] = []
    for place in (Path(p).expanduser() for p in places.split(os.pathsep) if p.strip()):
        if place.is_dir():
            files += sorted(p for p in place.glob("*.py") if not p.name.startswith(("_", ".")))
        elif not place.exists():
            raise UsageError(f"{VARIABLE} names {place}, which does not exist; give .py files or folders that hold them")
        elif place.suffix != ".py":
            raise UsageError(f"{VARIABLE} names {place}; a .py file or a folder of them was expected")
        else:
            files.append(place)
    return files


def import_file(path: Path) -> None:
    """Import a file as a module of its own, under a name that no other file has."""
    path = path.resolve()
    name = f"affectlens_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:6]}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # a .py file always has both
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _warn(name: str, error: Exception) -> None:
    warnings.warn(f"the plug-in {name} could not be imported: {type(error).__name__}: {error}", stacklevel=3)
