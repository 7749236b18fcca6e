"""Figures that README tells of a model stand on the model's card, which the training writes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CARDS = ROOT / "src/affectlens/weights"
ROW = re.compile(r"^\|(?P<what>[^|]*)\|(?P<figures>[^|]*)\|(?P<source>[^|]*)\|\s*$", re.M)
FIGURE = re.compile(r"(?<![\d.])0?\.\d{3}\b")


def card_of(source: str) -> str:
    """Name of the model whose card a row's last cell names, or whose training made it; empty for another's figures."""
    if "benchmarks" in source:
        return ""
    linked = re.search(r"weights/(\w+)\.md", source)
    trained = re.search(r"affectlens train (\w+)", source)
    name = linked.group(1) if linked else trained.group(1) if trained else ""
    return name if (CARDS / f"{name}.md").exists() else ""


def figures(text: str) -> set[str]:
    """All shares of three digits in a text, without the leading zero."""
    return {number.removeprefix("0") for number in FIGURE.findall(text)}


ROWS = [(row["what"].strip(), row["figures"], card_of(row["source"])) for row in ROW.finditer((ROOT / "README.md").read_text())]
OF_CARDS = [row for row in ROWS if row[2]]


def test_rows_with_a_card_are_found():
    assert {card for _, _, card in OF_CARDS} >= {"face", "words", "voice", "speech", "fusion"}


@pytest.mark.parametrize(("what", "told", "card"), OF_CARDS, ids=[what[:40] for what, _, _ in OF_CARDS])
def test_what_readme_tells_of_a_model_stands_on_its_card(what, told, card):
    missing = figures(told) - figures((CARDS / f"{card}.md").read_text())
    assert not missing, f"{sorted(missing)} in README, not on the card of {card}"
