"""What an audit of acoustic features gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
    unread_table: ClassVar[str] = "left_out"

    features: pd.DataFrame
    groups: pd.DataFrame
    by_corpus: pd.DataFrame
    agreement: pd.DataFrame
    shapley: pd.DataFrame
    left_out: pd.DataFrame
    provenance: Provenance
