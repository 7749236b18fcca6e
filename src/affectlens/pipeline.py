"""The main job: from files to the table, the evidence and the report. CLI and Python call this and print the same numbers."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import AffectlensError, MediaError, OutputError
from affectlens.core.labels import EKMAN7
from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.core.tables import TableWriter, check_version, evidence_frame, read_frame, rows_frame, write_frame
from affectlens.fusion.pool import Fuser
from affectlens.fusion.segments import fuse_findings, summary_evidence
from affectlens.fusion.usual import usual_evidence, usual_opinion, what_is_usual
from affectlens.media.audio import audio_blocks
from affectlens.media.frames import Frame, MediaInfo, frames, probe
from affectlens.media.images import read_image
from affectlens.media.inputs import find_inputs, kind_of
from affectlens.modalities.base import Clip, Finding, Modality, build
from affectlens.models.base import load_model
from affectlens.perception.people.finder import PeopleFinder, Sighting
from affectlens.report.bundle import Gallery, Report, provenance
from affectlens.report.write import write_report

DEFAULT_OUT = Path("affectlens-report")
MANIFEST = "provenance.json"
Progress = Callable[[str, float, float], None]  # what is being done, seconds done, seconds in all


@dataclass(frozen=True)
class Result:
    """One recording: its rows and evidence as frames, and the report folder where one was written."""

    file: str
    table: pd.DataFrame
    evidence: pd.DataFrame
    report: Path | None
    problems: tuple[str, ...]
    seconds: dict[str, float]


@dataclass
class Run:
    """Every recording of a call. ``failures`` maps a file to what was wrong with it; the others are done."""

    results: list[Result] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    resumed: list[str] = field(default_factory=list)
    out: Path | None = None

    @property
    def table(self) -> pd.DataFrame:
        """Rows of all recordings."""
        return pd.concat([r.table for r in self.results], ignore_index=True) if self.results else rows_frame([])

    @property
    def evidence(self) -> pd.DataFrame:
        """Evidence of all recordings."""
        frames_ = [r.evidence for r in self.results]
        return pd.concat(frames_, ignore_index=True) if frames_ else evidence_frame([])

    @property
    def exit_code(self) -> int:
        """0 when all is done, 1 when some inputs failed."""
        return 1 if self.failures else 0


class Engine:
    """Models loaded once for many recordings."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.modalities: list[Modality] = build(self.options)
        network = load_model("fusion") if self.options.fusion == "early" else None
        self.fuser = Fuser(EKMAN7.labels, network)
        self._finder_parts: tuple[Any, Any] | None = None

    def _people_finder(self) -> PeopleFinder:
        from affectlens.assets.store import locate
        from affectlens.perception.face.detector import FaceDetector
        from affectlens.perception.face.landmarks import FaceLandmarker

        if self._finder_parts is None:
            self._finder_parts = (
                FaceDetector(locate("yunet")),
                FaceLandmarker(locate("face-landmarker"), self.options.threads),
            )
        return PeopleFinder(*self._finder_parts)

    def run(
        self, path: Path, *, explaining: bool, scratch: Path | None = None, progress: Progress | None = None
    ) -> tuple[Clip, list[Finding], Report]:
        """Everything about one recording; ``scratch`` receives the table and evidence while they are computed."""
        began = time.perf_counter()
        info = _probe(path)
        clip = Clip(path, info, self.options, explaining, np.random.default_rng(self.options.seed))
        report = Report(clip, Gallery())
        evidence_out = TableWriter(scratch / "evidence.parquet") if scratch else None

        def keep(found: list[Finding], more: list[Evidence] = []) -> list[Finding]:  # noqa: B006
            evidence = [e for f in found for e in f.evidence] + more
            if evidence_out:
                evidence_out.append(evidence_frame(evidence))
            report.add(found, more)
            return [f.slim() if f.pictures else f for f in found]

        try:
            for modality in self.modalities:
                modality.begin(clip)
            if info.audio_tracks:
                self._listen(clip, scratch, progress)
            clock = time.perf_counter()
            report.seconds["listening"] = clock - began
            findings: list[Finding] = []
            for found in self._watch(clip, progress, report.seconds):
                findings.extend(keep(found))
            report.seconds["watching"] = time.perf_counter() - clock
            clock = time.perf_counter()
            for modality in self.modalities:
                new, more = modality.finish(clip, [f for f in findings if f.row.modality == modality.name])
                findings.extend(keep(new, more))
            if clip.problems.notes and not findings:
                raise MediaError(f"{path}: nothing in it could be decoded ({'; '.join(clip.problems.notes)})")
            usual = what_is_usual(clip)
            findings, fused = fuse_findings(clip, findings, usual_opinion(clip, usual), self.fuser)
            keep(fused)
            everything = sorted([*findings, *fused], key=lambda f: (f.row.start, f.row.person, f.row.modality))
            if explaining:
                report.summaries, more = summary_evidence(clip, [f.row for f in fused])
                keep([], more)
            keep([], usual_evidence(clip, [f.row for f in fused], usual))
            report.findings = everything
            report.seconds["finishing"] = time.perf_counter() - clock
            report.seconds["total"] = time.perf_counter() - began
            if evidence_out:
                evidence_out.close()
        except BaseException:
            if evidence_out:
                evidence_out.discard()
            raise
        if scratch:
            write_frame(rows_frame([f.row for f in everything]), scratch / "table.parquet")
        return clip, everything, report

    def _listen(self, clip: Clip, scratch: Path | None, progress: Progress | None) -> None:
        for modality in self.modalities:
            if not modality.needs_audio:
                continue
            memory = scratch / f"heard-{modality.name}.json" if scratch else None
            if memory and memory.exists() and modality.restore(json.loads(memory.read_text(encoding="utf-8"))):
                continue

            def told(seconds: float) -> None:
                if progress:
                    progress("listening", seconds, clip.info.duration)

            modality.listen(clip, audio_blocks(clip.path, problems=clip.problems), told)
            state = modality.heard()
            if memory and state is not None:
                memory.write_text(json.dumps(state), encoding="utf-8")

    def _watch(self, clip: Clip, progress: Progress | None, seconds: dict[str, float]) -> Iterator[list[Finding]]:
        if not clip.info.video_tracks:
            return
        length, rate = self.options.window, self.options.rate
        finder = self._people_finder()
        still = clip.info.kind == "image"
        pictures = iter([Frame(0.0, read_image(clip.path))]) if still else frames(clip.path, rate, clip.problems)
        index, last = -1, 0.0
        spent = {"decoding": 0.0, "people": 0.0, "models": 0.0}
        while True:
            clock = time.perf_counter()
            frame = next(pictures, None)
            spent["decoding"] += time.perf_counter() - clock
            here = -2 if frame is None else int((frame.time + 1e-9) / length)
            if index >= 0 and here != index:
                end = 0.0 if still else min((index + 1) * length, last + 1 / rate) if frame is None else (index + 1) * length
                clock = time.perf_counter()
                found = [f for m in self.modalities for f in m.window(clip, index * length, end)]
                spent["models"] += time.perf_counter() - clock
                clip.end = end
                yield found
            if frame is None:
                break
            index, last = here, frame.time
            clock = time.perf_counter()
            people = finder(frame)
            spent["people"] += time.perf_counter() - clock
            height, width = frame.image.shape[:2]
            clock = time.perf_counter()
            for p in people:
                left, top, wide, tall = p.face.box
                clip.sightings.append(Sighting(frame.time, p.id, (left / width, top / height, wide / width, tall / height)))
            for modality in self.modalities:
                modality.watch(clip, frame, people)
            spent["models"] += time.perf_counter() - clock
            if progress:
                progress("watching", frame.time, clip.info.duration)
        seconds.update(spent)


