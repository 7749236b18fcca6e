"""Bodies that do not walk, made by formulas: they stand, sit, wave, kick, squat, or step on the spot."""

from dataclasses import replace

import numpy as np

from affectlens.perception.body.joints import JOINTS
from tests.perception.body.walker import walker

AT = {name: number for number, name in enumerate(JOINTS)}
SITTING, STANDING, WAVING, KICKING, SQUATTING, STEPPING = "sitting", "standing", "waving", "kicking", "squatting", "stepping"
KINDS = (SITTING, STANDING, WAVING, KICKING, SQUATTING, STEPPING)


def body(kind, rng, seconds=2.0, rate=30.0, noise=0.01):
    """A body that does not walk, with limbs, pose and small movements of its own, and noise on every joint (metres)."""
    still = walker(seconds, rate, stride=1e-9, speed=0.0, swing=0.0, knee=rng.uniform(0, 15), elbow=rng.uniform(10, 100),
                   lean=rng.uniform(-5, 15), head=rng.uniform(-10, 25))  # fmt: skip
    points = still.points.copy()
    time = np.arange(len(points)) / rate
    points += _sway(rng, time)[:, None] * np.array([1.0, 0.2, 1.0])
    if kind == SITTING:
        _sit(points, rng)
    elif kind == WAVING:
        _wave(points, rng, time)
    elif kind == KICKING:
        _kick(points, rng, time)
    elif kind == SQUATTING:
        _squat(points, rng, time)
    elif kind == STEPPING:
        pace = rng.uniform(0.7, 1.5)
        points = walker(seconds, rate, stride=pace, speed=0.0, swing=rng.uniform(5, 40), knee=rng.uniform(5, 30)).points
    points = points * rng.uniform(0.85, 1.15) + rng.normal(0, noise, points.shape)
    return replace(still, points=points)


def walk(rng, seconds=2.0, rate=30.0, noise=0.01):
    """A walk with pace, arms and trunk of its own."""
    made = walker(seconds, rate, stride=rng.uniform(0.75, 1.2), speed=rng.uniform(0.6, 1.8), swing=rng.uniform(5, 40),
                  knee=rng.uniform(5, 25), lean=rng.uniform(-5, 15), head=rng.uniform(-10, 25), elbow=rng.uniform(5, 60))  # fmt: skip
    return replace(made, points=made.points + rng.normal(0, noise, made.points.shape))


def _sway(rng, time):
    """Slow small movements of a body that stays where it is ``(frames, 1)``."""
    return 0.02 * np.sin(2 * np.pi * (rng.uniform(0.1, 0.5) * time + rng.random()))[:, None]


def _sit(points, rng):
    """Thighs forward, shanks down; the hips as high as the knees."""
    for side in ("left", "right"):
        hip = points[:, AT[f"{side} hip"]]
        forward = np.array([0.1 * rng.normal(), -0.05, 0.48])
        points[:, AT[f"{side} knee"]] = hip + forward
        points[:, AT[f"{side} ankle"]] = hip + forward + np.array([0.0, -0.48, 0.05 * rng.normal()])
        points[:, AT[f"{side} toe"]] = points[:, AT[f"{side} ankle"]] + np.array([0.0, -0.03, 0.12])


def _wave(points, rng, time):
    """One hand beside the head, to and fro."""
    shoulder = points[:, AT["right shoulder"]]
    swing = 0.2 * np.sin(2 * np.pi * rng.uniform(1, 2.5) * time)
    points[:, AT["right elbow"]] = shoulder + np.array([-0.25, 0.05, 0.1])
    points[:, AT["right wrist"]] = points[:, AT["right elbow"]] + np.stack([swing, 0.22 + 0 * swing, 0.05 + 0 * swing], axis=1)


def _kick(points, rng, time):
    """One leg swings."""
    angle = np.radians(40) * np.sin(2 * np.pi * rng.uniform(0.5, 1.2) * time)
    hip = points[:, AT["right hip"]]
    down = np.stack([0 * angle, -np.cos(angle), np.sin(angle)], axis=1)
    points[:, AT["right knee"]], points[:, AT["right ankle"]] = hip + 0.5 * down, hip + down
    points[:, AT["right toe"]] = points[:, AT["right ankle"]] + np.array([0.0, -0.03, 0.12])


def _squat(points, rng, time):
    """Down and up on both feet."""
    depth = 0.25 * (1 - np.cos(2 * np.pi * rng.uniform(0.3, 0.8) * time))
    feet = [AT[f"{side} {part}"] for side in ("left", "right") for part in ("ankle", "toe")]
    kept = points[:, feet].copy()
    points[..., 1] -= depth[:, None]
    points[:, feet] = kept
    for side in ("left", "right"):
        middle = (points[:, AT[f"{side} hip"]] + points[:, AT[f"{side} ankle"]]) / 2
        points[:, AT[f"{side} knee"]] = middle + np.stack([0 * depth, 0 * depth, np.sqrt(depth * 0.5)], axis=1)
