"""A video of a walking figure, rendered from a BVH file: the sample for gait, since no clip of a walking person is at hand.

    python scripts/render_walk.py [walk.bvh] rendered-walk.mp4

Without a file a walk made by formulas is written as BVH first and rendered from there. The picture says that it is rendered.
"""

from __future__ import annotations

import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from affectlens.media.container import open_file
from affectlens.perception.body.bvh import read_bvh
from affectlens.perception.body.joints import JOINTS, Motion, resampled

SIZE, RATE = (854, 480), 30
LEFT, RIGHT, SHIRT, TROUSERS, SKIN, HAIR = (
    (70, 90, 150),
    (50, 70, 130),
    (60, 80, 140),
    (70, 66, 60),
    (224, 184, 156),
    (60, 44, 36),
)
AT = {j: i for i, j in enumerate(JOINTS)}
_BVH = {"shoulder": "UpperArm", "elbow": "LowerArm", "wrist": "Hand", "hip": "UpperLeg", "knee": "LowerLeg", "ankle": "Foot",
        "toe": "Toes", "pelvis": "Hips", "chest": "Chest", "neck": "Neck", "head": "Head"}  # fmt: skip


def formula(seconds: float = 5.0) -> Motion:
    """A walk of a body 1.75 m tall: sinusoidal hips, knees that bend in the swing, arms against the legs."""
    n = int(seconds * RATE) + 1
    t = np.arange(n) / RATE
    phase = 2 * np.pi * 0.9 * t
    x = np.zeros((n, len(JOINTS), 3))

    def hang(length: float, angle: np.ndarray) -> np.ndarray:
        return np.stack([np.zeros(n), -length * np.cos(angle), length * np.sin(angle)], axis=1)

    bob = 0.02 * np.cos(2 * phase)
    pelvis = np.stack([np.zeros(n), 0.92 + bob, 1.15 * t], axis=1)
    x[:, AT["pelvis"]], x[:, AT["chest"]] = pelvis, pelvis + np.array([0, 0.28, 0.02])
    neck = pelvis + np.array([0, 0.52, 0.03])
    x[:, AT["neck"]], x[:, AT["head"]] = neck, neck + np.array([0, 0.18, 0.05])
    for side, sign in (("left", 1), ("right", -1)):
        swing = np.sin(phase) * sign
        thigh = np.radians(24) * swing + np.radians(6)
        knee = np.radians(28) * np.clip(np.cos(phase) * sign, 0, 1) + np.radians(6)
        hip = pelvis + np.array([0.1 * sign, -0.02, 0])
        x[:, AT[f"{side} hip"]] = hip
        x[:, AT[f"{side} knee"]] = hip + hang(0.44, thigh)
        ankle = hip + hang(0.44, thigh) + hang(0.42, thigh - knee)
        x[:, AT[f"{side} ankle"]], x[:, AT[f"{side} toe"]] = ankle, ankle + np.array([0, -0.04, 0.16])
        shoulder = neck + np.array([0.19 * sign, -0.06, 0])
        arm = -np.radians(26) * swing
        x[:, AT[f"{side} shoulder"]] = shoulder
        x[:, AT[f"{side} elbow"]] = shoulder + hang(0.29, arm)
        x[:, AT[f"{side} wrist"]] = shoulder + hang(0.29, arm) + hang(0.25, arm + np.radians(28))
    return Motion(x, RATE, "m", "formula")


