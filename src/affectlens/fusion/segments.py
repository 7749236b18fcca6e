"""The fused rows: every segment's opinions pooled, with each modality's weight and Shapley share."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np

from affectlens.context.summary import PersonSummary, summarise
from affectlens.core.labels import EKMAN7, widen
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.fusion.pool import Fuser, Opinion
from affectlens.modalities.base import Clip, Finding


def fuse_findings(
    clip: Clip, findings: list[Finding], usual: Opinion | None = None, fuser: Fuser | None = None
) -> tuple[list[Finding], list[Finding]]:
    """The same findings with their fusion weights, and the fused ones; ``usual`` takes part in every one where it is given,
    and ``fuser`` is the pool of opinions where none is given.

    A person's segments are the windows in which their face was seen; an utterance of theirs speaks for every window that
    it covers by a quarter or more. An utterance without such a window is a segment by itself.
    """
    fuser = fuser or Fuser(EKMAN7.labels)
    by_person: dict[int, list[int]] = defaultdict(list)
    for i, f in enumerate(findings):
        by_person[f.row.person].append(i)
    shares: dict[int, list[float]] = defaultdict(list)
    fused: list[Finding] = []
    for person in sorted(by_person):
        members = by_person[person]
        if person == SCENE and len(by_person) > 1:
            # What a whole recording lacks (speech, legs) is told by its own row; it is nobody's segment.
            members = [i for i in members if findings[i].row.status != "missing"]
        windows = [i for i in members if findings[i].row.modality == "face"]
        others = [i for i in members if findings[i].row.modality != "face"]
        covered: set[int] = set()
        for w in windows:
            here = [i for i in others if _covers(findings[i].row, findings[w].row)]
            covered.update(here)
            fused.append(_pool(clip, [w, *here], findings, shares, usual, fuser))
        for together in _alike([i for i in others if i not in covered], findings):
            fused.append(_pool(clip, together, findings, shares, usual, fuser))
    weighted = [
        replace(f, row=replace(f.row, weight=float(np.mean(shares[i])))) if i in shares else f for i, f in enumerate(findings)
    ]
    return weighted, sorted(fused, key=lambda f: (f.row.start, f.row.person))


def _covers(long: Row, window: Row) -> bool:
    shared = min(long.end, window.end) - max(long.start, window.start)
    return shared >= 0.25 * (window.end - window.start) and shared > 0


def _alike(members: list[int], findings: list[Finding]) -> list[list[int]]:
    """Segments without a face: each utterance with the turns of voice, stretches of gait and postures that it shares at
    least half of the shorter one's time with; what is left over gathers likewise."""
    groups: list[list[int]] = []
    for i in sorted(members, key=lambda i: findings[i].row.modality != "words"):
        row = findings[i].row
        fitting = [g for g in groups if findings[g[0]].row.modality != row.modality]
        best = max(fitting, key=lambda g: _shared(row, findings[g[0]].row), default=None)
        first = findings[best[0]].row if best else row
        if best and _shared(row, first) >= 0.5 * min(row.end - row.start, first.end - first.start) > 0:
            best.append(i)
        else:
            groups.append([i])
    return groups


def _shared(a: Row, b: Row) -> float:
    return max(0.0, min(a.end, b.end) - max(a.start, b.start))


