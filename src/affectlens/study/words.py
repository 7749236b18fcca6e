"""Sentences about a study: what was found, and how it was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from affectlens.study.layout import Study

if TYPE_CHECKING:
    from affectlens.study.result import StudyResult

LEVEL = 0.05


def _p(value: float) -> str:
    return "p < .001" if value < 0.001 else f"p = {value:.3f}".replace("0.", ".", 1)


def findings(result: StudyResult) -> list[str]:
    """One sentence a finding; what was not found is said too.

    Returns
    -------
    list of str
        For the page and the terminal.
    """
    out = []
    tests = result.tests
    if len(tests):
        found = tests[tests.p_holm <= LEVEL]
        for row in found.itertuples():
            out.append(
                f"{row.measure}, {row.family}, {row.comparison}: {row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f}), "
                "effect "
                f"{row.effect:+.2f} ({row.effect_low:+.2f} to {row.effect_high:+.2f}), {_p(row.p_holm)} after Holm, "
                f"{row.people} people."
            )
        if len(found) < len(tests):
            out.append(
                f"{len(tests) - len(found)} of {len(tests)} differences of means were not found at .05 after Holm's correction."
            )
    for row in result.clusters[result.clusters.p_value <= LEVEL].itertuples() if len(result.clusters) else ():
        out.append(
            f"{row.measure}, {row.family}, {row.comparison}: a cluster from {row.start:g} to {row.end:g} s around the event, "
            f"{_p(row.p_value)} over all moments and measures."
        )
    agreed = result.agreement
    for row in agreed.itertuples() if len(agreed) else ():
        if row.value != row.value:
            out.append(f"{row.what}: no agreement to be measured, in {row.moments} moments that both labelled.")
            continue
        interval = f" ({row.low:.2f} to {row.high:.2f})" if row.low == row.low else ""
        out.append(
            f"{row.what}: {row.measure} {row.value:.2f}{interval}, {row.moments} moments of {row.recordings} recordings."
        )
    return out or ["Nothing was compared; the time courses are described alone."]


def methods(study: Study, result_counts: dict[str, int], tests: pd.DataFrame) -> str:
    """A paragraph for the methods section of a paper.

    Parameters
    ----------
    study : Study
        Its file.
    result_counts : dict
        Numbers of participants and events that were used.
    tests : DataFrame
        The tests that were made.

    Returns
    -------
    str
        Plain sentences.
    """
    from affectlens.core.environment.versions import package_version

    analysis = study.analysis
    event = f"the marker “{analysis.event}”" if analysis.event else "the start of the stimulus"
    words = [
        f"Expressed emotion was measured with affectlens {package_version()} ({study.modality}; measures: "
        f"{', '.join(analysis.measures)}) or "
        "read from tables of earlier measurements.",
        f"Values were averaged in bins of {analysis.bin:g} s from {analysis.window[0]:g} to {analysis.window[1]:g} s around "
        f"{event}, each "
        "segment weighted by the time that it shares with a bin; segments without an answer were left out, never filled.",
        "Sources of one event were averaged first, then the events of a participant in a condition, so that every participant "
        "counts "
        f"once a condition ({result_counts.get('participants', 0)} participants, {result_counts.get('events used', 0)} "
        "events).",
    ]
    if analysis.baseline == "person":
        words.append("Each participant's mean during their own baseline recording was subtracted.")
    elif analysis.baseline != "none":
        words.append(f"The mean from {analysis.baseline[0]:g} to {analysis.baseline[1]:g} s around each event was subtracted.")
    words.append("Intervals are 95 % intervals of Student's t over participants.")
    if len(tests):
        low, high = analysis.tested
        words.append(
            f"Means from {low:g} to {high:g} s were compared by exact or drawn sign flips of participants (within) or by "
            "dealing participants "
            "anew (between), two-sided, with Holm's correction in each family; effects are standardised differences corrected "
            "for small "
            "samples with exact intervals."
        )
        words.append(
            "Time courses were compared by cluster-based permutation tests over all moments and measures together (threshold: "
            "two-sided .05 "
            f"of t; statistic: summed t; {analysis.draws} arrangements; seed {analysis.seed}); the null is that the "
            "differences are symmetric "
            "about zero (within) or that both groups have one distribution (between). Such a test says that there is a "
            "difference, not "
            "exactly when it begins."
        )
        words.append(
            "Mixed models have a random intercept for each participant, are fitted to participants' means by restricted "
            "maximum likelihood "
            "(statsmodels), and take Student's t with degrees of freedom of participants in place of Wald's z."
        )
    return " ".join(words)
