"""Models loaded once, and the way of one recording through them: listen, watch, finish, fuse."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from affectlens.assets.store import digests_of
from affectlens.core.barrier import reading
from affectlens.core.disk.files import sha256_of, write_json
from affectlens.core.environment.extras import helpful
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import MediaError, UsageError
from affectlens.core.labels import EKMAN7
from affectlens.core.options import Options, torch_device, torch_threads
from affectlens.core.progress import Progress, silent
from affectlens.core.schema import Evidence
from affectlens.core.tables import TableWriter, evidence_frame
from affectlens.core.untrusted.documents import json_of
from affectlens.fusion.pool import Fuser
from affectlens.fusion.segments import fuse_findings, summary_evidence
from affectlens.fusion.usual import usual_evidence, usual_opinion, what_is_usual
from affectlens.media.frames import Frame, MediaInfo, Problems, frames, probe
from affectlens.media.inputs import kind_of
from affectlens.media.pictures.images import read_image
from affectlens.media.sound.audio import Sound
from affectlens.modalities.base import Clip, Finding, Modality, assets_of, build
from affectlens.modalities.words.spoken import SpokenWords
from affectlens.models.base import load_model
from affectlens.models.identity import sha256_of_model
from affectlens.models.speakers.shipped import SpeakerDiariser
from affectlens.models.speakers.spans import VoiceSpan
from affectlens.models.weights import weights_of, weights_path
from affectlens.perception.face.covering import Covers
from affectlens.perception.face.detector import FaceDetector
from affectlens.perception.face.landmarks import FaceLandmarker
from affectlens.perception.people.finder import PeopleFinder, Person, Sighting
from affectlens.pipeline.anonymous import anonymous_evidence, make_anonymous, without_words
from affectlens.pipeline.aside import Aside, StoppedAsideError
from affectlens.pipeline.seen import SeenFiles, write_transcript
from affectlens.report.bundle import Gallery, Report

METHOD = 3  # to be raised where the same recording, options and weights give another report
MOST_UNSEEN = 600  # windows without a frame in a row that are listed one by one


class Engine:
    """Models loaded once for many recordings.

    Parameters
    ----------
    options : Options, optional
        Settings of the run; the defaults where absent.

    Raises
    ------
    UsageError
        An unknown modality, a device that is not there, or a modality whose extra is not installed.
    """

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        torch_device(self.options.device)
        with helpful():
            self.modalities: list[Modality] = build(self.options)
        network = load_model("fusion") if self.options.fusion == "early" else None
        known = [(modality.name, model) for modality in self.modalities for model in modality.models]
        modules = None if network is None else tuple(name for name, model in known if network.knows(name, model))
        self.fuser = Fuser(EKMAN7.labels, network, modules)
        self._diariser: SpeakerDiariser | None = None
        self.covers = Covers(self.options.cover)
        self._finder_parts: tuple[FaceDetector, FaceLandmarker] | None = None

    def made_by(self) -> dict[str, Any]:
        """What a report depends on beside the recording and the options: versions, and the sha256 of all weights in use."""
        files = {
            f"{modality.name}: {model.name}": sha256_of_model(model)
            for modality in self.modalities
            for model in modality.models
        }
        files |= {f"{name}/{file}": digest for name in assets_of(self.options) for file, digest in digests_of(name).items()}
        # What is usual somewhere grows with every recording of a run, so it is no reason to make the earlier ones again.
        given = {name: value for name, value in self.options.to_dict().items() if isinstance(value, str)}
        files |= {f"--{name}": sha256_of(Path(value)) for name, value in given.items() if value and _is_input(name, value)}
        if any(modality.needs_audio for modality in self.modalities):
            files["speakers"] = sha256_of(weights_path("speakers"))
        if self.fuser.network is not None:
            files["fusion"] = sha256_of(weights_of(self.fuser.network))
        return {"affectlens": package_version(), "method": METHOD, "weights": dict(sorted(files.items()))}

    def run(
        self,
        path: Path,
        *,
        explaining: bool,
        scratch: Path | None = None,
        progress: Progress | None = None,
        called: str = "",
    ) -> tuple[Clip, list[Finding], Report]:
        """Everything about one recording.

        Parameters
        ----------
        path : Path
            The recording.
        explaining : bool
            Whether evidence is wanted; the rows are the same without.
        scratch : Path, optional
            Folder that receives ``evidence.parquet`` while it is computed, and what was heard, so that an interrupted run
            need not listen again.
        progress : callable, optional
            Takes the stage, seconds of the recording done, and seconds in all.
        called : str
            What rows call it, where its own name is not to be told.

        Returns
        -------
        tuple
            The recording as it was worked on, its rows in order of time, and what a report of it shows.

        Raises
        ------
        MediaError
            Nothing in the recording can be read.
        """
        began = time.perf_counter()
        progress = progress or silent
        clip = Clip(path, _probe(path), self.options, explaining, np.random.default_rng(self.options.seed), called=called)
        if clip.info.kind == "motion" and not {"gait", "posture"} & {modality.name for modality in self.modalities}:
            clip.problems.add(
                "recorded motion is read by gait and posture, which are off: beyond their corpus they are not known to be "
                "better than chance; --modalities gait,posture asks them all the same"
            )
        if self.covers and any(modality.name == "gait" for modality in self.modalities):
            clip.problems.add("what --cover blurs is blurred for everything but gait, which reads the picture by itself")
        if self.options.transcript:
            clip.problems.add("words were read from a transcript that was given (--transcript), not heard")
        report = Report(clip, Gallery())
        with torch_threads(1), _Sink(report, scratch, self.options) as sink:
            for modality in self.modalities:
                modality.begin(clip)
            findings: list[Finding] = []
            with self._listening(clip, scratch, progress, report.seconds), _timed(report.seconds, "watching"):
                for window in self._watch(clip, progress, report.seconds, sink):
                    findings.extend(sink.take(window))
            with _timed(report.seconds, "finishing"):
                report.findings = self._finish(clip, findings, sink)
            if self.options.anonymous:
                make_anonymous(report)
            if scratch is not None and not without_words(self.options):
                write_transcript(self.modalities, scratch)
        report.seconds["total"] = time.perf_counter() - began
        return clip, report.findings, report

    @contextmanager
    def _listening(self, clip: Clip, scratch: Path | None, progress: Progress, seconds: dict[str, float]) -> Iterator[None]:
        """Listen before what is inside, or meanwhile where there is a picture to watch and a thread to spare."""
        if not clip.info.audio_tracks:
            yield
            return
        if not (clip.info.video_tracks and self.options.threads > 1 and all(map(_hears_apart, self.modalities))):
            with _timed(seconds, "listening"):
                self._listen(clip, scratch, progress, clip.problems)
            yield
            return
        before, heard, told, stop = list(clip.problems.notes), Problems(), [0.0], threading.Event()

        def tell(stage: str, done: float, total: float) -> None:
            told[0] = done
            if stop.is_set():
                raise StoppedAsideError

        def work() -> None:
            with _timed(seconds, "listening"):
                self._listen(clip, scratch, tell, heard)

        aside = Aside(work)
        try:
            yield
        except Exception:
            aside.wait()  # what cannot be heard is told first, as where it is heard first
            raise
        except BaseException:  # told to stop: listening ends where it next takes a piece of sound
            stop.set()
            with suppress(Exception):
                aside.wait()
            raise
        aside.wait(lambda: progress("listening", told[0], clip.info.duration))
        seen = clip.problems.notes[len(before) :]
        clip.problems.notes[:] = before
        for note in (*heard.notes, *seen):
            clip.problems.add(note)

    def _listen(self, clip: Clip, scratch: Path | None, progress: Progress, problems: Problems) -> None:
        sound = Sound(clip.path, problems)
        sound.measured()  # what is to be told of the sound is told too where what was heard before is restored
        hearing = any(modality.needs_audio for modality in self.modalities)
        if hearing and not clip.info.video_tracks and len(sound.voices) == 1:
            progress("telling voices apart", 0.0, clip.info.duration)
            clip.voices = self._voices(sound, scratch)
        for modality in self.modalities:
            if not modality.needs_audio:
                continue
            memory = scratch / f"heard-{modality.name}.json" if scratch else None
            if self.options.transcript and isinstance(modality, SpokenWords):
                _read_transcript(modality, Path(self.options.transcript))
                continue
            if memory and _restored(modality, memory):
                continue
            with helpful():
                modality.listen(clip, sound, lambda seconds: progress("listening", seconds, clip.info.duration))
            state = modality.heard()
            if memory and state is not None:
                write_json(memory, state)

    def _voices(self, sound: Sound, scratch: Path | None) -> tuple[VoiceSpan, ...]:
        """Who speaks when, where neither a face nor a channel can tell."""
        memory = scratch / "voices.json" if scratch else None
        if memory and memory.exists():
            try:
                return tuple(VoiceSpan(**span) for span in json_of(memory))
            except Exception:  # what was half written is found out again
                memory.unlink()
        if self._diariser is None:
            self._diariser = SpeakerDiariser(self.options.voices)
        spans = tuple(self._diariser(sound))
        if memory:
            write_json(memory, [asdict(span) for span in spans])
        return spans

    def _watch(self, clip: Clip, progress: Progress, seconds: dict[str, float], sink: _Sink) -> Iterator[list[Finding]]:
        """What was found in each window of the picture, in order of time; a window without a frame is one too."""
        if not clip.info.video_tracks:
            return
        length, rate = self.options.window, self.options.rate
        finder = self._people_finder()
        still = clip.info.kind == "image"
        pictures = (
            iter([Frame(0.0, read_image(clip.path, note=clip.problems.add))])
            if still
            else frames(clip.path, rate, clip.problems)
        )
        index, last = -1, 0.0
        while True:
            with _timed(seconds, "decoding"):
                frame = next(pictures, None)
            here = None if frame is None else int((frame.time + 1e-9) / length)
            if index >= 0 and here != index:
                # The last window ends where the recording does.
                end = (index + 1) * length if frame is not None else min((index + 1) * length, last + 1 / rate)
                yield self._window(clip, index * length, 0.0 if still else end, seconds)
            if frame is None or here is None:
                return
            for start, end in _unseen(index + 1, here, length):
                yield self._window(clip, start, end, seconds)
            index, last = here, frame.time
            sink.saw(frame, self._see(clip, frame, finder, seconds))
            progress("watching", frame.time, clip.info.duration)

    def _window(self, clip: Clip, start: float, end: float, seconds: dict[str, float]) -> list[Finding]:
        with _timed(seconds, "models"):
            findings = [finding for modality in self.modalities for finding in modality.window(clip, start, end)]
        clip.end = end
        return findings

    def _see(self, clip: Clip, frame: Frame, finder: PeopleFinder, seconds: dict[str, float]) -> list[Person]:
        frame = self.covers.over_frame(frame)
        with _timed(seconds, "people"):
            people = finder(frame)
        frame = self.covers.over_faces(frame, people)
        height, width = frame.image.shape[:2]
        with _timed(seconds, "models"):
            for person in people:
                left, top, wide, tall = person.face.box
                box = (left / width, top / height, wide / width, tall / height)
                clip.sightings.append(Sighting(frame.time, person.id, box))
            for modality in self.modalities:
                modality.watch(clip, frame, people)
        return people

    def _finish(self, clip: Clip, findings: list[Finding], sink: _Sink) -> list[Finding]:
        """What is known only at the end: whole-recording rows, fused rows, summaries, and what is usual."""
        for modality in self.modalities:
            new, more = modality.finish(clip, [finding for finding in findings if finding.row.modality == modality.name])
            findings.extend(sink.take(new, more))
        if clip.problems.notes and not findings:
            raise MediaError(f"{clip.path}: nothing in it could be decoded ({'; '.join(clip.problems.notes)})")
        usual = what_is_usual(clip)
        findings, fused = fuse_findings(clip, findings, usual_opinion(clip, usual), self.fuser)
        sink.take(fused)
        rows = [finding.row for finding in fused]
        if clip.explaining:
            sink.report.summaries, more = summary_evidence(clip, rows)
            sink.take([], more)
        sink.take([], usual_evidence(clip, rows, usual))
        return sorted([*findings, *fused], key=lambda finding: (finding.row.start, finding.row.person, finding.row.modality))

    def _people_finder(self) -> PeopleFinder:
        from affectlens.assets.store import locate

        if self._finder_parts is None:
            self._finder_parts = (
                FaceDetector(locate("yunet")),
                FaceLandmarker(locate("face-landmarker"), self.options.threads),
            )
        return PeopleFinder(*self._finder_parts)


def _hears_apart(modality: Modality) -> bool:
    """Whether a modality may hear while others see."""
    return modality.hears_apart or not modality.needs_audio


def _is_input(name: str, value: str) -> bool:
    """Whether an option names a file or folder that is read."""
    return name in ("background", "places", "pairs", "transcript") and Path(value).exists()


class _Sink:
    """Takes findings as they come: evidence goes to disk and to the report, what stays in memory is small."""

    def __init__(self, report: Report, folder: Path | None, options: Options) -> None:
        self.report, self._options = report, options
        self._file = TableWriter(folder / "evidence.parquet") if folder else None
        self._seen = SeenFiles(folder) if folder else None

    def saw(self, frame: Frame, people: Sequence[Person]) -> None:
        """Write down who was where in a frame."""
        if self._seen:
            self._seen.saw(frame, people)

    def take(self, findings: list[Finding], more: Sequence[Evidence] = ()) -> list[Finding]:
        """Keep the evidence and give the findings back without what was written."""
        if self._options.anonymous:
            findings, more = anonymous_evidence(findings, more, self._options)
        if self._file:
            self._file.append(evidence_frame([*(row for finding in findings for row in finding.evidence), *more]))
        if self._seen:
            self._seen.took(findings)
        self.report.add(findings, more)
        return [finding.slim() if finding.pictures else finding for finding in findings]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in (self._file, self._seen):
            if file and kind is None:
                file.close()
            elif file:
                file.discard()


def _restored(modality: Modality, memory: Path) -> bool:
    """Whether a modality took what an earlier run heard; what cannot be used is heard again."""
    try:
        return modality.restore(json_of(memory))
    except Exception:  # whatever a library says of bytes that are not what it wrote
        return False


def _read_transcript(modality: Modality, file: Path) -> None:
    """Let a modality read what somebody wrote down instead of listening."""
    with reading(file, "a transcript of affectlens (transcript.json of a run)", UsageError):
        if not modality.restore(json_of(file)):
            raise ValueError("nothing that was said is in it")


def _unseen(first: int, here: int, length: float) -> Iterator[tuple[float, float]]:
    """Start and end in seconds of windows in which no frame is shown: each, or where there are very many one for all."""
    if here - first > MOST_UNSEEN:
        yield first * length, here * length
        return
    for index in range(first, here):
        yield index * length, (index + 1) * length


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - began


def _probe(path: Path) -> MediaInfo:
    if kind_of(path) == "motion":
        if not path.exists():
            raise MediaError(f"{path}: no such file")
        return MediaInfo(path, "motion", 0.0, 0, 0)
    return probe(path)
