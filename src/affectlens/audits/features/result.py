"""What an audit of acoustic features gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from affectlens.audits.result import AuditResult, Provenance


@dataclass(frozen=True)
class FeatureAudit(AuditResult):
    """What an audit of acoustic features found.

    Attributes
    ----------
    features : DataFrame
        The main table, one row a feature: rise of the log loss (bit) when it is shuffled (``permuted``, the ``statistic``)
        and when only what the other features do not foretell of it is shuffled (``conditional``), mean recall lost, and
        mean absolute SHAP value under logistic regression.
    groups : DataFrame
        The same a group of features, and the rise when the model is trained again without it.
    by_corpus : DataFrame
        Importance and rank in each corpus.
    agreement : DataFrame
        Rank correlation between corpora; no rows for one corpus.
    shapley : DataFrame
        Mean Shapley value of each group for the label, by corpus and class.
    left_out : DataFrame
        Clips that could not be used, and why.
    provenance : Provenance
        Settings, model, data and versions.
    """

    kind: ClassVar[str] = "features"
    primary: ClassVar[str] = "features"

    features: pd.DataFrame
    groups: pd.DataFrame
    by_corpus: pd.DataFrame
    agreement: pd.DataFrame
    shapley: pd.DataFrame
    left_out: pd.DataFrame
    provenance: Provenance

    def findings(self) -> list[str]:
        """What was found, a sentence each."""
        from affectlens.audits.features.findings import findings

        return findings(self)

    def plot(self, name: str = "features") -> Any:
        """One of the charts features, groups, shapley and corpora."""
        from affectlens.audits.features.page import chart

        return chart(self, name)

    def report(self, folder: str | Path) -> Path:
        """Save the result in ``folder`` and write ``audit.html`` with its figures there; gives the page's path."""
        from affectlens.audits.features.page import write_feature_report

        return write_feature_report(self, self.save(folder))
