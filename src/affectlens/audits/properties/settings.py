"""Settings of the audit of properties: one option each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from affectlens.audits.registry import declare_audit
from affectlens.core.options import PREPROCESS_HELP, SCORES, SCORES_HELP, named_function
from affectlens.core.settings import Settings, existing_file, folders, setting

ALL, NONE = "all", "none"
ALPHA = 0.05
DECISION = "decision"  # the output beside the classes: which of them is answered
MODALITIES = ("face", "voice", "words", "gait")


def _properties() -> Iterable[str]:
    from affectlens.features.properties.registry import properties

    return [entry.name for entry in properties()]


def _interventions() -> Iterable[str]:
    from affectlens.explainers.interventions.registry import interventions

    return [ALL, NONE, *dict.fromkeys(entry.name for modality in MODALITIES for entry in interventions(modality))]


@dataclass(frozen=True)
class PropertySettings(Settings):
    """Settings of ``affectlens.audit.properties`` and ``affectlens audit properties``."""

    predictions: Path | None = setting(
        None, "A table of predictions made elsewhere (csv, json, parquet; Py-Feat, OpenFace, …).", check=existing_file
    )
    table: Path | None = setting(
        None, "A table with a column key and properties of your own, added to what is measured.", check=existing_file
    )
    scores: str = setting("", SCORES_HELP, choices=("", *SCORES))
    preprocess: str = setting("", PREPROCESS_HELP, check=named_function, metavar="MODULE:FUNCTION")
    split: str = setting("", "Split; by default test, and all clips of four classes in speech.")
    only: tuple[str, ...] = setting((), "Comma-separated properties instead of all.", choices=_properties, metavar="NAME,NAME")
    interventions: tuple[str, ...] = setting(
        (ALL,), "Comma-separated interventions, all or none.", choices=_interventions, metavar="NAME,NAME"
    )
    sample: int = setting(200, "Items that interventions are made on.", least=1)
    labels: bool = setting(True, "Ask given the corpus's labels; else whether it depends at all.")
    join: tuple[Path, ...] = setting((), "Folders of runs with the same settings to add.", check=folders)
    seed: int = setting(0, "Seed of everything random.", least=0)


declare_audit(
    "properties",
    PropertySettings,
    "affectlens.audits.properties.audit:properties",
    help="Dependence on properties given the label, groups, gaps, interventions; page, tables, card section, evidence sheet.",
    assets="affectlens.audits.properties.audit:needed_assets",
)
