"""Changes of a face picture by dose: light, sharpness, size, rotation, occlusion, symmetry, skin tone, electrodes."""

from __future__ import annotations

import cv2
import numpy as np

from affectlens.explainers.interventions.registry import register_intervention
from affectlens.features.properties.face import SITES
from affectlens.perception.face.crops import TEMPLATE


def _clip(levels: np.ndarray) -> np.ndarray:
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)


@register_intervention("brightness", "face", doses=(-60, -40, -20, 0, 20, 40, 60), unit="grey levels", moves="brightness")
def brightness(picture: np.ndarray, dose: float) -> np.ndarray:
    """Grey levels more by ``dose``."""
    return _clip(picture.astype(np.float32) + dose)


@register_intervention("contrast", "face", doses=(-0.6, -0.3, 0, 0.3, 0.6), unit="relative", moves="contrast")
def contrast(picture: np.ndarray, dose: float) -> np.ndarray:
    """Differences from the mean times ``1 + dose``."""
    levels = picture.astype(np.float32)
    return _clip(levels.mean() + (levels - levels.mean()) * (1 + dose))


@register_intervention("blur", "face", doses=(0, 1, 2, 4, 6), unit="% of width", moves="sharpness")
def blur(picture: np.ndarray, dose: float) -> np.ndarray:
    """Gaussian of ``dose`` per cent of the width."""
    return cv2.GaussianBlur(picture, (0, 0), dose / 100 * picture.shape[1]) if dose > 0 else picture.copy()


@register_intervention("jpeg", "face", doses=(0, 40, 70, 85, 95), unit="% of quality lost")
def jpeg(picture: np.ndarray, dose: float) -> np.ndarray:
    """Coded and decoded with quality ``100 - dose``."""
    if dose <= 0:
        return picture.copy()
    _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(100 - dose)])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_UNCHANGED)).reshape(picture.shape)


