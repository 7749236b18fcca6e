"""One audit of each kind, written by hand: small tables with the columns that the real ones have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.audits.concepts.result import ConceptAudit
from affectlens.audits.features.result import FeatureAudit
from affectlens.audits.latent.directions import Directions
from affectlens.audits.latent.result import LatentAudit
from affectlens.audits.objects.result import ObjectAudit
from affectlens.audits.properties.result import PropertyAudit
from affectlens.audits.result import Provenance

EMPTY = pd.DataFrame()
LABELS = ("anger", "happiness", "neutral")


def _provenance(kind: str) -> Provenance:
    return Provenance(audit=kind, model={"name": "face"}, data={"corpus": "made", "items": 12})


def _properties() -> PropertyAudit:
    rows = [
        {"property": name, "output": label, "p_value": 0.01, "effect": 0.1 * place - 0.2, "low": -0.3, "high": 0.4, "kind": "correlation",
         "n": 12, "missing": 0, "smallest_found": 0.4, "method": "by hand", "p_holm": 0.01 if name == "age" else 0.9, "p_bh": 0.02}
        for name in ("age", "light")
        for place, label in enumerate(LABELS)
    ]  # fmt: skip
    pairs = pd.DataFrame([{"property": "age", "pairs": 4, "difference": 0.1, "p_value": 0.2, "p_holm": 0.2}])
    return PropertyAudit(
        pd.DataFrame(rows), EMPTY, EMPTY, pairs, EMPTY, EMPTY, {}, LABELS, 12, "the label", title="Properties of the made model",
        provenance=_provenance("properties"),
    )  # fmt: skip


def _objects() -> ObjectAudit:
    rows = [
        {"emotion": label, "object": name, "images": 4, "lift": 0.5 + place + 0.2 * number, "low": 0.4, "high": 3.0, "p_value": 0.01,
         "p_bh": 0.04 if name == "mouth" else 0.5}
        for place, name in enumerate(("nose", "mouth"))
        for number, label in enumerate(LABELS)
    ]  # fmt: skip
    images = pd.DataFrame(
        [{"image": "a.png", "emotion": "anger", "label": "anger", "answer": "anger", "probability": 0.7, "things": 2}]
    )
    return ObjectAudit(
        "Objects of the made model", "made by hand", {"grad-cam": pd.DataFrame(rows)}, {}, EMPTY, images,
        pd.DataFrame(columns=["image", "why"]), provenance=_provenance("objects"),
    )  # fmt: skip


def _concepts() -> ConceptAudit:
    rows = [
        {"layer": layer, "concept": name, "class": label, "statistic": 0.2, "shift": 0.3 - 0.2 * place, "low": 0.0, "high": 0.4,
         "p_value": 0.2, "p_holm": 0.4, "accuracy": 0.7}
        for layer in ("lower", "upper")
        for name in ("loss", "praise")
        for place, label in enumerate(LABELS)
    ]  # fmt: skip
    examples = pd.DataFrame(
        [
            {
                "concept": "loss",
                "kind": "example",
                "key": "u1",
                "speaker": "a",
                "text": "it is gone",
                "label": "neutral",
                "typicality": 1.0,
            }
        ]
    )
    return ConceptAudit(pd.DataFrame(rows), EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, examples, {}, {}, (), _provenance("concepts"))


def _features() -> FeatureAudit:
    rows = [
        {"feature": f"feature {place}", "group": "energy", "statistic": 0.1 * place, "permuted": 0.1 * place, "permuted_low": 0.1 * place - 0.05,
         "permuted_high": 0.1 * place + 0.05, "p_value": 0.01, "p_bh": 0.02 if place > 2 else 0.6}
        for place in range(6)
    ]  # fmt: skip
    by_corpus = pd.DataFrame([{"corpus": "made", "kind": "feature", "name": "feature 5", "permuted": 0.5, "rank": 1.0}])
    return FeatureAudit(pd.DataFrame(rows), EMPTY, by_corpus, EMPTY, EMPTY, EMPTY, _provenance("features"))


def _latent() -> LatentAudit:
    points = pd.DataFrame(
        [
            {
                "key": f"clip{place}.wav",
                "label": LABELS[place % 3],
                "corpus": "made",
                "x": float(place),
                "y": float(place % 3),
                "k_means": place % 2,
            }
            for place in range(9)
        ]
    )
    agreement = pd.DataFrame(
        [{"clusters": "k-means", "number": 2, "factor": "emotion", "ari": 0.3, "statistic": 0.3, "p_value": 0.2, "p_holm": 0.6}]
    )
    directions = Directions(np.zeros(2), np.eye(2), np.ones(2), np.ones(2) / 2)
    return LatentAudit(
        agreement, points, np.zeros((9, 2)), (), EMPTY, EMPTY, directions, EMPTY, EMPTY, EMPTY, EMPTY, _provenance("latent")
    )


def save_audits(folder: Path) -> None:
    """Save one of each kind below ``folder``, each with one finding."""
    for made in (_properties(), _objects(), _concepts(), _features(), _latent()):
        where = made.save(folder / f"audit-{made.kind}")
        (where / "audit.json").write_text(
            json.dumps({"findings": [f"the audit of {made.kind} found something"]}), encoding="utf-8"
        )
