"""One registry for everything that other files and other packages may add: corpora, models, modalities, properties."""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any, Generic, TypeVar

from affectlens.core.errors import unknown

PLUGINS = "affectlens.plugins"  # the entry-point group in which other packages name modules that register something
T = TypeVar("T")


class Registry(Generic[T]):
    """Entries of one kind by name.

    Every module below ``packages`` and every module that another installed package names in the entry-point group
    ``affectlens.plugins`` is imported once, before the first look-up, so that its decorators run.

    Parameters
    ----------
    kind : str
        What an entry is, as errors call it, for example ``"corpus"``.
    packages : str
        Dotted names of the packages whose modules register entries.

    Examples
    --------
    >>> shapes = Registry[int]("shape")
    >>> shapes.add("square", 4)
    4
    >>> shapes.get("square"), shapes.names()
    (4, ['square'])
    """

    def __init__(self, kind: str, *packages: str) -> None:
        self.kind, self.packages = kind, packages
        self._entries: dict[str, T] = {}
        self._discovered = False

    def add(self, name: str, entry: T) -> T:
        """Add an entry; a name that another entry holds already goes to the new one, with a warning."""
        before = self._entries.get(name)
        if before is not None and _home(before) != _home(entry):
            warnings.warn(
                f"the {self.kind} {name!r} of {_home(before)} is replaced by that of {_home(entry)}; give one another name",
                stacklevel=3,
            )
        self._entries[name] = entry
        return entry

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of ``add``."""
        return lambda entry: self.add(name, entry)

    def get(self, name: str) -> T:
        """Give the entry of that name.

        Parameters
        ----------
        name : str
            As it was registered.

        Returns
        -------
        T
            The entry.

        Raises
        ------
        UsageError
            No such entry; the message names the nearest ones.
        """  # noqa: DOC501
        self._discover()
        if name not in self._entries:
            raise unknown(self.kind, name, list(self._entries))
        return self._entries[name]

    def names(self) -> list[str]:
        """Names of all entries in alphabetical order."""
        self._discover()
        return sorted(self._entries)

    def values(self) -> list[T]:
        """All entries in the order of their names."""
        return [self._entries[name] for name in self.names()]

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        self._discover()
        return len(self._entries)

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True  # first, since a module that is imported here may look something up
        for package in self.packages:
            import_below(package)
        import_plugins()


def import_below(package: str) -> None:
    """Import every module below a package."""
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        importlib.import_module(module.name)


_plugins_imported = False


def import_plugins() -> None:
    """Import what other packages name in the entry-point group; one that fails is named in a warning, the others go on."""
    global _plugins_imported
    if _plugins_imported:
        return
    _plugins_imported = True
    for point in metadata.entry_points(group=PLUGINS):
        try:
            point.load()
        except Exception as error:
            warnings.warn(f"the plug-in {point.name} ({point.value}) could not be imported: {error}", stacklevel=2)


def _home(entry: Any) -> str:
    """Where an entry was defined, so that a module that is imported twice is no second entry."""
    defined = entry[-1] if isinstance(entry, tuple) and entry else entry
    named = defined if hasattr(defined, "__qualname__") else type(defined)
    inner = getattr(defined, "name", "") if named is not defined else ""
    return f"{getattr(named, '__module__', '?')}.{named.__qualname__}{f' ({inner})' if inner else ''}"
