"""The posture: one row a window and person, from the skeletons of a few of its frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from affectlens.core.errors import MediaError
from affectlens.core.schema import Evidence, Row
from affectlens.media.frames import Frame
from affectlens.modalities.base import Clip, Finding, register_modality
from affectlens.modalities.body import SKELETONS, VIDEO, BodyModality, Skeletons
from affectlens.perception.body.bvh import read_bvh
from affectlens.perception.body.follow import RATE, Track
from affectlens.perception.body.joints import JOINTS
from affectlens.perception.body.pose import Pose
from affectlens.perception.body.posture import upright
from affectlens.perception.body.walking import not_walking
from affectlens.perception.people.finder import Person

EVERY = 0.5  # seconds between the frames that are looked at where no feet are seen
SLOWEST = 4.0  # frames a second from which steps can be told
FEET = ("left ankle", "right ankle")
PARTS: dict[str, tuple[str, ...]] = {
    "head and neck": ("head", "neck"), "trunk": ("chest", "pelvis"),
    "left arm": ("left shoulder", "left elbow", "left wrist"), "right arm": ("right shoulder", "right elbow", "right wrist"),
    "legs": tuple(joint for joint in JOINTS if any(part in joint for part in ("hip", "knee", "ankle", "toe"))),
}  # fmt: skip


@register_modality
class PostureModality(BodyModality):
    """Expressed emotion from how somebody holds themselves."""

    name = "posture"
    relevance_kind = "posture relevance"
    groups_are = "parts of the body"

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        self._seen: dict[int, Track] = {}
        self._next = 0.0

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        """See one sampled frame."""
        if frame.time < self._next - 1e-9 or not people:
            return
        self._next = frame.time + EVERY
        for person in people:
            self._seen.setdefault(person.id, Track())
        for pose in self.find(frame.image):
            owner = _owner(pose, people)
            if owner is None or upright(pose.joints()) is None:
                continue
            self._seen[owner.id].times.append(frame.time)
            self._seen[owner.id].poses.append(pose)
            if np.isfinite(pose.joints()[[JOINTS.index(foot) for foot in FEET]]).all():
                self._next = frame.time  # who may be walking is looked at in every frame

    def window(self, clip: Clip, start: float, end: float) -> list[Finding]:
        """The findings of the window that just ended."""
        seen, self._seen = self._seen, {}
        out = []
        for person, track in sorted(seen.items()):
            if not track.poses:
                reason = "no body is seen with this face, or too little of it"
                out.append(self.unread(clip, start, end, person, reason))
            elif why := _no_walk(track, clip.options.rate):
                out.append(self.unread(clip, start, end, person, self.no_walk(why)))
            else:
                bodies = [(upright(pose.joints()), pose.whole) for pose in track.poses]
                skeletons = [(body.astype(np.float32), whole) for body, whole in bodies if body is not None]
                out.append(self._finding(clip, start, end, person, skeletons, VIDEO))
        return out

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """The findings of the whole recording."""
        if clip.info.kind == "motion":
            return self._recorded(clip), []
        if findings:
            return [], []
        unseen = "nobody's face is seen, and bodies without one are left out"
        reason = unseen if clip.info.video_tracks else "the recording has no picture"
        return [self.nothing(clip, reason)], []

    def _recorded(self, clip: Clip) -> list[Finding]:
        motion = read_bvh(clip.path)
        length = len(motion) / motion.rate
        out: list[Finding] = []
        for start in np.arange(0, length, 2.0):
            end = min(start + 2.0, length)
            if end - start < 0.5 and out:
                break
            at = np.arange(start, end, EVERY) * motion.rate
            bodies = [upright(motion.points[int(frame)]) for frame in at if int(frame) < len(motion)]
            skeletons = [
                (body.astype(np.float32), float(np.isfinite(body).all(1).mean())) for body in bodies if body is not None
            ]
            if not skeletons:
                raise MediaError(f"{clip.path}: neither trunk nor shoulders are in it, so there is no posture")
            why = not_walking(motion.part(int(start * motion.rate), int(end * motion.rate) + 1))
            if why:
                out.append(self.unread(clip, float(start), float(end), 0, self.no_walk(why)))
                continue
            out.append(self._finding(clip, float(start), float(end), 0, skeletons, 1.0))
        return out

    def _finding(
        self, clip: Clip, start: float, end: float, person: int, skeletons: list[tuple[np.ndarray, float]], trust: float
    ) -> Finding:
        joints = np.stack([body for body, _ in skeletons])
        quality = float(np.mean([share for _, share in skeletons])) * trust
        probabilities, deep = self.probabilities(joints).mean(axis=0), self.model.deep(joints).mean(axis=0)
        typical = float(np.median(self.model.typical(self.model.directions(joints))))
        finding = self.answer(clip, (start, end), person, probabilities, quality, deep, typical)
        if not clip.explaining or finding.row.status != "ok":
            return finding
        shares = self._shares(clip, finding.row, joints[len(joints) // 2])
        return replace(finding, evidence=tuple(shares), detail=Skeletons(joints[:SKELETONS]))

    def _shares(self, clip: Clip, row: Row, joints: np.ndarray) -> list[Evidence]:
        """Shapley values of parts of the body; a coalition without a part does not see it."""
        parts = {
            part: np.concatenate([np.arange(3) + 3 * JOINTS.index(joint) for joint in names]) for part, names in PARTS.items()
        }

        def predict(coordinates: np.ndarray) -> np.ndarray:
            return self.probabilities(coordinates.reshape(-1, len(JOINTS), 3))

        nothing = np.full((1, joints.size), np.nan)
        return self.relevance(clip, row, predict, joints.reshape(1, -1), nothing, parts)


def _no_walk(track: Track, rate: float) -> str:
    """Why somebody who was seen in some frames does not walk; empty where they do."""
    if rate < SLOWEST:
        return f"{rate:g} frames a second are looked at, and steps show from {SLOWEST:g} on"
    motion = track.motion(min(rate, RATE))
    return not_walking(motion, growth=track.growth(track.times[0], track.times[-1]))


def _owner(pose: Pose, people: list[Person]) -> Person | None:
    """The person in whose face this body's nose lies; the nearest one where boxes overlap."""
    nose = pose.points[0, :2]
    inside = []
    for person in people:
        left, top, wide, tall = person.face.box
        if left <= nose[0] <= left + wide and top <= nose[1] <= top + tall:
            inside.append((abs(nose[0] - left - wide / 2), person.id, person))
    return min(inside)[2] if inside else None
