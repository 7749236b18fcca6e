"""BVH files to joints: the hierarchy, the channels, forward kinematics, and names of several vendors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from affectlens.core.barrier import reads
from affectlens.core.errors import MediaError
from affectlens.core.limits import within
from affectlens.core.untrusted.documents import read_text
from affectlens.perception.body.joints import JOINTS, Motion

_LONGEST, _HEAD, _PIECE = 10_000_000, 2000, 1_000_000  # letters of a hierarchy, of what stands before the numbers, read at once
_AT_ONCE = 500_000  # joints times frames that are turned at once

# Names of joints as vendors write them, without punctuation and side.
_NAMES = {
    "pelvis": ("hips", "pelvis", "hip", "root"),
    "chest": ("chest", "spine2", "spine1", "upperchest", "thorax", "spine3", "spine"),
    "neck": ("neck", "neck1", "upperneck"),
    "head": ("head",),
    "shoulder": ("upperarm", "arm", "shoulder", "uparm"),
    "elbow": ("lowerarm", "forearm", "elbow", "lowarm"),
    "wrist": ("hand", "wrist"),
    "hip": ("upperleg", "upleg", "thigh", "hip", "femur"),
    "knee": ("lowerleg", "leg", "shin", "knee", "calf", "lowleg", "tibia"),
    "ankle": ("foot", "ankle"),
    "toe": ("toes", "toe", "toebase", "ball"),
}


@dataclass
class _Joint:
    name: str
    parent: int
    offset: np.ndarray
    channels: list[str] = field(default_factory=list)


@reads("a motion in BVH")
def read_bvh(path: Path) -> Motion:
    """Read a BVH file as a motion on the common skeleton, y up, in the file's unit (``cm`` by convention).

    Position channels of a joint replace its offset, as exporters write them. Joints are found by their names, in the
    spellings of the common vendors; those that are not there are missing.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Motion
        At the file's own rate.

    Raises
    ------
    MediaError
        Not a BVH file, fewer frames than it promises, no frame, or no joint with a known name.
    LimitError
        More frames, seconds or joints than are read of one file.
    """
    text = read_text(path, errors="replace")
    head, sign, tail = text.partition("MOTION")
    if not sign or "HIERARCHY" not in head:
        raise MediaError(f"{path}: no HIERARCHY and MOTION; not a BVH file")
    if len(head) > _LONGEST:
        raise MediaError(f"{path}: a hierarchy of {len(head):,} letters; no body has more than {_LONGEST:,}")
    joints = _hierarchy(head, path)
    at = _known([joint.name for joint in joints])
    if len(at) < 4:
        raise MediaError(f"{path}: joints {[joint.name for joint in joints][:8]}; no spelling of theirs is known here")
    seconds, values = _motion(tail, sum(len(joint.channels) for joint in joints), path)
    within("bytes", len(values) * len(joints) * 8, path)
    points = np.full((len(values), len(JOINTS), 3), np.nan)
    rows = [JOINTS.index(name) for name in at]
    step = max(1, _AT_ONCE // len(joints))
    for start in range(0, len(values), step):
        where = _positions(joints, values[start : start + step])
        points[start : start + step, rows] = where[:, list(at.values())]
    return Motion(points, 1 / seconds, "cm", str(path))


def _hierarchy(text: str, path: Path) -> list[_Joint]:
    joints: list[_Joint] = []
    stack: list[int] = []
    end = False
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] in ("ROOT", "JOINT"):
            joints.append(_Joint(" ".join(words[1:]), stack[-1] if stack else -1, np.zeros(3)))
        elif words[0] == "End":
            end = True
        elif words[0] == "{":
            stack.append(stack[-1] if end else len(joints) - 1)
        elif words[0] == "}":
            end = False
            stack.pop()
        elif words[0] == "OFFSET" and not end:
            joints[-1].offset = np.array([float(word) for word in words[1:4]])
        elif words[0] == "CHANNELS":
            joints[-1].channels = words[2 : 2 + int(words[1])]
    if not joints:
        raise MediaError(f"{path}: a hierarchy without joints")
    if any(joint.offset.shape != (3,) for joint in joints):
        raise MediaError(f"{path}: an offset that is not of three numbers")
    return joints


def _motion(text: str, width: int, path: Path) -> tuple[float, np.ndarray]:
    """Seconds a frame, and the values ``(frames, width)``."""
    head = text[:_HEAD]  # two short lines; a search through the numbers could take for ever
    count = re.search(r"Frames:\s*(\d+)", head)
    step = re.search(r"Frame Time:\s*([\d.eE+-]+)[^\n]*\n", head)
    if not count or not step or not 0 < float(step[1]) < np.inf:
        raise MediaError(f"{path}: no number of frames or no frame time")
    promised, seconds = int(count[1]), float(step[1])
    within("frames", promised, path)
    within("seconds", promised * seconds, path)
    values = _numbers(text[step.end() :])
    frames = len(values) // width if width else 0
    if frames < 1 or len(values) % width or frames < promised:
        raise MediaError(f"{path}: {len(values)} values for {promised} frames with channels of {width}; the file is cut short")
    within("frames", frames, path)
    within("seconds", frames * seconds, path)
    return seconds, values.reshape(frames, width)


def _numbers(text: str) -> np.ndarray:
    """The numbers in a text, without a list of all their words."""
    parts, start = [], 0
    while start < len(text):
        end = start + _PIECE
        while end < len(text) and not text[end].isspace():
            end += 1
        parts.append(np.array(text[start:end].split(), dtype=np.float64))
        start = end
    return np.concatenate(parts) if parts else np.zeros(0)


def _positions(joints: list[_Joint], values: np.ndarray) -> np.ndarray:
    """Global positions ``(frames, joints, 3)``."""
    count = len(values)
    where = np.zeros((count, len(joints), 3))
    turned = np.zeros((count, len(joints), 3, 3))
    at = 0
    for number, joint in enumerate(joints):
        local = np.broadcast_to(joint.offset, (count, 3)).copy()
        rotation = np.broadcast_to(np.eye(3), (count, 3, 3))
        for channel in joint.channels:
            axis = "XYZ".index(channel[0].upper())
            if channel.lower().endswith("position"):
                local[:, axis] = values[:, at]
            else:
                rotation = rotation @ _turn(axis, np.radians(values[:, at]))
            at += 1
        if joint.parent < 0:
            where[:, number], turned[:, number] = local, rotation
        else:
            before = turned[:, joint.parent]
            where[:, number] = where[:, joint.parent] + np.einsum("nij,nj->ni", before, local)
            turned[:, number] = before @ rotation
    return where


def _turn(axis: int, angle: np.ndarray) -> np.ndarray:
    """Rotation matrices ``(n, 3, 3)`` about one axis."""
    cosine, sine = np.cos(angle), np.sin(angle)
    out = np.zeros((len(angle), 3, 3))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    out[:, axis, axis] = 1
    out[:, first, first] = out[:, second, second] = cosine
    out[:, first, second], out[:, second, first] = -sine, sine
    return out


def _known(names: list[str]) -> dict[str, int]:
    """The common skeleton's joints among a file's names."""
    plain = []
    for column in names:
        text = re.sub(r"^(mixamorig|joint|bip01|character1)[:_ ]?", "", column, flags=re.IGNORECASE)
        side = ""
        low = text.lower()
        if re.search(r"(^|[_. ])l($|[_. ])|^left|left$", low) or re.match(r"^l[A-Z]", text):
            side = "left"
        elif re.search(r"(^|[_. ])r($|[_. ])|^right|right$", low) or re.match(r"^r[A-Z]", text):
            side = "right"
        bare = re.sub(r"left|right", "", low)
        bare = re.sub(r"(^|[_. ])[lr]($|[_. ])", "", bare)
        if side and re.match(r"^[lr][A-Z]", text):
            bare = low[1:]
        plain.append((side, re.sub(r"[^a-z0-9]", "", bare)))
    out: dict[str, int] = {}
    for name in JOINTS:
        side, _, part = name.rpartition(" ")
        for spelling in _NAMES[part]:
            if (side, spelling) in plain:
                out[name] = plain.index((side, spelling))
                break
    # A file whose clavicle is called shoulder has its upper arm under another name; one without has the shoulder alone.
    return out
