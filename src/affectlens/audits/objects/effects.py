"""From association to effect: what the answer becomes when an object is taken away, hidden, left alone or put in, tested in
pairs; and whether maps foretell what removal does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from affectlens.audits.objects.pictures import Pictures, View
from affectlens.audits.objects.run import Mapper, rows_of
from affectlens.explainers.interventions.scenes import OF_OBJECTS, OF_PICTURES, cut_out, insert, mask_of, swap_background
from affectlens.explainers.overlap import Box
from affectlens.models.pictures import PictureModel
from affectlens.stats.multiple import holm, mean_of_units
from affectlens.stats.resample import bootstrap, sign_flip_test

Told = Callable[[str, int, int], None]
FEWEST = 5  # pictures that a test needs
ELSEWHERE = 3  # places where a control puts the same patch
OBJECTS = 6  # objects of a picture that are changed, the largest first
INSERTS = 3  # things that are put into a picture
_COLUMNS = ("image", "emotion", "change", "object", "before", "after", "control")


@dataclass(frozen=True)
class Effects:
    """``single``: one row a picture, change and object; ``table``: means with tests; ``foretold``: rank correlation of each
    map's claim, and of bare area, with what removal does; ``missed``: pictures that could not be changed, and why."""

    single: pd.DataFrame
    table: pd.DataFrame
    foretold: pd.DataFrame
    missed: dict[str, str]


def measure_effects(
    model: PictureModel, pictures: Pictures, keys: Sequence[str], methods: Sequence[str], rng: np.random.Generator, *,
    target: str = "label", told: Told | None = None,
) -> Effects:  # fmt: skip
    """Change the pictures of ``keys`` in every way and ask the model again.

    The probability followed is that of the picture's label, or of the model's own answer (``target``). Every change of an
    object has a control: the same patch at up to three places that hold least of the object, or for things put in the same
    thing with its parts in disorder.
    """
    index = {pictures.key(i): i for i in range(len(pictures))}
    mapper = Mapper(model, methods)
    single: list[dict[str, Any]] = []
    claims: list[dict[str, Any]] = []
    missed: dict[str, str] = {}
    store: list[tuple[str, np.ndarray, np.ndarray]] = []  # cut-outs of pictures seen before
    other: np.ndarray | None = None
    for count, key in enumerate(keys):
        try:
            view = pictures[index[key]]
            maps, emotion, _ = mapper(model.prepare(view.picture), view.label if target == "label" else "")
            mine = _changes(model, view, emotion, other, store, rng)
            claims += [r for r in rows_of(view, emotion, maps) if r["kind"] == "object"]
            single += mine
            store += _cut(view)
            other = view.picture
        except Exception as error:  # one picture that cannot be changed is named, the others go on
            missed[key] = str(error)[:300] or type(error).__name__
        if told:
            told("changed pictures", count + 1, len(keys))
    frame = pd.DataFrame(single, columns=list(_COLUMNS))
    return Effects(frame, effect_table(frame, rng), foretold(frame, pd.DataFrame(claims), rng), missed)


