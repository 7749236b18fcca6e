"""The settings of an audit of acoustic features."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.audits.registry import declare_audit
from affectlens.core.settings import Settings, setting
from affectlens.learning.recipes.speech import BASELINES
from affectlens.models.nets.names import KINDS


@dataclass(frozen=True)
class FeatureSettings(Settings):
    """Settings of ``affectlens audit features``."""

    kind: str = setting(
        "semi-supervised",
        "The model: an autoencoder's kind, or logistic, svm, boosting.",
        choices=(*KINDS, *BASELINES),
        flag="model",
    )
    plant: bool = setting(False, "Add a feature that tells the label and one that is noise, as a check of the audit.")
    seed: int = setting(0, "Seed of everything random.", least=0)


declare_audit(
    "features",
    FeatureSettings,
    "affectlens.audits.features.audit:features",
    help="Audit what each acoustic feature and group does for a speech model, and whether corpora agree on it.",
    model=None,
    several=True,
)
