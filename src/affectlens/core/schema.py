"""Row and Evidence: the one form in which every result leaves this package. Tables of them are in `core.tables`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from affectlens.core.errors import UsageError
from affectlens.core.kinds import EVIDENCE, LEVELS, Detail
from affectlens.core.labels import EKMAN7, LabelScheme
from affectlens.core.labels import scheme as scheme_of
from affectlens.core.untrusted.documents import parse_json

STATUS = ("ok", "abstained", "missing", "failed")
SCENE = -1  # the person of a row that speaks of the whole scene
D = TypeVar("D", bound=Detail)


@dataclass(frozen=True)
class Row:
    """One segment of one modality.

    Parameters
    ----------
    file, start, end : str, float, float
        The recording and the times in seconds.
    person : int
        Whose it is; `SCENE` for nobody in view.
    modality : str
        Who says it; ``"fused"`` for the answer of all.
    status, reason : str, str
        One of `STATUS`, and why where it is not "ok".
    probabilities : tuple of float, optional
        In the order of ``scheme.labels``, sum 1.
    valence, arousal : float
        -1 to 1; NaN where not derived.
    conformal : tuple of str
        The classes that hold the expressed label with the model's stated coverage.
    quality : float
        Of the signal, 0 to 1.
    typical : float
        How ordinary the input is among those that the model learnt from: a p-value, near 0 for what is unlike all of them; NaN
        where that is not known.
    weight : float
        The modality's share in the fused answer of its segment; NaN where none was formed.
    conflict : bool
        On fused rows, whether modalities disagree.
    text, language : str
        What was said.
    scheme : LabelScheme
        Of the probabilities.

    Raises
    ------
    UsageError
        An unknown status, a missing reason, or probabilities that are no distribution over the scheme's classes.

    Examples
    --------
    >>> row = Row("a.mp4", 0, 1, 0, "face", probabilities=(0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1))
    >>> row.label, Row.from_record(row.to_record()).probabilities == row.probabilities
    ('happiness', True)
    """

    file: str
    start: float
    end: float
    person: int
    modality: str
    status: str = "ok"
    reason: str = ""
    probabilities: tuple[float, ...] | None = None
    valence: float = float("nan")
    arousal: float = float("nan")
    conformal: tuple[str, ...] = ()
    quality: float = float("nan")
    typical: float = float("nan")
    weight: float = float("nan")
    conflict: bool = False
    text: str = ""
    language: str = ""
    scheme: LabelScheme = EKMAN7

    def __post_init__(self) -> None:
        if self.status not in STATUS:
            raise UsageError(f"status {self.status!r} is not one of {', '.join(STATUS)}")
        if self.status != "ok" and not self.reason:
            raise UsageError(f"a row with status {self.status!r} must give a reason")
        if self.probabilities is not None:
            if len(self.probabilities) != len(self.scheme.labels):
                raise UsageError(f"{len(self.probabilities)} probabilities given for the classes {self.scheme.labels}")
            if not abs(sum(self.probabilities) - 1) < 1e-4 or min(self.probabilities) < 0:
                raise UsageError(f"probabilities must be a distribution, got {self.probabilities}")

    @property
    def label(self) -> str:
        """The most probable class, empty where there is none."""
        if self.probabilities is None:
            return ""
        return self.scheme.labels[max(range(len(self.probabilities)), key=self.probabilities.__getitem__)]

    @property
    def confidence(self) -> float:
        """Calibrated probability of ``label``; NaN where there is none."""
        return max(self.probabilities) if self.probabilities else float("nan")

    def to_record(self) -> dict[str, Any]:
        """One flat record, the table's columns in order."""
        # Every row has the seven columns; a class that the row's scheme does not know is not a number there.
        given = {f"p_{name}": float("nan") for name in dict.fromkeys((*EKMAN7.labels, *self.scheme.labels))}
        if self.probabilities:
            given |= {f"p_{name}": float(share) for name, share in zip(self.scheme.labels, self.probabilities, strict=True)}
        record: dict[str, Any] = {"file": self.file, "start": float(self.start), "end": float(self.end)}
        record |= {"person": int(self.person), "modality": self.modality, "scheme": self.scheme.name}
        record |= {"label": self.label, "confidence": float(self.confidence)}
        record |= given
        record |= {"valence": float(self.valence), "arousal": float(self.arousal)}
        record |= {"conformal": "|".join(self.conformal), "quality": float(self.quality)}
        record |= {"typical": float(self.typical), "weight": float(self.weight)}
        record |= {"conflict": bool(self.conflict), "status": self.status, "reason": self.reason}
        return record | {"text": self.text, "language": self.language}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Row:
        """The inverse of ``to_record``."""
        labels = scheme_of(record["scheme"])
        known = {entry.name for entry in fields(cls)} - {"scheme", "conformal"}
        shares = tuple(float(record[f"p_{label}"]) for label in labels.labels)
        return cls(
            **{key: value for key, value in record.items() if key in known},
            scheme=labels,
            probabilities=None if any(math.isnan(share) for share in shares) else shares,
            conformal=tuple(record["conformal"].split("|")) if record["conformal"] else (),
        )