def _changes(
    model: PictureModel, view: View, emotion: str, other: np.ndarray | None,
    store: list[tuple[str, np.ndarray, np.ndarray]], rng: np.random.Generator,
) -> list[dict[str, Any]]:  # fmt: skip
    """Every change of one picture with the probability of ``emotion`` before and after, and of the control."""
    picture, k = view.picture, model.labels.index(emotion)
    # The picture as it is goes the way of the changed ones: a model may average views that its maps do not.
    jobs: list[tuple[str, str, str, np.ndarray]] = [("", "", "", picture)]
    jobs += [(c.name, "", "", c.change(picture)) for c in OF_PICTURES]
    objects = objects_of(view)
    for name, mask in objects[:OBJECTS]:
        for change in OF_OBJECTS:
            jobs.append((change.name, name, "", change.change(picture, mask)))
            if change.name != "blur all but":
                jobs += [(change.name, name, "control", change.change(picture, m)) for m in elsewhere(mask, rng)]
    if other is not None and view.things and objects:
        every = np.max([m for _, m in objects], axis=0)
        jobs.append(("swap background", "", "", swap_background(picture, every, other)))
    lacking = [s for s in store if s[0] not in {n for n, _ in objects}]
    for i in rng.permutation(len(lacking))[:INSERTS]:
        name, thing, alpha = lacking[int(i)]
        at = (float(rng.random()), float(rng.random()))
        jobs.append(("insert", name, "", insert(picture, thing, alpha, at, 0.4)))
        jobs.append(("insert", name, "control", insert(picture, _shuffled(thing, rng), alpha, at, 0.4)))
    asked, inputs = [], []
    for job in jobs:
        try:
            inputs.append(model.prepare(job[3]))
            asked.append(job)
        except Exception:  # a change that leaves a network nothing to look at has no answer
            continue
    after = _in_batches(model, inputs)[:, k] if inputs else np.zeros(0)
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for (change_name, name, control, _), p in zip(asked, after, strict=True):
        found.setdefault((change_name, name), {"": [], "control": []})[control].append(float(p))
    before = found.pop(("", ""))[""][0]
    return [
        {"image": view.key, "emotion": emotion, "change": c, "object": name, "before": before, "after": float(np.mean(v[""])),
         "control": float(np.mean(v["control"])) if v["control"] else np.nan}
        for (c, name), v in found.items() if v[""]
    ]  # fmt: skip


def _in_batches(model: PictureModel, inputs: list[np.ndarray], size: int = 32) -> np.ndarray:
    return np.concatenate([model.probabilities(inputs[i : i + size]) for i in range(0, len(inputs), size)])


def objects_of(view: View) -> list[tuple[str, np.ndarray]]:
    """Objects of a picture with their masks ``(h, w)`` at its size, largest first; what fills nine tenths of it is left out."""
    h, w = view.picture.shape[:2]
    if view.things:
        boxes: dict[str, list[Box]] = {}
        for t in view.things:
            boxes.setdefault(t.name, []).append(t.box)
        masks = {n: mask_of(b, view.picture.shape) for n, b in boxes.items()}
    else:
        masks = {n: cv2.resize(m, (w, h), interpolation=cv2.INTER_LINEAR) for n, m in view.masks.items()}
    kept = [(n, m) for n, m in masks.items() if 0 < float(m.mean()) <= 0.9]
    return sorted(kept, key=lambda v: -float(v[1].sum()))


def elsewhere(mask: np.ndarray, rng: np.random.Generator, tries: int = 12) -> list[np.ndarray]:
    """The mask at the places, of some drawn at random, that overlap least with the object; none where it has no room."""
    rows, columns = np.flatnonzero(mask.max(axis=1) > 0.05), np.flatnonzero(mask.max(axis=0) > 0.05)
    if not len(rows) or not len(columns):
        return []
    form = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    room = (mask.shape[0] - form.shape[0], mask.shape[1] - form.shape[1])
    found = []
    for _ in range(tries):
        y, x = int(rng.integers(room[0] + 1)), int(rng.integers(room[1] + 1))
        moved = np.zeros_like(mask)
        moved[y : y + form.shape[0], x : x + form.shape[1]] = form
        found.append((float((moved * mask).sum() / mask.sum()), moved))
    found.sort(key=lambda v: v[0])
    return [m for share, m in found[:ELSEWHERE] if share < 0.5]


