"""Settings of the comparison of classifiers: one option each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from affectlens.audits.properties.settings import ALL, MODALITIES, NONE
from affectlens.audits.registry import declare_audit
from affectlens.core.options import SCORES, named_function
from affectlens.core.settings import Settings, existing_file, folders, setting

MODEL_HELP = "A model to compare, as MODEL or NAME=MODEL; repeat it. See `audit properties` for what can be named."


def _properties() -> Iterable[str]:
    from affectlens.features.properties.registry import properties

    return [NONE, *(entry.name for entry in properties())]


def _interventions() -> Iterable[str]:
    from affectlens.explainers.interventions.registry import interventions

    return [ALL, NONE, *dict.fromkeys(entry.name for modality in MODALITIES for entry in interventions(modality))]


def _scores(value: tuple[str, ...]) -> str:
    kinds = [entry.rpartition("=")[2] for entry in value]
    fits = all("=" in entry for entry in value) and all(kind in SCORES for kind in kinds)
    return "" if fits else f"NAME=KIND was expected, KIND one of {', '.join(SCORES)}"


def _preprocess(value: tuple[str, ...]) -> str:
    wrong = [entry for entry in value if not entry.partition("=")[2] or named_function(entry.partition("=")[2])]
    return "NAME=MODULE:FUNCTION was expected" if wrong else ""


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        return f"neither a column nor a pattern ({error})"
    return ""


@dataclass(frozen=True)
class CompareSettings(Settings):
    """Settings of ``affectlens.audit.compare`` and ``affectlens audit compare``."""

    scores: tuple[str, ...] = setting(
        (),
        "What the numbers of one of the models are, as of --scores of evaluate; repeat it.",
        check=_scores,
        metavar="NAME=KIND",
    )
    preprocess: tuple[str, ...] = setting(
        (), "A function that makes the input of one of the models; repeat it.", check=_preprocess,
        metavar="NAME=MODULE:FUNCTION",
    )  # fmt: skip
    table: Path | None = setting(
        None, "A table with a column key and properties of your own, added to what is measured.", check=existing_file
    )
    split: str = setting("", "Split; by default test, and all clips of four classes in speech.")
    people: str = setting("", "Who the items are of: a column of the corpus, or a pattern of its names.", check=_pattern)
    only: tuple[str, ...] = setting(
        (), "Comma-separated properties instead of all, or none.", choices=_properties, metavar="NAME,NAME"
    )
    interventions: tuple[str, ...] = setting(
        (ALL,), "Comma-separated interventions, all or none.", choices=_interventions, metavar="NAME,NAME"
    )
    sample: int = setting(100, "Items that interventions are made on.", least=1)
    draws: int = setting(500, "Draws of each bootstrap interval.", least=1)
    join: tuple[Path, ...] = setting((), "Folders of runs with the same settings to add.", check=folders)
    seed: int = setting(0, "Seed of everything random.", least=0)


declare_audit(
    "compare",
    CompareSettings,
    "affectlens.audits.compare.audit:compare",
    help="Several classifiers on one corpus: scores, gaps, dependence and response side by side, with tests between them.",
    model_help=MODEL_HELP,
    models=True,
    assets="affectlens.audits.compare.audit:needed_assets",
)
