"""Relevance in objects, emotion by emotion, after EmoCAM (Doulfoukar et al. 2024, arXiv 2407.14314): shares, lift,
associations.

One row an image and object is all that is kept of an image; rows of several runs are put together by concatenation, and every
statistic is computed from rows. The paper's importance is the mean relevance in the box, its association Dice's coefficient.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr

from affectlens.stats.multiple import benjamini_hochberg
from affectlens.stats.resample import permutation_p, sign_flip_test

COLUMNS = ("image", "emotion", "object", "relevance", "area", "mean", "moved")
FEWEST = 5  # images with the object that an emotion needs for a test


def image_rows(
    image: str, emotion: str, relevance: np.ndarray, masks: Mapping[str, np.ndarray], rng: np.random.Generator, moves: int = 20
) -> list[dict[str, object]]:
    """Rows of one image from its raw map ``(h, w)`` (signed) and a mask ``(h, w)`` an object class.

    ``relevance`` is the share of the positive relevance in the mask, ``area`` the mask's share of the picture, ``mean`` the
    mean relevance in the mask over the map's largest magnitude, ``moved`` the mean share of masks of the same form put
    elsewhere.
    """
    positive = np.maximum(relevance, 0).astype(np.float64)
    total, largest = float(positive.sum()), float(np.abs(relevance).max())
    rows: list[dict[str, object]] = []
    if total <= 0:
        return rows
    h, w = positive.shape
    for name, mask in masks.items():
        inside = mask.astype(bool)
        if not inside.any():
            continue
        shifts = [
            float(positive[np.roll(inside, (int(rng.integers(h)), int(rng.integers(w))), (0, 1))].sum()) / total
            for _ in range(moves)
        ]
        rows.append({
            "image": image, "emotion": emotion, "object": name, "relevance": float(positive[inside].sum()) / total,
            "area": float(inside.mean()), "mean": float(relevance[inside].mean()) / largest, "moved": float(np.mean(shifts)),
        })  # fmt: skip
    return rows


def boxes_to_masks(boxes: list[tuple[str, tuple[float, float, float, float]]], shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """The union of each class's boxes (left, top, right, bottom), clipped to the picture, so that no pixel counts twice for a
    class; boxes of no size are left out."""
    out: dict[str, np.ndarray] = {}
    h, w = shape
    for name, (left, top, right, bottom) in boxes:
        a, b = round(max(0.0, left)), round(min(float(w), right))
        c, d = round(max(0.0, top)), round(min(float(h), bottom))
        if b > a and d > c:
            out.setdefault(name, np.zeros(shape, dtype=bool))[c:d, a:b] = True
    return out


def combine(rows: pd.DataFrame, images: pd.DataFrame, rng: np.random.Generator, draws: int = 999) -> pd.DataFrame:
    """One row an emotion and object from ``rows`` (``image_rows``) and ``images`` (columns image, emotion: all that were seen).

    ``lift`` is the summed share of relevance over the summed share of area with an interval from drawing images anew; ``p``
    tests it against masks put elsewhere (signs of the differences flipped image by image), ``p presence`` the association of
    object and emotion by exchanging the emotions of images; both corrected by Benjamini and Hochberg over all pairs.
    """
    emotions = sorted(images.emotion.unique())
    objects = sorted(rows.object.unique()) if len(rows) else []
    index = {v: i for i, v in enumerate(images.image)}
    present = np.zeros((len(images), len(objects)), dtype=bool)
    for i, name in enumerate(objects):
        present[[index[v] for v in rows.image[rows.object == name]], i] = True
    codes = np.array([emotions.index(v) for v in images.emotion])
    null = _shuffled(present, codes, len(emotions), rng, draws)
    out = []
    for e, emotion in enumerate(emotions):
        for i, name in enumerate(objects):
            mine = rows[(rows.emotion == emotion) & (rows.object == name)]
            here = codes == e
            both, o, n = int((present[:, i] & here).sum()), int(present[:, i].sum()), int(here.sum())
            row: dict[str, object] = {"emotion": emotion, "object": name, "images": len(mine)}
            row |= associations(both, o, n, len(images))
            observed = float(both)
            row["p presence"] = permutation_p(observed, null[:, e, i], "two") if 0 < o < len(images) else 1.0
            if len(mine) >= FEWEST:
                a, b = mine.relevance.to_numpy(), mine.area.to_numpy()
                picks = rng.integers(0, len(mine), (500, len(mine)))
                drawn = a[picks].sum(axis=1) / b[picks].sum(axis=1)
                low, high = np.quantile(drawn, [0.025, 0.975])
                p = sign_flip_test(a - mine.moved.to_numpy(), rng, draws=1999, side="two")
                row |= {"lift": float(a.sum() / b.sum()), "low": float(low), "high": float(high), "share": float(a.mean()),
                        "importance": float(mine["mean"].mean()), "p": p}  # fmt: skip
            out.append(row)
    frame = pd.DataFrame(out)
    for name in ("lift", "low", "high", "share", "importance", "p"):
        if name not in frame:
            frame[name] = np.nan
    if len(frame):
        frame["p (BH)"] = benjamini_hochberg(frame.p.to_numpy(float))
        frame["p presence (BH)"] = benjamini_hochberg(frame["p presence"].to_numpy(float))
    return frame


def _shuffled(present: np.ndarray, codes: np.ndarray, emotions: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Counts ``(draws, emotions, objects)`` of images with both when the emotions of images are exchanged."""
    out = np.zeros((draws, emotions, present.shape[1]))
    for k in range(draws):
        hot = np.eye(emotions)[rng.permutation(codes)]
        out[k] = hot.T @ present
    return out


def associations(both: int, with_object: int, with_emotion: int, n: int) -> dict[str, float]:
    """Dice, Jaccard, Yule's Q and the odds ratio (half a count added to each cell) of an object and an emotion over images."""
    a, b, c = both, with_object - both, with_emotion - both
    d = n - a - b - c
    half = [v + 0.5 for v in (a, b, c, d)]
    odds = half[0] * half[3] / (half[1] * half[2])
    return {
        "Dice": 2 * a / max(with_object + with_emotion, 1), "Jaccard": a / max(a + b + c, 1), "Yule Q": (odds - 1) / (odds + 1),
        "odds ratio": odds,
    }  # fmt: skip


def agreement(tables: dict[str, pd.DataFrame], rng: np.random.Generator, draws: int = 999) -> pd.DataFrame:
    """Do methods blame the same objects? Spearman correlation of the emotion × object lifts of every two methods, with a Mantel
    test that exchanges the objects (Kriegeskorte et al. 2008; Mantel 1967)."""
    names = list(tables)
    wide = {m: t.pivot(index="emotion", columns="object", values="lift") for m, t in tables.items()}
    out = []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            x, y = wide[a].align(wide[b], join="inner")
            known = x.notna() & y.notna()
            if int(known.to_numpy().sum()) < 5:
                continue
            rho = float(spearmanr(x.to_numpy()[known], y.to_numpy()[known])[0])
            null = []
            for _ in range(draws):
                order = rng.permutation(y.shape[1])
                z = y.to_numpy()[:, order]
                both = x.notna().to_numpy() & np.isfinite(z)
                if both.sum() >= 5:
                    u, v = rankdata(x.to_numpy()[both]), rankdata(z[both])
                    null.append(float(np.corrcoef(u, v)[0, 1]))
            out.append({"method": a, "against": b, "Spearman": rho, "p": permutation_p(rho, np.array(null))})
    return pd.DataFrame(out, columns=["method", "against", "Spearman", "p"])
