"""What an audit of objects gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd

from affectlens.audits.objects.effects import Effects
from affectlens.audits.objects.examples import Example
from affectlens.audits.result import AuditResult, Provenance


@dataclass(frozen=True)
class ObjectAudit(AuditResult):
    """Which objects drive a model.

    Attributes
    ----------
    title, about : str
        What was audited, in words.
    objects, groups : dict of str to DataFrame
        By method one row an emotion and object (or group of objects), as ``statistics.combine`` gives them; findings are told
        from the first method.
    agreement : DataFrame
        Correlations of the methods' lifts.
    images : DataFrame
        One row a picture that was looked at: image, emotion, label, answer, probability, things.
    missed : DataFrame
        Pictures that could not be looked at, and why: columns image, why.
    examples : tuple of Example
        Pictures that show the clearest findings.
    effects : Effects or None
        What changes of pictures did; None where none was changed.
    recall : DataFrame or None
        Recall of the objects against true boxes by object; None where none were given.
    detected : bool
        Whether objects come from boxes, and not from the regions of a face.
    notes : tuple of str
        What the reader should know of pictures and labels.
    provenance : Provenance
        Settings, model, data, versions.
    """

    kind: ClassVar[str] = "objects"
    primary: ClassVar[str] = "objects"
    unread_table: ClassVar[str] = "missed"

    title: str
    about: str
    objects: dict[str, pd.DataFrame]
    groups: dict[str, pd.DataFrame]
    agreement: pd.DataFrame
    images: pd.DataFrame
    missed: pd.DataFrame
    examples: tuple[Example, ...] = ()
    effects: Effects | None = None
    recall: pd.DataFrame | None = None
    detected: bool = True
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def first(self) -> pd.DataFrame:
        """The table of the first method, which findings are told from."""
        return next(iter(self.objects.values()))

    def to_frame(self) -> pd.DataFrame:
        """The table of the first method; ``statistic`` is the lift."""
        return self.first.assign(statistic=self.first.lift)
