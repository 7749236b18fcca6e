"""Pictures of high dynamic range (PQ and HLG, ITU-R BT.2100) as an ordinary screen shows them."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

PQ, HLG = 16, 18  # transfer characteristics as ITU-T H.273 numbers them
BT2020 = 9  # primaries, the same
WHITE = 203.0  # cd/m2 of what an ordinary screen shows as white (ITU-R BT.2408)
KNEE = 0.8  # of white; light below stays as it is, brighter light is compressed

# Linear BT.2020 to linear BT.709 (ITU-R BT.2087).
_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32
)


def ordinary(codes: np.ndarray, transfer: int, wide: bool) -> np.ndarray:
    """Tone-map a picture of high dynamic range.

    Parameters
    ----------
    codes : (h, w, 3) uint16 array
        RGB, full range, coded by the transfer function.
    transfer : int
        ``PQ`` or ``HLG``.
    wide : bool
        Whether the primaries are those of BT.2020.

    Returns
    -------
    (h, w, 3) uint8 array
        In sRGB. Light up to ``KNEE`` of white keeps its brightness, brighter light rolls off towards white.

    Examples
    --------
    >>> grey = np.full((1, 1, 3), 0.5 * 65535, np.uint16)  # half of the PQ scale: 92 cd/m2
    >>> int(ordinary(grey, PQ, wide=True)[0, 0, 0])
    180
    """
    light = _linear(transfer)[codes]
    if transfer == HLG:
        # What HLG codes is light of the scene; a screen of 1000 cd/m2 shows it with gamma 1.2.
        luminance = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        light = light * (np.power(np.maximum(luminance, 1e-6), 0.2) * (1000 / WHITE))[..., None]
    if wide:
        light = cv2.transform(light, _TO_BT709)
    light = np.maximum(light, 0)
    top = light.max(axis=2)
    compressed = np.where(top > KNEE, 1 - (1 - KNEE) * np.exp((KNEE - top) / (1 - KNEE)), top)
    light *= (compressed / np.maximum(top, 1e-6))[..., None]
    return np.asarray(_screen()[(light * 65535 + 0.5).astype(np.uint16)])


@cache
def _linear(transfer: int) -> np.ndarray:
    """Light for each of 65536 codes: in units of white for PQ, of the scene's peak for HLG."""
    code = np.arange(65536) / 65535
    if transfer == PQ:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
        root = code ** (1 / m2)
        light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (10_000 / WHITE)
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return np.asarray(light, np.float32)


@cache
def _screen() -> np.ndarray:
    """The sRGB code for each of 65536 amounts of light."""
    light = np.arange(65536) / 65535
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(code * 255), np.uint8)
