"""Statistics over a corpus, emotion by emotion and object by object.

Shares, lift, associations, three null hypotheses and agreement of methods, after EmoCAM (Doulfoukar et al. 2024, arXiv
2407.14314).

The paper's importance is the mean of the drawn map in the box, its association Dice's coefficient.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import hypergeom, rankdata, spearmanr

from affectlens.audits.objects.settings import Thresholds
from affectlens.explainers.overlap import SMALL
from affectlens.stats.exchanges import ALL, all_exchanges, count_exchanges
from affectlens.stats.generators import Rng, generator
from affectlens.stats.multiple import benjamini_hochberg, holm
from affectlens.stats.randomization import RandomizationTest, exact_test, randomization_test
from affectlens.stats.resolution import Resolution

FEWEST = 5  # pictures with the object that an emotion needs for a test
ALPHA = 0.05
_MOST = 2000  # pictures that maps or emotions are exchanged among; of more a sample is drawn
_FIRST = ("emotion", "object", "images", "dice", "jaccard", "yule_q", "odds_ratio", "p_presence")
_NUMBERS = (
    "lift", "low", "high", "share", "area", "mean", "importance", "over_others", "p_value", "p_exchanged", "p_others",
    "smallest_p", "smallest_p_exchanged", "smallest_p_others",
)  # fmt: skip
_CORRECTED = {"p_value": "p_bh", "p_exchanged": "p_exchanged_bh", "p_others": "p_others_bh", "p_presence": "p_presence_bh"}


def above(rows: pd.DataFrame, images: pd.DataFrame, thresholds: Thresholds) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and images that pass the thresholds; an image whose answer is not sure enough is left out whole."""
    sure = images[images.probability.astype(float) >= thresholds.sure] if "probability" in images else images
    passed = (rows.score >= thresholds.score) & (rows.importance >= thresholds.importance) & rows.image.isin(sure.image)
    return rows[passed], sure


def combine(rows: pd.DataFrame, images: pd.DataFrame, rng: Rng, resolution: Resolution | None = None) -> pd.DataFrame:
    """One row an emotion and object, with tests.

    Parameters
    ----------
    rows : DataFrame
        One row a picture and object, as ``explainers.overlap.image_rows`` gives them.
    images : DataFrame
        All pictures that were looked at: columns image and emotion.
    rng : int or numpy.random.Generator
        Source of the draws.
    resolution : Resolution, optional
        How fine p-values have to be; unless given so that all pairs that are tested can be corrected for.

    Returns
    -------
    DataFrame
        ``lift`` is the summed share of relevance over the summed share of area, with a 95 % interval (``low``, ``high``) from
        drawing pictures anew. ``p_value``: more (or less) relevance than a mask of the same form anywhere in the picture would
        hold (each picture's share drawn from those at other places and its own). ``p_exchanged``: more than on another such
        picture's map (maps exchanged among pictures with the object and emotion), which position alone cannot pass.
        ``p_others``: more than its form elsewhere more often (by ``over_others``) under this emotion than under others
        (emotions exchanged among pictures with the object). ``p_presence``: object and emotion go together (Fisher's exact
        test). All are two-sided; ``p_bh``, ``p_exchanged_bh``, ``p_others_bh`` and ``p_presence_bh`` are corrected by Benjamini
        and Hochberg over all pairs;
        ``smallest_p``, ``smallest_p_exchanged`` and ``smallest_p_others`` are the smallest that the pictures can give.
    """
    rng = generator(rng)
    emotions = sorted(images.emotion.unique())
    objects = sorted(rows.object.unique()) if len(rows) else []
    index = {key: i for i, key in enumerate(images.image)}
    codes = np.array([emotions.index(emotion) for emotion in images.emotion], dtype=int)
    by_object = dict(iter(rows.groupby("object")))
    out = []
    tested = int((rows.groupby(["emotion", "object"]).size() >= FEWEST).sum()) if len(rows) else 0
    resolution = resolution or Resolution(tests=tested)
    for name in objects:
        of_object = by_object[name]
        present = np.zeros(len(images), dtype=bool)
        present[[index[key] for key in of_object.image]] = True
        for code, emotion in enumerate(emotions):
            pair, of_emotion = of_object[of_object.emotion == emotion], codes == code
            both, with_object, with_emotion = int((present & of_emotion).sum()), int(present.sum()), int(of_emotion.sum())
            row: dict[str, object] = {"emotion": emotion, "object": name, "images": len(pair)}
            row |= associations(both, with_object, with_emotion, len(images))
            row["p_presence"] = _presence(both, with_object, with_emotion, len(images))
            if len(pair) >= FEWEST:
                row |= _lift(pair, rng, resolution)
                exchanged = _exchanged(pair, rng, resolution)
                row |= {"p_exchanged": exchanged.pvalue, "smallest_p_exchanged": exchanged.smallest}
                row["over_others"], others = _against_others(of_object, str(emotion), rng, resolution)
                row |= {"p_others": others.pvalue, "smallest_p_others": others.smallest}
            out.append(row)
    frame = pd.DataFrame(out, columns=[*_FIRST, *_NUMBERS])
    for name, corrected in _CORRECTED.items():
        frame[corrected] = benjamini_hochberg(frame[name].to_numpy(float))
    return frame


