"""The verbs of the program as click knows them."""

from __future__ import annotations

from typing import Any

import typer

from affectlens.cli.main import app

ROOT: Any = typer.main.get_command(app)


def verbs() -> dict[str, Any]:
    """Every command by its words, such as ``audit latent``."""
    out = {}
    for name in ROOT.list_commands(None):
        command = ROOT.get_command(None, name)
        if hasattr(command, "list_commands"):
            out |= {f"{name} {sub}": command.get_command(None, sub) for sub in command.list_commands(None)}
        else:
            out[name] = command
    return out


VERBS = verbs()


def options(command: Any) -> dict[str, Any]:
    """Parameters by their flag."""
    return {
        parameter.opts[0]: parameter
        for parameter in command.params
        if parameter.param_type_name == "option" and not getattr(parameter, "hidden", False)
    }


def parsed(monkeypatch: Any, verb: str, *more: object) -> dict[str, Any]:
    """What reaches the function behind a verb: values by parameter, after files of options, as the program reads them."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(VERBS[verb], "callback", lambda **values: given.update(values))
    ROOT.main([*verb.split(), *NEEDS.get(verb, []), *map(str, more)], standalone_mode=False)
    return given


# What a verb needs beside the option that is wrong.
NEEDS = {
    "explain": ["{folder}/anger/0.png"],
    "recognize": ["{folder}/anger/0.png"],
    "evaluate": ["face", "--corpus", "fer2013={fer2013}"],
    "usual": ["--store", "{store}"],
    "verify": ["{folder}"],
    "sheet": ["{folder}"],
    "measure": ["{folder}/anger/0.png"],
    "export": ["{rows}", "--to", "srt"],
    "import": ["{cues}"],
    "study init": ["{folder}"],
    "study check": ["{study}"],
    "study run": ["{study}"],
    "study report": ["{folder}"],
    "corpus check": ["fer2013={fer2013}"],
    "corpus read": ["fer2013={fer2013}"],
    "corpus transcribe": ["{folder}"],
    "models card": ["face"],
    "assets path": ["yunet"],
    "audit objects": ["--corpus", "folder={folder}", "--split", "all"],
    "audit properties": ["--corpus", "emodb={emodb}", "--model", "speech"],
    "audit compare": ["--corpus", "emodb={emodb}", "--model", "speech", "--model", "said={emodb}/../answers.csv"],
    "audit latent": ["--corpus", "emodb={emodb}"],
    "audit features": ["--corpus", "emodb={emodb}"],
    "audit concepts": ["--corpus", "feature-pickle={feature-pickle}"],
    "runs status": ["{folder}"],
    "runs retry": ["{folder}"],
    "runs clean": ["{folder}"],
    "runs merge": ["{folder}"],
    "train face": ["--corpus", "fer2013={fer2013}"],
    "train words": ["--corpus", "goemotions={goemotions}"],
    "train speech": ["--corpus", "emodb={emodb}", "--corpus", "ravdess={ravdess}"],
    "train voice": ["--corpus", "emodb={emodb}", "--corpus", "ravdess={ravdess}"],
    "train speakers": ["--corpus", "emodb={emodb}", "--corpus", "ravdess={ravdess}"],
    "train gait": ["--corpus", "bandai={bandai}"],
    "train posture": ["--corpus", "bandai={bandai}"],
    "train fusion": ["--corpus", "fer2013={fer2013}", "--corpus", "emodb={emodb}"],
    "train background": ["--corpus", "folder={folder}"],
    "train bclstm": ["--corpus", "feature-pickle={feature-pickle}"],
}
