"""One registry for everything that other files and other packages may add: corpora, models, modalities, properties.

A package names its module in the entry-point group ``affectlens.plugins``. A file needs no package: the environment variable
``AFFECTLENS_PLUGINS`` holds files, or folders whose ``.py`` files are imported, separated as in ``PATH``. ``--plugin`` of the
command line and ``use_plugin`` name one for a single call. Each is imported once, so that its decorators register something.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.util
import os
import pkgutil
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Generic, TypeVar

from affectlens.core.errors import UsageError, unknown

T = TypeVar("T")
GROUP = "affectlens.plugins"
VARIABLE = "AFFECTLENS_PLUGINS"

_imported = False
_IMPORTING = threading.RLock()  # held by the thread that fills a registry, which may look things up meanwhile
_named: set[str] = set()  # plug-ins that a call named


class Registry(Generic[T]):
    """Entries of one kind by name.

    Every module below ``packages`` and every plug-in is imported once, before the first
    look-up, so that its decorators run.

    Parameters
    ----------
    kind : str
        What an entry is, as errors call it, for example ``"corpus"``.
    packages : str
        Dotted names of the packages whose modules register entries; behind a colon the name of those modules alone that do, so
        that the others need not be imported.

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
        self._discovered = self._discovering = False

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
        with _IMPORTING:  # another thread waits until all is there
            if self._discovered or self._discovering:  # a module that is imported here may look something up
                return
            self._discovering = True
            try:
                for package in self.packages:
                    import_below(package)
                import_plugins()
                self._discovered = True
            finally:
                self._discovering = False


@dataclasses.dataclass(frozen=True)
class Late:
    """A function that is imported when it is called first: some compute with libraries that take seconds to import.

    Attributes
    ----------
    where : str
        ``module:name``.
    """

    where: str

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Call the function."""
        return self.function(*given, **named)

    @property
    def function(self) -> Callable[..., Any]:
        """The function itself."""
        module, _, name = self.where.partition(":")
        return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def import_below(package: str) -> None:
    """Import every module below a package, or behind a colon those of one name."""
    package, _, only = package.partition(":")
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        if not only or module.name.endswith(f".{only}"):
            importlib.import_module(module.name)


def declared(package: str, decorator: str) -> list[str]:
    """Names that the modules below a package register with a decorator, read from their source: nothing is imported.

    Parameters
    ----------
    package : str
        Dotted name of the package.
    decorator : str
        Name of the decorator. Its first argument is the name, or where it has none the attribute ``name`` of the class.

    Returns
    -------
    list of str
        In alphabetical order. A name that is put together while a module is imported is not among them.
    """
    spec = importlib.util.find_spec(package)
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec is not None else []
    names: set[str] = set()
    for folder in folders:
        for file in folder.rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            if decorator in text:
                names.update(_names_in(ast.parse(text), decorator))
    return sorted(names)


def _names_in(tree: ast.Module, decorator: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        for given in node.decorator_list:
            called = given.func if isinstance(given, ast.Call) else given
            if getattr(called, "id", getattr(called, "attr", "")) != decorator:
                continue
            if isinstance(given, ast.Call) and given.args and isinstance(given.args[0], ast.Constant):
                yield str(given.args[0].value)
            elif isinstance(node, ast.ClassDef):
                yield from _name_of(node)


def _name_of(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        targets: list[ast.expr] = []
        if isinstance(line, ast.Assign):
            targets = line.targets
        elif isinstance(line, ast.AnnAssign):
            targets = [line.target]
        value = getattr(line, "value", None)
        if any(getattr(target, "id", "") == "name" for target in targets) and isinstance(value, ast.Constant):
            yield str(value.value)


def named_plugins() -> tuple[str, ...]:
    """Plug-ins that a call named, so that another process can be given the same."""
    return tuple(sorted(_named))


def has_plugins() -> bool:
    """Whether something else than this package may register names."""
    return bool(_named or os.environ.get(VARIABLE, "").strip() or metadata.entry_points(group=GROUP))


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


def import_plugins() -> None:
    """Import every plug-in once; one that fails is named in a warning, and the others go on.

    Raises
    ------
    UsageError
        ``AFFECTLENS_PLUGINS`` names a file or folder that is not there.
    """
    global _imported
    with _IMPORTING:
        if _imported:
            return
        files = plugin_files(os.environ.get(VARIABLE, ""))
        _imported = True  # before the first import, since a plug-in may look something up
        _import_all(files)


def _import_all(files: list[Path]) -> None:
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


def use_plugin(name: str) -> None:
    """Import a plug-in that a call names; one that fails is an error, since it was asked for.

    Parameters
    ----------
    name : str
        A module that can be imported from here, a ``.py`` file, or a folder of them.

    Raises
    ------
    UsageError
        It is not there, or its import fails; the message has the reason.
    """
    if name in _named:
        return
    place = Path(name).expanduser()
    try:
        if place.suffix == ".py" or place.is_dir() or not all(part.isidentifier() for part in name.split(".")):
            for file in plugin_files(name, "--plugin"):
                import_file(file)
        else:
            _import_module(name)
    except UsageError:
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise UsageError(
            f"--plugin {name}: it could not be imported ({reason}); a module that can be imported from here, a .py file or a "
            "folder of them was expected"
        ) from error
    _named.add(name)


def _import_module(name: str) -> None:
    """Import a module, also one that lies in the folder at hand."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        importlib.import_module(name)
    finally:
        sys.path.pop(0)


def plugin_files(places: str, source: str = VARIABLE) -> list[Path]:
    """Files that are named, and those of the folders that are named, in the order given.

    Parameters
    ----------
    places : str
        Files and folders, separated by ``os.pathsep``.
    source : str
        What names them, for errors.

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
    for place in (Path(part).expanduser() for part in places.split(os.pathsep) if part.strip()):
        if place.is_dir():
            files += sorted(file for file in place.glob("*.py") if not file.name.startswith(("_", ".")))
        elif not place.exists():
            raise UsageError(f"{source} names {place}, which does not exist; give .py files or folders that hold them")
        elif place.suffix != ".py":
            raise UsageError(f"{source} names {place}; a .py file or a folder of them was expected")
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