def _probe(path: Path) -> MediaInfo:
    if kind_of(path) == "image":
        image = read_image(path)
        if min(image.shape[:2]) < 2:
            raise MediaError(f"{path}: {image.shape[1]} x {image.shape[0]} pixels; nothing can be seen in it")
        return MediaInfo(path, "image", 0.0, image.shape[1], image.shape[0], video_tracks=1)
    if kind_of(path) == "motion":
        if not path.exists():
            raise MediaError(f"{path}: no such file")
        return MediaInfo(path, "motion", 0.0, 0, 0)
    return probe(path)


def folder_name(path: Path) -> str:
    """The report folder of an input: its name, with a few hex digits of its whole path so that two never share one."""
    digest = hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{path.stem or 'input'}-{digest}"


def recognize(
    inputs: str | Path | Iterable[str | Path],
    *,
    options: Options | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Run:
    """The table of expressed emotion of images, video, audio files, folders, globs or a table of paths, unexplained.

    ``settings`` are fields of ``Options``. A file that cannot be read is in ``Run.failures``; the others are done.
    """
    engine = engine or Engine(options or Options(**settings))
    run = Run()
    for path in find_inputs(_several(inputs)):
        try:
            _, findings, report = engine.run(path, explaining=False, progress=progress)
        except AffectlensError as error:
            run.failures[str(path)] = str(error)
            continue
        table = rows_frame([f.row for f in findings])
        run.results.append(
            Result(str(path), table, evidence_frame([]), None, tuple(report.clip.problems.notes), report.seconds)
        )
    return run


def explain(
    inputs: str | Path | Iterable[str | Path],
    out: str | Path = DEFAULT_OUT,
    *,
    options: Options | None = None,
    engine: Engine | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    on_result: Callable[[Result], None] | None = None,
    **settings: Any,
) -> Run:
    """Recognise and explain; writes one report folder an input below ``out`` and returns the same numbers.

    With ``resume`` inputs whose report is finished are read back instead of computed, and a transcript that an interrupted
    run left is used again. A folder takes its name only when its report is whole.
    """
    paths = find_inputs(_several(inputs))
    engine = engine or Engine(options or Options(**settings))
    out = Path(out)
    _writable(out)
    run = Run(out=out)
    for path in paths:
        target, scratch = out / folder_name(path), out / f".{folder_name(path)}.partial"
        if resume and (target / MANIFEST).exists() and _same_job(target, path, engine.options):
            try:
                run.results.append(_read_back(target, path))
                run.resumed.append(str(path))
            except OutputError as error:
                run.failures[str(path)] = str(error)
            continue
        try:
            scratch = _scratch(scratch, path, engine.options, resume)
            _, findings, report = engine.run(path, explaining=True, scratch=scratch, progress=progress)
            facts = provenance(report, engine.modalities, _job(path, engine.options))
            write_report(report, scratch, facts)
            for leftover in scratch.glob("heard-*.json"):
                leftover.unlink()
            (scratch / "job.json").unlink(missing_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            scratch.replace(target)
        except AffectlensError as error:
            run.failures[str(path)] = str(error)
            _tidy(scratch)
            continue
        except OSError as error:
            _tidy(scratch)
            run.failures[str(path)] = f"cannot write {target}: {error.strerror or error}; free some space or give another --out"
            continue
        table = rows_frame([f.row for f in findings])
        evidence = read_frame(target / "evidence.parquet")
        result = Result(str(path), table, evidence, target / "report.html", tuple(report.clip.problems.notes), report.seconds)
        run.results.append(result)
        if on_result:
            on_result(result)
    _write_overview(run, out)
    return run


def _several(inputs: str | Path | Iterable[str | Path]) -> list[str | Path]:
    return [inputs] if isinstance(inputs, str | Path) else list(inputs)


def _job(path: Path, options: Options) -> dict[str, Any]:
    """What decides whether two runs are the same: the file as it lies there, and every option."""
    stat = path.stat()
    given: dict[str, Any] = {"size": stat.st_size, "modified": stat.st_mtime_ns, "options": options.to_dict()}
    return dict(json.loads(json.dumps(given)))


def _same_job(target: Path, path: Path, options: Options) -> bool:
    try:
        return bool(json.loads((target / MANIFEST).read_text(encoding="utf-8"))["job"] == _job(path, options))
    except (OSError, ValueError, KeyError):
        return False


def _scratch(scratch: Path, path: Path, options: Options, resume: bool) -> Path:
    if not path.exists():
        raise MediaError(f"{path}: no such file")
    job = json.dumps(_job(path, options))
    note = scratch / "job.json"
    if not (resume and note.exists() and note.read_text(encoding="utf-8") == job):
        shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, exist_ok=True)
    note.write_text(job, encoding="utf-8")
    return scratch


def _tidy(scratch: Path) -> None:
    """Remove what a failed recording left, but for a transcript that the next run can use."""
    if not list(scratch.glob("heard-*.json")):
        shutil.rmtree(scratch, ignore_errors=True)


def _read_back(target: Path, path: Path) -> Result:
    facts = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
    check_version(facts.get("schema_version"), target)
    return Result(
        str(path),
        read_frame(target / "table.parquet"),
        read_frame(target / "evidence.parquet"),
        target / "report.html",
        tuple(facts["problems"]),
        facts["seconds"],
    )


def _writable(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe_file = out / ".affectlens-write-test"
        probe_file.write_bytes(b"")
        probe_file.unlink()
    except OSError as error:
        raise OutputError(f"cannot write to {out} ({error.strerror}); give a folder you may write with --out") from error


def _write_overview(run: Run, out: Path) -> None:
    """All rows in one table when there are several inputs, and the failures where there are any."""
    if len(run.results) > 1:
        write_frame(run.table, out / "table.parquet")
    failures = out / "failures.csv"
    if run.failures:
        write_frame(pd.DataFrame(run.failures.items(), columns=["file", "error"]), failures)
    else:
        failures.unlink(missing_ok=True)


__all__ = ["SCENE", "Engine", "Options", "Result", "Row", "Run", "explain", "folder_name", "recognize"]
