"""What an audit of concepts gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd

from affectlens.audits.result import AuditResult, Provenance
from affectlens.core.failures import missed_frame


@dataclass(frozen=True)
class ConceptAudit(AuditResult):
    """What an audit of concepts found.

    Attributes
    ----------
    tests : DataFrame
        The main table: one row a layer, concept and class (``test_concepts``), with the ``accuracy`` of the direction on
        unseen dialogues, that of its ``control``, and ``accuracy_p_value``.
    support : DataFrame
        One row a concept: examples, dialogues, how it goes with the label, meaning.
    pairs : DataFrame
        Concepts that go together.
    agreement : DataFrame
        One row a concept and pair of layers.
    cosines : DataFrame
        Directions of two concepts at one layer.
    completeness : DataFrame
        How much of the prediction the concepts explain, a layer a row.
    examples : DataFrame
        Utterances to look at.
    directions : dict of str to array (k, d)
        Unit concept activation vectors of each layer, in the order of ``support``.
    unsupported : dict of str to str
        Concepts that the corpus cannot support, and why.
    warnings : tuple of str
        What to beware of.
    provenance : Provenance
        Settings, model, data and versions.
    missed : DataFrame
        Recordings that could not be read: columns key, reason.
    """

    kind: ClassVar[str] = "concepts"
    primary: ClassVar[str] = "tests"
    unread_table: ClassVar[str] = "missed"

    tests: pd.DataFrame
    support: pd.DataFrame
    pairs: pd.DataFrame
    agreement: pd.DataFrame
    cosines: pd.DataFrame
    completeness: pd.DataFrame
    examples: pd.DataFrame
    directions: dict[str, np.ndarray]
    unsupported: dict[str, str]
    warnings: tuple[str, ...]
    provenance: Provenance
    missed: pd.DataFrame = field(default_factory=partial(missed_frame, ()))

    @property
    def best_layer(self) -> str:
        """The layer that tells the concepts best on unseen dialogues."""
        return str(self.tests.groupby("layer").accuracy.mean().idxmax())

    def methods(self) -> str:
        """A paragraph on the methods, ready for a paper."""
        from affectlens.audits.concepts.findings import methods_paragraph

        return methods_paragraph(self)
