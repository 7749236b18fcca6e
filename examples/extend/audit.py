"""An audit: how sure a model is, label by label, over a corpus.

AFFECTLENS_PLUGINS=audit.py affectlens audit confidence --model face --corpus fer2013=FILE --split test
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.registry import register_audit
from affectlens.audits.result import AuditResult, Provenance
from affectlens.core.errors import ModelError
from affectlens.core.failures import missed_frame
from affectlens.core.settings import Settings, setting, with_fields
from affectlens.corpora.base import open_corpus
from affectlens.models.open import open_model


@dataclass(frozen=True)
class ConfidenceSettings(Settings):
    """What can be set; the command line makes options of it."""

    split: str = setting("test", "Split that is looked at.")
    most: int = setting(500, "Items that are looked at.", least=1)


@dataclass(frozen=True)
class ConfidenceAudit(AuditResult):
    """``labels`` has a row a label: items, mean confidence, share that is right; ``missed`` what could not be read."""

    kind = "confidence"
    primary = "labels"
    unread_table = "missed"  # the command lists it and ends with exit code 1

    labels: pd.DataFrame
    missed: pd.DataFrame
    provenance: Provenance = field(default_factory=Provenance)

    def findings(self) -> list[str]:
        """A sentence a label."""
        return [f"{r.label}: {r.items} items, {r.confidence:.0%} sure, {r.right:.0%} right" for r in self.labels.itertuples()]

    def report(self, folder: str | Path) -> Path:
        """Save the result with a page of its sentences."""
        page = self.save(folder) / "audit.html"
        page.write_text(f"<ul>{''.join(f'<li>{text}</li>' for text in self.findings())}</ul>", encoding="utf-8")
        return page


@register_audit("confidence", ConfidenceSettings)
def confidence(
    model: Any, corpora: str | Sequence[str], *, out: Any = None, progress: Any = None, settings: Any = None, **fields: Any
) -> ConfidenceAudit:
    """How sure a model is, and how often it is right, label by label."""
    chosen = with_fields(ConfidenceSettings, settings, fields)
    asked = open_model(model)
    rows, missed = [], {}
    for given in [corpora] if isinstance(corpora, str) else corpora:
        for item in list(open_corpus(given).items(chosen.split))[: chosen.most]:
            try:
                answers = asked.probabilities([asked.read(item)])[0]
            except ModelError as error:
                missed[item.key] = str(error)
                continue
            answer = asked.labels[int(np.argmax(answers))]
            rows.append({"label": item.labels[0], "confidence": answers.max(), "right": answer in item.labels, "items": 1})
            if progress:
                progress("items", len(rows), chosen.most)
    table = pd.DataFrame(rows, columns=["label", "confidence", "right", "items"]).groupby("label", as_index=False)
    labels = table.agg({"items": "sum", "confidence": "mean", "right": "mean"})
    result = ConfidenceAudit(labels, missed_frame(missed), Provenance("confidence", chosen.to_dict()))
    if out is not None:
        result.report(out)
    return result
