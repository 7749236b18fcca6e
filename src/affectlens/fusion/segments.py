"""The fused rows: the answer of each segment, what each modality does for it, and what they show of each person in all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from affectlens.context.summary import PersonSummary, summarise
from affectlens.core.labels import EKMAN7, translate, translate_set
from affectlens.core.schema import Evidence, Row
from affectlens.fusion.evidence import (
    ConflictDetail,
    NoCounterpartDetail,
    NotReadDetail,
    ShareDetail,
    ShareOfTimeDetail,
    WhatIfDetail,
)
from affectlens.fusion.grouping import WINDOWS, extent, segments
from affectlens.fusion.pool import Fused, Fuser, Opinion
from affectlens.modalities.base import Clip, Finding
from affectlens.models.typicality import LEAST_TYPICAL

FULL_TRUST = 0.25  # p-value of typicality from which a module has its full weight
UNLIKE = "this is unlike all that it learnt from"


@dataclass
class _Fusion:
    """What the segments of one recording are fused with, and what was weighed on the way."""

    clip: Clip
    findings: list[Finding]
    usual: Opinion | None
    fuser: Fuser
    weights: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    lost: dict[tuple[str, str], list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))
    divided: dict[tuple[str, str], dict[str, tuple[str, ...]]] = field(default_factory=lambda: defaultdict(dict))


def fuse_findings(
    clip: Clip, findings: list[Finding], usual: Opinion | None = None, fuser: Fuser | None = None
) -> tuple[list[Finding], list[Finding]]:
    """Fuse the findings of a recording segment by segment.

    A person's segments are the windows in which their face was seen; an utterance of theirs speaks for every window that
    it covers by a quarter or more. Without such a window a turn of voice is a segment with all utterances in it, which speak
    together, each by its length; an utterance without a turn is a segment by itself. Rows of other label schemes
    speak in the classes that theirs correspond to (`affectlens.core.labels.translate`); what has no counterpart takes no part,
    which is noted.

    Parameters
    ----------
    clip : Clip
        The recording; evidence is given where it is explained.
    findings : list of Finding
        What all modalities found.
    usual : Opinion, optional
        What is usual, when it takes part in every segment.
    fuser : Fuser, optional
        The pool of opinions where none is given.

    Returns
    -------
    weighted : list of Finding
        The same findings with their fusion weights.
    fused : list of Finding
        One a segment, in order of time.
    """
    fusion = _Fusion(clip, findings, usual, fuser or Fuser(EKMAN7.labels))
    fused = [_fused(fusion, members) for members in segments(findings)]
    weighted = [
        replace(finding, row=replace(finding.row, weight=float(np.mean(fusion.weights[i])))) if i in fusion.weights else finding
        for i, finding in enumerate(findings)
    ]
    _note_lost(fusion)
    return weighted, sorted(fused, key=lambda finding: (finding.row.start, finding.row.person))


def _fused(fusion: _Fusion, members: list[int]) -> Finding:
    """One segment's answer with the evidence for it."""
    clip, rows = fusion.clip, [fusion.findings[i].row for i in members]
    first = rows[0]
    start, end = extent(rows)
    opinions, used, lost = _opinions(fusion, members)
    if not opinions:
        unsaid = [(entry.modality, entry.reason or UNLIKE) for entry in rows if entry.status != "ok" or _out_of_depth(entry)]
        reason = "; ".join(dict.fromkeys(f"{modality}: {why}" for modality, why in unsaid))
        reasons = [reason] if reason else []
        reasons += [
            f"{modality}: {', '.join(classes)} is none of the classes of the fused answer" for modality, classes in lost.items()
        ]
        silent = lost or any(entry.status == "abstained" or _out_of_depth(entry) for entry in rows)
        status = "abstained" if silent else first.status
        return Finding(Row(clip.file, start, end, first.person, "fused", status, "; ".join(reasons)))
    if fusion.usual is not None:
        opinions.append(fusion.usual)
    result = fusion.fuser.fuse(opinions)
    for those, opinion in zip(used, opinions, strict=False):
        for i in those:
            fusion.weights[i].append(result.weights[opinion.modality])
    spoke = [fusion.findings[i].row for those in used for i in those]
    row = Row(
        clip.file,
        start,
        end,
        first.person,
        "fused",
        probabilities=tuple(float(value) for value in result.probabilities),
        conformal=result.conformal,
        quality=float(np.mean([entry.quality for entry in spoke])),
        weight=1.0,
        conflict=result.conflict,
        text=" ".join(entry.text for entry in sorted(spoke, key=lambda entry: entry.start) if entry.text),
    )
    evidence = _segment_evidence(clip, row, opinions, result, fusion.fuser) if clip.explaining and len(opinions) > 1 else []
    if clip.explaining:
        schemes = {entry.modality: entry.scheme.name for entry in rows}
        evidence += [_lost_evidence(clip, row, modality, schemes[modality], classes) for modality, classes in lost.items()]
    return Finding(row, tuple(evidence), 1.0)


