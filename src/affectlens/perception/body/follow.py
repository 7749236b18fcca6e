"""Bodies of a video followed from frame to frame, as motions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from affectlens.media.frames import Frame
from affectlens.perception.body.joints import JOINTS, Motion
from affectlens.perception.body.pose import Pose
from affectlens.perception.people.finder import Sighting

RATE = 15.0  # frames a second from which a stride can be told
_REACH = 0.75  # torso lengths that a body moves between frames at most, and a cut starts anew
_PATIENCE = 0.4  # seconds that a body may be hidden
_TORSO = (11, 12, 23, 24)
_PELVIS = JOINTS.index("pelvis")


@dataclass
class Track:
    """One body over time: ``times``, its ``poses``, and the face-tracked person it most often carries (-1: none)."""

    times: list[float] = field(default_factory=list)
    poses: list[Pose] = field(default_factory=list)
    votes: dict[int, int] = field(default_factory=dict)

    @property
    def person(self) -> int:
        """The person whose face sits on this body in most frames, at least three; -1 for none."""
        best = max(self.votes, key=lambda person: self.votes[person], default=-1)
        return best if best >= 0 and self.votes[best] >= 3 else -1

    def growth(self, start: float, end: float) -> float:
        """How much larger the body is at the end of a stretch (seconds) than at its start: the logarithm of the ratio."""
        sizes = [_metres_a_pixel(pose) for time, pose in zip(self.times, self.poses, strict=True) if start <= time <= end]
        known = np.array(sizes)[np.isfinite(sizes)]
        part = max(1, len(known) // 4)
        return float(np.log(np.median(known[:part]) / np.median(known[-part:]))) if len(known) > 1 else 0.0

    def motion(self, rate: float = RATE, source: str = "") -> Motion:
        """The body's joints on a regular grid; frames in which it was hidden are missing.

        The networks give joints about the hips; the way of the hips is followed in the picture, in metres by the torso's size.
        Depth is the network's guess, and the way towards the camera is not known.

        Parameters
        ----------
        rate : float
            Frames a second.
        source : str
            What the motion is called.

        Returns
        -------
        Motion
            In metres.
        """
        count = round((self.times[-1] - self.times[0]) * rate) + 1
        out = np.full((count, len(JOINTS), 3), np.nan)
        scale = np.nanmedian([_metres_a_pixel(pose) for pose in self.poses])
        start = next(
            (pose.place()[_PELVIS] for pose in self.poses if np.isfinite(pose.place()[_PELVIS]).all()), np.full(3, np.nan)
        )
        for time, pose in zip(self.times, self.poses, strict=True):
            joints = pose.joints()
            way = (pose.place()[_PELVIS] - start) * scale
            way[2] = 0.0
            out[round((time - self.times[0]) * rate)] = joints + np.nan_to_num(way)
        return Motion(out, rate, "m", source)


def _metres_a_pixel(pose: Pose) -> float:
    at = list(_TORSO)
    pixels = np.linalg.norm(pose.points[at[:2], :2].mean(0) - pose.points[at[2:], :2].mean(0))
    metres = np.linalg.norm(pose.world[at[:2]].mean(0) - pose.world[at[2:]].mean(0))
    return float(metres / pixels) if pixels > 0 else float("nan")


def has_legs(pose: Pose) -> bool:
    """Whether one leg is seen whole."""
    joints = pose.joints()
    return any(
        np.isfinite(joints[[JOINTS.index(f"{side} {joint}") for joint in ("hip", "knee", "ankle")]]).all()
        for side in ("left", "right")
    )


def follow(
    pictures: Iterable[Frame],
    find: Callable[[np.ndarray], list[Pose]],
    sightings: list[Sighting],
    progress: Callable[[float], None] | None = None,
) -> list[Track]:
    """Tracks of all bodies: each goes on with the nearest one of the next frame, within reach of its torso's size.

    Parameters
    ----------
    pictures : iterable of Frame
        In order of time.
    find : callable
        Takes an RGB picture and gives the bodies in it.
    sightings : list of Sighting
        Where which person's face was seen; a track gets the person whose face it has most often.
    progress : callable, optional
        Takes the time of the frame that was looked at, in seconds.

    Returns
    -------
    list of Track
        In order of their start.
    """
    going: list[Track] = []
    done: list[Track] = []
    faces: dict[int, list[Sighting]] = {}
    for sighting in sightings:
        faces.setdefault(round(sighting.time * 5), []).append(sighting)
    for frame in pictures:
        bodies = find(frame.image)
        done += [track for track in going if frame.time - track.times[-1] > _PATIENCE]
        going = [track for track in going if frame.time - track.times[-1] <= _PATIENCE]
        free = set(range(len(bodies)))
        if bodies and going:
            cost = np.array([[_distance(track.poses[-1], body) for body in bodies] for track in going])
            for row, column in zip(*linear_sum_assignment(cost), strict=True):
                if cost[row, column] <= _REACH:
                    going[row].times.append(frame.time)
                    going[row].poses.append(bodies[column])
                    free.discard(int(column))
        going += [Track([frame.time], [bodies[j]]) for j in sorted(free)]
        for track in going:
            if track.times[-1] == frame.time:
                _vote(track, faces.get(round(frame.time * 5), []), frame.image.shape)
        if progress:
            progress(frame.time)
    return sorted([*done, *going], key=lambda track: (track.times[0], track.person))


def _distance(one: Pose, other: Pose) -> float:
    """Way of the torso's middle in torso lengths."""
    at = list(_TORSO)
    size = max(float(np.linalg.norm(one.points[at[:2], :2].mean(0) - one.points[at[2:], :2].mean(0))), 1.0)
    return float(np.linalg.norm(one.points[at, :2].mean(0) - other.points[at, :2].mean(0))) / size


def _vote(track: Track, near: list[Sighting], shape: tuple[int, ...]) -> None:
    nose = track.poses[-1].points[0, :2] / np.array([shape[1], shape[0]])
    for sighting in near:
        left, top, wide, tall = sighting.box
        if left <= nose[0] <= left + wide and top <= nose[1] <= top + tall:
            track.votes[sighting.person] = track.votes.get(sighting.person, 0) + 1
