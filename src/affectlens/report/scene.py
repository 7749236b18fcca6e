"""What the report shows of the surroundings: the picture with its things, the place, looks and pairs."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from affectlens.core.schema import Evidence
from affectlens.perception.scene.objects import Thing
from affectlens.report.narrative import clause

_LINE = (240, 138, 24)


def scene_section(evidence: Iterable[Evidence], detail: dict[str, Any], folder: Path | None) -> dict[str, Any] | None:
    """What the section shows, or None where the surroundings were not looked at."""
    mine = [e for e in evidence if e.modality == "scene"]
    if not mine:
        return None
    place = next((e for e in mine if e.name == "place"), None)
    told = clause(place) if place else None
    picture = boxed(detail["picture"], detail["things"]) if detail else None
    return {
        "place": told.text[:1].upper() + told.text[1:] if told else "",
        "alternatives": {k.replace("_", " "): v for k, v in place.settings["alternatives"].items()} if place else {},
        "picture": _embedded(picture, folder) if picture is not None else "",
        "things": [(e.name[7:], e.value, e.settings["most_at_once"], e.settings["score"]) for e in _of(mine, "thing")],
        "looks": [(e.name[6:], e.value, e.unit, e.settings["word"], e.settings["why"]) for e in _of(mine, "look")],
        "pairs": [
            (e.name[6:].replace("_", " "), e.settings["why"], ", ".join(e.settings["vocabularies"]), e.id)
            for e in _of(mine, "pair")
        ],
    }


def _of(evidence: list[Evidence], kind: str) -> list[Evidence]:
    return [e for e in evidence if e.name.startswith(f"{kind}: ")]


def boxed(image: np.ndarray, things: list[Thing]) -> np.ndarray:
    """The picture with a frame and a name around each thing, the surest drawn last."""
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(13)
    for t in sorted(things, key=lambda t: t.score):
        left, top, right, bottom = t.box
        draw.rectangle((left, top, right, bottom), outline=_LINE, width=2)
        text = f"{t.name} {t.score:.2f}"
        wide = draw.textlength(text, font)
        at = max(0.0, min(left, image.shape[1] - wide - 6)), max(0.0, top - 17)
        draw.rectangle((*at, at[0] + wide + 6, at[1] + 17), fill=_LINE)
        draw.text((at[0] + 3, at[1] + 1), text, fill=(20, 20, 20), font=font)
    return np.asarray(canvas)


def _embedded(image: np.ndarray, folder: Path | None) -> str:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=86)
    if folder:
        (folder / "scene.jpg").write_bytes(buffer.getvalue())
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
