"""The page templates of this package and the filters that they use."""

from __future__ import annotations

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape

_FOLDERS = ("affectlens.figures", "affectlens.modalities", "affectlens.fusion", "affectlens.report")


@cache
def environment() -> Environment:
    """Templates of audits' pages and of reports, with the filters ``percent`` and ``p``."""
    loader = ChoiceLoader([PackageLoader(name) for name in _FOLDERS])
    made = Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    made.filters["percent"] = lambda v: f"{v:.0%}"
    made.filters["p"] = lambda v: f"p = {v:.2f}" if v >= 0.01 else f"p = {v:.3f}"
    return made
