"""What is usual at a kind of place and a time, and how far somebody differs from it.

After the spatio-temporal average distribution of emotions of EMERSK (Palash & Bhargava 2023); smoothing and test are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from affectlens.stats.generators import Rng, generator
from affectlens.stats.randomization import permutation_p

PARTS = ("night", "morning", "afternoon", "evening")  # six hours each
STRENGTH = 5.0  # people that a wider context counts for in a narrower one
FEWEST = 19  # others from which on a p-value can reach .05


@dataclass(frozen=True)
class Context:
    """A kind of place and a part of the day; empty where it is not known.

    Examples
    --------
    >>> str(Context("office", "morning")), str(Context())
    ('at an office in the morning', 'anywhere')
    """

    place: str = ""
    part: str = ""

    def __str__(self) -> str:
        article = "an" if self.place[:1] in "aeiou" else "a"
        text = f"at {article} {self.place.replace('_', ' ')}" if self.place else "anywhere"
        return f"{text} in the {self.part}".replace("in the night", "at night") if self.part else text


@dataclass(frozen=True)
class Usual:
    """The smoothed average distribution of a context.

    Parameters
    ----------
    context : Context
        Where and when.
    labels : tuple of str
        Names of the classes.
    mean : ndarray (classes,)
        The average, sum 1.
    interval : ndarray (2, classes)
        95 % bootstrap interval over recordings.
    people, recordings : int
        How many stand behind it.
    """

    context: Context
    labels: tuple[str, ...]
    mean: np.ndarray
    interval: np.ndarray
    people: int
    recordings: int


@dataclass(frozen=True)
class Difference:
    """How far a person is from what is usual.

    Parameters
    ----------
    usual : Usual
        What was compared with.
    divergence : float
        Jensen-Shannon divergence, bit.
    p : float
        Its rank among the same of the others in the context; NaN with fewer than 19.
    label, by : str, float
        The class that differs most, and the difference of its share.
    """

    usual: Usual
    divergence: float
    p: float
    label: str
    by: float


def part_of_day(hour: float) -> str:
    """Night from 0, morning from 6, afternoon from 12, evening from 18 o'clock; empty when not known."""
    return PARTS[int(hour) // 6] if np.isfinite(hour) else ""


def usual(units: pd.DataFrame, context: Context, labels: tuple[str, ...], rng: Rng, draws: int = 500) -> Usual:
    """Average over the people of a context.

    Each context is drawn towards the wider one by ``STRENGTH`` people: all, place, place and part of the day; the widest
    towards a uniform distribution.

    Parameters
    ----------
    units : DataFrame
        One row a person and recording, as `affectlens.context.store.Store.units` gives them.
    context : Context
        Of which the average is asked.
    labels : tuple of str
        Classes, columns ``p_<label>`` of the units.
    rng : Generator
        For the bootstrap over recordings.
    draws : int
        Of the bootstrap.

    Returns
    -------
    Usual
        Mean and interval of each class, and how many people and recordings are behind them.
    """
    rng = generator(rng)
    shares, recordings, masks = _arrays(units, context, labels)
    inside = masks[-1] if len(masks) else np.zeros(0, dtype=bool)
    mean = _smoothed(shares, masks, np.ones(len(shares)), len(labels))
    names, inverse = np.unique(recordings, return_inverse=True) if len(shares) else (np.array([]), np.array([], dtype=int))
    interval = np.stack([mean, mean])
    if len(names) > 1:
        counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
        resampled = np.array([_smoothed(shares, masks, count[inverse].astype(float), len(labels)) for count in counts])
        interval = np.quantile(resampled, [0.025, 0.975], axis=0)
    return Usual(context, labels, mean, interval, int(inside.sum()), len(set(recordings[inside])) if len(shares) else 0)


def _arrays(units: pd.DataFrame, context: Context, labels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    columns = [f"p_{label}" for label in labels]
    if not len(units) or any(label not in units for label in columns):
        return np.zeros((0, len(labels))), np.array([]), []
    complete = units.dropna(subset=columns)
    masks = [np.ones(len(complete), dtype=bool)]
    if context.place:
        masks.append(masks[-1] & (complete.place == context.place).to_numpy())
    if context.part:
        masks.append(masks[-1] & np.array([part_of_day(hour) == context.part for hour in complete.hour], dtype=bool))
    return complete[columns].to_numpy(dtype=float), complete.fingerprint.to_numpy(), masks


def _smoothed(shares: np.ndarray, masks: list[np.ndarray], weight: np.ndarray, classes: int) -> np.ndarray:
    mean = np.full(classes, 1 / classes)
    for mask in masks:
        weights = weight[mask]
        mean = (STRENGTH * mean + weights @ shares[mask]) / (STRENGTH + weights.sum())
    return mean


def differs(here: np.ndarray, units: pd.DataFrame, context: Context, labels: tuple[str, ...], rng: Rng) -> Difference:
    """Compare a person's mean distribution ``(classes,)`` with the narrowest context in which at least 19 others were met.

    Contexts are place and part of the day, place, all; with fewer people anywhere the widest is taken, without a p-value.

    Each of the others is compared with the rest in the same way, and p = (1 + # at least as far) / (n + 1), valid when the
    person is like them.

    Returns
    -------
    Difference
        How far, in which class most, and the p-value.
    """
    rng = generator(rng)
    far_from = distance(here, units, context, labels, rng)
    shares, _, masks = _arrays(units, far_from.usual.context, labels)
    p = float("nan")
    if masks and masks[-1].sum() >= FEWEST:
        # The person among the others, each held against all but themselves.
        everyone = np.vstack([shares, here])
        inside = [np.append(mask, True) for mask in masks]
        far = []
        for i in np.flatnonzero(inside[-1]):
            weight = np.ones(len(everyone))
            weight[i] = 0
            far.append(jensen_shannon(everyone[i], _smoothed(everyone, inside, weight, len(labels))))
        p = permutation_p(far[-1], np.array(far[:-1]))
    return replace(far_from, p=p)


def distance(here: np.ndarray, units: pd.DataFrame, context: Context, labels: tuple[str, ...], rng: Rng) -> Difference:
    """As ``differs``, without a test: for averages of what was not measured in the same way."""
    rng = generator(rng)
    average = usual(units, narrowest(units, context, labels), labels, rng, draws=200)
    most = int(np.argmax(np.abs(here - average.mean)))
    by = float(here[most] - average.mean[most])
    return Difference(average, jensen_shannon(here, average.mean), float("nan"), labels[most], by)


def narrowest(units: pd.DataFrame, context: Context, labels: tuple[str, ...]) -> Context:
    """The narrowest of place and part of the day, place, and all in which at least 19 people were met; all where none has."""
    for wider in (context, Context(context.place), Context()):
        masks = _arrays(units, wider, labels)[2]
        if masks and masks[-1].sum() >= FEWEST:
            return wider
    return Context()


def jensen_shannon(a: np.ndarray, b: np.ndarray) -> float:
    """Divergence of two distributions in bits, 0 to 1 (Lin 1991).

    Returns
    -------
    float
        0 where they are the same, 1 where no class has a share in both.

    Examples
    --------
    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    m = (a + b) / 2

    def kl(p: np.ndarray) -> float:
        some = p > 0
        return float((p[some] * np.log2(p[some] / m[some])).sum())

    return max(0.0, (kl(a) + kl(b)) / 2)


def averages(units: pd.DataFrame, labels: tuple[str, ...], rng: Rng) -> pd.DataFrame:
    """The smoothed average of every context that occurs.

    Returns
    -------
    DataFrame
        Columns by (all, place, part of the day, hour or weekday), value, people, recordings, and per class share, low and high.
    """
    rng = generator(rng)
    rows = []
    contexts: list[tuple[str, str, pd.DataFrame, Context]] = [("all", "", units, Context())]
    for place in sorted({name for name in units.place if name}):
        contexts.append(("place", place, units, Context(place)))
    for part in PARTS:
        if any(part_of_day(hour) == part for hour in units.hour):
            contexts.append(("part of the day", part, units, Context("", part)))
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    for name, column, words in (("hour", "hour", [f"{hour:02}" for hour in range(24)]), ("weekday", "weekday", list(days))):
        for number in sorted({int(number) for number in units[column] if np.isfinite(number)}):
            contexts.append((name, words[number], units[units[column] == number], Context()))
    for by, value, subset, context in contexts:
        average = usual(subset, context, labels, rng)
        row: dict[str, object] = {"by": by, "value": value, "people": average.people, "recordings": average.recordings}
        for i, label in enumerate(labels):
            row |= {label: average.mean[i], f"{label}, low": average.interval[0, i], f"{label}, high": average.interval[1, i]}
        rows.append(row)
    return pd.DataFrame(rows)
