"""What tells one state of something in memory from another: values, networks with their weights, and functions by their code.

Of a function its bytecode, constants, defaults, closure and the globals that it uses count; of an object its class and its
attributes; of a network its weights and buffers too. What is installed counts by name. Something whose content cannot be seen
(an open file, a session of a runtime) makes a fingerprint that no other run has, so that nothing is ever taken for it.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import logging
import secrets
import site
import sys
import sysconfig
import types
import weakref
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

from affectlens.core.disk.files import sha256_of

log = logging.getLogger(__name__)
UNKNOWN = "unknown"  # how the fingerprint of what cannot be seen begins
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_NOT_OF_A_CLASS = frozenset(
    ("__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "__abstractmethods__", "_abc_impl",
     "__firstlineno__", "__static_attributes__", "__dataclass_params__", "__match_args__", "__parameters__")
)  # fmt: skip
# What a network has of its own beside weights: bookkeeping of torch, and the mode, which every call restores.
_NOT_OF_A_NETWORK = ("hooks", "_non_persistent", "training", "_is_full_backward_hook", "_compiled_call_impl")


def fingerprint(*things: Any) -> str:
    """Hex digest of the content of values, objects, networks and functions.

    Parameters
    ----------
    *things : Any
        An object may say by a method ``__fingerprint__`` what stands for its content.

    Returns
    -------
    str
        64 digits, the same in every run for the same content; ``unknown-…``, never the same again, where something among them
        cannot be seen.

    Examples
    --------
    >>> def scaled(factor):
    ...     return lambda x: factor * x
    >>> fingerprint(scaled(2)) == fingerprint(scaled(2)), fingerprint(scaled(2)) == fingerprint(scaled(3))
    (True, False)
    """
    walk = _Walk()
    try:
        return walk.digest(list(things)).hex()
    except _CannotBeSeenError as error:
        log.info("%s: its content cannot be told from another's, so nothing of an earlier run is used", error)
        return f"{UNKNOWN}-{secrets.token_hex(16)}"


class _CannotBeSeenError(Exception):
    """Something without content that could be read."""


class _Walk:
    """One walk through a thing; what is met again inside itself counts by how far up it is."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bytes]] = {}  # the objects are kept, so that no other gets their id
        self._open: list[int] = []

    def digest(self, value: Any) -> bytes:
        """Digest of a value."""
        if isinstance(value, _PLAIN):
            return _hash("plain", type(value).__name__, repr(value))
        if id(value) in self._open:
            return _hash("again", str(len(self._open) - self._open.index(id(value))))
        if id(value) in self._known:
            return self._known[id(value)][1]
        self._open.append(id(value))
        try:
            made = self._of(value)
        finally:
            self._open.pop()
        self._known[id(value)] = value, made
        return made

    def _of(self, value: Any) -> bytes:
        own = getattr(type(value), "__fingerprint__", None)
        if own is not None:
            return _hash("own", _name(type(value)), self.digest(own(value)))
        for kinds, read in self._readers():
            if isinstance(value, kinds):
                made: bytes = read(value)
                return made
        module = type(value).__module__.partition(".")[0]
        if module == "numpy" and hasattr(value, "tobytes"):
            return self._array(value)
        if module == "torch" and hasattr(value, "untyped_storage"):
            return self._tensor(value)
        if module == "pandas" and hasattr(value, "to_numpy"):
            return self._frame(value)
        if hasattr(value, "_parameters") and hasattr(value, "state_dict"):
            return self._network(value)
        return self._object(value)

    def _readers(self) -> tuple[tuple[Any, Any], ...]:
        return (
            (type, self._class),
            (types.FunctionType, self._function),
            (types.CodeType, self._code),
            (types.MethodType, lambda v: _hash("method", self.digest(v.__func__), self.digest(v.__self__))),
            (functools.partial, lambda v: _hash("partial", *map(self.digest, (v.func, v.args, v.keywords)))),
            ((staticmethod, classmethod), lambda v: _hash("static", self.digest(v.__func__))),
            (property, lambda v: _hash("property", *map(self.digest, (v.fget, v.fset, v.fdel)))),
            (types.ModuleType, self._module),
            (types.BuiltinFunctionType, self._built_in),
            (weakref.ReferenceType, lambda v: _hash("weak", self.digest(v()))),
            (enum.Enum, lambda v: _hash("member", _name(type(v)), v.name)),
            (PurePath, lambda v: _hash("path", str(v))),
            ((dict, types.MappingProxyType), self._mapping),
            ((list, tuple), self._sequence),
            ((set, frozenset), lambda v: _hash("set", *sorted(map(self.digest, v)))),
            ((bytearray, memoryview), lambda v: _hash("bytes", bytes(v))),
        )

    def _mapping(self, value: Any) -> bytes:
        pairs = sorted((self.digest(key), self.digest(entry)) for key, entry in value.items())
        return _hash("dict", *(part for pair in pairs for part in pair))

    def _sequence(self, value: Any) -> bytes:
        return _hash(_name(type(value)), *map(self.digest, value))

    def _array(self, value: Any) -> bytes:
        if getattr(value.dtype, "hasobject", False):
            return _hash("array", str(value.shape), self.digest(value.tolist()))
        return _hash("array", str(value.dtype), str(value.shape), value.tobytes())

    def _tensor(self, value: Any) -> bytes:
        torch = sys.modules["torch"]
        plain = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        return _hash("tensor", str(value.dtype), str(tuple(value.shape)), plain.tobytes())

    def _frame(self, value: Any) -> bytes:
        columns = list(value.columns) if hasattr(value, "columns") else [getattr(value, "name", "")]
        cells = [value.iloc[:, i].tolist() for i in range(len(columns))] if hasattr(value, "columns") else value.tolist()
        index = value.index.tolist() if hasattr(value, "index") else []
        return _hash("table", *map(self.digest, (columns, index, cells)))

    def _network(self, value: Any) -> bytes:
        parts = [self.digest(type(value))]
        for group in ("_parameters", "_buffers", "_modules"):
            parts += [self.digest([group, name, entry]) for name, entry in getattr(value, group).items()]
        if hasattr(value, "inlined_graph"):  # TorchScript: its code is in its graph
            parts.append(_hash("graph", str(value.code)))
        else:
            parts.append(self.digest({name: entry for name, entry in vars(value).items() if not _of_torch(name)}))
        return _hash("network", *parts)

    def _function(self, value: types.FunctionType) -> bytes:
        if _is_installed(value.__code__.co_filename):
            return _hash("installed", str(value.__module__), value.__qualname__)
        cells = [_content(cell) for cell in value.__closure__ or ()]
        used = {name: value.__globals__[name] for name in _names(value.__code__) if name in value.__globals__}
        parts = (value.__code__, value.__defaults__, value.__kwdefaults__, cells, used, vars(value))
        return _hash("function", *map(self.digest, parts))

    def _code(self, value: types.CodeType) -> bytes:
        fixed = (value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars, value.co_argcount, value.co_flags)
        return _hash("code", value.co_code, str(fixed), *map(self.digest, value.co_consts))

    def _class(self, value: type) -> bytes:
        home = sys.modules.get(value.__module__)
        if _installed(value.__module__) and hasattr(home, value.__qualname__.partition(".")[0]):
            return _hash("installed", _name(value))
        members = {name: entry for name, entry in vars(value).items() if name not in _NOT_OF_A_CLASS}
        described = {name: entry for name, entry in members.items() if not isinstance(entry, types.GetSetDescriptorType)}
        plain = {name: entry for name, entry in described.items() if not isinstance(entry, types.MemberDescriptorType)}
        return _hash("class", _name(value), *map(self.digest, value.__bases__), self.digest(plain))

    def _module(self, value: types.ModuleType) -> bytes:
        file = getattr(value, "__file__", None)
        if file and not _installed(value.__name__):
            return _hash("module", value.__name__, sha256_of(Path(file)))
        return _hash("module", value.__name__)

    def _built_in(self, value: Any) -> bytes:
        home = value.__self__ if not isinstance(value.__self__, types.ModuleType) else None
        return _hash("built-in", str(value.__module__), value.__qualname__, self.digest(home))

    def _object(self, value: Any) -> bytes:
        parts = [self.digest(type(value))]
        if callable(getattr(value, "__wrapped__", None)):  # a cache around a function
            return _hash("wrapped", *parts, self.digest(value.__wrapped__))
        slots = [name for kind in type(value).__mro__ for name in _slots(kind) if hasattr(value, name)]
        if slots or (hasattr(value, "__dict__") and _is_of_python(type(value))):
            state = {name: getattr(value, name) for name in slots} | dict(getattr(value, "__dict__", {}))
            return _hash("object", *parts, self.digest(state))
        try:
            reduced = value.__reduce_ex__(4)
        except Exception as error:
            raise _CannotBeSeenError(f"{_name(type(value))}") from error
        if isinstance(reduced, tuple):  # what the parts are made of, without the iterators that would be used up
            ends = [list(part) if isinstance(part, Iterable) and not isinstance(part, _SIZED) else part for part in reduced]
            return _hash("reduced", *parts, *map(self.digest, ends))
        return _hash("reduced", *parts, str(reduced))