@dataclass(frozen=True)
class Evidence:
    """What was found about one row of the table, with its uncertainty and where the artefact lies.

    Parameters
    ----------
    id : str
        Unique within a recording, as the report cites it.
    file, start, end, person, modality
        The row that this speaks of; times in seconds.
    level : str
        What it speaks of, one of ``affectlens.core.kinds.LEVELS``.
    target : str
        The class in question; empty where none is.
    kind, subject : str
        What sort of finding it is, a name in ``affectlens.core.kinds.EVIDENCE``, and of what: kind ``"region"``, subject
        ``"mouth"``. The subject is empty where the kind says all.
    value, unit : float, str
        What was found.
    method : str
        How.
    low, high : float
        An interval of ``value``; NaN where there is none.
    p_value, test : float, str
        A p-value and the test that gave it; NaN and empty where there is none.
    detail : Detail
        What this kind tells beside its value; its type is the kind's.
    artefact : str
        A path relative to the report.

    Raises
    ------
    UsageError
        An unknown level or kind, or a detail of another type than the kind's.
    """

    id: str
    file: str
    start: float
    end: float
    person: int
    level: str
    modality: str
    target: str
    kind: str
    subject: str
    value: float
    unit: str
    method: str
    low: float = float("nan")
    high: float = float("nan")
    p_value: float = float("nan")
    test: str = ""
    detail: Detail = field(default_factory=Detail)
    artefact: str = ""

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise UsageError(f"evidence level {self.level!r} is not one of {', '.join(LEVELS)}")
        wanted = EVIDENCE.get(self.kind).detail
        if not isinstance(self.detail, wanted):
            raise UsageError(
                f"evidence of kind {self.kind!r} was given {type(self.detail).__name__}; its detail is {wanted.__name__}"
            )

    def detail_as(self, wanted: type[D]) -> D:
        """The detail, known to be of a type.

        Returns
        -------
        Detail
            Of the wanted type.

        Raises
        ------
        UsageError
            It is of another type.
        """
        if not isinstance(self.detail, wanted):
            raise UsageError(f"the detail of {self.kind!r} is {type(self.detail).__name__}, not {wanted.__name__}")
        return self.detail

    def to_record(self) -> dict[str, Any]:
        """One flat record; ``detail`` as JSON."""
        given = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return given | {"detail": json.dumps(self.detail.to_dict(), sort_keys=True)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Evidence:
        """The inverse of ``to_record``."""
        given = {entry.name: record[entry.name] for entry in fields(cls)}
        detail = EVIDENCE.get(record["kind"]).detail.from_dict(parse_json(record["detail"]))
        return cls(**(given | {"detail": detail}))