@register_intervention("size", "face", doses=(0, 25, 50, 75), unit="% smaller", moves="sharpness")
def size(picture: np.ndarray, dose: float) -> np.ndarray:
    """Made smaller by ``dose`` per cent and large again: what a smaller face would keep."""
    if dose <= 0:
        return picture.copy()
    height, width = picture.shape[:2]
    small = cv2.resize(
        picture, (max(4, int(width * (1 - dose / 100))), max(4, int(height * (1 - dose / 100)))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


@register_intervention("rotation", "face", doses=(-30, -15, 0, 15, 30), unit="degrees", moves="head roll")
def rotation(picture: np.ndarray, dose: float) -> np.ndarray:
    """Turned clockwise by ``dose`` degrees about the middle."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -dose, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


_HIDDEN = (0, 10, 20, 30, 40)  # % of the height


@register_intervention("hide the lower face", "face", doses=_HIDDEN, unit="% of height", moves="hidden share")
def hide_lower(picture: np.ndarray, dose: float) -> np.ndarray:
    """The lower ``dose`` per cent under the picture's mean grey."""
    height = picture.shape[0]
    return _hidden(picture, slice(height - int(height * dose / 100), height))


@register_intervention("hide the upper face", "face", doses=_HIDDEN, unit="% of height", moves="hidden share")
def hide_upper(picture: np.ndarray, dose: float) -> np.ndarray:
    """The upper ``dose`` per cent under the picture's mean grey."""
    return _hidden(picture, slice(0, int(picture.shape[0] * dose / 100)))


def _hidden(picture: np.ndarray, rows: slice) -> np.ndarray:
    out = picture.copy()
    if rows.stop > rows.start:
        out[rows] = int(picture.mean())
    return out


@register_intervention(
    "symmetry", "face", doses=(-0.6, -0.3, 0, 0.5, 1), unit="share of its mirror", moves="asymmetry of appearance"
)
def symmetry(picture: np.ndarray, dose: float) -> np.ndarray:
    """Blended with its mirror: 1 is fully symmetric, below 0 the difference between the halves is exaggerated."""
    levels = picture.astype(np.float32)
    mirror = levels[:, ::-1]
    return _clip(levels * (1 - dose / 2) + mirror * (dose / 2))


@register_intervention(
    "one half", "face", doses=(-1, -0.5, 0, 0.5, 1), unit="left (-1) or right (1) half twice", moves="asymmetry"
)
def half_face(picture: np.ndarray, dose: float) -> np.ndarray:
    """One half and its mirror image: dose -1 the left half of the picture twice, 1 the right half, between them a blend."""
    half = picture.shape[1] // 2
    levels = picture.astype(np.float32)
    chosen = levels.copy()
    if dose < 0:
        chosen[:, -half:] = levels[:, :half][:, ::-1]
    else:
        chosen[:, :half] = levels[:, -half:][:, ::-1]
    return _clip(levels + abs(dose) * (chosen - levels))


@register_intervention(
    "skewed mouth", "face", doses=(-8, -4, 0, 4, 8), unit="% of height", moves="asymmetry of mouth and cheeks"
)
def skew_mouth(picture: np.ndarray, dose: float) -> np.ndarray:
    """The mouth's corner on the picture's right raised by ``dose`` per cent of the height, smoothly, in an upright crop."""
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    mouth = TEMPLATE[2] * np.array([width, height])
    away = ((x - (mouth[0] + 0.17 * width)) / (0.16 * width)) ** 2 + ((y - mouth[1]) / (0.13 * height)) ** 2
    shift = (dose / 100 * height * np.exp(-away)).astype(np.float32)
    return np.asarray(cv2.remap(picture, x, y + shift, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


@register_intervention("skin", "face", doses=(-20, -10, 0, 10, 20), unit="L*", moves="skin tone (ITA)")
def skin(picture: np.ndarray, dose: float) -> np.ndarray:
    """Skin lighter (above 0) or darker by ``dose`` L*, strongest in the middle of an upright crop; hair and ground stay."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    oval = np.exp(-(((x / width - 0.5) / 0.33) ** 6 + ((y / height - 0.52) / 0.42) ** 6)).astype(np.float32)
    if picture.ndim == 2:
        return _clip(picture + oval * dose * 2.55)
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab[..., 0] = np.clip(lab[..., 0] + oval * dose, 0, 100)
    return _clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255)


# Where the electrodes lie in an upright crop, as shares of its side: means over 150 frontal faces.
_SITE_AT = np.array([
    (0.291, 0.253), (0.406, 0.226), (0.277, 0.457), (0.244, 0.596), (0.335, 0.759), (0.428, 0.863), (0.434, 0.938),
    (0.706, 0.255), (0.592, 0.227), (0.723, 0.459), (0.756, 0.598), (0.664, 0.761), (0.574, 0.864), (0.567, 0.938),
])  # fmt: skip


@register_intervention("electrodes", "face", doses=(0, 2, 6, 10, 14), unit="discs", moves="electrodes")
def electrodes(picture: np.ndarray, dose: float) -> np.ndarray:
    """``dose`` discs on the standard sites of facial electromyography (Fridlund & Cacioppo 1986).

    They are dark with a light rim, in a fixed order that alternates sides.

    Returns
    -------
    ndarray
        The changed picture, of the same shape.
    """
    out = picture.copy()
    height, width = picture.shape[:2]
    order = [site for pair in zip(range(7), range(7, 14), strict=True) for site in pair]
    radius = max(1, round(0.032 * width))
    for site in order[: round(dose)]:
        at = (int(_SITE_AT[site, 0] * width), int(_SITE_AT[site, 1] * height))
        light, dark = ((210,) * 3, (45,) * 3) if picture.ndim == 3 else (210, 45)
        cv2.circle(out, at, radius + 1, light, -1, cv2.LINE_AA)
        cv2.circle(out, at, radius, dark, -1, cv2.LINE_AA)
    return out


assert len(SITES) == len(_SITE_AT)
