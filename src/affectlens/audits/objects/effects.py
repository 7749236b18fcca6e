"""From association to effect: what a changed picture does to the answer, tested in pairs.

An object is taken away, hidden, left alone or put in; and whether maps foretell what removal does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from affectlens.audits.objects.maps import Mapper, rows_of
from affectlens.audits.objects.model import answers, part_seen
from affectlens.audits.objects.pictures import Pictures, View
from affectlens.core.errors import ScoresError
from affectlens.core.failures import failure_of
from affectlens.core.progress import Progress, silent
from affectlens.explainers.interventions.registry import interventions
from affectlens.explainers.interventions.scenes import cut_out, insert, mask_of, swap_background
from affectlens.explainers.overlap import Box
from affectlens.stats.generators import Rng, generator
from affectlens.stats.multiple import holm, mean_of_units
from affectlens.stats.randomization import sign_flip_test
from affectlens.stats.resample import bootstrap
from affectlens.stats.resolution import Resolution

FEWEST = 5  # pictures that a test needs
ELSEWHERE = 3  # places where a control puts the same patch
OBJECTS = 6  # objects of a picture that are changed, the largest first
INSERTS = 3  # things that are put into a picture
LEAST_SIDE, FINER = 256, 2  # pixels of the longer side of a picture that is changed: at least, and of each of the input's
_COLUMNS = ("image", "emotion", "change", "object", "before", "after", "control")


@dataclass(frozen=True)
class Effects:
    """What changes of pictures did.

    Attributes
    ----------
    single : DataFrame
        One row a picture, change and object.
    table : DataFrame
        Means with tests.
    foretold : DataFrame
        Rank correlation of each map's claim, and of bare area, with what removal does.
    missed : dict of str to str
        Pictures that could not be changed, and why.
    """

    single: pd.DataFrame
    table: pd.DataFrame
    foretold: pd.DataFrame
    missed: dict[str, str]


@dataclass(frozen=True)
class Cutout:
    """A thing cut out of a picture: ``patch`` ``(a, b, 3)`` uint8 with its outline ``alpha`` ``(a, b)`` in [0, 1]."""

    name: str
    patch: np.ndarray
    alpha: np.ndarray


def measure_effects(
    model: Any, pictures: Pictures, keys: Sequence[str], methods: Sequence[str], rng: Rng, *,
    target: str = "label", progress: Progress = silent,
) -> Effects:  # fmt: skip
    """Change pictures in every way and ask the model again.

    Parameters
    ----------
    model : Model
        The model that is asked.
    pictures : Pictures
        Where they are.
    keys : sequence of str
        Which of them are changed.
    methods : sequence of str
        Maps whose claims are compared with what removal does.
    rng : int or numpy.random.Generator
        Source of the draws.
    target : str
        Whether the probability followed is that of the picture's ``label`` or of the model's own ``answer``.
    progress : callable
        Told how far it is.

    Returns
    -------
    Effects
        Every change of an object has a control: the same patch at up to three places that hold least of the object, or for
        things put in the same thing with its parts in disorder.

    Raises
    ------
    ScoresError
        What the model gives is not what is said of it.
    """
    rng = generator(rng)
    mapper = Mapper(model, methods)
    single: list[dict[str, Any]] = []
    claims: list[dict[str, Any]] = []
    missed: dict[str, str] = {}
    cutouts: list[Cutout] = []  # things of pictures seen before
    previous: np.ndarray | None = None
    for count, key in enumerate(keys):
        try:
            view = pictures[key]
            prepared = model.prepare(view.picture)
            maps, emotion, _ = mapper(prepared, view.label if target == "label" else "")
            changed = sized(view, prepared)
            rows = _answers(model, changed, emotion, changes_of(changed, previous, cutouts, rng))
            claims += [row for row in rows_of(view, emotion, maps, part_seen(model, view.picture)) if row["kind"] == "object"]
            single += rows
            cutouts += _cutouts(changed)
            previous = changed.picture
        except ScoresError:
            raise
        except Exception as error:  # one picture that cannot be changed is named, the others go on
            missed[key] = failure_of(key, error).reason
        progress("changed pictures", count + 1, len(keys))
    frame = pd.DataFrame(single, columns=list(_COLUMNS))
    return Effects(frame, effect_table(frame, rng), foretold(frame, pd.DataFrame(claims), rng), missed)


def sized(view: View, prepared: Any) -> View:
    """A picture at the size at which it is changed: what the network's input cannot hold is not computed.

    Parameters
    ----------
    view : View
        A picture and what lies in it.
    prepared : ndarray or other
        What the network is given of it. An input of another kind tells no size, and the picture stays as it is.

    Returns
    -------
    View
        The same where the picture is small; else made smaller until its longer side is twice that of the input, at least
        256 pixels, with the boxes of its things.
    """
    shape = sorted(getattr(prepared, "shape", ()))
    longer = max(view.picture.shape[:2])
    reach = max(LEAST_SIDE, FINER * shape[-1]) if len(shape) > 1 else longer
    if longer <= reach:
        return view
    height, width = view.picture.shape[:2]
    size = (max(1, round(width * reach / longer)), max(1, round(height * reach / longer)))
    across, down = size[0] / width, size[1] / height
    things = [
        replace(thing, box=(thing.box[0] * across, thing.box[1] * down, thing.box[2] * across, thing.box[3] * down))
        for thing in view.things
    ]
    return replace(view, picture=cv2.resize(view.picture, size, interpolation=cv2.INTER_AREA), things=things)


@dataclass(frozen=True)
class Changed:
    """A changed picture: the change, the object it was made on (or an empty string), and whether it is the control."""

    change: str
    object: str
    control: bool
    picture: np.ndarray


def changes_of(view: View, background: np.ndarray | None, cutouts: Sequence[Cutout], rng: Rng) -> list[Changed]:
    """Every change of a picture, after the picture as it is.

    That one goes the way of the changed ones, since a model may average views that its maps do not.

    Returns
    -------
    list of Changed
        The unchanged picture first.
    """
    rng = generator(rng)
    picture = view.picture
    out = [Changed("", "", False, picture)]
    out += [Changed(entry.name, "", False, entry.change(picture)) for entry in interventions("scene")]
    objects = objects_of(view)
    for name, mask in objects[:OBJECTS]:
        for change in interventions("object"):
            out.append(Changed(change.name, name, False, change.change(picture, mask)))
            if change.controlled:
                out += [Changed(change.name, name, True, change.change(picture, moved)) for moved in elsewhere(mask, rng)]
    if background is not None and view.things and objects:
        covered = np.max([mask for _, mask in objects], axis=0)
        out.append(Changed("swap background", "", False, swap_background(picture, covered, background)))
    lacking = [cutout for cutout in cutouts if cutout.name not in {name for name, _ in objects}]
    for i in rng.permutation(len(lacking))[:INSERTS]:
        thing = lacking[int(i)]
        at = (float(rng.random()), float(rng.random()))
        out.append(Changed("insert", thing.name, False, insert(picture, thing.patch, thing.alpha, at, 0.4)))
        out.append(Changed("insert", thing.name, True, insert(picture, _shuffled(thing.patch, rng), thing.alpha, at, 0.4)))
    return out


def _answers(model: Any, view: View, emotion: str, changed: Sequence[Changed]) -> list[dict[str, Any]]:
    """The probability of ``emotion`` before and after each change, and of the control."""
    prepared, inputs = [], []
    for change in changed:
        try:
            inputs.append(model.prepare(change.picture))
            prepared.append(change)
        except Exception:  # a change that leaves a network nothing to look at has no answer
            continue
    after = _in_batches(model, inputs)[:, model.labels.index(emotion)] if inputs else np.zeros(0)
    by_change: dict[tuple[str, str], dict[bool, list[float]]] = {}
    for change, probability in zip(prepared, after, strict=True):
        by_change.setdefault((change.change, change.object), {False: [], True: []})[change.control].append(float(probability))
    before = by_change.pop(("", ""))[False][0]
    return [
        {
            "image": view.key, "emotion": emotion, "change": change, "object": name, "before": before,
            "after": float(np.mean(values[False])), "control": float(np.mean(values[True])) if values[True] else np.nan,
        }
        for (change, name), values in by_change.items() if values[False]
    ]  # fmt: skip


def _in_batches(model: Any, inputs: list[np.ndarray], size: int = 32) -> np.ndarray:
    return np.concatenate([answers(model, inputs[i : i + size]) for i in range(0, len(inputs), size)])


def objects_of(view: View) -> list[tuple[str, np.ndarray]]:
    """Objects of a picture with their masks ``(h, w)`` at its size, largest first; what fills nine tenths of it is left out."""
    height, width = view.picture.shape[:2]
    if view.things:
        boxes: dict[str, list[Box]] = {}
        for thing in view.things:
            boxes.setdefault(thing.name, []).append(thing.box)
        masks = {name: mask_of(name_boxes, view.picture.shape) for name, name_boxes in boxes.items()}
    else:
        masks = {name: cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR) for name, mask in view.masks.items()}
    kept = [(name, mask) for name, mask in masks.items() if 0 < float(mask.mean()) <= 0.9]
    return sorted(kept, key=lambda entry: -float(entry[1].sum()))


def elsewhere(mask: np.ndarray, rng: Rng, tries: int = 12) -> list[np.ndarray]:
    """The mask at the places, of some drawn at random, that overlap least with the object; none where it has no room."""
    rng = generator(rng)
    rows, columns = np.flatnonzero(mask.max(axis=1) > 0.05), np.flatnonzero(mask.max(axis=0) > 0.05)
    if not len(rows) or not len(columns):
        return []
    form = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    room = (mask.shape[0] - form.shape[0], mask.shape[1] - form.shape[1])
    moved_masks = []
    for _ in range(tries):
        top, left = int(rng.integers(room[0] + 1)), int(rng.integers(room[1] + 1))
        moved = np.zeros_like(mask)
        moved[top : top + form.shape[0], left : left + form.shape[1]] = form
        moved_masks.append((float((moved * mask).sum() / mask.sum()), moved))
    moved_masks.sort(key=lambda entry: entry[0])
    return [moved for share, moved in moved_masks[:ELSEWHERE] if share < 0.5]


def _cutouts(view: View) -> list[Cutout]:
    """Cut-outs of the surest thing of each kind that is neither tiny nor most of the picture."""
    boxes = {}
    for thing in sorted(view.things, key=lambda thing: thing.score):
        if 0.01 < thing.area(view.picture.shape) < 0.6 and view.picture.ndim == 3:
            boxes[thing.name] = thing.box
    return [Cutout(name, *cut_out(view.picture, box)) for name, box in boxes.items()]


def _shuffled(thing: np.ndarray, rng: np.random.Generator, cells: int = 6) -> np.ndarray:
    """The cut-out with its cells in disorder: its colours and outline without what it is."""
    height, width = thing.shape[0] // cells * cells, thing.shape[1] // cells * cells
    if not height or not width:
        return thing
    cell_height, cell_width = height // cells, width // cells
    places = [
        np.s_[i * cell_height : (i + 1) * cell_height, j * cell_width : (j + 1) * cell_width]
        for i in range(cells)
        for j in range(cells)
    ]
    out = thing.copy()
    for place, source in zip(places, rng.permutation(len(places)), strict=True):
        out[place] = thing[places[source]]
    return out


def effect_table(single: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Mean changes with tests.

    Parameters
    ----------
    single : DataFrame
        One row a picture, change and object, as ``Effects.single``.
    rng : int or numpy.random.Generator
        Source of the draws.

    Returns
    -------
    DataFrame
        For every change and object, over all emotions and for each of several: ``effect`` (mean change of the probability) with
        its 95 % interval, what the ``control`` did, and ``p_value`` of the difference from the control (from no change where
        there is none), paired by picture; ``smallest_p`` is the smallest that as many pictures can give.
        ``p_holm`` is corrected over all rows that pool the emotions, and again over all rows of single ones.
    """
    rng = generator(rng)
    parts: list[tuple[tuple[Any, ...], pd.DataFrame]] = []
    for (change, name), pooled in single.groupby(["change", "object"]):
        parts.append(((change, name, "all"), pooled))
        if pooled.emotion.nunique() > 1:
            parts += [((change, name, emotion), group) for emotion, group in pooled.groupby("emotion")]
    rows: list[dict[str, Any]] = []
    resolution = {
        pooled: Resolution(tests=sum((emotion == "all") == pooled and len(part) >= FEWEST for (_, _, emotion), part in parts))
        for pooled in (True, False)
    }
    for (change, name, emotion), part in parts:
        moved = (part.after - part.before).to_numpy(float)
        control = (part.control - part.before).to_numpy(float)
        beside = np.isfinite(control)
        tested = moved[beside] - control[beside] if beside.sum() >= FEWEST else moved
        mean, low, high, _ = mean_of_units(moved)
        if len(tested) < FEWEST:
            tested = tested[:0]
        test = sign_flip_test(tested, rng, resolution=resolution[emotion == "all"], side="two")
        rows.append({
            "change": change, "object": name, "emotion": emotion, "images": len(part), "effect": mean, "low": low, "high": high,
            "control": float(control[beside].mean()) if beside.any() else np.nan,
            "p_value": test.pvalue, "smallest_p": test.smallest,
        })  # fmt: skip
    columns = ["change", "object", "emotion", "images", "effect", "low", "high", "control", "p_value", "smallest_p"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["p_holm"] = np.nan
    for pooled_rows in (True, False):
        family = ((frame.emotion == "all") == pooled_rows).to_numpy()
        frame.loc[family, "p_holm"] = holm(frame.p_value[family].to_numpy(float))
    return frame


def foretold(single: pd.DataFrame, claims: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """How well each map foretells what removing an object does.

    Spearman correlation, with an interval from drawing pictures anew, of a method's share of relevance in an object with the
    fall of the probability when the object is removed, over all pictures and objects; beside it that of bare area.

    Parameters
    ----------
    single : DataFrame
        One row a picture, change and object, as ``Effects.single``.
    claims : DataFrame
        Rows of ``rows_of`` of the same pictures.
    rng : int or numpy.random.Generator
        Source of the draws.

    Returns
    -------
    DataFrame
        Columns method, objects, images, spearman, low, high.
    """
    rng = generator(rng)
    columns = ["method", "objects", "images", "spearman", "low", "high"]
    removed = single[single.change == "remove"]
    if removed.empty or claims.empty:
        return pd.DataFrame(columns=columns)
    fall = removed.assign(fall=removed.before - removed.after)[["image", "object", "fall"]]
    rows = []
    by_method = [(str(name), group) for name, group in claims.groupby("method")]
    by_method.append(("area alone", by_method[0][1].assign(relevance=by_method[0][1].area)))
    for method, claimed in by_method:
        both = claimed.merge(fall, on=["image", "object"])
        if len(both) < FEWEST:
            continue
        relevance, falls = both.relevance.to_numpy(float), both.fall.to_numpy(float)
        estimate = bootstrap(partial(_rank_correlation, relevance, falls), len(both), rng, groups=both.image.to_numpy())
        values = (method, len(both), both.image.nunique(), estimate.value, estimate.low, estimate.high)
        rows.append(dict(zip(columns, values, strict=True)))
    return pd.DataFrame(rows, columns=columns)


def _rank_correlation(first: np.ndarray, second: np.ndarray, pick: np.ndarray) -> float:
    if len(set(first[pick])) < 2 or len(set(second[pick])) < 2:
        return float("nan")
    return float(spearmanr(first[pick], second[pick])[0])
