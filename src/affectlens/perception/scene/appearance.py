"""What a picture's surroundings look like, measured: light, colour, sharpness, sky, greenery, water, snow, things and people.

Every measure has a unit and every word a threshold, both shown; they are our own choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from affectlens.perception.scene.objects import Thing

_SIDE = 320  # pictures are measured at this size, so that sharpness and gradients do not depend on the camera's


@dataclass(frozen=True)
class Measure:
    """A measured attribute: its unit and what it says, for people."""

    name: str
    unit: str
    says: str


MEASURES = (
    Measure("brightness", "mean L* (0 to 100)", "how light the picture is"),
    Measure("contrast", "standard deviation of L*", "how far light and dark lie apart"),
    Measure("colourfulness", "Hasler & Süsstrunk 2003", "how colourful it is; from about 60 on people say highly colourful"),
    Measure("warmth", "mean b* of CIELAB", "yellow and orange above zero, blue below"),
    Measure("sharpness", "log10 variance of the Laplacian", "how much fine detail there is"),
    Measure("detail", "share of pixels on edges", "how much is going on in it"),
    Measure("sky", "share of the upper half", "smooth blue, white or grey that reaches the upper edge"),
    Measure("greenery", "share of the picture", "green that is neither dark nor pale"),
    Measure("water", "share of the lower half", "smooth blue or teal"),
    Measure("snow", "share of the lower half", "bright without colour, and smooth"),
    Measure("people", "count", "persons detected"),
    Measure("things", "count", "other objects detected"),
)  # fmt: skip

# word: (measure, lowest value or None, highest value or None)
ADJECTIVES: dict[str, tuple[str, float | None, float | None]] = {
    "bright": ("brightness", 70.0, None),
    "dark": ("brightness", None, 28.0),
    "colorful": ("colourfulness", 60.0, None),
    "grey": ("colourfulness", None, 12.0),
    "warm": ("warmth", 14.0, None),
    "cold": ("warmth", None, -8.0),
    "blurry": ("sharpness", None, 1.6),
    "cluttered": ("things", 8.0, None),
    "busy": ("people", 4.0, None),
    "crowded": ("people", 6.0, None),
    "empty": ("people", None, 0.0),
    "snowy": ("snow", 0.45, None),
    "lush": ("greenery", 0.45, None),
    "clear": ("sky", 0.6, None),
}


def measure(image: np.ndarray, things: Sequence[Thing] = (), hide: bool = True) -> dict[str, float]:
    """Measures of how a picture looks.

    Parameters
    ----------
    image : (h, w, 3) uint8 array
        RGB.
    things : sequence of Thing
        What was detected in it.
    hide : bool
        Whether the boxes of people do not count as surroundings.

    Returns
    -------
    dict of str to float
        A picture that people fill has missing (NaN) surroundings; their number is still known.
    """
    height, width = image.shape[:2]
    factor = _SIDE / max(height, width)
    small = cv2.resize(image, (max(8, round(width * factor)), max(8, round(height * factor))), interpolation=cv2.INTER_AREA)
    seen = np.ones(small.shape[:2], dtype=bool)
    for thing in things:
        if hide and thing.name == "person":
            left, top, right, bottom = (round(edge * factor) for edge in thing.box)
            seen[max(0, top) : bottom, max(0, left) : right] = False
    out = {measure.name: float("nan") for measure in MEASURES}
    out["people"] = float(sum(thing.name == "person" for thing in things))
    out["things"] = float(sum(thing.name != "person" for thing in things))
    if seen.mean() < 0.05:
        return out
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light = lab[..., 0]
    out["brightness"], out["contrast"] = float(light[seen].mean()), float(light[seen].std())
    out["warmth"] = float(lab[..., 2][seen].mean())
    red, green, blue = (small[..., i].astype(np.float64)[seen] for i in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    out["colourfulness"] = float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    out["sharpness"] = float(np.log10(cv2.Laplacian(grey, cv2.CV_64F)[seen].var() + 1e-6))
    out["detail"] = float((cv2.Canny(grey, 80, 160)[seen] > 0).mean())
    out |= _surfaces(small, grey, seen)
    return out


def _surfaces(small: np.ndarray, grey: np.ndarray, seen: np.ndarray) -> dict[str, float]:
    hue, saturation, value = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2HSV))
    rough = cv2.blur(np.abs(cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 1), cv2.CV_32F)), (9, 9))
    smooth = rough < 4
    blue = (hue > 88) & (hue < 130) & (saturation > 35) & (value > 70)
    pale = (saturation < 45) & (value > 150)
    half = small.shape[0] // 2
    lower = np.zeros_like(seen)
    lower[half:] = True
    teal = (hue > 80) & (hue < 128) & (saturation > 40) & (value > 35)
    green = (hue > 32) & (hue < 88) & (saturation > 55) & (value > 35)
    white = (saturation < 32) & (value > 175) & (rough < 8)
    # Above something pale, pale is a wall or a backdrop as well as it is a sky.
    overcast = pale if (white & lower & seen).sum() < 0.3 * max((lower & seen).sum(), 1) else np.zeros_like(pale)
    sky = _from_top(((blue | overcast) & smooth).astype(np.uint8))

    def share(mask: np.ndarray, within: np.ndarray) -> float:
        here = within & seen
        return float(mask[here].mean()) if here.any() else float("nan")

    return {
        "sky": share(sky, ~lower),
        "greenery": share(green, np.ones_like(seen)),
        "water": share(teal & smooth, lower),
        "snow": share(white, lower),
    }


def _from_top(mask: np.ndarray) -> np.ndarray:
    """The parts of a mask that touch the upper edge of the picture."""
    count, parts = cv2.connectedComponents(mask)
    return np.isin(parts, [i for i in range(1, count) if (parts[0] == i).sum() > 0.1 * mask.shape[1]])


def adjectives(measures: dict[str, float]) -> dict[str, str]:
    """Each word that the measures bear out, with the measurement and the threshold in plain text."""
    out = {}
    for word, (name, low, high) in ADJECTIVES.items():
        value = measures[name]
        if not np.isfinite(value):
            continue
        if low is not None and value >= low:
            out[word] = f"{name} {value:.3g}, at least {low:g}"
        if high is not None and value <= high:
            out[word] = f"{name} {value:.3g}, at most {high:g}"
    return out
