"""Model cards, made from the run that they describe (Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affectlens.core.disk.files import sha256_of, write_text

_USE = "Intended for research and for auditing. Not for decisions about a person."


@dataclass(frozen=True)
class Card:
    """What a card says beyond what is read from the weights.

    Parameters
    ----------
    title : str
        The model's name.
    about : str
        What the network is, with its sources.
    facts : sequence of str
        Lines about corpora and licences.
    command : str
        The arguments of ``affectlens train`` that make the weights.
    sections : mapping of str to sequence of str
        Lines by heading.
    limits : str
        What the model cannot do.
    parameters : str
        What follows the number of parameters.
    """

    title: str
    about: str
    facts: Sequence[str]
    command: str
    sections: Mapping[str, Sequence[str]]
    limits: str
    parameters: str = ""


def write_card(card: Card, model: Any, weights: Path) -> Path:
    """Write a card as Markdown beside the weights that ``model`` was read from; gives its path."""
    count = sum(parameter.numel() for parameter in model.net.parameters())
    size = weights.stat().st_size / 1e6
    lines = [
        f"# Model card: {card.title}",
        "",
        card.about,
        "",
        f"- Classes: {', '.join(model.labels)} (expressed emotion, not feeling)",
        f"- Parameters: {count:,}{card.parameters}",
        f"- Weights: `{weights.name}`, {size:.2f} MB, sha256 `{sha256_of(weights)}`",
        *(f"- {fact}" for fact in card.facts),
        f"- Made by: `affectlens train {card.command}`, recipe below",
    ]
    recipe = [f"- {name}: {value}" for name, value in model.meta["recipe"].items()]
    config = [f"- network {name}: {value}" for name, value in model.meta["config"].items()]
    sections = {**card.sections, "Limits": [card.limits, "", _USE], "Recipe": [*recipe, *config]}
    for heading, text in sections.items():
        lines += ["", f"## {heading}", "", *text]
    return write_text(weights.with_suffix(".md"), "\n".join(lines) + "\n")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    return [
        "| " + " | ".join(headings) + " |",
        "|---" * len(headings) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def interval(value: float, low: float, high: float) -> str:
    """A score with its interval."""
    return f"{value:.3f} ({low:.3f} to {high:.3f})"