def _opinions(fusion: _Fusion, members: list[int]) -> tuple[list[Opinion], list[list[int]], dict[str, dict[str, float]]]:
    """The opinions of a segment in the fused answer's classes, whose they are, and by modality what has no counterpart there.

    Of two utterances in one window the first speaks; those in one turn of voice speak together.

    Returns
    -------
    tuple
        Opinions, positions of their findings, and by modality the classes without a counterpart.
    """
    window = fusion.findings[members[0]].row.modality == WINDOWS
    said: dict[str, list[tuple[int, Opinion]]] = {}
    lost: dict[str, dict[str, float]] = {}
    for i in members:
        finding = fusion.findings[i]
        row = finding.row
        trust = typical_weight(row.typical)
        if row.probabilities is None or row.status != "ok" or not trust or (window and row.modality in said):
            continue
        translated = translate(np.array(row.probabilities), row.scheme)
        if translated.lost:
            lost[row.modality] = translated.lost
            fusion.lost[row.modality, row.scheme.name].append(translated.lost)
        fusion.divided[row.modality, row.scheme.name].update(translated.divided)
        if translated.probabilities is None:
            continue
        quality = float(np.clip(row.quality, 0, 1)) if np.isfinite(row.quality) else 1.0
        open_to = translate_set(row.conformal, row.scheme)
        weight = finding.weight * (1 - translated.lost_share) * trust
        opinion = Opinion(row.modality, translated.probabilities, weight, open_to, finding.deep, quality * trust)
        said.setdefault(row.modality, []).append((i, opinion))
    opinions = [_together(fusion, pairs) for pairs in said.values()]
    return opinions, [[i for i, _ in pairs] for pairs in said.values()], lost


def typical_weight(typical: float) -> float:
    """How far a module's weight holds for an input of that typicality.

    Parameters
    ----------
    typical : float
        p-value; NaN where the module does not tell.

    Returns
    -------
    float
        0 below the level at which modules abstain, rising evenly to 1 at ``FULL_TRUST``; 1 where it is not known.

    Examples
    --------
    >>> [typical_weight(p) for p in (0.01, 0.15, 0.9, float("nan"))]
    [0.0, 0.5, 1.0, 1.0]
    """
    if np.isnan(typical):
        return 1.0
    return round(float(np.clip((typical - LEAST_TYPICAL) / (FULL_TRUST - LEAST_TYPICAL), 0, 1)), 12)


def _out_of_depth(row: Row) -> bool:
    return row.status == "ok" and typical_weight(row.typical) == 0


def _together(fusion: _Fusion, pairs: list[tuple[int, Opinion]]) -> Opinion:
    """What one modality says in several rows of a segment: their mean by length; open to every class that any is open to."""
    opinions = [opinion for _, opinion in pairs]
    if len(opinions) == 1:
        return opinions[0]
    rows = [fusion.findings[i].row for i, _ in pairs]
    seconds = np.array([max(row.end - row.start, 1e-3) for row in rows])
    share = seconds / seconds.sum()
    deep = [o.deep for o in opinions if o.deep is not None]
    return Opinion(
        opinions[0].modality,
        np.asarray(share @ np.stack([o.probabilities for o in opinions])),
        float(share @ [o.weight for o in opinions]),
        tuple(c for c in EKMAN7.labels if c in conformal_union(opinions)),
        np.asarray(share @ np.stack(deep)) if len(deep) == len(opinions) else None,
        float(share @ [o.quality for o in opinions]),
    )


def conformal_union(opinions: Sequence[Opinion]) -> set[str]:
    """Classes that any opinion's set holds."""
    return set().union(*(opinion.conformal for opinion in opinions))