def _pool(
    clip: Clip, members: list[int], findings: list[Finding], shares: dict[int, list[float]], usual: Opinion | None,
    fuser: Fuser,
) -> Finding:  # fmt: skip
    first = findings[members[0]].row
    speaking = [i for i in members if findings[i].row.status == "ok"]
    if not speaking:
        rows = [findings[i].row for i in members]
        status = "abstained" if any(r.status == "abstained" for r in rows) else rows[0].status
        reason = "; ".join(dict.fromkeys(f"{r.modality}: {r.reason}" for r in rows))
        return Finding(Row(clip.file, first.start, first.end, first.person, "fused", status, reason))
    opinions: list[Opinion] = []
    kept: list[int] = []
    for i in speaking:
        row = findings[i].row
        assert row.probabilities is not None
        if any(o.modality == row.modality for o in opinions):
            continue  # two utterances in one window: the first, longer-known one speaks
        known = row.scheme.labels
        p = widen(np.array(row.probabilities), known, EKMAN7.labels)
        open_to = row.conformal + tuple(v for v in EKMAN7.labels if v not in known)
        quality = float(np.clip(row.quality, 0, 1)) if np.isfinite(row.quality) else 1.0
        opinions.append(Opinion(row.modality, p, findings[i].weight, open_to, findings[i].deep, quality))
        kept.append(i)
    if usual is not None:
        opinions.append(usual)
    result = fuser.fuse(opinions)
    for i, opinion in zip(kept, opinions, strict=False):
        shares[i].append(result.weights[opinion.modality])
    sets = [set(o.conformal) for o in opinions]
    inside = set.union(*sets) if result.conflict else set.intersection(*sets) or set.union(*sets)
    order = np.argsort(-result.probabilities, kind="stable")
    row = Row(
        clip.file, first.start, first.end, first.person, "fused",
        probabilities=tuple(float(v) for v in result.probabilities),
        conformal=tuple(EKMAN7.labels[i] for i in order if EKMAN7.labels[i] in inside),
        quality=float(np.mean([findings[i].row.quality for i in kept])),
        weight=1.0,
        conflict=result.conflict,
        text=next((findings[i].row.text for i in kept if findings[i].row.text), ""),
    )  # fmt: skip
    evidence: list[Evidence] = []
    if clip.explaining and len(opinions) > 1:
        prior = np.full(len(EKMAN7.labels), 1 / len(EKMAN7.labels))
        values = result.values or fuser.shapley(opinions, EKMAN7.labels.index(row.label), prior)
        for name, value in values.items():
            evidence.append(
                clip.evidence(row, "instance", f"share: {name}", value, "log-odds", "exact Shapley value over modalities",
                              settings={"weight": round(result.weights[name], 4), "prior": "uniform", "fusion": result.how})
            )  # fmt: skip
        evidence += _what_if(clip, row, opinions, fuser)
        if result.conflict:
            says = {o.modality: EKMAN7.labels[int(o.probabilities.argmax())] for o in opinions}
            evidence.append(
                clip.evidence(row, "instance", "conflict", result.divergence, "bit",
                              "weighted Jensen-Shannon divergence", settings={"says": says})
            )  # fmt: skip
    detail: dict[str, Any] = {"opinions": {o.modality: EKMAN7.labels[int(o.probabilities.argmax())] for o in opinions}}
    detail |= {"weights": result.weights, "how": result.how}
    return Finding(row, tuple(evidence), 1.0, detail=detail)


def _what_if(clip: Clip, row: Row, opinions: list[Opinion], fuser: Fuser) -> list[Evidence]:
    """The opinion whose absence would change the probability of the answer most."""
    target = EKMAN7.labels.index(row.label)
    without = {o.modality: fuser.probabilities([p for p in opinions if p is not o]) for o in opinions}
    name = max(without, key=lambda m: abs(without[m][target] - row.confidence))
    p = without[name]
    answer = EKMAN7.labels[int(p.argmax())]
    return [
        clip.evidence(row, "instance", f"what if: {name}", float(p[target]) - row.confidence, "change of probability",
                      "fused without this modality", settings={"answer": answer, "probability": round(float(p.max()), 4),
                      "before": round(row.confidence, 4), "of_target": round(float(p[target]), 4)})
    ]  # fmt: skip


def summary_evidence(clip: Clip, rows: list[Row]) -> tuple[list[PersonSummary], list[Evidence]]:
    """Each person's summary over the recording, as evidence about a row that spans it."""
    summaries = summarise(rows)
    out = []
    for s in summaries:
        mine = [r for r in rows if r.person == s.person and r.modality == "fused"]
        whole = replace(
            next((r for r in mine if r.label == s.label), mine[0]), start=mine[0].start, end=max(r.end for r in mine)
        )
        if not s.readable:
            continue
        out.append(
            clip.evidence(whole, "situation", "share of time", s.share.value, "share of readable windows",
                          "count of windows", low=s.share.low, high=s.share.high, test="Wilson interval over windows, 95 %",
                          target=s.label, settings={"windows": s.windows, "readable": s.readable,
                          "mean_probability": round(s.mean_probability, 4),
                          "shares": {k: round(v, 4) for k, v in s.shares}})
        )  # fmt: skip
        if s.changes:
            out.append(
                clip.evidence(whole, "situation", "changes", s.changes, "changes of the most probable class",
                              "count", target=s.label)
            )  # fmt: skip
        if s.readable < s.windows:
            unread = [r for r in mine if r.status != "ok"]
            reason = max((r.reason for r in unread), key=[r.reason for r in unread].count)
            out.append(
                clip.evidence(whole, "situation", "not read", s.windows - s.readable, "windows", "count",
                              target="", settings={"windows": s.windows, "reason": reason})
            )  # fmt: skip
    return summaries, out
