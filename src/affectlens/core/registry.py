"""One registry for everything that other files and other packages may add: corpora, models, modalities, properties."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from affectlens.core.errors import unknown
from affectlens.core.plugins import import_plugins

T = TypeVar("T")


class Registry(Generic[T]):
    """Entries of one kind by name.

    Every module below ``packages`` and every plug-in (see ``affectlens.core.plugins``) is imported once, before the first
    look-up, so that its decorators run.

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

    def remove(self, name: str) -> T | None:
        """Take an entry out again; gives it, or None where there is none."""
        return self._entries.pop(name, None)

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

    def in_order(self) -> list[T]:
        """All entries in the order in which they were registered, so that one that is added changes nothing of the others."""
        self._discover()
        return list(self._entries.values())

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
        try:
            for package in self.packages:
                import_below(package)
            import_plugins()
        except BaseException:
            self._discovered = False
            raise


def import_below(package: str) -> None:
    """Import every module below a package."""
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        importlib.import_module(module.name)


def _home(entry: Any) -> str:
    """Where an entry was defined, so that a module that is imported twice is no second entry.

    Parameters
    ----------
    entry : Any
        Of a record (a tuple or dataclass) its attribute ``home``, or the first function or class in it tells.

    Returns
    -------
    str
        Module and qualified name.
    """
    if isinstance(getattr(entry, "home", None), str):
        return str(entry.home)
    parts = [entry]
    if isinstance(entry, tuple):
        parts = list(entry)
    elif dataclasses.is_dataclass(entry) and not isinstance(entry, type):
        parts = [getattr(entry, field.name) for field in dataclasses.fields(entry)]
    brought = next((part for part in parts if hasattr(part, "__qualname__")), type(entry))
    return f"{brought.__module__}.{brought.__qualname__}"