def shown(table: pd.DataFrame) -> pd.Series:
    """Pairs that are shown to hold more than their share: significant, and a lift above 1."""
    return (table.p_bh <= ALPHA) & (table.lift > 1)


def own(table: pd.DataFrame) -> pd.Series:
    """Pairs that are shown to hold more under their emotion than under the others."""
    return (table.p_others_bh <= ALPHA) & (table.over_others > 0)


def _lift(pair: pd.DataFrame, rng: np.random.Generator, resolution: Resolution) -> dict[str, object]:
    relevance, area = pair.relevance.to_numpy(float), pair.area.to_numpy(float)
    picks = rng.integers(0, len(pair), (500, len(pair)))
    low, high = np.quantile(relevance[picks].sum(axis=1) / area[picks].sum(axis=1), [0.025, 0.975])
    # Had the object's form lain anywhere, its share would be one of those at drawn places as likely as any other.
    places = _places(pair)
    shares = np.concatenate([relevance[:, None], places], axis=1) - pair.moved.to_numpy(float)[:, None]
    pictures = np.arange(len(pair))

    def null(k: int) -> np.ndarray:
        return np.asarray(np.abs(shares[pictures, rng.integers(0, shares.shape[1], (k, len(pair)))].mean(axis=1)))

    observed = abs(float(shares[:, 0].mean()))
    tested = randomization_test(
        observed, null, resolution, size=len(pair), arrangements=float(shares.shape[1]) ** min(len(pair), 100)
    )
    return {
        "lift": float(relevance.sum() / area.sum()), "low": float(low), "high": float(high), "p_value": tested.pvalue,
        "smallest_p": tested.smallest,
        "share": float(pair.relevance.mean()), "area": float(pair.area.mean()), "mean": float(pair["mean"].mean()),
        "importance": float(pair.importance.mean()),
    }  # fmt: skip


def _planes(column: pd.Series) -> np.ndarray:
    return np.frombuffer(b"".join(column), dtype=np.float16).astype(np.float64).reshape(-1, SMALL * SMALL)


def _exchanged(pair: pd.DataFrame, rng: np.random.Generator, resolution: Resolution) -> RandomizationTest:
    """Test of the mean relevance in the masks when the maps of the same pictures are dealt anew."""
    if len(pair) > _MOST:
        pair = pair.iloc[rng.choice(len(pair), _MOST, replace=False)]
    maps, masks = _planes(pair["map"]), _planes(pair["mask"])
    shares = (maps / np.maximum(maps.sum(axis=1, keepdims=True), 1e-12)) @ masks.T  # map i in mask j
    shares -= shares.mean()  # the mean over all deals
    places = np.arange(len(pair))

    def statistic(orders: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(shares[orders, places].mean(axis=1)))

    observed = float(statistic(places[None])[0])
    deals = count_exchanges(places, np.zeros(len(pair), dtype=np.int64))
    if deals <= ALL:
        return exact_test(observed, statistic(all_exchanges(places, np.zeros(len(pair), dtype=np.int64))))

    def draw(k: int) -> np.ndarray:
        return statistic(rng.permuted(np.tile(places, (k, 1)), axis=1))

    return randomization_test(observed, draw, resolution, size=len(pair), arrangements=deals)


