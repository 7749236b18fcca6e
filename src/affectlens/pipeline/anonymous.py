"""What is left out of a run that is not to tell who or what it was (``--anonymous``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from affectlens.core.options import Options
from affectlens.core.schema import Evidence
from affectlens.modalities.base import Finding
from affectlens.report.bundle import Gallery, Report

SAID = ("word", "speaker")  # kinds of evidence that repeat what was said


def without_words(options: Options) -> bool:
    """Whether what was said is left out."""
    return options.anonymous and not options.keep_words


def anonymous_evidence(
    findings: Sequence[Finding], more: Sequence[Evidence], options: Options
) -> tuple[list[Finding], list[Evidence]]:
    """Findings without pictures, and evidence without what was said unless that is kept.

    Parameters
    ----------
    findings : sequence of Finding
        Of some segments.
    more : sequence of Evidence
        About rows that were given before.
    options : Options
        Of the run.

    Returns
    -------
    tuple of list
        Both.
    """
    left = SAID if without_words(options) else ()
    kept = [
        replace(finding, pictures=(), evidence=tuple(row for row in finding.evidence if row.kind not in left))
        for finding in findings
    ]
    return kept, [row for row in more if row.kind not in left]


def make_anonymous(report: Report) -> None:
    """Take out of a report, at the end, what its pages would show: views of people and of the scene, names, and words."""
    clip = report.clip
    report.gallery, clip.scene = Gallery(), None
    if without_words(clip.options):
        report.findings = [
            replace(finding, row=replace(finding.row, text="")) if finding.row.text else finding for finding in report.findings
        ]
    for told in (str(clip.path), clip.path.name):
        clip.problems.notes = [note.replace(told, clip.file) for note in clip.problems.notes]
