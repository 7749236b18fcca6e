"""One pass over pictures: maps joined with what lies in each; rows go to disk in parts, so that a run can go on or be
joined."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.objects.groups import group_masks
from affectlens.audits.objects.pictures import Pictures, View
from affectlens.core.errors import UsageError, unknown
from affectlens.explainers.cam import METHODS, CamEngine
from affectlens.explainers.cam.outside import rise
from affectlens.explainers.overlap import COLUMNS, image_rows
from affectlens.models.pictures import PictureModel
from affectlens.stats.classification import softmax

Told = Callable[[str, int, int], None]
Mapped = tuple[dict[str, np.ndarray], str, np.ndarray]  # raw signed maps by method, the class they are of, probabilities
KEPT = 200  # pictures in a part
TOGETHER = 8  # pictures that go through the network at once
IMAGES = ("image", "emotion", "label", "answer", "probability", "things", "why")


@dataclass(frozen=True)
class Collected:
    """``images`` that were looked at, ``missed``: which could not be, and why; rows stay on disk in ``parts``, each a file with
    the images that count there."""

    images: pd.DataFrame
    missed: dict[str, str]
    parts: tuple[tuple[Path, frozenset[str]], ...]

    def of(self, method: str, kind: str = "object") -> pd.DataFrame:
        """Rows of one method, of objects or of groups of them (``group``): what one table needs and no more."""
        wanted = [("method", "==", method), ("kind", "==", kind)]
        rows = [pd.read_parquet(file, filters=wanted) for file, _ in self.parts]
        held = [r[r.image.isin(images)] for r, (_, images) in zip(rows, self.parts, strict=True) if len(r)]
        return pd.concat(held, ignore_index=True) if held else pd.DataFrame(columns=[*COLUMNS, "method", "kind"])


class Mapper:
    """Maps ``(h, w)`` of one picture and emotion by several methods; black boxes have one method, ``rise``."""

    def __init__(self, model: PictureModel, methods: Sequence[str], seed: int = 0) -> None:
        allowed = METHODS if model.white is not None else ("rise",)
        for method in methods:
            if method not in allowed:
                raise unknown("map", method, list(allowed))
        self.model, self.methods, self.seed = model, tuple(methods), seed
        self._engine = CamEngine(model.white, model.layer, seed=seed) if model.white is not None else None

    def __call__(self, x: np.ndarray, label: str = "") -> Mapped:
        """One prepared picture; the map is of ``label``, or where the model does not know it of its answer."""
        return self.many([x], [label])[0]

    def many(self, xs: Sequence[np.ndarray], told: Sequence[str]) -> list[Mapped]:
        """Several prepared pictures of one size, each with its label or nothing."""
        labels = self.model.labels

        def chosen(i: int, scores: np.ndarray) -> str:
            return told[i] if told[i] in labels else labels[int(scores.argmax())]

        if self._engine is not None:
            maps, logits = self._engine.of_answers(xs, self.methods, chosen)
            p = softmax(logits.astype(np.float64))
        else:
            p = self.model.probabilities(xs)
            rng = [np.random.default_rng(self.seed) for _ in xs]
            seen = [rise(self.model.probabilities, x, r) for x, r in zip(xs, rng, strict=True)]
            maps = [{"rise": s[labels.index(chosen(i, p[i]))]} for i, s in enumerate(seen)]
        return [(m, chosen(i, p[i]), p[i]) for i, m in enumerate(maps)]


def collect(
    model: PictureModel, pictures: Pictures, methods: Sequence[str], out: Path, rng: np.random.Generator, *,
    sample: int = 0, target: str = "label", told: Told | None = None,
) -> Collected:  # fmt: skip
    """Look at every picture, or at ``sample`` drawn ones; the map is of its ``label`` where it has one the model knows, else,
    or with ``target`` answer, of the model's answer. A run that was broken off in ``out`` goes on."""
    if target not in ("label", "answer"):
        raise UsageError(f"--target {target}: label or answer was expected")
    mapper = Mapper(model, methods)
    _same_settings(out, {"model": model.name, "layer": model.layer, "methods": list(methods), "target": target,
                         "objects": pictures.objects, "exclusive": pictures.exclusive, "least": pictures.least})  # fmt: skip
    before = read_parts([out])
    done = {*before.images.image, *before.missed}
    order = np.sort(rng.permutation(len(pictures))[: sample or None])
    rows: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    left = [int(i) for i in order if pictures.key(int(i)) not in done]
    for start in range(0, len(left), TOGETHER):
        for image, mine in _look(model, mapper, pictures, left[start : start + TOGETHER], target):
            images.append(image)
            rows += mine
        if len(images) >= KEPT:
            _write_part(out, rows, images)
        if told:
            told("pictures", len(order) - len(left) + min(start + TOGETHER, len(left)), len(order))
    _write_part(out, rows, images)
    return read_parts([out])


