"""The verbs of the program as click knows them."""

from __future__ import annotations

from typing import Any

import typer

from affectlens.cli.main import app


def verbs() -> dict[str, Any]:
    """Every command by its words, such as ``audit latent``."""
    root: Any = typer.main.get_command(app)
    out = {}
    for name in root.list_commands(None):
        command = root.get_command(None, name)
        if hasattr(command, "list_commands"):
            out |= {f"{name} {sub}": command.get_command(None, sub) for sub in command.list_commands(None)}
        else:
            out[name] = command
    return out


VERBS = verbs()


def options(command: Any) -> dict[str, Any]:
    """Parameters by their flag."""
    return {p.opts[0]: p for p in command.params if p.param_type_name == "option" and not getattr(p, "hidden", False)}
