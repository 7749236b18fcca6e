"""What the report shows of gait and posture: skeletons, plain measurements, bars."""

from __future__ import annotations

from typing import Any

import numpy as np

from affectlens.core.schema import Evidence
from affectlens.modalities.base import Finding
from affectlens.perception.body.joints import BONES, JOINTS
from affectlens.report.narrative import measured

_HIGH, _WIDE = 120, 78  # pixels of one skeleton


def stretch(finding: Finding) -> dict[str, Any]:
    """A stretch with its pictures, measurements and bars (the widest is 1)."""
    detail = finding.detail
    shares: tuple[Evidence, ...] = tuple(detail.get("relevance", ()))
    widest = max((abs(e.value) for e in shares), default=1.0) or 1.0
    bars = [{"name": e.name.split("relevance: ")[1], "value": e.value, "share": abs(e.value) / widest} for e in shares]
    return {
        "row": finding.row, "told": [measured(e) for e in detail.get("told", ())], "bars": bars,
        "svg": strip(detail["skeletons"], finding.row.modality == "gait") if "skeletons" in detail else "",
    }  # fmt: skip


def strip(skeletons: np.ndarray, side: bool = True) -> str:
    """Skeletons ``(n, 18, 3)``, from the side walking to the right or from the front, as one svg; left is drawn stronger."""
    across = 2 if side else 0
    parts = []
    low = float(np.nanmin(skeletons[..., 1]))
    scale = (_HIGH - 16) / max(float(np.nanmax(skeletons[..., 1])) - low, 1e-6)
    for k, x in enumerate(skeletons):
        middle = float(np.nanmean(x[:, across]))
        at = np.column_stack([(x[:, across] - middle) * scale + (k + 0.5) * _WIDE, _HIGH - 8 - (x[:, 1] - low) * scale])
        for a, b in BONES:
            p, q = at[JOINTS.index(a)], at[JOINTS.index(b)]
            if np.isfinite([*p, *q]).all():
                strength = "0.45" if "right" in a or "right" in b else "1"
                parts.append(
                    f'<line x1="{p[0]:.1f}" y1="{p[1]:.1f}" x2="{q[0]:.1f}" y2="{q[1]:.1f}" stroke-opacity="{strength}"/>'
                )
        head = at[JOINTS.index("head")]
        if np.isfinite(head).all():
            parts.append(f'<circle cx="{head[0]:.1f}" cy="{head[1]:.1f}" r="5" fill="currentColor" stroke="none"/>')
    wide, view = _WIDE * len(skeletons), "side" if side else "front"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {_HIGH}" width="{wide}" height="{_HIGH}" role="img" '
        f'aria-label="skeletons from the {view}" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" '
        f'fill="none">{"".join(parts)}</svg>'
    )
