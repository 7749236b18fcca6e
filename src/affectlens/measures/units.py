"""Action units derived from blendshapes, under their FACS names, with how well each tells faces apart that should differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.perception.face.landmarks import BLENDSHAPES

OPENING = 0.35  # gap between the inner lips over the distance between the eyes at which the lips count as fully parted


@dataclass(frozen=True)
class Unit:
    """An action unit.

    Attributes
    ----------
    name, facs : str
        As columns name it, and what FACS calls it.
    shapes : tuple of str
        Blendshapes whose mean it is; none for what is taken from the mesh.
    expected : str
        The emotion in which it is expected (Ekman, Friesen & Hager 2002), by which it was checked; empty where none is.
    auc : float
        How often a picture of that emotion has a higher value than one of the others: .5 is chance. NaN where not checked.
    moves : bool
        Whether the network moves it at all: the spread of two is below 0.001 over faces of all emotions.
    """

    name: str
    facs: str
    shapes: tuple[str, ...]
    expected: str = ""
    auc: float = float("nan")
    moves: bool = True

    @property
    def works(self) -> str:
        """In a word: ``well``, ``somewhat``, ``hardly``, ``not at all`` or ``not checked``."""
        if not self.moves:
            return "not at all"
        if self.auc != self.auc:
            return "not checked"
        return "well" if self.auc >= 0.8 else "somewhat" if self.auc >= 0.65 else "hardly"


def _both(name: str) -> tuple[str, str]:
    return f"{name}Left", f"{name}Right"


# The last number of each is measured by `python -m benchmarks measure` on pictures of faces from the web; see docs/measure.md.
UNITS = (
    Unit("AU01", "Inner Brow Raiser", ("browInnerUp",), "surprise", 0.72),
    Unit("AU02", "Outer Brow Raiser", _both("browOuterUp"), "surprise", 0.66),
    Unit("AU04", "Brow Lowerer", _both("browDown"), "anger", 0.62),
    Unit("AU05", "Upper Lid Raiser", _both("eyeWide"), "surprise", 0.75),
    Unit("AU06", "Cheek Raiser", _both("cheekSquint"), "happiness", 0.65, False),
    Unit("AU07", "Lid Tightener", _both("eyeSquint"), "anger", 0.61),
    Unit("AU09", "Nose Wrinkler", _both("noseSneer"), "disgust", 0.48, False),
    Unit("AU10", "Upper Lip Raiser", _both("mouthUpperUp"), "disgust", 0.46),
    Unit("AU12", "Lip Corner Puller", _both("mouthSmile"), "happiness", 0.91),
    Unit("AU14", "Dimpler", _both("mouthDimple")),
    Unit("AU15", "Lip Corner Depressor", _both("mouthFrown"), "sadness", 0.63),
    Unit("AU16", "Lower Lip Depressor", _both("mouthLowerDown")),
    Unit("AU17", "Chin Raiser", ("mouthShrugLower",), "sadness", 0.69),
    Unit("AU18", "Lip Pucker", ("mouthPucker",)),
    Unit("AU20", "Lip Stretcher", _both("mouthStretch"), "fear"),
    Unit("AU22", "Lip Funneler", ("mouthFunnel",)),
    Unit("AU24", "Lip Pressor", _both("mouthPress"), "anger", 0.37),
    Unit("AU25", "Lips Part", (), "surprise", 0.78),
    Unit("AU26", "Jaw Drop", ("jawOpen",), "surprise", 0.84),
    Unit("AU28", "Lip Suck", ("mouthRollLower", "mouthRollUpper")),
    Unit("AU43", "Eyes Closed", _both("eyeBlink")),
)
_COLUMNS = [[BLENDSHAPES.index(shape) for shape in unit.shapes] for unit in UNITS]


def action_units(blendshapes: np.ndarray, mouth_opening: float) -> np.ndarray:
    """Action units of one face, 0 to 1, in the order of ``UNITS``.

    Parameters
    ----------
    blendshapes : (52,) array
        Of the mesh.
    mouth_opening : float
        Gap between the inner lips over the distance between the eyes.

    Returns
    -------
    (21,) array
        They follow the blendshapes; they are no intensities of a coder.

    Examples
    --------
    >>> shapes = np.zeros(52)
    >>> shapes[BLENDSHAPES.index("mouthSmileLeft")] = 0.8
    >>> made = dict(zip([unit.name for unit in UNITS], action_units(shapes, 0.07), strict=True))
    >>> round(float(made["AU12"]), 3), round(float(made["AU25"]), 3)
    (0.4, 0.2)
    """
    parted = float(np.clip(mouth_opening / OPENING, 0.0, 1.0))
    return np.array([blendshapes[columns].mean() if columns else parted for columns in _COLUMNS])
