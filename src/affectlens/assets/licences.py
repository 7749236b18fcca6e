"""The register of licences: terms, evidence and open question behind every corpus, asset and weight in use."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, ClassVar

import pandas as pd

from affectlens.assets.manifest import manifest
from affectlens.core.errors import UsageError
from affectlens.core.results import SavedResult
from affectlens.core.settings import nearest

PURPOSES = ("commercial", "research")
ANSWERS = ("yes", "unclear", "no")  # from the mildest to the strictest


@dataclass(frozen=True)
class Licence:
    """What stands behind one corpus, asset or weight.

    Attributes
    ----------
    name, kind, title : str
        Its name; corpus, asset or weights; what it is.
    terms, evidence : str
        Under which terms, and where these are stated.
    commercial, research : str
        yes, no or unclear, as we read the terms.
    question : str
        What is open; empty where nothing is known to be.
    rests : tuple of str
        What weights rest on.
    """

    name: str
    kind: str
    title: str
    terms: str
    evidence: str
    commercial: str
    research: str
    question: str = ""
    rests: tuple[str, ...] = ()

    def allows(self, purpose: str) -> str:
        """yes, no or unclear for a purpose."""
        return str(getattr(self, purpose))


@cache
def register() -> dict[str, Licence]:
    """Every entry by its name: corpora, assets, then weights, whose verdict is the strictest of what they rest on.

    Returns
    -------
    dict of str to Licence

    Examples
    --------
    >>> register()["face"].commercial, register()["face"].rests
    ('no', ('fer2013', 'ferplus', 'muxspace'))
    """
    text = (resources.files("affectlens.assets") / "licences.toml").read_text(encoding="utf-8")
    read: dict[str, Any] = tomllib.loads(text)
    weights, assets = read.pop("weights"), read.pop("assets")
    out = {name: Licence(name, **entry) for name, entry in read.items()}
    known = manifest()
    for name, entry in assets.items():
        out[name] = Licence(name, "asset", known[name].title, known[name].licence, known[name].home, **entry)
    for name, entry in weights.items():
        rests = tuple(entry["rests"])
        behind = [out[one] for one in rests]
        questions = [f"{one.title}: {one.question}" for one in behind if one.question]
        out[name] = Licence(
            name, "weights", f"our {name} weights", "; ".join(f"{one.title}: {one.terms}" for one in behind),
            f"the model card (`affectlens models card {name}`) and the entries of {', '.join(rests)}",
            _strictest(one.commercial for one in behind), _strictest(one.research for one in behind), " ".join(questions),
            rests,
        )  # fmt: skip
    return out


def _strictest(answers: Any) -> str:
    return str(max(answers, key=ANSWERS.index))


@dataclass(frozen=True)
class Licences(SavedResult):
    """What may be used for a purpose, as the register reads the terms.

    Attributes
    ----------
    purpose : str
        commercial, research, or empty: both are told.
    table : DataFrame
        One row an entry: name, kind, title, terms, commercial, research, why, question, evidence.
    """

    kind: ClassVar[str] = "licences"
    primary: ClassVar[str] = "table"

    purpose: str
    table: pd.DataFrame

    @property
    def refused(self) -> pd.DataFrame:
        """Entries whose terms do not allow the purpose, or of which that is not clear."""
        return self.table[self.table[self.purpose] != "yes"] if self.purpose else self.table.iloc[:0]

    def findings(self) -> list[str]:
        """What may not be used and why, a sentence each."""
        if not self.purpose:
            return [f"{len(self.table)} entries; no legal advice: read the terms at their source"]
        verdicts = [
            f"{row.name_}: {'may not be used' if row.verdict == 'no' else 'it is not clear whether it may be used'} for "
            f"{self.purpose} purposes: {row.why}"
            for row in self.refused.assign(verdict=self.refused[self.purpose]).rename(columns={"name": "name_"}).itertuples()
        ]
        return [
            *verdicts,
            f"{len(self.table) - len(verdicts)} of {len(self.table)} entries allow {self.purpose} use as we read their terms; "
            "this is no legal advice",
        ]


def licences(purpose: str = "") -> Licences:
    """The licence register: terms, evidence and open questions behind every weight in use, and what may not be used and why.

    Parameters
    ----------
    purpose : str
        ``commercial`` or ``research``; without it both are told.

    Returns
    -------
    Licences

    Raises
    ------
    UsageError
        Another purpose.

    Examples
    --------
    >>> "face" in licences("commercial").refused.name.tolist(), licences("research").refused.name.tolist()
    (True, [])
    """
    if purpose and purpose not in PURPOSES:
        raise UsageError(f"--purpose {purpose}: one of {', '.join(PURPOSES)} was expected{nearest(purpose, PURPOSES)}")
    entries = register()
    rows = []
    for one in entries.values():
        strict = [entries[name] for name in one.rests if purpose and entries[name].allows(purpose) != "yes"]
        why = "; ".join(f"it rests on {other.title} ({other.terms})" for other in strict) if one.rests else one.terms
        rows.append(
            {
                "name": one.name, "kind": one.kind, "title": one.title, "terms": one.terms, "commercial": one.commercial,
                "research": one.research, "why": why, "question": one.question, "evidence": one.evidence,
            }
        )  # fmt: skip
    return Licences(purpose, pd.DataFrame(rows))
