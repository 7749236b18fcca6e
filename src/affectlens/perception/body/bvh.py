"""BVH files to joints: the hierarchy, the channels, forward kinematics, and names of several vendors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from affectlens.core.errors import MediaError
from affectlens.perception.body.joints import JOINTS, Motion

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
        Not a BVH file, frames cut short, no frame, or no joint with a known name.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MediaError(f"{path}: {error}") from error
    head, sign, tail = text.partition("MOTION")
    if not sign or "HIERARCHY" not in head:
        raise MediaError(f"{path}: no HIERARCHY and MOTION; not a BVH file")
    joints = _hierarchy(head, path)
    frames, seconds, values = _motion(tail, sum(len(j.channels) for j in joints), path)
    where = _positions(joints, values)
    at = _known([j.name for j in joints])
    if len(at) < 4:
        raise MediaError(f"{path}: joints {[j.name for j in joints][:8]}; no spelling of theirs is known here")
    points = np.full((frames, len(JOINTS), 3), np.nan)
    for name, i in at.items():
        points[:, JOINTS.index(name)] = where[:, i]
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
            joints[-1].offset = np.array([float(v) for v in words[1:4]])
        elif words[0] == "CHANNELS":
            joints[-1].channels = words[2 : 2 + int(words[1])]
    if not joints:
        raise MediaError(f"{path}: a hierarchy without joints")
    return joints


def _motion(text: str, width: int, path: Path) -> tuple[int, float, np.ndarray]:
    count = re.search(r"Frames:\s*(\d+)", text)
    step = re.search(r"Frame Time:\s*([\d.eE+-]+)[^\n]*\n", text)
    if not count or not step or not float(step[1]) > 0:
        raise MediaError(f"{path}: no number of frames or no frame time")
    values = np.array(text[step.end() :].split(), dtype=np.float64)
    frames = len(values) // width if width else 0
    if frames < 1 or len(values) % width:
        raise MediaError(f"{path}: {len(values)} values for channels of {width}; the file is cut short")
    return frames, float(step[1]), values.reshape(frames, width)


def _positions(joints: list[_Joint], values: np.ndarray) -> np.ndarray:
    """Global positions ``(frames, joints, 3)``."""
    n = len(values)
    where = np.zeros((n, len(joints), 3))
    turned = np.zeros((n, len(joints), 3, 3))
    at = 0
    for i, joint in enumerate(joints):
        local = np.broadcast_to(joint.offset, (n, 3)).copy()
        rotation = np.broadcast_to(np.eye(3), (n, 3, 3))
        for channel in joint.channels:
            axis = "XYZ".index(channel[0].upper())
            if channel.lower().endswith("position"):
                local[:, axis] = values[:, at]
            else:
                rotation = rotation @ _turn(axis, np.radians(values[:, at]))
            at += 1
        if joint.parent < 0:
            where[:, i], turned[:, i] = local, rotation
        else:
            before = turned[:, joint.parent]
            where[:, i] = where[:, joint.parent] + np.einsum("nij,nj->ni", before, local)
            turned[:, i] = before @ rotation
    return where


def _turn(axis: int, angle: np.ndarray) -> np.ndarray:
    """Rotation matrices ``(n, 3, 3)`` about one axis."""
    c, s = np.cos(angle), np.sin(angle)
    out = np.zeros((len(angle), 3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    out[:, axis, axis] = 1
    out[:, a, a], out[:, b, b], out[:, a, b], out[:, b, a] = c, c, -s, s
    return out


def _known(names: list[str]) -> dict[str, int]:
    """The common skeleton's joints among a file's names."""
    plain = []
    for n in names:
        text = re.sub(r"^(mixamorig|joint|bip01|character1)[:_ ]?", "", n, flags=re.IGNORECASE)
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