def _cut(view: View) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Cut-outs of the surest thing of each kind that is neither tiny nor most of the picture."""
    out = {}
    for t in sorted(view.things, key=lambda t: t.score):
        if 0.01 < t.area(view.picture.shape) < 0.6 and view.picture.ndim == 3:
            out[t.name] = t.box
    return [(name, *cut_out(view.picture, box)) for name, box in out.items()]


def _shuffled(thing: np.ndarray, rng: np.random.Generator, cells: int = 6) -> np.ndarray:
    """The cut-out with its cells in disorder: its colours and outline without what it is."""
    h, w = thing.shape[0] // cells * cells, thing.shape[1] // cells * cells
    if not h or not w:
        return thing
    a, b = h // cells, w // cells
    parts = [thing[i * a : (i + 1) * a, j * b : (j + 1) * b] for i in range(cells) for j in range(cells)]
    order = rng.permutation(len(parts))
    out = thing.copy()
    for n, (i, j) in enumerate((i, j) for i in range(cells) for j in range(cells)):
        out[i * a : (i + 1) * a, j * b : (j + 1) * b] = parts[order[n]]
    return out


def effect_table(single: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """For every change and object, over all emotions and for each of several: mean change of the probability with interval,
    what the control did, and p-values of the difference from the control (from no change where there is none), paired by
    picture.

    Corrected by Holm over all rows that pool the emotions, and again over all rows of single ones."""
    rows: list[dict[str, Any]] = []
    parts: list[tuple[tuple[Any, ...], pd.DataFrame]] = []
    for (change, name), mine in single.groupby(["change", "object"]):
        parts.append(((change, name, "all"), mine))
        if mine.emotion.nunique() > 1:
            parts += [((change, name, emotion), g) for emotion, g in mine.groupby("emotion")]
    for (change, name, emotion), mine in parts:
        moved = (mine.after - mine.before).to_numpy(float)
        control = (mine.control - mine.before).to_numpy(float)
        beside = np.isfinite(control)
        tested = moved[beside] - control[beside] if beside.sum() >= FEWEST else moved
        mean, low, high, _ = mean_of_units(moved)
        rows.append({
            "change": change, "object": name, "emotion": emotion, "images": len(mine), "effect": mean, "low": low, "high": high,
            "control": float(control[beside].mean()) if beside.any() else np.nan,
            "p": sign_flip_test(tested, rng, draws=9999, side="two") if len(tested) >= FEWEST else np.nan,
        })  # fmt: skip
    columns = ["change", "object", "emotion", "images", "effect", "low", "high", "control", "p"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["p (Holm)"] = np.nan
    for pooled in (True, False):
        family = ((frame.emotion == "all") == pooled).to_numpy()
        frame.loc[family, "p (Holm)"] = holm(frame.p[family].to_numpy(float))
    return frame


def foretold(single: pd.DataFrame, claims: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Spearman correlation, with an interval from drawing pictures anew, of each method's share of relevance in an object with
    the fall of the probability when the object is removed, over all pictures and objects; beside it that of bare area."""
    columns = ["method", "objects", "images", "Spearman", "low", "high"]
    removed = single[single.change == "remove"]
    if removed.empty or claims.empty:
        return pd.DataFrame(columns=columns)
    fall = removed.assign(fall=removed.before - removed.after)[["image", "object", "fall"]]
    rows = []
    by_method = [(str(m), g) for m, g in claims.groupby("method")]
    by_method.append(("area alone", by_method[0][1].assign(relevance=by_method[0][1].area)))
    for method, mine in by_method:
        both = mine.merge(fall, on=["image", "object"])
        if len(both) < FEWEST:
            continue
        a, b = both.relevance.to_numpy(float), both.fall.to_numpy(float)

        def rank(pick: np.ndarray, a: np.ndarray = a, b: np.ndarray = b) -> float:
            return float(spearmanr(a[pick], b[pick])[0]) if len(set(a[pick])) > 1 and len(set(b[pick])) > 1 else float("nan")

        e = bootstrap(rank, len(both), rng, groups=both.image.to_numpy())
        rows.append({"method": method, "objects": len(both), "images": both.image.nunique(), "Spearman": e.value, "low": e.low,
                     "high": e.high})  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
