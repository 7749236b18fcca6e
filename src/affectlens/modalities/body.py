"""What gait and posture share: a model of joints, its rows and evidence, and skeletons on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from affectlens.assets.store import locate
from affectlens.core.kinds import Detail
from affectlens.core.labels import GROUPWALK4, align
from affectlens.core.listing import rest
from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.explainers.shapley import group_shapley
from affectlens.modalities.base import Clip, Finding, FindingDetail, Modality
from affectlens.modalities.section import TABLE, Material, bars, render
from affectlens.modalities.telling import graded, speaks, way
from affectlens.models.base import load_model
from affectlens.models.typicality import LEAST_TYPICAL
from affectlens.perception.body.joints import BONES, JOINTS
from affectlens.perception.body.pose import pose_finder

VIDEO = 0.5  # weight of joints guessed from pictures against recorded ones: the models learnt from the latter
SKELETONS = 6  # shown of one finding
_HIGH, _WIDE = 120, 78  # pixels of one skeleton


@dataclass(frozen=True)
class RelevanceDetail(Detail):
    """How many groups share the answer, and the probability of the class that they share."""

    groups: int
    probability: float


@dataclass(frozen=True)
class Skeletons(FindingDetail):
    """Skeletons ``(n, 18, 3)`` to draw."""

    joints: np.ndarray


class BodyModality(Modality):
    """Base of modalities that judge skeletons by a model of four classes."""

    assets = ("pose-landmarker",)
    relevance_kind = ""
    groups_are = ""  # what Shapley values are given of, for the method's name

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.model = load_model(self.name)
        self.find = pose_finder(locate("pose-landmarker"), options.threads)

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks in use."""
        return (self.model,)

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Calibrated probabilities ``(n, 4)`` in the order of ``GROUPWALK4``."""
        logits = self.model.predict(inputs)
        return align(self.model.calibration.probabilities(logits), self.model.labels, GROUPWALK4.labels)

    def unread(
        self,
        clip: Clip,
        start: float,
        end: float,
        person: int,
        reason: str,
        status: str = "abstained",
        typical: float = float("nan"),
    ) -> Finding:
        """A row without an answer."""
        return Finding(Row(clip.file, start, end, person, self.name, status, reason, typical=typical, scheme=GROUPWALK4))

    def no_walk(self, why: str) -> str:
        """The reason of a row of a body that does not walk."""
        return f"this body does not walk ({why}); the {self.name} network has only seen people walking"

    def nothing(self, clip: Clip, reason: str) -> Finding:
        """The row of a recording in which there is nothing to see."""
        return self.unread(clip, 0.0, max(clip.end, 0.0), SCENE, reason, "missing")

    def answer(
        self,
        clip: Clip,
        times: tuple[float, float],
        person: int,
        probabilities: np.ndarray,
        quality: float,
        deep: np.ndarray,
        typical: float,
    ) -> Finding:
        """The finding of a stretch (seconds) from probabilities ``(4,)``, yet unexplained; none of what is unlike all walks."""
        if typical < LEAST_TYPICAL:
            reason = (
                f"this body is unlike all that the {self.name} network has seen (p = {typical:.3f}, at least "
                f"{LEAST_TYPICAL:g} is needed): a few people walking in acted styles"
            )
            return self.unread(clip, *times, person, reason, typical=typical)
        calibration = self.model.calibration
        row = Row(
            clip.file,
            times[0],
            times[1],
            person,
            self.name,
            probabilities=tuple(float(probability) for probability in probabilities / probabilities.sum()),
            conformal=calibration.conformal_set(probabilities, GROUPWALK4.labels),
            quality=quality,
            typical=typical,
            scheme=GROUPWALK4,
        )
        return Finding(row, weight=calibration.reliability * quality, rank=row.confidence, deep=deep)

    def relevance(
        self,
        clip: Clip,
        row: Row,
        predict: Callable[[np.ndarray], np.ndarray],
        columns: np.ndarray,
        nothing: np.ndarray,
        groups: Mapping[str, np.ndarray],
    ) -> list[Evidence]:
        """Shapley values of groups of the columns of ``x`` ``(1, columns)``.

        A coalition without a group has the columns of ``nothing`` in its place.

        Returns
        -------
        list of Evidence
            One a group.
        """
        values = group_shapley(predict, columns, nothing, list(groups.values()))[0]
        target = GROUPWALK4.labels.index(row.label)
        detail = RelevanceDetail(len(groups), round(row.confidence, 4))
        return [
            clip.evidence(
                row,
                self.relevance_kind,
                values[number, target],
                subject=name,
                detail=detail,
                method=f"exact Shapley value over {self.groups_are}",
            )
            for number, name in enumerate(groups)
        ]


def relevance_clause(evidence: Evidence) -> str:
    """For example: arms speak for anger (+0.31 log probability)."""
    verb = speaks(evidence.subject)
    return f"{evidence.subject} {verb} {way(evidence)} {evidence.target} ({evidence.value:+.2f} log probability)"


def expresses(evidence: Evidence, modality: str, probability: float) -> str:
    """For example: the gait probably expresses anger."""
    return f"the {modality} {graded(probability)} expresses {evidence.target}"


def body_page(
    material: Material, name: str, relevance: str, legend: str, most: int, measured: Sequence[Callable[[Evidence], str]]
) -> str:
    """The section of gait or posture: skeletons, plain measurements where ``measured`` states them, bars."""
    findings = [finding for finding in material.of(name) if isinstance(finding.detail, Skeletons)]
    stretches = [
        {
            "row": finding.row,
            "measurements": [state(entry) for state in measured for entry in finding.of(name)],
            "bars": bars(finding.of(relevance)),
            "svg": strip(finding.detail.joints, name == "gait") if isinstance(finding.detail, Skeletons) else "",
        }
        for finding in findings[:most]
    ]
    left_out = rest(most, len(findings), "segments", TABLE)
    return render("body.html", name=name, rows=stretches, legend=legend, rest=left_out) if stretches else ""


def strip(skeletons: np.ndarray, side: bool = True) -> str:
    """Skeletons ``(n, 18, 3)``, from the side walking to the right or from the front, as one svg; left is drawn stronger."""
    across = 2 if side else 0
    parts = []
    low = float(np.nanmin(skeletons[..., 1]))
    scale = (_HIGH - 16) / max(float(np.nanmax(skeletons[..., 1])) - low, 1e-6)
    for number, joints in enumerate(skeletons):
        middle = float(np.nanmean(joints[:, across]))
        points = np.column_stack(
            [(joints[:, across] - middle) * scale + (number + 0.5) * _WIDE, _HIGH - 8 - (joints[:, 1] - low) * scale]
        )
        for first, second in BONES:
            begin, end = points[JOINTS.index(first)], points[JOINTS.index(second)]
            if np.isfinite([*begin, *end]).all():
                strength = "0.45" if "right" in first or "right" in second else "1"
                ends = f'x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
                parts.append(f'<line {ends} stroke-opacity="{strength}"/>')
        head = points[JOINTS.index("head")]
        if np.isfinite(head).all():
            parts.append(f'<circle cx="{head[0]:.1f}" cy="{head[1]:.1f}" r="5" fill="currentColor" stroke="none"/>')
    wide, view = _WIDE * len(skeletons), "side" if side else "front"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {_HIGH}" width="{wide}" height="{_HIGH}" role="img" '
        f'aria-label="skeletons from the {view}" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" '
        f'fill="none">{"".join(parts)}</svg>'
    )
