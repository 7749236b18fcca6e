"""What a report is made of, gathered while a recording is worked on, in bounded memory."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from affectlens.assets.manifest import asset
from affectlens.assets.store import digests_of
from affectlens.context.summary import PersonSummary
from affectlens.core.disk.places import relative
from affectlens.core.schema import Evidence
from affectlens.core.tables import RUN_FORMAT, SCHEMA_VERSION
from affectlens.modalities.base import Clip, Finding, Modality
from affectlens.models.identity import sha256_of_model

PEOPLE = 8
VIEWS = 3
MOST_INSTANCES = 2000  # rows of evidence about single segments that the page may cite


class Gallery:
    """The clearest segments of each person, one a class, at most ``VIEWS`` each: the ones the report shows."""

    def __init__(self) -> None:
        self._best: dict[int, dict[str, Finding]] = {}

    def offer(self, finding: Finding) -> None:
        """Keep the finding when it is among the clearest of its person."""
        if not finding.pictures:
            return
        by_class = self._best.setdefault(finding.row.person, {})
        label = finding.row.label
        if label in by_class and by_class[label].rank >= finding.rank:
            return
        by_class[label] = finding
        while len(by_class) > VIEWS:
            del by_class[min(by_class, key=lambda name: by_class[name].rank)]

    def of(self, person: int) -> list[Finding]:
        """The kept segments of a person, in order of time."""
        return sorted(self._best.get(person, {}).values(), key=lambda finding: finding.row.start)


@dataclass
class Report:
    """Everything a report renders.

    ``evidence`` holds what the pages show: all of summaries, words and fusion, and of findings with pictures what belongs to
    the gallery or to tests; the rest is in evidence.parquet alone.
    """

    clip: Clip
    gallery: Gallery
    findings: list[Finding] = field(default_factory=list)
    summaries: list[PersonSummary] = field(default_factory=list)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, findings: Iterable[Finding], more: Iterable[Evidence]) -> None:
        """Take in findings and evidence as they come."""
        for finding in findings:
            self.gallery.offer(finding)
            for row in finding.evidence:
                if not finding.pictures or row.kind == "faithfulness":
                    self._keep(row)
        for row in more:
            self._keep(row)

    def _keep(self, evidence: Evidence) -> None:
        if evidence.level == "instance" and len(self.evidence) >= MOST_INSTANCES:
            return
        self.evidence[evidence.id] = evidence

    def shown(self) -> dict[str, Evidence]:
        """All evidence the page may cite, by id."""
        out = dict(self.evidence)
        for person in {finding.row.person for finding in self.findings}:
            for finding in self.gallery.of(person):
                out.update({row.id: row for row in finding.evidence})
        return dict(sorted(out.items()))


def provenance(report: Report, modalities: list[Modality], job: dict[str, Any]) -> dict[str, Any]:
    """Where the numbers come from: form of the files, versions, weights with hashes and licences, options, times, problems.

    Parameters
    ----------
    report : Report
        The recording with its times and problems.
    modalities : list of Modality
        Whose models and assets were in use.
    job : dict
        What decides whether two runs are the same, with the options.

    Returns
    -------
    dict
        JSON types, as ``provenance.json`` holds them.
    """
    models: list[dict[str, Any]] = []
    used: list[str] = []
    for modality in modalities:
        for model in modality.models:
            meta = {name: model.meta[name] for name in ("corpus", "licence", "recipe") if name in model.meta}
            models.append({"name": model.name, "sha256": sha256_of_model(model)} | meta)
        used.extend(modality.assets)
    licences = []
    for name in dict.fromkeys(used):
        item, digests = asset(name), digests_of(name)
        licences.append(
            {
                "name": item.title,
                "licence": item.licence,
                "home": item.home,
                "sha256": digests[item.files[0].name],
                "files": digests,
            }
        )
    versions = {"affectlens": metadata.version("affectlens"), "python": platform.python_version()}
    for package in ("torch", "numpy", "av", "opencv-python-headless", "ai-edge-litert", "faster-whisper"):
        versions[package] = metadata.version(package)
    info = report.clip.info
    return {
        "schema_version": SCHEMA_VERSION,
        "run_format": RUN_FORMAT,
        "file": report.clip.called or relative(report.clip.path),
        "sha256": job.get("sha256", ""),
        "kind": info.kind,
        "duration": info.duration,
        "size": [info.width, info.height],
        "made": time.strftime("%Y-%m-%d %H:%M:%S"),
        "versions": versions,
        "models": models,
        "third_party": licences,
        "job": job,
        "seconds": {stage: round(seconds, 3) for stage, seconds in report.seconds.items()},
        "problems": list(report.clip.problems.notes),
    }