_SIZED = (str, bytes, tuple, list, dict)


def _hash(*parts: str | bytes) -> bytes:
    whole = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        whole.update(len(content).to_bytes(8, "little") + content)
    return whole.digest()


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _names(code: types.CodeType) -> list[str]:
    """Names that a function's code, and that of the functions inside it, looks up."""
    inner = [name for part in code.co_consts if isinstance(part, types.CodeType) for name in _names(part)]
    return sorted({*code.co_names, *inner})


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _is_of_python(kind: type) -> bool:
    """Whether all that objects of a class hold lies in their attributes: no ancestor but ``object`` is written in C."""
    return all(ancestor is object or bool(ancestor.__flags__ & (1 << 9)) for ancestor in kind.__mro__)


def _of_torch(name: str) -> bool:
    return name in ("_parameters", "_buffers", "_modules") or any(part in name for part in _NOT_OF_A_NETWORK)


@functools.cache
def _installed(module: str | None) -> bool:
    """Whether a module is Python's, this package's, or of an installed package, whose code does not change by itself."""
    if module is None or module.partition(".")[0] in (*sys.stdlib_module_names, "affectlens"):
        return module != "__main__"
    file = getattr(sys.modules.get(module), "__file__", None)
    return _is_installed(file) if file else module != "__main__" and module in sys.modules


@functools.cache
def _is_installed(file: str) -> bool:
    """Whether a file of code belongs to Python, this package, or an installed package."""
    if file.startswith("<frozen"):
        return True
    paths = sysconfig.get_paths()
    places = [paths["purelib"], paths["platlib"], paths["stdlib"], *site.getsitepackages(), str(Path(__file__).parents[2])]
    return any(Path(file).is_relative_to(place) for place in places)
