"""What a comparison of classifiers gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd

from affectlens.audits.properties.settings import ALPHA
from affectlens.audits.result import AuditResult, Provenance
from affectlens.core.failures import MISSED


def _no_missed() -> pd.DataFrame:
    return pd.DataFrame(columns=MISSED)


@dataclass(frozen=True)
class Comparison(AuditResult):
    """Several classifiers on the same items.

    Attributes
    ----------
    tests : DataFrame
        Everything that is tested: family, measure, model, other, property, statistic, effect, low, high, kind (of the effect),
        n, units, p_value, smallest_p, how, method, p_holm (corrected over all rows), p_bh.
    scores : DataFrame
        model, measure, value, low, high, n.
    groups : DataFrame
        Accuracy, calibration and answers of every model in groups of every property.
    responses : DataFrame
        Changed decisions and accuracy of every model by dose of every intervention.
    ranks : DataFrame
        Between which places each model's rank by accuracy is shown to lie, and whom it is shown to be better and worse than.
    sets : DataFrame
        Size of the sets of classes that hold the label nine times in ten, fitted on one half and met by the other.
    costs : DataFrame
        Seconds that an item takes each model: model, seconds, n.
    excluded : dict of str to str
        Properties and single tests that cannot be made, and why.
    models : tuple of str
        Names, in the order given.
    n : int
        Items that are compared.
    people : int
        People that the items are of, where these are the units; else 0.
    kinds : dict of str to str
        Kind of every property.
    title, about : str
        What was compared, in words.
    missed : DataFrame
        Items and measurements that could not be had: columns key, reason.
    notes : tuple of str
        What the reader should know.
    provenance : Provenance
        Settings, models, data, versions.
    """

    kind: ClassVar[str] = "compare"
    primary: ClassVar[str] = "tests"
    unread_table: ClassVar[str] = "missed"

    tests: pd.DataFrame
    scores: pd.DataFrame
    groups: pd.DataFrame
    responses: pd.DataFrame
    ranks: pd.DataFrame
    sets: pd.DataFrame
    costs: pd.DataFrame
    excluded: dict[str, str]
    models: tuple[str, ...]
    n: int
    people: int = 0
    kinds: dict[str, str] = field(default_factory=dict)
    title: str = "Comparison"
    about: str = ""
    missed: pd.DataFrame = field(default_factory=_no_missed)
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def claims(self) -> pd.DataFrame:
        """The tests that are significant after the correction: with 95 % confidence none of them is false."""
        return self.tests[self.tests.p_holm <= ALPHA].reset_index(drop=True)

    def matrix(self) -> pd.DataFrame:
        """Models × properties as text: a row a score, property or intervention, a column a model; what is shown has a dot."""
        from affectlens.audits.compare.matrix import matrix

        return matrix(self).map(str)