def _against_others(
    of_object: pd.DataFrame, emotion: str, rng: np.random.Generator, resolution: Resolution
) -> tuple[float, RandomizationTest]:
    """By how much more often the object holds more than its form elsewhere, under an emotion than under the others.

    Each picture counts by the rank of its object's share among those of drawn places. Where an object means nothing that rank
    is as likely to be any under every emotion, however sharp or spread an emotion's maps are: dealing the emotions anew is
    exact. Shares themselves have another skewness and spread under each. Missing where either side has few pictures.

    Returns
    -------
    float, RandomizationTest
        Difference of mean ranks, from -1 to 1, and its test.
    """
    if len(of_object) > _MOST:
        of_object = of_object.iloc[rng.choice(len(of_object), _MOST, replace=False)]
    of_emotion = (of_object.emotion == emotion).to_numpy()
    count = int(of_emotion.sum())
    if min(count, len(of_emotion) - count) < FEWEST:
        return float("nan"), RandomizationTest(float("nan"), float("nan"), float("nan"), 0, "draws")
    value = place_ranks(of_object)
    observed, codes = float(_welch(value[None], of_emotion)[0]), of_emotion.astype(np.int64)
    deals = count_exchanges(codes, np.zeros(len(value), dtype=np.int64))
    if deals <= ALL:
        orders = all_exchanges(codes, np.zeros(len(value), dtype=np.int64))
        places = np.argsort(orders, axis=1)  # where each picture goes: those of the emotion to every set of places once
        tested = exact_test(observed, _welch(value[places], of_emotion))
    else:
        tested = randomization_test(
            observed, lambda k: _welch(_dealt(value, k, rng), of_emotion), resolution, size=len(value), arrangements=deals
        )
    return float(value[of_emotion].mean() - value[~of_emotion].mean()), tested


def place_ranks(rows: pd.DataFrame) -> np.ndarray:
    """Share of the drawn places at which the object's form holds less than where it lies; equal shares count half.

    Parameters
    ----------
    rows : DataFrame
        Columns relevance and placed of ``explainers.overlap.image_rows``.

    Returns
    -------
    (n,) array
        From 0 to 1; .5 on average where the object means nothing.
    """
    own, places = rows.relevance.to_numpy(float)[:, None], _places(rows)
    equal = np.isclose(places, own, rtol=1e-4, atol=1e-7)
    return np.asarray(((places < own) & ~equal).mean(axis=1) + equal.mean(axis=1) / 2)


def _places(rows: pd.DataFrame) -> np.ndarray:
    return np.frombuffer(b"".join(rows.placed), dtype=np.float32).astype(np.float64).reshape(len(rows), -1)


