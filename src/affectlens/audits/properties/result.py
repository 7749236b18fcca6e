"""What an audit of properties gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd

from affectlens.audits.properties.settings import ALPHA
from affectlens.audits.result import AuditResult, Provenance
from affectlens.core.failures import MISSED
from affectlens.explainers.interventions.dose import DoseResponse


def _no_missed() -> pd.DataFrame:
    return pd.DataFrame(columns=MISSED)


@dataclass(frozen=True)
class PropertyAudit(AuditResult):
    """Whether outputs depend on properties.

    Attributes
    ----------
    tests : DataFrame
        One row a property and output (each class's log-odds, and the decision): property, output, p_value, effect, low, high,
        kind (of the effect), n, missing, smallest_found, method, p_holm, p_bh.
    groups, gaps : DataFrame
        How well the classifier does in groups of every property, and the largest differences of rates between groups.
    pairs : DataFrame
        Matched pairs: property, pairs, difference, p_value, p_holm.
    matched : DataFrame
        Up to 100 of the pairs of each property, to look at: property, label, first (high), second (low), their values, and
        whether each answer is right; pairs of which only one is come first.
    curves : DataFrame
        p-values against the number of items, of the strongest.
    crossed : DataFrame
        Scores where the groups of the two strongest properties meet.
    excluded : dict
        Properties that cannot be tested, and why.
    classes : tuple of str
        Outputs.
    n : int
        Items with properties and predictions; ``tested`` of them were tested.
    given : str
        What the tests are given, in words.
    people : int
        People that the items are of; 0 where that is not known or not several.
    kinds : dict
        Kind of every property: continuous, ordinal, binary or categorical.
    title, about : str
        What was audited, in words.
    interventions : dict of str to DoseResponse
        What changes of the input did.
    missed : DataFrame
        Items and measurements that could not be had: columns key, reason.
    notes : tuple of str
        What the reader should know.
    provenance : Provenance
        Settings, model, data, versions.
    """

    kind: ClassVar[str] = "properties"
    primary: ClassVar[str] = "tests"
    unread_table: ClassVar[str] = "missed"

    tests: pd.DataFrame
    groups: pd.DataFrame
    gaps: pd.DataFrame
    pairs: pd.DataFrame
    curves: pd.DataFrame
    crossed: pd.DataFrame
    excluded: dict[str, str]
    classes: tuple[str, ...]
    n: int
    given: str
    tested: int = 0
    people: int = 0
    kinds: dict[str, str] = field(default_factory=dict)
    title: str = "Properties"
    about: str = ""
    interventions: dict[str, DoseResponse] = field(default_factory=dict)
    matched: pd.DataFrame = field(default_factory=pd.DataFrame)
    missed: pd.DataFrame = field(default_factory=_no_missed)
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def share(self) -> tuple[int, int]:
        """How many of the tests are significant after Holm's correction, and of how many.

        The headline of the seed papers, with its denominator.
        """
        return int((self.tests.p_holm <= ALPHA).sum()), len(self.tests)

    def to_frame(self) -> pd.DataFrame:
        """The tests; ``statistic`` is the effect."""
        return self.tests.assign(statistic=self.tests.effect)
