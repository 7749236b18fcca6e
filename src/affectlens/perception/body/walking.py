"""Whether a body walks: both feet are seen, they step in turn, and the body gets somewhere."""

from __future__ import annotations

import numpy as np

from affectlens.perception.body.joints import Motion, leg_length

SEEN = 0.5  # share of the frames in which each foot must be seen
STEP = 0.35  # leg lengths that the feet move against each other, 10th to 90th percentile
FOOT = 0.15  # leg lengths that each foot moves against the hips: a kick moves one
STEPS = 1.0  # changes of the leading foot a second
TRAVEL = 0.25  # leg lengths a second that the hips get on, or the share of its size a second that the body grows or shrinks


def not_walking(motion: Motion, *, growth: float = 0.0) -> str:
    """Why a motion is no walk; empty for one.

    Parameters
    ----------
    motion : Motion
        Of one body, a second or more; joints that are not seen are NaN.
    growth : float
        Change of the body's apparent size in the picture, as the logarithm of last over first: how a walk towards the camera
        is seen.

    Returns
    -------
    str
        The reason in plain words.

    Examples
    --------
    >>> still = Motion(np.zeros((60, 18, 3)), 30.0, "m")
    >>> not_walking(still)
    'no leg is seen whole'
    """
    leg = leg_length(motion)
    if not leg > 0:  # NaN too
        return "no leg is seen whole"
    left, right, pelvis = (motion.of(name) for name in ("left ankle", "right ankle", "pelvis"))
    seen = [float(np.isfinite(foot).all(axis=1).mean()) for foot in (left, right)]
    if min(seen) < SEEN:
        return f"both feet are not seen ({seen[0]:.0%} and {seen[1]:.0%} of the frames)"
    apart = (left - right)[np.isfinite(left - right).all(axis=1)] / leg
    if len(apart) < 3:
        return "the feet are not seen together"
    along = (apart - apart.mean(axis=0)) @ _main_axis(apart)
    if _range(along) < STEP:
        return f"the feet hardly move against each other ({_range(along):.2f} leg lengths): standing or sitting"
    moved = [max(_range(((foot - pelvis) / leg)[:, axis]) for axis in range(3)) for foot in (left, right)]
    if min(moved) < FOOT:
        return "only one foot moves"
    seconds = (len(motion) - 1) / motion.rate
    changes = _changes(along)
    if changes < max(1, round(STEPS * seconds)):
        return f"the leading foot changes {changes} times in {seconds:.1f} s"
    way = _way(pelvis[:, [0, 2]]) / leg
    if way < TRAVEL * seconds and abs(growth) < TRAVEL * seconds:
        return f"the body does not get on ({way:.2f} leg lengths in {seconds:.1f} s)"
    return ""


def _main_axis(apart: np.ndarray) -> np.ndarray:
    """The direction ``(3,)`` in which the feet move against each other most."""
    return np.asarray(np.linalg.svd(apart - apart.mean(axis=0), full_matrices=False)[2][0])


def _range(values: np.ndarray) -> float:
    """90th less 10th percentile of what is known."""
    known = values[np.isfinite(values)]
    return float(np.subtract(*np.percentile(known, [90, 10]))) if len(known) else 0.0


def _changes(along: np.ndarray) -> int:
    """How often the other foot leads, by at least a quarter of the range on each side of the middle."""
    middle, margin = float(np.median(np.percentile(along, [10, 90]))), _range(along) / 4
    sides = np.where(along > middle + margin, 1, np.where(along < middle - margin, -1, 0))
    sides = sides[sides != 0]
    return int((np.diff(sides) != 0).sum())


def _way(places: np.ndarray) -> float:
    """From the first known place ``(frames, 2)`` to the farthest one, along the ground."""
    known = places[np.isfinite(places).all(axis=1)]
    return float(np.linalg.norm(known - known[0], axis=1).max()) if len(known) else 0.0
