"""Names of a package that are imported when they are asked for, so that nobody waits for a library that is not used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """What a package gives as its ``__getattr__`` (PEP 562).

    Parameters
    ----------
    package : str
        The package's name, for errors.
    homes : mapping of str to str
        The module of each name. A name whose home is the submodule of that name stands for the module.

    Returns
    -------
    callable
        Takes a name and gives what it stands for; a name that is not in ``homes`` is an AttributeError.

    Examples
    --------
    >>> lazy_names("shapes", {"pi": "math"})("pi")
    3.141592653589793
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from affectlens.core.environment.extras import helpful

        with helpful():
            module = importlib.import_module(homes[name])
        return module if homes[name] == f"{package}.{name}" else getattr(module, name)

    return load
