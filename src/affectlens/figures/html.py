"""The page templates of this package and the filters that they use."""

from __future__ import annotations

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape

_FOLDERS = ("affectlens.figures", "affectlens.modalities", "affectlens.fusion", "affectlens.report", "affectlens.sheets")


@cache
def environment() -> Environment:
    """Templates of audits' pages and of reports, with the filters ``percent`` and ``p``."""
    loader = ChoiceLoader([PackageLoader(name) for name in _FOLDERS])
    templates = Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    templates.filters["percent"] = lambda value: f"{value:.0%}"
    templates.filters["p"] = lambda value: f"p = {value:.2f}" if value >= 0.01 else f"p = {value:.3f}"
    return templates
