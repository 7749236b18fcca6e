"""The workbench: runs and audits in a browser, served from this machine to this machine.

The room is a function too, as every verb is: ``affectlens.view("reports")`` does what ``affectlens view reports`` does.

Examples
--------
>>> import affectlens
>>> affectlens.view("reports", browser=False)  # doctest: +SKIP
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """The module, which can be called: a verb and its room have the same name."""

    def __call__(self, *folders: Any, **settings: Any) -> None:
        """Serve the runs below some folders; see `affectlens.view.start.view`."""
        from affectlens.view.start import view

        view(*folders, **settings)


sys.modules[__name__].__class__ = _Callable