def _dealt(values: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """``values`` in ``k`` random orders, ``(k, n)``."""
    return rng.permuted(np.tile(values, (k, 1)), axis=1)


def _welch(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Welch's t, without sign, of ``values`` ``(k, n)`` in two groups.

    In units of its error, dealing the groups anew is valid also where they differ in spread (Janssen 1997).

    Returns
    -------
    ndarray
        ``(k,)``.
    """
    first, second = values[:, inside], values[:, ~inside]
    error = first.var(axis=1, ddof=1) / first.shape[1] + second.var(axis=1, ddof=1) / second.shape[1]
    return np.asarray(np.abs(first.mean(axis=1) - second.mean(axis=1)) / np.sqrt(np.maximum(error, 1e-30)))


def _presence(both: int, with_object: int, with_emotion: int, n: int) -> float:
    """Twice the smaller tail of Fisher's exact test."""
    chance = hypergeom(n, with_object, with_emotion)
    return float(min(1.0, 2 * min(chance.cdf(both), chance.sf(both - 1))))


def associations(both: int, with_object: int, with_emotion: int, n: int) -> dict[str, float]:
    """Dice, Jaccard, Yule's Q and the odds ratio (half a count added to each cell) of an object and an emotion.

    Parameters
    ----------
    both, with_object, with_emotion, n : int
        Pictures with both, with the object, with the emotion, and in all.

    Returns
    -------
    dict
        ``dice``, ``jaccard``, ``yule_q`` and ``odds_ratio``.

    Examples
    --------
    >>> round(associations(8, 10, 20, 100)["dice"], 3)
    0.533
    """
    a, b, c = both, with_object - both, with_emotion - both
    d = n - a - b - c
    odds = (a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5))
    return {
        "dice": 2 * a / max(with_object + with_emotion, 1),
        "jaccard": a / max(a + b + c, 1),
        "yule_q": (odds - 1) / (odds + 1),
        "odds_ratio": odds,
    }


def agreement(tables: dict[str, pd.DataFrame], rng: Rng) -> pd.DataFrame:
    """Whether methods blame the same objects.

    Spearman correlation of the emotion × object lifts, and of Dice's coefficients, of every two methods, with a Mantel test
    that exchanges the objects (Kriegeskorte et al. 2008; Mantel 1967), of up to eight objects in all ways.

    Parameters
    ----------
    tables : dict of str to DataFrame
        A table of ``combine`` by method.
    rng : int or numpy.random.Generator
        Source of the draws.

    Returns
    -------
    DataFrame
        Columns method, against, of (lift or dice), spearman, p_value, smallest_p (that as many objects can give) and p_holm.
    """
    rng = generator(rng)
    filled = {name: table for name, table in tables.items() if len(table)}
    resolution = Resolution(tests=len(filled) * (len(filled) - 1))
    out = []
    for measure in ("lift", "dice"):
        wide = {name: table.pivot(index="emotion", columns="object", values=measure) for name, table in filled.items()}
        for first, second in combinations(wide, 2):
            x, y = (frame.to_numpy(float) for frame in wide[first].align(wide[second], join="inner"))
            if measure == "dice" and np.array_equal(x, y, equal_nan=True):
                continue  # presence alone is the same under every map
            tested = _mantel(x, y, rng, resolution)
            if tested is not None:
                out.append((first, second, measure, tested.statistic, tested.pvalue, tested.smallest))
    frame = pd.DataFrame(out, columns=["method", "against", "of", "spearman", "p_value", "smallest_p"])
    return frame.assign(p_holm=holm(frame.p_value.to_numpy(float)))


def _mantel(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, resolution: Resolution) -> RandomizationTest | None:
    finite = np.isfinite(x) & np.isfinite(y)
    if int(finite.sum()) < 5 or np.ptp(x[finite]) == 0 or np.ptp(y[finite]) == 0:
        return None  # what is constant has no ranks
    rho = float(spearmanr(x[finite], y[finite])[0])

    def dealt(order: np.ndarray) -> float:
        z = y[:, order]
        both = np.isfinite(x) & np.isfinite(z)
        if both.sum() < 5 or np.ptp(x[both]) == 0 or np.ptp(z[both]) == 0:
            return float("nan")
        return float(np.corrcoef(rankdata(x[both]), rankdata(z[both]))[0, 1])

    objects = np.arange(y.shape[1])
    deals = count_exchanges(objects, np.zeros_like(objects))
    if deals <= ALL:  # those that are not defined are left out: as the observed one is, they would not have been tested
        everything = np.array([dealt(order) for order in all_exchanges(objects, np.zeros_like(objects))])
        return exact_test(rho, everything[np.isfinite(everything)])
    return randomization_test(
        rho, lambda k: np.array([dealt(rng.permutation(len(objects))) for _ in range(k)]), resolution, arrangements=deals
    )
