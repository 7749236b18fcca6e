"""The gait: one row every two seconds of walking, of people whose legs are seen, or of recorded motion (BVH)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from affectlens.core.errors import MediaError
from affectlens.core.schema import Evidence, Row
from affectlens.media.frames import Frame, frames
from affectlens.modalities.base import Clip, Finding, register_modality
from affectlens.modalities.body import SKELETONS, VIDEO, BodyModality, Skeletons
from affectlens.modalities.gait.evidence import GaitMeasurement
from affectlens.models.shipped.gait import FRAMES, window
from affectlens.perception.body.bvh import read_bvh
from affectlens.perception.body.follow import RATE, Track, follow, has_legs
from affectlens.perception.body.gait import FEATURES, NAMES
from affectlens.perception.body.gait import RATE as GRID
from affectlens.perception.body.joints import Motion, resampled
from affectlens.perception.body.walking import not_walking
from affectlens.perception.people.finder import Person

SLOWEST = 9.0  # frames a second
LOOKS = 12  # sampled frames in which legs are looked for before the whole recording is
KNOWN = 0.5  # share of joints that must be seen
CLEAR = 1.0  # deviations from which a measurement is worth a word
GROUPS: dict[str, tuple[str, ...]] = {
    "pace": ("speed", "forward speed", "stride rate", "rhythm", "stride length", "energy"),
    "legs": ("step width", "foot lift", "knee bend", "knee range", "bounce", "pelvis height", "symmetry"),
    "arms": ("arm swing", "arm swing asymmetry", "elbow bend", "elbow range", "arms away", "hand height", "hand distance",
             "hands before trunk", "openness", "hand speed", "hand acceleration"),
    "head": ("head down", "head range", "head height", "head speed"),
    "trunk": ("trunk lean", "trunk sway", "trunk twist", "slump", "shoulder lift"),
    "smoothness": ("jerk", "foot jerk", "head jerk"),
}  # fmt: skip


@register_modality
class GaitModality(BodyModality):
    """Expressed emotion from how somebody walks."""

    name = "gait"
    relevance_kind = "gait relevance"
    groups_are = "groups of measurements"

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        self._looked = self._legs = 0
        self._next = 0.0

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        """See one sampled frame."""
        # A few looks spread over the recording tell whether it is worth a second, denser pass.
        if frame.time < self._next or self._legs:
            return
        self._next = frame.time + max(1.0, clip.info.duration / LOOKS)
        self._looked += 1
        self._legs += any(has_legs(pose) for pose in self.find(frame.image))

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """The findings of the whole recording."""
        if clip.info.kind == "motion":
            motion = read_bvh(clip.path)
            clip.end = max(clip.end, len(motion) / motion.rate)
            return self._windows(clip, motion, 0.0, 0, 1.0), []
        if not clip.info.video_tracks:
            return [self.nothing(clip, "the recording has no picture")], []
        if clip.info.kind == "image":
            return [self.nothing(clip, "one picture shows no gait")], []
        if not self._legs:
            return [self.nothing(clip, "no leg is seen whole, so there is no gait to be seen")], []
        out: list[Finding] = []
        for track in follow(_fresh(frames(clip.path, RATE)), self.find, clip.sightings):
            pace = float(np.median(np.diff(track.times))) if len(track.times) > 1 else np.inf
            if track.times[-1] - track.times[0] >= 1.0 and pace > 1 / SLOWEST:
                reason = f"{1 / pace:.0f} frames a second; at least {SLOWEST:.0f} are needed to follow a stride"
                out.append(self.unread(clip, track.times[0], track.times[-1], track.person, reason))
            elif track.times[-1] - track.times[0] >= 1.0:
                out += self._windows(clip, track.motion(source=clip.file), track.times[0], track.person, VIDEO, track)
        return out or [self.nothing(clip, "nobody was seen with their legs for a second")], []

    def _windows(
        self, clip: Clip, motion: Motion, start: float, person: int, trust: float, track: Track | None = None
    ) -> list[Finding]:
        moving = resampled(motion, GRID)
        out = []
        for at in range(0, len(moving), FRAMES):
            part = moving.part(at, at + FRAMES)
            if len(part) < FRAMES // 2 and at:
                break
            begin, end = start + at / GRID, start + (at + len(part)) / GRID
            known = float(part.seen.mean())
            try:
                if known < KNOWN:
                    raise MediaError(f"{known:.0%} of the joints are seen; at least {KNOWN:.0%} are needed")
                joints, features = window(part)
                growth = 0.0 if track is None else track.growth(begin, end)
                if why := not_walking(part, growth=growth):
                    raise MediaError(self.no_walk(why))
            except MediaError as error:
                out.append(self.unread(clip, begin, end, person, str(error)))
                continue
            out.append(self._finding(clip, (begin, end), person, joints, features, known * trust))
        return out

    def _finding(
        self, clip: Clip, times: tuple[float, float], person: int, joints: np.ndarray, features: np.ndarray, quality: float
    ) -> Finding:
        one = (joints[None], features[None])
        deep = self.model.deep(one)
        typical = float(self.model.typical(deep)[0])
        finding = self.answer(clip, times, person, self.probabilities(one)[0], quality, deep[0], typical)
        if not clip.explaining or finding.row.status != "ok":
            return finding
        unusual = self._unusual(clip, finding.row, features)
        shares = self._shares(clip, finding.row, joints, features)
        shown = joints[:: max(1, FRAMES // SKELETONS)][:SKELETONS]
        return replace(finding, evidence=(*unusual, *shares), detail=Skeletons(shown))

    def _unusual(self, clip: Clip, row: Row, features: np.ndarray, most: int = 4) -> list[Evidence]:
        """What is farthest from the training corpus."""
        size = (features - self.model.mean) / self.model.deviation
        order = [
            column
            for column in np.argsort(-np.abs(np.nan_to_num(size)))
            if np.isfinite(size[column]) and abs(size[column]) >= CLEAR
        ]
        out = []
        for column in order[:most]:
            feature = FEATURES[column]
            deviations, baseline = round(float(size[column]), 3), round(float(self.model.mean[column]), 4)
            out.append(
                clip.evidence(
                    row,
                    "gait",
                    float(features[column]),
                    subject=feature.name,
                    unit=feature.unit,
                    method="measured on the skeleton",
                    detail=GaitMeasurement(deviations, baseline, feature.meaning, round(row.confidence, 4)),
                )
            )
        return out

    def _shares(self, clip: Clip, row: Row, joints: np.ndarray, features: np.ndarray) -> list[Evidence]:
        """Shapley values of the sequence and of groups of measurements.

        A coalition without a group lacks it; it is not zero.

        Returns
        -------
        list of Evidence
            One a group.
        """
        groups = {"joints": np.array([0])}
        groups |= {name: np.array([1 + NAMES.index(member) for member in members]) for name, members in GROUPS.items()}

        def predict(columns: np.ndarray) -> np.ndarray:
            # The first column tells whether the sequence is there.
            sequences = np.where(columns[:, 0, None, None, None] > 0, joints[None], np.nan)
            return self.probabilities((sequences.astype(np.float32), columns[:, 1:].astype(np.float32)))

        present = np.concatenate([[1.0], features])[None]
        empty = np.concatenate([[0.0], np.full(len(features), np.nan)])[None]
        return self.relevance(clip, row, predict, present, empty, groups)


def _fresh(pictures: Iterable[Frame]) -> Iterator[Frame]:
    """Without the repeats that fill a slow recording up to the sampled rate: they would look like a body that stands still."""
    last: np.ndarray | None = None
    for frame in pictures:
        if last is None or not (frame.image is last or np.array_equal(frame.image[::7, ::7], last[::7, ::7])):
            yield frame
        last = frame.image
