"""A walking body made by formulas, so that every measurement has a known answer; and BVH files of a small tree."""

from dataclasses import replace

import numpy as np

from affectlens.perception.body.joints import JOINTS, MIRROR, Motion


def mirrored(motion):
    """Left and right exchanged."""
    x = motion.points[:, MIRROR].copy()
    x[..., 0] *= -1
    return replace(motion, points=x)


THIGH = SHANK = 0.5  # a leg of length 1


def walker(seconds=3.0, rate=30.0, stride=1.0, speed=1.2, swing=25.0, knee=10.0, lean=0.0, head=0.0, elbow=30.0):
    """Walks towards z: ``stride`` strides a second, ``swing`` half range of the upper arms in degrees, a constant knee bend."""
    n = int(seconds * rate) + 1
    t = np.arange(n) / rate
    phase = 2 * np.pi * stride * t
    x = np.zeros((n, len(JOINTS), 3))
    at = {j: i for i, j in enumerate(JOINTS)}

    def put(name, value):
        x[:, at[name]] = value

    def down(length, angle):
        """A segment that hangs, turned forward by an angle in radians."""
        return np.stack([np.zeros(n), -length * np.cos(angle), length * np.sin(angle)], axis=1)

    pelvis = np.stack([np.zeros(n), np.full(n, 1.0), speed * t], axis=1)
    up = np.array([0, np.cos(np.radians(lean)), np.sin(np.radians(lean))])
    put("pelvis", pelvis)
    put("chest", pelvis + 0.3 * up)
    neck = pelvis + 0.6 * up
    put("neck", neck)
    put("head", neck + 0.2 * np.array([0, np.cos(np.radians(head)), np.sin(np.radians(head))]))
    for side, sign in (("left", 1), ("right", -1)):
        leg = np.radians(25) * np.sin(phase) * sign
        arm = -np.radians(swing) * np.sin(phase) * sign
        hip = pelvis + np.array([0.1 * sign, 0, 0])
        put(f"{side} hip", hip)
        thigh = down(THIGH, leg + np.radians(knee / 2))
        put(f"{side} knee", hip + thigh)
        ankle = hip + thigh + down(SHANK, leg - np.radians(knee / 2))
        put(f"{side} ankle", ankle)
        put(f"{side} toe", ankle + np.array([0, -0.03, 0.12]))
        shoulder = neck + np.array([0.2 * sign, -0.05, 0])
        put(f"{side} shoulder", shoulder)
        put(f"{side} elbow", shoulder + down(0.3, arm))
        put(f"{side} wrist", shoulder + down(0.3, arm) + down(0.25, arm + np.radians(elbow)))
    return Motion(x, rate, "m", "formula")


BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Chest
  {
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT Neck
    {
      OFFSET 0 10 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      JOINT Head
      {
        OFFSET 0 5 0
        CHANNELS 3 Zrotation Xrotation Yrotation
        End Site
        {
          OFFSET 0 3 0
        }
      }
    }
  }
  JOINT LeftUpLeg
  {
    OFFSET 2 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT LeftLeg
    {
      OFFSET 0 -8 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      JOINT LeftFoot
      {
        OFFSET 0 -8 0
        CHANNELS 3 Zrotation Xrotation Yrotation
        End Site
        {
          OFFSET 0 0 3
        }
      }
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.05
1 20 3  0 0 0  0 0 0  0 0 0  0 0 0  0 0 0  0 0 0  0 0 0
1 20 3  0 0 0  90 0 0  0 0 0  0 0 0  0 90 0  0 0 0  0 0 0
"""


def write_bvh(motion, path):
    """A motion as a BVH file whose joints hang on a still root by their place alone."""
    lines = ["HIERARCHY", "ROOT World", "{", "  OFFSET 0 0 0", "  CHANNELS 3 Zrotation Xrotation Yrotation"]
    spelled = {"shoulder": "UpperArm", "elbow": "LowerArm", "wrist": "Hand", "hip": "UpperLeg", "knee": "LowerLeg",
               "ankle": "Foot", "toe": "Toes", "pelvis": "Hips", "chest": "Chest", "neck": "Neck", "head": "Head"}  # fmt: skip
    for name in JOINTS:
        side, _, part = name.rpartition(" ")
        label = spelled[part] + {"left": "_L", "right": "_R", "": ""}[side]
        lines += [f"  JOINT {label}", "  {", "    OFFSET 0 0 0", "    CHANNELS 3 Xposition Yposition Zposition", "  }"]
    lines += ["}", "MOTION", f"Frames: {len(motion)}", f"Frame Time: {1 / motion.rate:.8f}"]
    for row in motion.points.reshape(len(motion), -1) * 100:
        lines.append(" ".join(["0 0 0", *(f"{v:.5f}" for v in row)]))
    path.write_text("\n".join(lines) + "\n")
    return path


def pose_of(joints, offset=(160.0, 200.0), scale=60.0):
    """A pose as the networks give it, of joints ``(18, 3)`` in metres, in a picture of 320 x 240."""
    from affectlens.perception.body.formats import MEDIAPIPE
    from affectlens.perception.body.pose import Pose

    world = np.zeros((33, 3))
    for name, at in MEDIAPIPE.joints.items():
        if len(at) == 1:
            world[at[0]] = joints[JOINTS.index(name)]
    world[[7, 8, 0]] = joints[JOINTS.index("head")]
    points = np.column_stack([offset[0] + world[:, 0] * scale, offset[1] - world[:, 1] * scale, -world[:, 2] * scale])
    return Pose(points, world - (world[23] + world[24]) / 2, np.ones(33), 1.0)