def _look(
    model: PictureModel, mapper: Mapper, pictures: Pictures, which: list[int], target: str
) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Image and rows of some pictures; a broken one is named, the others go on."""
    views: dict[int, tuple[View, np.ndarray]] = {}
    why: dict[int, str] = {}
    for i in which:
        try:
            view = pictures[i]
            views[i] = view, model.prepare(view.picture)
        except Exception as error:
            why[i] = str(error)[:300] or type(error).__name__
    found: dict[int, Mapped] = {}
    asked = {i: view.label if target == "label" else "" for i, (view, _) in views.items()}
    try:
        made = mapper.many([x for _, x in views.values()], list(asked.values())) if views else []
        found = dict(zip(views, made, strict=True))
    except Exception:  # one of them cannot be mapped, or they differ in size: each by itself
        for i, (_, x) in views.items():
            try:
                found[i] = mapper(x, asked[i])
            except Exception as error:
                why[i] = str(error)[:300] or type(error).__name__
    out: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    for i in which:
        image: dict[str, Any] = dict.fromkeys(IMAGES, "") | {"image": pictures.key(i), "probability": np.nan, "things": 0}
        if i in why:
            out.append((image | {"why": why[i]}, []))
            continue
        (maps, emotion, p), view = found[i], views[i][0]
        image |= {"emotion": emotion, "label": view.label, "answer": model.labels[int(p.argmax())],
                  "probability": float(p[model.labels.index(emotion)]), "things": len(view.masks)}  # fmt: skip
        out.append((image, rows_of(view, emotion, maps)))
    return out


def rows_of(view: View, emotion: str, maps: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Rows of objects and of groups of objects under every map."""
    out: list[dict[str, Any]] = []
    groups = group_masks(view.masks)
    for method, relevance in maps.items():
        objects = image_rows(view.key, emotion, relevance, view.masks, view.scores)
        out += [r | {"method": method, "kind": "object"} for r in objects]
        out += [r | {"method": method, "kind": "group"} for r in image_rows(view.key, emotion, relevance, groups)]
    return out


def _write_part(out: Path, rows: list[dict[str, Any]], images: list[dict[str, Any]]) -> None:
    if not images:
        return
    out.mkdir(parents=True, exist_ok=True)
    number = len(list(out.glob("images-*.parquet")))
    pd.DataFrame(rows, columns=[*COLUMNS, "method", "kind"]).to_parquet(out / f"rows-{number:05d}.parquet")
    # Images last: a part without them is not counted, and its pictures are looked at again.
    pd.DataFrame(images, columns=list(IMAGES)).to_parquet(out / f"images-{number:05d}.parquet")
    rows.clear()
    images.clear()


def read_parts(folders: Sequence[Path]) -> Collected:
    """Everything that runs in ``folders`` have kept, put together; a picture in several runs counts once."""
    images: list[pd.DataFrame] = []
    parts: list[tuple[Path, frozenset[str]]] = []
    seen: set[str] = set()
    for file in [f for folder in folders for f in sorted(folder.glob("images-*.parquet"))]:
        held = pd.read_parquet(file)
        fresh = held[~held.image.isin(seen)]
        seen |= set(fresh.image)
        images.append(fresh)
        parts.append((file.with_name(file.name.replace("images", "rows")), frozenset(fresh.image)))
    every = pd.concat(images, ignore_index=True) if images else pd.DataFrame(columns=list(IMAGES))
    bad, good = every[every.why != ""], every[every.why == ""].reset_index(drop=True)
    return Collected(good, dict(zip(bad.image, bad.why, strict=True)), tuple(parts))


def _same_settings(out: Path, settings: dict[str, Any]) -> None:
    """Write what a run was made with; a run with other settings does not go on in the same folder."""
    file = out / "settings.json"
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        other = [f"{k} {before.get(k)!r} before, {v!r} now" for k, v in settings.items() if before.get(k) != v]
        if other:
            raise UsageError(f"{out} holds a run with other settings ({'; '.join(other)}); give another --out or remove it")
        return
    out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(settings, indent=1), encoding="utf-8")