def _segment_evidence(clip: Clip, row: Row, opinions: list[Opinion], result: Fused, fuser: Fuser) -> list[Evidence]:
    """Each modality's Shapley value, the modality that matters most, and a conflict where there is one."""
    prior = np.full(len(EKMAN7.labels), 1 / len(EKMAN7.labels))
    values = result.values or fuser.shapley(opinions, EKMAN7.labels.index(row.label), prior)
    evidence = [
        clip.evidence(
            row,
            "share",
            value,
            subject=name,
            method="exact Shapley value over modalities",
            detail=ShareDetail(round(result.weights[name], 4), "uniform", result.how),
        )
        for name, value in values.items()
    ]
    evidence.append(_what_if(clip, row, opinions, fuser))
    if result.conflict:
        answers = {opinion.modality: EKMAN7.labels[int(opinion.probabilities.argmax())] for opinion in opinions}
        evidence.append(
            clip.evidence(
                row, "conflict", result.divergence, method="weighted Jensen-Shannon divergence", detail=ConflictDetail(answers)
            )
        )
    return evidence


def _what_if(clip: Clip, row: Row, opinions: list[Opinion], fuser: Fuser) -> Evidence:
    """The opinion whose absence would change the probability of the answer most."""
    target = EKMAN7.labels.index(row.label)
    without = {
        opinion.modality: fuser.probabilities([other for other in opinions if other is not opinion]) for opinion in opinions
    }
    name = max(without, key=lambda modality: abs(without[modality][target] - row.confidence))
    probabilities = without[name]
    answer, of_target = EKMAN7.labels[int(probabilities.argmax())], float(probabilities[target])
    rounded = (round(number, 4) for number in (float(probabilities.max()), row.confidence, of_target))
    detail = WhatIfDetail(answer, *rounded)
    change = of_target - row.confidence
    return clip.evidence(row, "what if", change, subject=name, method="fused without this modality", detail=detail)


def _lost_evidence(clip: Clip, row: Row, modality: str, scheme: str, classes: dict[str, float]) -> Evidence:
    detail = NoCounterpartDetail(scheme, {label: round(share, 4) for label, share in classes.items()})
    return clip.evidence(
        row,
        "no counterpart",
        sum(classes.values()),
        subject=modality,
        target="",
        method="classes of the label schemes compared",
        detail=detail,
    )


def _note_lost(fusion: _Fusion) -> None:
    """Say, once a modality, how much of what it says the fused answer has no class for, and what was shared among several."""
    for (modality, scheme), shared in fusion.divided.items():
        for label, targets in shared.items():
            fusion.clip.problems.add(
                f"{modality} answers in the classes of {scheme}; {label} was divided evenly among {', '.join(targets)}, "
                "which it does not tell apart"
            )
    for (modality, scheme), parts in fusion.lost.items():
        mean = float(np.mean([sum(part.values()) for part in parts]))
        if mean >= 0.005:
            classes = ", ".join(sorted({label for part in parts for label, share in part.items() if share >= 0.005}))
            fusion.clip.problems.add(
                f"{modality} answers in the classes of {scheme}; {classes} is none of the seven of the fused answer: "
                f"on average {mean:.0%} of its probability in {len(parts)} segment{'s' if len(parts) > 1 else ''} takes no part"
            )


def summary_evidence(clip: Clip, rows: list[Row]) -> tuple[list[PersonSummary], list[Evidence]]:
    """Each person's summary over the recording, as evidence about a row that spans it."""
    summaries = summarise(rows)
    out = []
    for summary in summaries:
        if not summary.readable:
            continue
        person_rows = [row for row in rows if row.person == summary.person and row.modality == "fused"]
        first = next((row for row in person_rows if row.label == summary.label), person_rows[0])
        whole = replace(first, start=person_rows[0].start, end=max(row.end for row in person_rows))
        shares = {label: round(share, 4) for label, share in summary.shares}
        detail = ShareOfTimeDetail(summary.windows, summary.readable, round(summary.mean_probability, 4), shares)
        out.append(
            clip.evidence(
                whole,
                "share of time",
                summary.share.value,
                method="count of windows",
                low=summary.share.low,
                high=summary.share.high,
                test="Wilson interval over windows, 95 %",
                target=summary.label,
                detail=detail,
            )
        )
        if summary.changes:
            out.append(clip.evidence(whole, "changes", summary.changes, method="count", target=summary.label))
        if summary.readable < summary.windows:
            reasons = [row.reason for row in person_rows if row.status != "ok"]
            reason = max(reasons, key=reasons.count)
            out.append(
                clip.evidence(
                    whole,
                    "not read",
                    summary.windows - summary.readable,
                    method="count",
                    target="",
                    detail=NotReadDetail(summary.windows, reason),
                )
            )
    return summaries, out
