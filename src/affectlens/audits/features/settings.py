"""The settings of an audit of acoustic features."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.core.settings import Settings, setting


def _models() -> tuple[str, ...]:
    from affectlens.learning.speech import BASELINES
    from affectlens.models.nets.speech import KINDS

    return (*KINDS, *BASELINES)


@dataclass(frozen=True)
class FeatureSettings(Settings):
    """Settings of ``affectlens audit features``."""

    kind: str = setting(
        "semi-supervised", "The model: an autoencoder's kind, or logistic, svm, boosting.", choices=_models, flag="model"
    )
    plant: bool = setting(False, "Add a feature that tells the label and one that is noise, as a check of the audit.")
    seed: int = setting(0, "Seed of everything random.", least=0)
