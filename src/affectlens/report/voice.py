"""What the report shows of each turn of voice."""

from __future__ import annotations

from typing import Any

from affectlens.core.schema import Evidence
from affectlens.modalities.base import Finding
from affectlens.report.narrative import heard


def turn(finding: Finding) -> dict[str, Any]:
    """A turn with its plain differences, its bars (the widest is 1) and its neighbours."""
    detail = finding.detail
    told: tuple[Evidence, ...] = tuple(detail.get("told", ()))
    shares: tuple[Evidence, ...] = tuple(detail.get("relevance", ()))
    widest = max((abs(e.value) for e in shares), default=1.0) or 1.0
    bars = [{"name": e.name.removeprefix("relevance: "), "value": e.value, "share": abs(e.value) / widest} for e in shares]
    return {
        "row": finding.row, "turn": detail["turn"], "speaker": detail["speaker"], "told": [heard(e) for e in told],
        "against": f"against the {told[0].settings['against']}" if told else "", "bars": bars,
        "near": tuple(detail.get("neighbours", ())),
    }  # fmt: skip