def write_bvh(motion: Motion, path: Path) -> None:
    """A BVH file in which every joint has its own place under a still root."""
    lines = ["HIERARCHY", "ROOT World", "{", "  OFFSET 0 0 0", "  CHANNELS 3 Zrotation Xrotation Yrotation"]
    for name in JOINTS:
        side, _, part = name.rpartition(" ")
        label = _BVH[part] + {"left": "_L", "right": "_R", "": ""}[side]
        lines += [f"  JOINT {label}", "  {", "    OFFSET 0 0 0", "    CHANNELS 3 Xposition Yposition Zposition", "  }"]
    lines += ["}", "MOTION", f"Frames: {len(motion)}", f"Frame Time: {1 / motion.rate:.8f}"]
    lines += [" ".join(["0 0 0", *(f"{100 * v:.4f}" for v in row)]) for row in motion.points.reshape(len(motion), -1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def limbs() -> list[tuple[str, str, float, tuple[int, int, int]]]:
    """Segments with their thickness in metres and colour."""
    out: list[tuple[str, str, float, tuple[int, int, int]]] = []
    for side, sleeve in (("left", LEFT), ("right", RIGHT)):
        out += [(f"{side} hip", f"{side} knee", 0.15, TROUSERS), (f"{side} knee", f"{side} ankle", 0.11, TROUSERS),
                (f"{side} ankle", f"{side} toe", 0.08, (40, 36, 34)), (f"{side} shoulder", f"{side} elbow", 0.1, sleeve),
                (f"{side} elbow", f"{side} wrist", 0.075, SKIN)]  # fmt: skip
    return out


def render(motion: Motion, path: Path) -> None:
    """The figure from the side, 1.75 m tall whatever the file's unit, walking across the picture in front of a plain wall."""
    height = float(np.nanmax(motion.points[..., 1]) - np.nanmin(motion.points[..., 1]))
    motion = Motion(motion.points * (1.75 / height), motion.rate, "m", motion.source)
    scale = 270 / 1.75
    floor = float(np.nanmin(motion.points[..., 1]))
    walk = motion.points[-1, AT["pelvis"]] - motion.points[0, AT["pelvis"]]
    along = np.array([walk[0], 0, walk[2]])
    along = along / np.linalg.norm(along) if np.linalg.norm(along) > 0.2 else np.array([0.0, 0, 1])
    # Turned a little towards the camera, so that both sides are seen.
    c, s = np.cos(np.radians(35)), np.sin(np.radians(35))
    side = np.array([-along[2], 0, along[0]])
    across, depth = c * along + s * side, c * side - s * along
    middle = float(np.nanmean(motion.points[:, AT["pelvis"]] @ across))
    with open_file(path, "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "24"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for i, joints in enumerate(motion.points):
            picture = av.VideoFrame.from_ndarray(_frame(joints, across, depth, scale, floor, middle), format="rgb24")
            picture.pts, picture.time_base = i, Fraction(1, RATE)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))


def _frame(joints: np.ndarray, across: np.ndarray, depth: np.ndarray, scale: float, floor: float, middle: float) -> np.ndarray:
    wide, tall = SIZE
    base = tall - 70
    image = np.full((tall, wide, 3), (206, 204, 198), np.uint8)
    image[base - 30 :] = (150, 142, 130)
    for k in range(-2, 3):  # panels on the wall
        at = int(wide / 2 + k * 1.4 * scale)
        cv2.line(image, (at, 0), (at, base - 30), (186, 184, 178), 3)

    def put(p: np.ndarray) -> tuple[int, int]:
        return int(wide / 2 + (p @ across - middle) * scale), int(base - (p[1] - floor) * scale)

    cv2.ellipse(image, (put(joints[AT["pelvis"]])[0], base + 4), (int(0.38 * scale), 9), 0, 0, 360, (124, 117, 106), -1)
    parts = [((joints[AT[a]] + joints[AT[b]]) @ depth / 2, a, b, w, colour) for a, b, w, colour in limbs()]
    body = joints[AT["chest"]] @ depth
    drawn = False
    for far, a, b, w, colour in sorted(parts):
        if not drawn and far > body:
            _torso(image, joints, put, scale)
            drawn = True
        _capsule(image, put(joints[AT[a]]), put(joints[AT[b]]), w * scale, colour)
        if b.endswith("wrist"):
            cv2.circle(image, put(joints[AT[b]]), int(0.05 * scale), SKIN, -1, cv2.LINE_AA)
    if not drawn:
        _torso(image, joints, put, scale)
    cv2.putText(image, "rendered from motion data, no real person", (14, tall - 16), cv2.FONT_HERSHEY_SIMPLEX, 0.55,
                (60, 56, 50), 1, cv2.LINE_AA)  # fmt: skip
    return image


def _torso(image: np.ndarray, joints: np.ndarray, put, scale: float) -> None:  # type: ignore[no-untyped-def]
    corners = [put(joints[AT[n]]) for n in ("left shoulder", "right shoulder", "right hip", "left hip")]
    hull = cv2.convexHull(np.array(corners, np.int32))
    cv2.fillConvexPoly(image, hull, SHIRT, cv2.LINE_AA)
    cv2.polylines(image, [hull], True, SHIRT, int(0.12 * scale), cv2.LINE_AA)
    neck, head = put(joints[AT["neck"]]), put(joints[AT["head"]])
    _capsule(image, neck, head, 0.09 * scale, SKIN)
    r = 0.11 * scale
    cv2.ellipse(image, head, (int(r * 0.85), int(r * 1.1)), 0, 0, 360, SKIN, -1, cv2.LINE_AA)
    cv2.ellipse(image, (head[0] - int(r * 0.2), head[1] - int(r * 0.35)), (int(r * 0.9), int(r * 0.85)), 0, 150, 350, HAIR, -1)
    for dx in (0.15, 0.6):
        cv2.circle(
            image, (head[0] + int(dx * r), head[1] - int(0.02 * r)), max(1, int(0.09 * r)), (40, 30, 30), -1, cv2.LINE_AA
        )
    cv2.ellipse(
        image, (head[0] + int(0.42 * r), head[1] + int(0.5 * r)), (int(0.25 * r), int(0.1 * r)), 0, 0, 180, (150, 80, 70), 2
    )


def _capsule(image: np.ndarray, a: tuple[int, int], b: tuple[int, int], wide: float, colour: tuple[int, int, int]) -> None:
    dark = tuple(int(0.8 * v) for v in colour)
    cv2.line(image, a, b, dark, max(1, int(wide)), cv2.LINE_AA)
    cv2.line(image, (a[0] - 1, a[1] - 1), (b[0] - 1, b[1] - 1), colour, max(1, int(wide * 0.7)), cv2.LINE_AA)


def main() -> None:
    """Render the named BVH file, or a walk by formulas, to the last argument."""
    *given, target = sys.argv[1:] or ["rendered-walk.mp4"]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(given[0]) if given else Path(folder) / "walk.bvh"
        if not given:
            write_bvh(formula(), source)
        render(resampled(read_bvh(source), RATE), Path(target))
    print(target)


if __name__ == "__main__":
    main()
